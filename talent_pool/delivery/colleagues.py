"""Members of whom somebody of the company's, or whoever referred them, is written to."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, select

from talent_pool.delivery.member import Member, member
from talent_pool.segments.definition import SegmentDefinition
from talent_pool.store.addresses import address_key
from talent_pool.store.database import Store
from talent_pool.store.tables import users


def colleagues(connection: Connection, store: Store, segment: SegmentDefinition, rows: Sequence[Any]) -> list[Member]:
    """Return `rows` as members, one a subject, with the name and address of whom each is told to."""
    query = select(users).where(users.c.organisation == segment.organisation, users.c.active)
    known = {(row.connection, row.remote_id): row for row in connection.execute(query)}
    by_id = {row.id: row for row in known.values()}
    found: dict[str, Member] = {}
    for row in rows:
        if row.subject_id in found:
            continue
        name, address = _whom(segment, row, known, by_id)
        key = address_key(store, segment.channel, address) if address else None
        about = member(segment, row, address, key)
        told = {"first_name": name.split()[0] if name else None, "last_name": None, "full_name": name}
        # Who referred somebody learns nothing of her; who works on the application knows her.
        candidate = None if segment.recipient in ("referrer", "user") else row.full_name
        found[row.subject_id] = replace(about, fields={**about.fields, **told, "candidate_name": candidate})
    return list(found.values())


def _whom(
    segment: SegmentDefinition, row: Any, known: Mapping[tuple[str, str], Any], by_id: Mapping[str, Any]
) -> tuple[str | None, str | None]:
    """Return name and address of a member's recipient; (None, None) where nobody is known."""
    if segment.subject == "person":
        return (None, None)
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
