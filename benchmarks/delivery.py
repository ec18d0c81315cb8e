"""The way out: a segment of many members, of whom few changed, to a marketing list over real HTTP.

    uv run python -m benchmarks.delivery [--members 100000] [--changed 1000] [--store URL]

The first push fills the list; then some people's names change, and the second push is planned (the dry run) and done.
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

from connectors.contract import Destination, DestinationSettings, Push
from connectors.destination import open_destination
from connectors.records import Channel, Purpose
from sandbox.mailchimp import Mailchimp
from sandbox.serving import Serving
from talent_pool.delivery.deliver import deliver
from talent_pool.delivery.gate import Sending
from talent_pool.installation import Installation
from talent_pool.segments.definition import SegmentDefinition
from talent_pool.store import migrate
from talent_pool.store.addresses import address_key
from talent_pool.store.database import Store
from talent_pool.store.tables import consent_statements, memberships, people, person_addresses, person_records

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


def change(store: Store, count: int, members: int) -> None:
    """Give `count` people, spread over the segment, another name."""
    ids = [f"per_{number * (members // count):08}" for number in range(count)]
    with store.writing() as connection:
        for start in range(0, count, 500):
            named = people.c.id.in_(ids[start : start + 500])
            connection.execute(update(people).where(named).values(first_name="Renamed"))


@contextmanager
def mailchimp() -> Iterator[Destination]:
    """Yield an audience that is played on loopback."""
    vendor = Mailchimp()
    settings = DestinationSettings(
        name="list",
        connector="mailchimp",
        settings={"list_id": vendor.list_id},
        max_recipients=10**9,
        pushes=(Push(segment=SEGMENT.name),),
    )
    with Serving({"vendor": vendor.app}) as serving:
        environ = {"LIST_API_KEY": vendor.api_key, "LIST_BASE_URL": f"{serving.urls['vendor']}/3.0"}
        yield open_destination(settings, environ)


def measure(store: Store, destination: Destination, members: int, changed: int) -> None:
    """Push, change, plan, push, and print what each took."""
    installation = Installation({}, {SEGMENT.name: SEGMENT}, {"list": destination.settings}, {})

    def push(what: str, **more: Any) -> None:
        began = time.perf_counter()
        report = deliver(store, installation, destination, NOW, _ON, **more)
        seconds = time.perf_counter() - began
        fates = ", ".join(f"{fate.value} {number:,}" for fate, number in report.fates.items() if number)
        print(f"{what:<22} {seconds:8.2f} s, {report.requests:,} requests: {fates}")

    push(f"first of {members:,}")
    push("nothing new")
    change(store, changed, members)
    push("planned", dry_run=True)
    push("pushed")
    print(f"at the least           {-(-changed // destination.batch)} requests for {changed:,} changed, a batch each")


def main() -> None:
    """Run it all."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--members", type=int, default=100_000)
    options.add_argument("--changed", type=int, default=1_000)
    options.add_argument("--store", help="a PostgreSQL URL; else SQLite")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder, mailchimp() as destination:
        store = Store(given.store or f"sqlite:///{Path(folder)}/pool.db", b"benchmark")
        migrate.upgrade(store)
        fill(store, given.members)
        measure(store, destination, given.members, given.changed)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory            {peak:,.0f} MB, the vendor's own among it")


if __name__ == "__main__":
    main()
