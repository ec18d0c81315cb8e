"""One member of a segment: what is read of a membership, its person and its subject, and what may be told of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import FromClause, Select, and_, case, func, select

from talent_pool.segments.calendar import zone_of
from talent_pool.segments.definition import SegmentDefinition
from talent_pool.store.tables import applications, interviews, job_matches, jobs, people

PERSON_FIELDS = (
    "first_name", "last_name", "full_name", "company", "title", "city", "country_code", "language",
)  # fmt: skip
"""What may be told of a person; protected attributes are not in the pool's people at all."""

MEMBERSHIP = ("subject_id", "since", "id", "organisation", "subject_type", "person_id")
"""Columns of a membership, those that its place among others goes by first."""
_OF_APPLICATION = (
    "candidate_record_id", "applied_at", "stage_entered_at", "outcome_at", "outcome_learned_at", "acknowledged_at",
    "landed_at", "referrer", "recruiter_id",
)  # fmt: skip
_OF_INTERVIEW = (
    "invited_at", "booked_at", "starts_at", "ends_at", "feedback_given_at", "place", "video_url", "booking_url",
    "user_id",
)  # fmt: skip

_PERSON = slice(len(MEMBERSHIP), len(MEMBERSHIP) + len(PERSON_FIELDS))


@dataclass(slots=True)  # not frozen: that makes one at thrice the cost, and there are many
class Member:
    """One membership. `occurred_at` is when its occasion happened: the application, else the entry.

    `address` is as it is written to, from the membership's own record before any other; None if there is none.
    `plain`: all that was ever said and learned of her is that she may be written to there.
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
    plain: bool = False


def told(m: FromClause, subject: str) -> Select[Any]:
    """Return the query for memberships `m` of subjects of one kind, with all that may be told of them.

    Its rows are in order when they are sorted: by subject, the first entry first. Of a person there is nothing to
    tell beyond herself, and nothing beyond is read.
    """
    of_person = (
        *(people.c[name].label(name) for name in PERSON_FIELDS),
        people.c.primary_email,
        people.c.primary_phone,
    )
    query = select(*(m.c[name] for name in MEMBERSHIP), *of_person).select_from(m)
    query = query.outerjoin(people, people.c.id == m.c.person_id)
    return query if subject == "person" else _with_subject(query, m)


def _with_subject(query: Select[Any], m: FromClause) -> Select[Any]:
    about = case((m.c.subject_type == "application", m.c.subject_id), else_=func.coalesce(
        interviews.c.application_id, job_matches.c.application_id
    ))  # fmt: skip
    return (
        query.add_columns(
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
        .outerjoin(interviews, and_(m.c.subject_type == "interview", interviews.c.id == m.c.subject_id))
        .outerjoin(job_matches, and_(m.c.subject_type == "match", job_matches.c.id == m.c.subject_id))
        .outerjoin(applications, applications.c.id == about)
        .outerjoin(jobs, jobs.c.id == func.coalesce(job_matches.c.job_id, applications.c.job_id))
    )


def member(segment: SegmentDefinition, row: Any, address: str | None, key: str | None) -> Member:
    """Return one row of `told` as a member who is reached at `address`, the hash of which is `key`."""
    fields: dict[str, Any] = dict(zip(PERSON_FIELDS, row[_PERSON], strict=True))
    fields["person_id"] = row.person_id
    fields["job_title"] = fields["job_url"] = None
    found = Member(
        row.id, row.organisation, row.subject_type, row.subject_id, row.person_id, None, row.since, address, key, fields
    )
    if segment.subject != "person":
        _add_subject(found, fields, segment, row)
    if segment.answer_within_days is not None:
        fields["answer_by"] = working_days_after(found.occurred_at.date(), segment.answer_within_days)
    if segment.useless_after_days is not None or segment.useless_after is not None:
        found.useless_after = _useless_after(segment, row, found.occurred_at)
    return found


def _add_subject(found: Member, fields: dict[str, Any], segment: SegmentDefinition, row: Any) -> None:
    """Add what a membership's subject says beyond the person."""
    found.candidate_record_id, found.application_id, found.job_id = (
        row.candidate_record_id,
        row.application_id,
        row.job_id,
    )
    found.occurred_at = _occurred(segment, row)
    if not row.confidential:  # else the job's name goes to nobody, not even to those who applied
        fields |= {"job_title": row.job_title, "job_url": row.job_url}
    if segment.subject == "interview":
        fields |= _of_the_interview(row)
    if segment.subject == "match":
        fields["reasons"] = list(row.reasons or ())


def _occurred(segment: SegmentDefinition, row: Any) -> datetime:
    """Return when a membership's occasion happened: the fact that its segment counts by, else the entry."""
    if segment.subject == "application":
        return getattr(row, segment.counted_by, None) or row.applied_at or row.since
    named = {"interview": f"interview_{segment.fact}", "match": "found_at"}.get(segment.subject, "since")
    return getattr(row, named, None) or row.since


def _useless_after(segment: SegmentDefinition, row: Any, occurred: datetime) -> datetime | None:
    ends: list[datetime] = []
    if segment.useless_after_days is not None:
        ends.append(occurred + timedelta(days=segment.useless_after_days))
    if segment.useless_after is not None:
        named = segment.useless_after if segment.subject != "interview" else f"interview_{segment.useless_after}"
        end = getattr(row, named, None)
        ends += [end] if end is not None else []
    return min(ends, default=None)


def _of_the_interview(row: Any) -> dict[str, Any]:
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
