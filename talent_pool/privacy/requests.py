"""What people ask for, each with its clock: one month from the day it came (Art. 12(3) GDPR), two more with a reason.

An erasure is carried out by `erasure`, an access or portability request by `portrait`. Restriction and objection take
effect the moment they are written down here; of restriction and rectification recipients are told (`notified`).
"""

import calendar
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from sqlalchemy import Connection, Row, insert, select, update

from connectors.records import Channel, Purpose, StatedBy
from talent_pool import consent
from talent_pool.people.person_ids import existing
from talent_pool.privacy import notified
from talent_pool.refused import Refused
from talent_pool.store import holds
from talent_pool.store.database import Store
from talent_pool.store.tables import people, privacy_recipients, privacy_requests

Kind = Literal["access", "erasure", "rectification", "restriction", "objection", "portability", "withdrawal"]
KINDS: tuple[str, ...] = get_args(Kind)

_EXTENSION_MONTHS = 2
_PROMOTIONAL = (Purpose.FUTURE_JOBS, Purpose.MARKETING)
_OPEN = ("open", "under_way")


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `recipients` have to be told of it: (name, what it can do, state, our sentence)."""

    id: str
    kind: str
    state: str
    person_id: str
    received_at: datetime
    due_at: datetime
    extended_to: datetime | None
    handler: str | None
    closed_at: datetime | None
    outcome: str | None
    recipients: tuple[tuple[str, str, str, str], ...] = ()

    @property
    def answer_by(self) -> datetime:
        """The last moment for an answer."""
        return self.extended_to or self.due_at


@dataclass(frozen=True, slots=True)
class How:
    """How a request came, and who made sure that it comes from the person."""

    channel: str | None = None
    checked_by: str | None = None
    handler: str | None = None


def month_later(at: datetime, months: int = 1) -> datetime:
    """Return the same day `months` later, or that month's last day where it has no such day (Reg. 1182/71)."""
    count = at.month - 1 + months
    year, month = at.year + count // 12, count % 12 + 1
    return at.replace(year=year, month=month, day=min(at.day, calendar.monthrange(year, month)[1]))


def open_request(
    store: Store,
    kind: str,
    name: str,
    now: datetime,
    how: How | None = None,
    received_at: datetime | None = None,
    configured: Collection[str] | None = None,
) -> str:
    """Write a request down and return its id; restriction, objection and withdrawal take effect at once.

    `received_at` is when it came, where that was before now. `configured`: the destinations there are; one that is
    gone and was given something of her is left to a person. Raises NoSuchPerson, and Refused for an unknown kind.
    """
    if kind not in KINDS:
        raise Refused(f"There is no request {kind!r}; there are {', '.join(KINDS)}.")
    with store.writing() as connection:
        person, organisation = _person(connection, name)
        request_id = write(connection, kind, person, organisation, now, how or How(), received_at)
        if kind == "restriction":
            holds.put(connection, store, person, "restricted", request_id, now)
        if kind in notified.KINDS:
            notified.write_down(connection, store, request_id, person, now, configured)
    if kind in ("objection", "withdrawal"):
        for purpose in _PROMOTIONAL:
            consent.refuse_person(
                store,
                organisation=organisation,
                person_id=person,
                channel=Channel.ANY,
                purpose=purpose,
                kind=kind,
                at=received_at or now,
                stated_by=StatedBy.CANDIDATE,
            )
    return request_id


def write(
    connection: Connection,
    kind: str,
    person: str,
    organisation: str,
    now: datetime,
    how: How,
    received_at: datetime | None = None,
) -> str:
    """Write the row of a request in this transaction and return its id."""
    received = received_at or now
    request_id = f"prq_{secrets.token_hex(8)}"
    row = {
        "id": request_id,
        "organisation": organisation,
        "kind": kind,
        "state": "open",
        "person_id": person,
        "received_at": received,
        "due_at": month_later(received),
        "channel": how.channel,
        "identity_checked_by": how.checked_by,
        "identity_checked_at": now if how.checked_by else None,
        "handler": how.handler,
    }
    connection.execute(insert(privacy_requests).values(row))
    return request_id


