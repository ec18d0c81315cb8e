"""Restriction and rectification reach everybody who was given something of a person (Art. 19 GDPR), by pushes.

A push takes out whoever is restricted, and writes anew what was corrected; so a recipient has been told when one has
come through. Each has a receipt at the request. What pushes do not reach is left to a person, and says so.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from connectors.contract import DestinationSettings, Fate
from talent_pool.delivery.push_ledger import Planned
from talent_pool.people.person_ids import resolved
from talent_pool.privacy.extent import extent_of
from talent_pool.privacy.recipients import NOT_CONFIGURED, given
from talent_pool.store.database import Store
from talent_pool.store.tables import (
    destination_jobs,
    holdings,
    memberships,
    people,
    person_aliases,
    privacy_recipients,
    privacy_requests,
)

KINDS = ("restriction", "rectification")
"""Requests whose recipients are told by pushes."""
BY_PUSH = "push"
"""What such a recipient can do, beside what it can do for an erasure."""

NEXT_PUSH = "The next push tells it."
NOTHING_HELD = "Nothing is held there, and nothing more is sent."
TAKEN_OUT = "Taken out of what it holds; nothing more is sent."
NOT_CORRECTED = "Nothing was corrected in the pool since the request came: correct it in its source, and sync."
SENT_IS_SENT = "Nothing is held there; what was sent stays as it was, and what is sent from now on is corrected."

_UNSETTLED = (Fate.PENDING, Fate.DEFERRED, Fate.REJECTED, Fate.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Push:
    """What a push that came through has to say: the destination, whether it holds anything, what became of its rows."""

    settings: DestinationSettings
    kind: str
    rows: Sequence[Planned]


def write_down(
    connection: Connection,
    store: Store,
    request_id: str,
    person: str,
    now: datetime,
    configured: Collection[str] | None,
) -> None:
    """Write who has to be told of a request. `configured`: the destinations there are; None where that is not known."""
    rows = [
        {
            "request_id": request_id, "name": name, "can": BY_PUSH, "asked": 0, "at": now,
            **({"state": "waiting", "told": NEXT_PUSH} if configured is None or name in configured
               else {"state": "by_hand", "told": NOT_CONFIGURED}),
        }
        for name in sorted(given(connection, extent_of(connection, store, person)))
    ]  # fmt: skip
    if rows:
        connection.execute(insert(privacy_recipients), rows)


def settle(store: Store, push: Push, now: datetime) -> None:
    """Write the receipts that a push earned; where nothing waits for it, or nothing is new, this writes nothing."""
    with store.reading() as connection:
        found = [(row, _said(connection, push, row)) for row in _waiting(connection, push.settings.name)]
    news = [(row, state, told) for row, (state, told) in found if (row.recipient_state, row.told) != (state, told)]
    if not news:
        return
    with store.writing() as connection:
        for row, state, told in news:
            here = (privacy_recipients.c.request_id == row.id, privacy_recipients.c.name == push.settings.name)
            connection.execute(update(privacy_recipients).where(*here).values(state=state, told=told, at=now))


def _waiting(connection: Connection, destination: str) -> Sequence[Any]:
    query = (
        select(
            privacy_requests.c.id, privacy_requests.c.kind, privacy_requests.c.person_id,
            privacy_requests.c.received_at, privacy_recipients.c.state.label("recipient_state"),
            privacy_recipients.c.told,
        )
        .join(privacy_recipients, privacy_recipients.c.request_id == privacy_requests.c.id)
        .where(
            privacy_requests.c.kind.in_(KINDS), privacy_requests.c.state == "open",
            privacy_recipients.c.name == destination, privacy_recipients.c.state == "waiting",
        )
        .order_by(privacy_requests.c.id)
    )  # fmt: skip
    return connection.execute(query).all()


def _said(connection: Connection, push: Push, request: Row[Any]) -> tuple[str, str]:
    """Return the recipient's state and our sentence about it."""
    person = resolved(connection, request.person_id) or request.person_id
    aliases = connection.execute(select(person_aliases.c.id).where(person_aliases.c.person_id == person)).scalars()
    ids = {person, *aliases}
    if request.kind == "restriction":
        return _of_restriction(connection, push, ids)
    modified_at = connection.execute(select(people.c.modified_at).where(people.c.id == person)).scalar()
    if modified_at is None or modified_at <= request.received_at:
        return "waiting", NOT_CORRECTED
    return _of_rectification(connection, push, ids, modified_at)


def _of_restriction(connection: Connection, push: Push, ids: Collection[str]) -> tuple[str, str]:
    name = push.settings.name
    left = len(_held(connection, name, ids))
    left += len(_in_hand(connection, name, ids))
    if left:
        return "waiting", f"{left} entries are still there. {NEXT_PUSH}"
    return "done", TAKEN_OUT if push.kind == "state" else NOTHING_HELD


def _of_rectification(
    connection: Connection, push: Push, ids: Collection[str], modified_at: datetime
) -> tuple[str, str]:
    if push.kind != "state":
        return "done", SENT_IS_SENT
    unsettled = [row for row in push.rows if row.person_id in ids and row.fate in _UNSETTLED]
    if unsettled:
        fates = ", ".join(sorted({row.fate.value for row in unsettled if row.fate}))
        return "waiting", f"{len(unsettled)} entries are not written yet ({fates}). {NEXT_PUSH}"
    held = _held(connection, push.settings.name, ids)
    compared = _compared(connection, push, ids)
    old = [row for row in held if row.modified_at < modified_at and row.segment not in compared]
    if old:
        return "by_hand", (
            f"{len(old)} entries that no push writes again hold what was before: correct them there by hand, then "
            "close the request."
        )
    return "done", f"{len(held)} entries are as the pool has them since the correction of {modified_at:%Y-%m-%d}."


def _compared(connection: Connection, push: Push, ids: Collection[str]) -> set[str]:
    """Return the segments of which this push compared her entry with the pool: what it did not write is the same.

    A push that only adds compares nothing, and nor does one a person who left the segment and stays there.
    """
    names = [one.segment for one in push.settings.pushes if one.mode != "add"]
    present = (memberships.c.person_id.in_(sorted(ids)), memberships.c.until.is_(None))
    query = select(memberships.c.segment).where(memberships.c.segment.in_(names), *present)
    return set(connection.execute(query).scalars())


def _held(connection: Connection, destination: str, ids: Collection[str]) -> list[Row[Any]]:
    query = select(holdings).where(holdings.c.destination == destination, holdings.c.person_id.in_(sorted(ids)))
    return list(connection.execute(query))


def _in_hand(connection: Connection, destination: str, ids: Collection[str]) -> list[Row[Any]]:
    here = (destination_jobs.c.destination == destination, destination_jobs.c.person_id.in_(sorted(ids)))
    return list(connection.execute(select(destination_jobs.c.row_id).where(*here)))


def need_not_be(connection: Connection, request_id: str, now: datetime) -> None:
    """Say of recipients of a request that ends before they were told that they need not be any more."""
    here = (privacy_recipients.c.request_id == request_id, privacy_recipients.c.state == "waiting")
    values = {"state": "done", "told": "The request ended before it was told.", "at": now}
    connection.execute(update(privacy_recipients).where(*here).values(values))
