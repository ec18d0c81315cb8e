"""A pool written row by row: people, applications and what was said, without landing or resolution."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

from sqlalchemy import Table, insert

from connectors.contract import Connection as Source
from connectors.records import Channel, Stage
from talent_pool.installation import Installation
from talent_pool.segments.definition import SegmentDefinition
from talent_pool.store import tables
from talent_pool.store.addresses import address_key
from talent_pool.store.database import Store

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)  # a Tuesday


def segment(name: str = "tested", **settings: Any) -> SegmentDefinition:
    defaults: dict[str, Any] = {
        "description": "as tested",
        "type": "marketing",
        "purpose": "future_jobs",
        "who": {"all": [{"person.relationship": {"not": "employee"}}]},
    }
    return SegmentDefinition(name=name, **{**defaults, **settings})


def installation(*segments: SegmentDefinition, sources: tuple[Source, ...] = ()) -> Installation:
    return Installation({one.name: one for one in sources}, {one.name: one for one in segments}, {}, {})


@dataclass
class Pool:
    """Writes rows; numbers ids by itself."""

    store: Store
    numbers: Any = field(default_factory=count)

    def add(self, table: Table, **row: Any) -> str:
        with self.store.writing() as connection:
            connection.execute(insert(table).values(row))
        return str(row.get("id"))

    def person(self, *emails: str, waiting: bool = True, **fields: Any) -> str:
        """Add somebody with one record that holds `emails`; returns the id (`rec_` of it is the record's)."""
        number = next(self.numbers)
        person_id = fields.pop("id", f"per_{number:04}")
        row = {
            "id": person_id,
            "organisation": "default",
            "anchor_record_id": f"rec_{person_id}",
            "minted_number": number,
            "state": "active",
            "golden": {"origins": fields.pop("origins", ["applied"])},
            "provenance": {},
            "created_at": NOW,
            "modified_at": NOW,
            "sequence": number,
        }
        self.add(tables.people, **{**row, **fields})
        self.record(person_id, f"rec_{person_id}", *emails)
        if waiting:
            self.touch(person_id)
        return person_id

    def record(self, person_id: str, record_id: str, *emails: str) -> str:
        self.add(tables.person_records, record_id=record_id, person_id=person_id)
        for email in emails:
            self.add(
                tables.person_addresses,
                person_id=person_id,
                record_id=record_id,
                channel="email",
                address=email,
                address_key=address_key(self.store, Channel.EMAIL, email),
                is_primary=True,
            )
        return record_id

    def touch(self, person_id: str) -> None:
        with self.store.writing() as connection:
            connection.execute(
                self.store.insert(tables.work)
                .values(stage="segments", subject_id=person_id, since=NOW)
                .on_conflict_do_nothing()
            )

    def application(self, person_id: str | None, **fields: Any) -> str:
        number = next(self.numbers)
        furthest = fields.pop("furthest_stage", "applied")
        row = {
            "id": f"app_{number:04}",
            "organisation": "default",
            "connection": "greenhouse",
            "remote_id": str(number),
            "record_id": f"rec_app_{number:04}",
            "candidate_record_id": f"rec_{person_id}",
            "person_id": person_id,
            "kind": "application",
            "furthest_stage": furthest,
            "furthest_rank": Stage(furthest).rank if furthest else None,
            "outcome": "pending",
            "applied_at": NOW,
            "on_hold": False,
            "referred": False,
            "attachments": [],
            "landed_at": NOW,
            "modified_at": NOW,
        }
        return self.add(tables.applications, **{**row, **fields})

    def job(self, **fields: Any) -> str:
        number = next(self.numbers)
        row = {
            "id": f"job_{number:04}",
            "organisation": "default",
            "connection": "greenhouse",
            "remote_id": str(number),
            "record_id": f"rec_job_{number:04}",
            "confidential": False,
            "body": {},
            "modified_at": NOW,
        }
        return self.add(tables.jobs, **{**row, **fields})

    def event(self, **fields: Any) -> str:
        number = next(self.numbers)
        row = {
            "id": f"evt_{number:04}",
            "connection": "greenhouse",
            "record_id": f"rec_evt_{number:04}",
            "precision": "exact",
            "details": {},
            "at": NOW,
        }
        return self.add(tables.events, **{**row, **fields})

    def statement(self, **fields: Any) -> str:
        number = next(self.numbers)
        email = fields.pop("email", None)
        row = {
            "id": f"cst_{number:04}",
            "organisation": "default",
            "connection": "greenhouse",
            "purpose": "future_jobs",
            "channel": "any",
            "status": "given",
            "lawful_basis": "consent",
            "stated_by": "candidate",
            "stated_at": NOW.replace(year=2025),
            "learned_at": NOW,
            "evidence": {"kind": "form_tick"},
            "address_key": address_key(self.store, Channel.EMAIL, email) if email else None,
        }
        return self.add(tables.consent_statements, **{**row, **fields})

    def delivery(self, **fields: Any) -> str:
        number = next(self.numbers)
        row = {
            "id": f"del_{number:04}",
            "organisation": "default",
            "destination": "mail",
            "segment": "acknowledge_new_applicants",
            "subject_id": f"subject_{number}",
            "channel": "email",
            "purpose": "this_application",
            "address_key": "key",
            "state": "sent",
            "planned_at": NOW,
            "sent_at": NOW,
            "run_id": "run_1",
        }
        return self.add(tables.deliveries, **{**row, **fields})

    def dump(self) -> dict[str, list[Any]]:
        """Return every row of the tables that an evaluation writes."""
        with self.store.reading() as connection:
            return {
                table.name: sorted(map(str, connection.execute(table.select()).all()))
                for table in (tables.segments, tables.memberships, tables.segment_due, tables.work)
            }

    def open(self, name: str = "tested") -> set[str]:
        """Return the subjects that are in a segment."""
        member = tables.memberships
        with self.store.reading() as connection:
            query = member.select().where(member.c.segment == name, member.c.until.is_(None))
            return {row.subject_id for row in connection.execute(query)}
