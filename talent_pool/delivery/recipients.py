"""Who is in a segment now, at which address each is reached, and the merge fields that may be told of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    Connection,
    FromClause,
    Row,
    Select,
    Text,
    and_,
    case,
    column,
    func,
    literal,
    select,
    union_all,
)

from connectors.records import Channel
from talent_pool import consent
from talent_pool.segments.calendar import zone_of
from talent_pool.segments.definition import SegmentDefinition
from talent_pool.store.addresses import address_key
from talent_pool.store.database import Store
from talent_pool.store.lookup import rows_with
from talent_pool.store.tables import (
    applications,
    interviews,
    job_matches,
    jobs,
    memberships,
    people,
    person_addresses,
    users,
)

PERSON_FIELDS = (
    "first_name", "last_name", "full_name", "company", "title", "city", "country_code", "language",
)  # fmt: skip
"""What may be told of a person; protected attributes are not in the pool's people at all."""

_MEMBERSHIP = ("organisation", "subject_type", "subject_id", "person_id", "since")
_OF_APPLICATION = (
    "candidate_record_id", "applied_at", "stage_entered_at", "outcome_at", "outcome_learned_at", "acknowledged_at",
    "landed_at", "referrer", "recruiter_id",
)  # fmt: skip
_OF_INTERVIEW = (
    "invited_at", "booked_at", "starts_at", "ends_at", "feedback_given_at", "place", "video_url", "booking_url",
    "user_id",
)  # fmt: skip
_ADDRESSES = select(person_addresses)
_CHUNK = 100
"""Rows of one query that stand in no table: each of their values is a parameter."""


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
    application_id: str | None = None
    job_id: str | None = None
    useless_after: datetime | None = None


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
    columns = [memberships.c[name] for name in ("id", *_MEMBERSHIP)]
    present = select(*columns).where(*_present(segment)).subquery()
    rows = connection.execute(_told(present)).all()
    return _members(connection, store, segment, rows, destination, now)


def would_be(
    connection: Connection,
    store: Store,
    segment: SegmentDefinition,
    joining: Mapping[str, str],
    destination: str,
    now: datetime,
) -> list[Member]:
    """Return the same for subjects that are not in the segment yet: {subject: person}."""
    rows: list[Row[Any]] = []
    pairs = sorted(joining.items())
    for start in range(0, len(pairs), _CHUNK):
        values = [
            {
                "id": f"mem_{subject}", "organisation": segment.organisation, "subject_type": segment.subject,
                "subject_id": subject, "person_id": person, "since": now,
            }
            for subject, person in pairs[start : start + _CHUNK]
        ]  # fmt: skip
        rows += connection.execute(_told(_listed(values))).all()
    return _members(connection, store, segment, rows, destination, now)


def _listed(values: Sequence[Mapping[str, Any]]) -> FromClause:
    """Return rows that stand in no table as if they did."""
    columns = [column("id", Text), *(column(name, memberships.c[name].type) for name in _MEMBERSHIP)]
    selects = [select(*(literal(value[one.name], one.type).label(one.name) for one in columns)) for value in values]
    return union_all(*selects).subquery()


def _told(m: FromClause) -> Select[Any]:
    """Return the query for memberships `m` with all that may be told of their people and subjects."""
    about = case((m.c.subject_type == "application", m.c.subject_id), else_=func.coalesce(
        interviews.c.application_id, job_matches.c.application_id
    ))  # fmt: skip
    return (
        select(
            *(m.c[name] for name in ("id", *_MEMBERSHIP)),
            *(people.c[name].label(name) for name in PERSON_FIELDS),
            people.c.primary_email,
            people.c.primary_phone,
            func.coalesce(people.c.time_zone, interviews.c.time_zone).label("time_zone"),
            *(applications.c[name].label(name) for name in _OF_APPLICATION),
            applications.c.id.label("application_id"),
            applications.c.connection.label("source"),
            *(interviews.c[name].label(f"interview_{name}") for name in _OF_INTERVIEW),
            job_matches.c.found_at,
            job_matches.c.reasons,
            jobs.c.id.label("job_id"),
            jobs.c.name.label("job_title"),
            jobs.c.public_url.label("job_url"),
            jobs.c.confidential,
            jobs.c.body.label("job_body"),
        )
        .select_from(m)
        .outerjoin(people, people.c.id == m.c.person_id)
        .outerjoin(interviews, and_(m.c.subject_type == "interview", interviews.c.id == m.c.subject_id))
        .outerjoin(job_matches, and_(m.c.subject_type == "match", job_matches.c.id == m.c.subject_id))
        .outerjoin(applications, applications.c.id == about)
        .outerjoin(jobs, jobs.c.id == func.coalesce(job_matches.c.job_id, applications.c.job_id))
    )


def _members(
    connection: Connection,
    store: Store,
    segment: SegmentDefinition,
    rows: Sequence[Row[Any]],
    destination: str,
    now: datetime,
) -> list[Member]:
    if segment.recipient != "person":
        return colleagues(connection, store, segment, rows)
    known = _addresses(connection, segment, rows)
    found: dict[str, Member] = {}
    several: dict[str, Sequence[str]] = {}
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


