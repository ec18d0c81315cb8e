"""Interviews, put together from what happened around an application, and the company's own users.

An interview is told in parts (invited, booked, moved, cancelled, held) that share the source's id of it: the
`interview_id` of their details, or the part of their own id before the last colon.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Any

from connectors.records import Interaction, User
from talent_pool.resolution.applications import application_id
from talent_pool.resolution.landed import Landed
from talent_pool.store.database import Store

_STATES = {
    "interview_invited": "invited",
    "interview_booked": "booked",
    "interview_moved": "booked",
    "interview_cancelled": "cancelled",
    "interview_held": "held",
}
_RANK = {"invited": 0, "booked": 1, "held": 2, "cancelled": 3}
_TIMES = ("starts_at", "ends_at")
_TEXTS = ("time_zone", "place", "video_url", "booking_url")


def user_id(store: Store, connection: str, remote_id: str) -> str:
    """Return the id under which a source's user is kept."""
    return "usr_" + store.hashed("user", connection, remote_id)


def user_row(store: Store, landed: Landed) -> dict[str, Any]:
    """Return the row of `users` for this record."""
    record = landed.read_as(User)
    return {
        "id": user_id(store, landed.connection, landed.remote_id),
        "organisation": landed.organisation,
        "connection": landed.connection,
        "remote_id": landed.remote_id,
        "record_id": landed.id,
        "name": record.name,
        "email": record.email,
        "active": record.active,
        "roles": list(record.roles),
    }


def interview_rows(store: Store, application: Landed, parts: Collection[Landed]) -> Iterable[dict[str, Any]]:
    """Return the rows of `interviews` for one application, each from all parts that tell of it."""
    told: defaultdict[str, list[Interaction]] = defaultdict(list)
    feedback: list[Interaction] = []
    for part in parts:
        if part.record_type == "interaction" and part.live:
            record = part.read_as(Interaction)
            if record.type in _STATES:
                told[_named(record)].append(record)
            elif record.type == "feedback_given":
                feedback.append(record)
    return [_row(store, application, name, records, feedback) for name, records in sorted(told.items())]


def _named(record: Interaction) -> str:
    return str(record.details.get("interview_id") or record.remote_id.rpartition(":")[0] or record.remote_id)


def _row(
    store: Store, application: Landed, name: str, records: list[Interaction], feedback: list[Interaction]
) -> dict[str, Any]:
    earliest = datetime.min.replace(tzinfo=UTC)
    ordered = sorted(records, key=lambda one: (one.at or earliest, _RANK[_STATES[one.type]], one.remote_id))
    details: dict[str, Any] = {}
    for record in ordered:
        details |= {key: value for key, value in record.details.items() if value is not None}
    held_by = next((one.user_id for one in reversed(ordered) if one.user_id), None)
    times = {name: _instant(details.get(name)) for name in _TIMES}
    own_id = store.hashed("interview", application.connection, application.remote_id, name)
    return {
        "id": "int_" + own_id,
        "connection": application.connection,
        "application_id": application_id(application.id),
        "state": max((_STATES[one.type] for one in ordered), key=_RANK.__getitem__),
        "invited_at": _first(ordered, "interview_invited"),
        "booked_at": _first(ordered, "interview_booked"),
        **times,
        **{key: _text(details.get(key)) for key in _TEXTS},
        "user_id": held_by,
        "feedback_given_at": _answered(feedback, times["starts_at"]),
    }


def _first(records: Iterable[Interaction], kind: str) -> datetime | None:
    return min((one.at for one in records if one.type == kind and one.at), default=None)


def _answered(feedback: Iterable[Interaction], since: datetime | None) -> datetime | None:
    """Return when feedback was first given after the interview began, by whomever: nobody is nagged for less."""
    return min((one.at for one in feedback if one.at and (since is None or one.at >= since)), default=None)


def _text(value: Any) -> str | None:
    return str(value) if value else None


def _instant(value: Any) -> datetime | None:
    """Return a time that a source told; one without a zone, or none at all, says nothing."""
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else None
