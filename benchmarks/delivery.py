"""The way out: a segment of many members, of whom few changed, to a CRM over real HTTP, and the same change by drt.

    uv run python -m benchmarks.delivery [--members 100000] [--changed 1000] [--store URL] [--without-drt]

The first push fills the CRM; then some people's names change, and the second push is planned (the dry run) and done.
drt then pushes the same rows to the same account, whose contacts got their old names back; it is only told what
changed, and puts nobody on a list.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert, update

from benchmarks.drt_alone import NotMeasured, drt_alone
from connectors.contract import Destination, DestinationSettings, Push
from connectors.destination import open_destination
from connectors.records import Channel, Purpose
from sandbox.hubspot import HubSpot
from sandbox.hubspot_crm import Contact
from sandbox.serving import Serving
from talent_pool.delivery.deliver import deliver
from talent_pool.delivery.gate import Sending
from talent_pool.installation import Installation
from talent_pool.segments.definition import SegmentDefinition
from talent_pool.store import migrate
from talent_pool.store.addresses import address_key
from talent_pool.store.database import Store
from talent_pool.store.tables import consent_statements, memberships, people, person_addresses, person_records

INPUTS = 100
"""Contacts that HubSpot takes in one request."""
RENAMED = "Renamed"
NOW = datetime(2026, 10, 5, 9, tzinfo=UTC)
SEGMENT = SegmentDefinition(
    name="silver_medallists",
    description="",
    type="marketing",
    purpose=Purpose.FUTURE_JOBS,
    who={"all": [{"may_be_contacted": "future_jobs"}]},
)
_ON = Sending("on")
_AT_ONCE = 5_000


def fill(store: Store, count: int) -> None:
    """Put `count` people into the segment, each with one address and a consent of her own."""
    for start in range(0, count, _AT_ONCE):
        rows: dict[Any, list[dict[str, Any]]] = {}
        for number in range(start, min(start + _AT_ONCE, count)):
            for table, row in _person(store, number).items():
                rows.setdefault(table, []).append(row)
        with store.writing() as connection:
            for table, held in rows.items():
                connection.execute(insert(table), held)


def _person(store: Store, number: int) -> dict[Any, dict[str, Any]]:
    person, record, address = f"per_{number:08}", f"rec_{number:08}", f"somebody{number}@example.org"
    key = address_key(store, Channel.EMAIL, address)
    return {
        people: {
            "id": person, "organisation": "default", "anchor_record_id": record, "minted_number": number,
            "state": "active", "first_name": f"Name{number}", "last_name": "Example", "primary_email": address,
            "golden": {}, "provenance": {}, "created_at": NOW, "modified_at": NOW, "sequence": number,
        },
        person_records: {"record_id": record, "person_id": person},
        person_addresses: {
            "person_id": person, "record_id": record, "channel": "email", "address": address, "address_key": key,
            "is_primary": True,
        },
        consent_statements: {
            "id": f"cst_{number:08}", "organisation": "default", "connection": "form", "record_id": record,
            "purpose": "future_jobs", "channel": "email", "address_key": key, "status": "given",
            "lawful_basis": "consent", "stated_by": "candidate", "stated_at": NOW - timedelta(days=30),
            "learned_at": NOW, "evidence": {"kind": "form_tick"},
        },
        memberships: {
            "id": f"mem_{number:08}", "organisation": "default", "segment": SEGMENT.name, "segment_version": "1",
            "subject_type": "person", "subject_id": person, "person_id": person, "since": NOW,
            "entered_because": "benchmark",
        },
    }  # fmt: skip


def change(store: Store, ids: list[str]) -> None:
    """Give people another name."""
    with store.writing() as connection:
        for start in range(0, len(ids), 500):
            named = people.c.id.in_(ids[start : start + 500])
            connection.execute(update(people).where(named).values(first_name=RENAMED))


class Account:
    """A CRM account played on loopback, and our way there."""

    def __init__(self, url: str, vendor: HubSpot) -> None:
        self.url, self.vendor = url, vendor
        self.settings = DestinationSettings(
            name="crm", connector="hubspot", max_recipients=10**9, pushes=(Push(segment=SEGMENT.name),)
        )

    def opened(self) -> Destination:
        """Return our destination as each run opens it, knowing nothing from the run before."""
        environ = {"CRM_ACCESS_TOKEN": self.vendor.access_token, "CRM_BASE_URL": self.url}
        return open_destination(self.settings, environ)

    def renamed(self) -> list[Contact]:
        """Return the contacts that have the new name."""
        return [one for one in self.vendor.crm.contacts.values() if one.properties.get("firstname") == RENAMED]

    @contextmanager
    def told(self, changed: int) -> Iterator[None]:
        """Give back the old names, hold that the block brings all the new ones, and print the requests it took."""
        for contact in self.renamed():
            contact.properties["firstname"] = "as before"
        before = self.vendor.app.served.requests.total()
        yield
        assert len(self.renamed()) == changed, f"{len(self.renamed()):,} of {changed:,} changes arrived"
        print(f"{'':<22} {self.vendor.app.served.requests.total() - before:,} requests reached the CRM")


def measure(store: Store, account: Account, members: int, changed: int) -> list[str]:
    """Push, change, plan, push, and print what each took; return the ids of who changed."""
    installation = Installation({}, {SEGMENT.name: SEGMENT}, {"crm": account.settings}, {})

    def push(what: str, **more: Any) -> None:
        began, processor = time.perf_counter(), time.process_time()
        report = deliver(store, installation, account.opened(), NOW, _ON, **more)
        seconds, processor = time.perf_counter() - began, time.process_time() - processor
        fates = ", ".join(f"{fate.value} {number:,}" for fate, number in report.fates.items() if number)
        print(f"{what:<22} {seconds:8.2f} s ({processor:.2f} s of processor), {report.requests:,} requests: {fates}")

    push(f"first of {members:,}")
    push("nothing new")
    ids = [f"per_{number * (members // changed):08}" for number in range(changed)]
    change(store, ids)
    push("planned", dry_run=True)
    with account.told(changed):
        push("pushed")
    return ids


def beside(account: Account, ids: list[str]) -> None:
    """Push the same change by drt and print what it took."""
    rows = [(f"somebody{int(one[4:])}@example.org", RENAMED, "Example") for one in ids]
    try:
        with account.told(len(ids)):
            seconds, written = drt_alone(account.url, account.vendor.access_token, rows)
            print(f"{'drt':<22} {seconds:8.2f} s: written {written:,}")
    except NotMeasured as error:
        print(f"{'drt':<22} not measured: {error}")


def main() -> None:
    """Run it all."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--members", type=int, default=100_000)
    options.add_argument("--changed", type=int, default=1_000)
    options.add_argument("--store", help="a PostgreSQL URL; else SQLite")
    options.add_argument("--without-drt", action="store_true")
    given = options.parse_args()
    vendor = HubSpot()
    with tempfile.TemporaryDirectory() as folder, Serving({"vendor": vendor.app}) as serving:
        account = Account(serving.urls["vendor"], vendor)
        store = Store(given.store or f"sqlite:///{Path(folder)}/pool.db", b"benchmark")
        migrate.upgrade(store)
        fill(store, given.members)
        ids = measure(store, account, given.members, given.changed)
        batches = -(-given.changed // INPUTS)
        print(
            f"{'at the least':<22} {batches + 2} requests: {batches} batches, to find the list, and to put them on it"
        )
        if not given.without_drt:
            beside(account, ids)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory            {peak:,.0f} MB, the vendor's own among it")


if __name__ == "__main__":
    main()
