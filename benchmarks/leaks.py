"""Opt-outs hidden under other spellings and addresses: whoever is written to all the same is a leak.

    uv run python -m benchmarks.leaks [--people 10000] [--opt-outs 500] [--store sqlite|postgresql]

Everybody agreed to hear of future jobs; some said no under a variant of the address that is written to: with a plus
tag, other dots at Gmail, other capitals, the other address of a person who is two records, an international domain
spelled otherwise. Beside our way stands the naive one: a list of e-mail addresses, compared in lower case.
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Literal

from sqlalchemy import insert

from benchmarks.segments import opened
from connectors.contract import Cleared, DestinationSettings, Fate, Push, RowOutcome, SignalPage
from connectors.records import Channel, Purpose
from talent_pool import consent
from talent_pool.delivery.contact_policy import FREE
from talent_pool.delivery.deliver import deliver
from talent_pool.delivery.gate import Sending
from talent_pool.installation import Installation
from talent_pool.segments import evaluate
from talent_pool.segments.definition import SegmentDefinition
from talent_pool.store import tables
from talent_pool.store.addresses import address_key
from talent_pool.store.database import Store

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
VARIANTS = ("plus tag", "dots", "capitals", "second address", "international domain")
_SEGMENT = SegmentDefinition(
    name="everybody", description="", type="marketing", purpose=Purpose.FUTURE_JOBS,
    who={"all": [{"may_be_contacted": "future_jobs"}]},
)  # fmt: skip


@dataclass
class Counted:
    """A destination that keeps the addresses it was handed."""

    settings: DestinationSettings
    reached: list[str] = field(default_factory=list[str])
    requests: int = 0
    fields: frozenset[str] = frozenset({"first_name"})
    kind: ClassVar[Literal["state", "message"]] = "state"
    channel: ClassVar[Channel] = Channel.EMAIL
    batch: ClassVar[int] = 500

    def apply(self, rows: Sequence[Cleared], now: datetime) -> Iterator[RowOutcome]:  # noqa: ARG002 - the contract's
        """Keep each row's address."""
        self.requests += 1
        for row in rows:
            self.reached.append(row.address)
            yield RowOutcome(row.row_id, Fate.SENT)

    def read_back(self, cursor: Any, now: datetime) -> Iterator[SignalPage]:  # noqa: ARG002 - the contract's
        """Learn nothing."""
        yield from ()

    def lost(self, tag: str) -> bool:  # noqa: ARG002 - the contract's
        """Say no."""
        return False

    def receipt(self) -> dict[str, Any]:
        """Add nothing."""
        return {}

    def check(self) -> str:
        """Say that it is there."""
        return "reached"


def addresses(number: int) -> tuple[str, str]:
    """Return the address that somebody is written to at, and one of her other record."""
    domain = ("gmail.com", "example.org", "bücher.example")[number % 3]
    return f"ann.smith{number}@{domain}", f"a.s.{number}@old.example.net"


def hidden(number: int) -> tuple[str, str]:
    """Return which variant an opt-out of this person is hidden under, and the address as it was said."""
    own, second = addresses(number)
    local, _, domain = own.partition("@")
    variant = VARIANTS[(number // 20) % len(VARIANTS)]
    told = {
        "plus tag": f"{local}+jobs@{domain}",
        "dots": f"{local.replace('.', '')}@googlemail.com" if domain == "gmail.com" else f" {own} ",
        "capitals": own.upper() if domain != "bücher.example" else own.title(),
        "second address": second,
        "international domain": f"{local}@{domain.encode('idna').decode()}" if domain.startswith("b") else f"{own}.",
    }
    return variant, told[variant]


def fill(store: Store, people: int) -> None:
    """Write people of two records each, who all agreed at the address they are written to at."""
    waiting: dict[Any, list[dict[str, Any]]] = {}
    for number in range(people):
        person, (own, second) = f"per_{number:06}", addresses(number)
        waiting.setdefault(tables.people, []).append(
            {
                "id": person,
                "organisation": "default",
                "anchor_record_id": f"rec_{number}_0",
                "minted_number": number,
                "state": "active",
                "primary_email": own,
                "golden": {},
                "provenance": {},
                "created_at": NOW,
                "modified_at": NOW,
                "sequence": number,
            }
        )
        for place, address in enumerate((own, second)):
            record = f"rec_{number}_{place}"
            waiting.setdefault(tables.person_records, []).append({"record_id": record, "person_id": person})
            waiting.setdefault(tables.person_addresses, []).append(
                {
                    "person_id": person,
                    "record_id": record,
                    "channel": "email",
                    "address": address,
                    "address_key": address_key(store, Channel.EMAIL, address),
                    "is_primary": place == 0,
                }
            )
        waiting.setdefault(tables.consent_statements, []).append(
            {
                "id": f"cst_{number}",
                "organisation": "default",
                "connection": "ats",
                "record_id": f"rec_{number}_0",
                "purpose": "future_jobs",
                "channel": "email",
                "address_key": None,
                "status": "given",
                "lawful_basis": "consent",
                "stated_by": "candidate",
                "stated_at": NOW - timedelta(days=60),
                "learned_at": NOW,
                "evidence": {"kind": "form_tick"},
            }
        )
    for table, rows in waiting.items():
        for start in range(0, len(rows), 2000):
            with store.writing() as connection:
                connection.execute(insert(table), rows[start : start + 2000])


def measured(store: Store, people: int, opt_outs: int) -> dict[str, Any]:
    """Return how many who said no are written to, by us and the naive way, and by which variant."""
    fill(store, people)
    step = people // opt_outs
    said: dict[str, tuple[str, str]] = {}
    for number in range(0, step * opt_outs, step):
        variant, address = hidden(number)
        consent.refuse(
            store, organisation="default", channel=Channel.EMAIL, purpose=Purpose.FUTURE_JOBS, kind="one_click", at=NOW,
            address=address,
        )  # fmt: skip
        said[addresses(number)[0]] = (variant, address)
    settings = DestinationSettings(
        name="list", connector="mailchimp", pushes=(Push(segment="everybody"),), max_recipients=10 * people
    )
    found = Installation({}, {"everybody": _SEGMENT}, {"list": settings}, {}, policies={"default": FREE})
    began = time.perf_counter()
    evaluate(store, found, NOW)
    counted = Counted(settings)
    deliver(store, found, counted, NOW, Sending("on"))
    seconds = time.perf_counter() - began
    listed = {address.lower() for _, address in said.values()}
    naive = [addresses(number)[0] for number in range(people) if addresses(number)[0].lower() not in listed]
    # either address of somebody who said no is hers
    seconds_of = {addresses(number)[1]: addresses(number)[0] for number in range(0, step * opt_outs, step)}
    ours = [seconds_of.get(address, address) for address in counted.reached]
    return {
        "people": people, "opt_outs": len(said), "reached": len(counted.reached), "seconds": round(seconds, 1),
        "leaked": sum(address in said for address in ours), "naive_reached": len(naive),
        "naive_leaked": sum(address in said for address in naive),
        "naive_leaked_by": dict(Counter(said[address][0] for address in naive if address in said)),
    }  # fmt: skip


def main() -> None:
    """Measure one store and print the numbers as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--opt-outs", type=int, default=500)
    parser.add_argument("--store", choices=("sqlite", "postgresql"), default="sqlite")
    asked = parser.parse_args()
    with opened(asked.store) as store:
        print(json.dumps({"store": asked.store, **measured(store, asked.people, asked.opt_outs)}))


if __name__ == "__main__":
    main()