def colleagues(
    connection: Connection, store: Store, segment: SegmentDefinition, rows: Sequence[Row[Any]]
) -> list[Member]:
    """Return members of which somebody of the company's, or whoever referred them, is written to."""
    query = select(users).where(users.c.organisation == segment.organisation, users.c.active)
    known = {(row.connection, row.remote_id): row for row in connection.execute(query)}
    by_id = {row.id: row for row in known.values()}
    found: dict[str, Member] = {}
    for row in sorted(rows, key=lambda row: (row.subject_id, row.since, row.id)):
        if row.subject_id in found:
            continue
        name, address = _whom(segment, row, known, by_id)
        member = _member(store, segment, row, address)
        told = {"first_name": name.split()[0] if name else None, "last_name": None, "full_name": name}
        # Who referred somebody learns nothing of her; who works on the application knows her.
        candidate = None if segment.recipient in ("referrer", "user") else row.full_name
        found[row.subject_id] = replace(member, fields={**member.fields, **told, "candidate_name": candidate})
    return list(found.values())


def _whom(
    segment: SegmentDefinition, row: Row[Any], known: Mapping[tuple[str, str], Any], by_id: Mapping[str, Any]
) -> tuple[str | None, str | None]:
    """Return name and address of a member's recipient; (None, None) where nobody is known."""
    if segment.recipient == "user":
        user = by_id.get(row.subject_id)
        return (user.name, user.email) if user else (None, None)
    if segment.recipient == "referrer":
        told: Mapping[str, Any] = row.referrer or {}
        user = known.get((row.source, str(told.get("remote_id"))))
        return told.get("name") or (user.name if user else None), told.get("email") or (user.email if user else None)
    body: Mapping[str, Any] = row.job_body or {}
    managers: Sequence[Any] = body.get("hiring_manager_ids") or ()
    asked: Sequence[Any] = {
        "hiring_manager": [*managers, row.recruiter_id],
        "recruiter": [row.recruiter_id],
        "interviewer": [row.interview_user_id, row.recruiter_id],
    }[segment.recipient]
    users_of_it = (known.get((row.source, str(one))) for one in asked if one)
    user = next((one for one in users_of_it if one is not None and one.email), None)
    return (user.name, user.email) if user else (None, None)


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
        marketing=segment.type == "marketing",
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


def _addresses(
    connection: Connection, segment: SegmentDefinition, rows: Sequence[Row[Any]]
) -> dict[str, list[tuple[str, bool, str]]]:
    """Return (record, is primary, address) by person, for everybody in `rows`."""
    found: dict[str, list[tuple[str, bool, str]]] = {}
    ids = {row.person_id for row in rows if row.person_id}
    for row in rows_with(connection, _ADDRESSES, person_addresses.c.person_id, ids):
        if row.channel == segment.channel.value:
            found.setdefault(row.person_id, []).append((row.record_id, bool(row.is_primary), row.address))
    return found


def _member(store: Store, segment: SegmentDefinition, row: Row[Any], address: str | None) -> Member:
    fields: dict[str, Any] = {name: getattr(row, name) for name in PERSON_FIELDS}
    fields["person_id"] = row.person_id
    # a confidential job's name goes to nobody, not even to those who applied
    fields["job_title"] = None if row.confidential else row.job_title
    fields["job_url"] = None if row.confidential else row.job_url
    occurred = _occurred(segment, row)
    if segment.answer_within_days is not None:
        fields["answer_by"] = working_days_after(occurred.date(), segment.answer_within_days)
    if segment.subject == "interview":
        fields |= _of_the_interview(row)
    if segment.subject == "match":
        fields["reasons"] = list(row.reasons or ())
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
        application_id=row.application_id,
        job_id=row.job_id,
        useless_after=_useless_after(segment, row, occurred),
    )


def _occurred(segment: SegmentDefinition, row: Row[Any]) -> datetime:
    """Return when a membership's occasion happened: the fact that its segment counts by, else the entry."""
    if segment.subject == "application":
        return getattr(row, segment.counted_by, None) or row.applied_at or row.since
    named = {"interview": f"interview_{segment.fact}", "match": "found_at"}.get(segment.subject, "since")
    return getattr(row, named, None) or row.since


def _useless_after(segment: SegmentDefinition, row: Row[Any], occurred: datetime) -> datetime | None:
    ends: list[datetime] = []
    if segment.useless_after_days is not None:
        ends.append(occurred + timedelta(days=segment.useless_after_days))
    if segment.useless_after is not None:
        named = segment.useless_after if segment.subject != "interview" else f"interview_{segment.useless_after}"
        end = getattr(row, named, None)
        ends += [end] if end is not None else []
    return min(ends, default=None)


def _of_the_interview(row: Row[Any]) -> dict[str, Any]:
    """Return what is told of an interview, its time by the clock where the candidate is."""
    starts = row.interview_starts_at
    zone = zone_of(row.time_zone)
    local = starts.astimezone(zone) if starts else None
    return {
        "interview_day": local.date() if local else None,
        "interview_time": f"{local:%H:%M} ({getattr(zone, 'key', 'UTC')})" if local else None,
        "interview_place": row.interview_place,
        "video_url": row.interview_video_url,
        "booking_url": row.interview_booking_url,
    }


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
