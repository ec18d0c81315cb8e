"""Who is in a segment now, at which address each is reached, and the merge fields that may be told of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, func, select

from connectors.records import Channel
from talent_pool import consent
from talent_pool.segments.definition import SegmentDefinition
from talent_pool.store.addresses import address_key
from talent_pool.store.database import Store
from talent_pool.store.tables import applications, jobs, memberships, people, person_addresses

PERSON_FIELDS = (
    "first_name", "last_name", "full_name", "company", "title", "city", "country_code", "language",
)  # fmt: skip
"""What may be told of a person; protected attributes are not in the pool's people at all."""


@dataclass(frozen=True, slots=True)
class Member:
    """One membership. `occurred_at` is when its occasion happened: the application, else the entry.

    `address` is as it is written to, from the membership's own record before any other; None if there is none.
    """

    membership_id: str
    organisation: str
    subject_type: str
    subject_id: str
    person_id: str | None
    candidate_record_id: str | None
    occurred_at: datetime
    address: str | None
    address_key: str | None
    fields: Mapping[str, Any]


def count(connection: Connection, segment: SegmentDefinition) -> int:
    """Count a segment's subjects in the database, as the witness beside what a push accounts for."""
    query = select(func.count(func.distinct(memberships.c.subject_id))).where(*_present(segment))
    return int(connection.execute(query).scalar_one())


def members(
    connection: Connection, store: Store, segment: SegmentDefinition, destination: str, now: datetime
) -> list[Member]:
    """Return a segment's present members, one a subject, in the order of their subjects.

    Of several addresses the first that may be written to is taken; it is the gate that says so for good.
    """
    query = (
        select(
            memberships.c.id,
            memberships.c.organisation,
            memberships.c.subject_type,
            memberships.c.subject_id,
            memberships.c.person_id,
            memberships.c.since,
            *(people.c[name].label(name) for name in PERSON_FIELDS),
            people.c.primary_email,
            people.c.primary_phone,
            applications.c.candidate_record_id,
            applications.c.applied_at,
            jobs.c.name.label("job_title"),
            jobs.c.public_url.label("job_url"),
            jobs.c.confidential,
        )
        .select_from(memberships)
        .outerjoin(people, people.c.id == memberships.c.person_id)
        .outerjoin(
            applications,
            and_(memberships.c.subject_type == "application", applications.c.id == memberships.c.subject_id),
        )
        .outerjoin(jobs, jobs.c.id == applications.c.job_id)
        .where(*_present(segment))
    )
    known = _addresses(connection, segment)
    found: dict[str, Member] = {}
    several: dict[str, Sequence[str]] = {}
    rows = connection.execute(query).all()
    for row in sorted(rows, key=lambda row: (row.subject_id, row.since, row.id)):
        if row.subject_id not in found:
            addresses = _in_order(segment, row, known.get(row.person_id or "", []))
            found[row.subject_id] = _member(store, segment, row, addresses[0] if addresses else None)
            if len(addresses) > 1:
                several[row.subject_id] = addresses
    asks = [
        _ask(segment, found[subject], address, destination) for subject, those in several.items() for address in those
    ]
    verdicts = consent.verdicts(connection, store, asks, now)
    for subject, those in several.items():
        best = next((address for address in those if verdicts[subject, address].allowed), those[0])
        found[subject] = replace(found[subject], address=best, address_key=address_key(store, segment.channel, best))
    return list(found.values())


def _ask(segment: SegmentDefinition, member: Member, address: str, destination: str) -> consent.Ask:
    return consent.Ask(
        key=(member.subject_id, address),
        organisation=member.organisation,
        person_id=member.person_id,
        candidate_record_id=member.candidate_record_id,
        channel=segment.channel,
        address=address,
        purpose=segment.purpose,
        destination=destination,
    )


def _in_order(segment: SegmentDefinition, row: Row[Any], known: list[tuple[str, bool, str]]) -> list[str]:
    """Return a person's addresses, best first; what is about one record's application goes to that record's alone."""
    golden = {Channel.EMAIL: row.primary_email, Channel.SMS: row.primary_phone}.get(segment.channel)
    own = sorted((not primary, address) for record, primary, address in known if record == row.candidate_record_id)
    others = [] if own else sorted((not primary, address) for _, primary, address in known)
    first = [golden] if golden and not own else []
    return list(dict.fromkeys([*first, *(address for _, address in own or others)]))


def _present(segment: SegmentDefinition) -> tuple[Any, ...]:
    return (
        memberships.c.segment == segment.name,
        memberships.c.organisation == segment.organisation,
        memberships.c.until.is_(None),
    )


def _addresses(connection: Connection, segment: SegmentDefinition) -> dict[str, list[tuple[str, bool, str]]]:
    """Return (record, is primary, address) by person, for every member of the segment."""
    query = (
        select(person_addresses)
        .join(memberships, memberships.c.person_id == person_addresses.c.person_id)
        .where(*_present(segment), person_addresses.c.channel == segment.channel.value)
    )
    found: dict[str, list[tuple[str, bool, str]]] = {}
    for row in connection.execute(query):
        found.setdefault(row.person_id, []).append((row.record_id, bool(row.is_primary), row.address))
    return found


def _member(store: Store, segment: SegmentDefinition, row: Row[Any], address: str | None) -> Member:
    fields: dict[str, Any] = {name: getattr(row, name) for name in PERSON_FIELDS}
    fields["person_id"] = row.person_id
    # a confidential job's name goes to nobody, not even to those who applied
    fields["job_title"] = None if row.confidential else row.job_title
    fields["job_url"] = None if row.confidential else row.job_url
    occurred = row.applied_at or row.since
    if segment.answer_within_days is not None:
        fields["answer_by"] = working_days_after(occurred.date(), segment.answer_within_days)
    return Member(
        membership_id=row.id,
        organisation=row.organisation,
        subject_type=row.subject_type,
        subject_id=row.subject_id,
        person_id=row.person_id,
        candidate_record_id=row.candidate_record_id,
        occurred_at=occurred,
        address=address,
        address_key=address_key(store, segment.channel, address) if address else None,
        fields=fields,
    )


def working_days_after(start: date, days: int) -> date:
    """Return the date `days` working days (Monday to Friday) after `start`."""
    for day in _days_after(start):
        if day.weekday() < 5:
            days -= 1
            if days <= 0:
                return day
    raise AssertionError  # pragma: no cover - days do not end


def _days_after(start: date) -> Iterator[date]:
    day = start
    while True:
        day += timedelta(days=1)
        yield day