def extend(store: Store, request_id: str, reason: str) -> datetime:
    """Give a request two months more and return its new end; the person has to be told the reason within the first."""
    with store.writing() as connection:
        row = _row(connection, request_id)
        until = month_later(row.due_at, _EXTENSION_MONTHS)
        values = {"extended_to": until, "extension_reason": reason}
        connection.execute(update(privacy_requests).where(privacy_requests.c.id == request_id).values(values))
    return until


def close(store: Store, request_id: str, outcome: str, now: datetime) -> None:
    """Close a request; closing a restriction lifts it. Raises Refused for an erasure that is not carried out yet."""
    with store.writing() as connection:
        row = _row(connection, request_id)
        if row.kind == "erasure" and row.state == "open" and outcome != "refused":
            raise Refused(
                f"{request_id} is not carried out: `catchment erase {row.person_id}`, or close it as refused."
            )
        if row.kind == "restriction" or outcome == "refused":
            notified.need_not_be(connection, request_id, now)
        waits = select(privacy_recipients.c.name).where(
            privacy_recipients.c.request_id == request_id, privacy_recipients.c.state == "waiting"
        )
        if waiting := sorted(connection.execute(waits).scalars()):
            way = "catchment erase" if row.kind == "erasure" else "catchment push"
            raise Refused(f"{request_id} waits for {', '.join(waiting)}: run `{way}` once more.")
        if row.kind == "restriction":
            holds.lift(connection, request_id, now, store)
        values = {"state": "closed", "closed_at": now, "outcome": outcome, "sealed": None}
        connection.execute(update(privacy_requests).where(privacy_requests.c.id == request_id).values(values))
        done = update(privacy_recipients).where(privacy_recipients.c.request_id == request_id)
        connection.execute(done.where(privacy_recipients.c.state == "by_hand").values(state="done", at=now))


def listed(store: Store, *, everything: bool = False) -> list[Request]:
    """Return the requests that are open, or all of them, those due first at the top."""
    query = select(privacy_requests).order_by(privacy_requests.c.due_at, privacy_requests.c.id)
    if not everything:
        query = query.where(privacy_requests.c.state.in_(_OPEN))
    with store.reading() as connection:
        return sorted(_requests(connection, connection.execute(query).all()), key=lambda one: (one.answer_by, one.id))


def get(store: Store, request_id: str) -> Request:
    """Return one request. Raises Refused where there is none of this id."""
    with store.reading() as connection:
        return _requests(connection, [_row(connection, request_id)])[0]


def of_person(connection: Connection, ids: Sequence[str]) -> list[Request]:
    """Return every request that was made under one of these ids."""
    query = select(privacy_requests).where(privacy_requests.c.person_id.in_(ids))
    return _requests(connection, connection.execute(query.order_by(privacy_requests.c.received_at)).all())


def _requests(connection: Connection, rows: Sequence[Row[Any]]) -> list[Request]:
    found: list[Request] = []
    for row in rows:
        told = select(privacy_recipients).where(privacy_recipients.c.request_id == row.id)
        recipients = connection.execute(told.order_by(privacy_recipients.c.name)).all()
        found.append(
            Request(
                row.id, row.kind, row.state, row.person_id, row.received_at, row.due_at, row.extended_to, row.handler,
                row.closed_at, row.outcome, tuple((r.name, r.can, r.state, r.told or "") for r in recipients),
            )
        )  # fmt: skip
    return found


def _row(connection: Connection, request_id: str) -> Row[Any]:
    row = connection.execute(select(privacy_requests).where(privacy_requests.c.id == request_id)).first()
    if row is None:
        raise Refused(f"There is no request {request_id}. `catchment requests` lists them.")
    return row


def _person(connection: Connection, name: str) -> tuple[str, str]:
    person = existing(connection, name)
    return person, connection.execute(select(people.c.organisation).where(people.c.id == person)).scalar_one()
