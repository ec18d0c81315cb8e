"""Erasure: one request takes a person out of the store and out of every destination, and keeps her out.

Three steps, each begun only when the one before is committed, so that one that is cut off goes on where it stopped:

    1  tombstones stand, nobody uses her any more           privacy_requests: open
    2  every table is without her, the rest is sealed        under_way
    3  each recipient forgot her and was read again          closed, or still under_way with what is left to do

What is left to do after the third is listed in the receipt: a destination that failed is asked again by the next run,
one that cannot forget by machine is a task for a person.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select, update

from connectors.contract import Destination
from talent_pool.installation import Installation
from talent_pool.landing.inbox import Inbox
from talent_pool.people.person_ids import resolved
from talent_pool.privacy import recipients, requests
from talent_pool.privacy.extent import Extent, as_json, extent_of
from talent_pool.privacy.mentions import Mentions, mentions_of
from talent_pool.privacy.requests import How, Request
from talent_pool.privacy.sealing import sealed, unsealed
from talent_pool.privacy.wiping import bury, wipe
from talent_pool.refused import Refused
from talent_pool.store.database import Store
from talent_pool.store.tables import people, privacy_requests

Open = Callable[[str], Destination]
"""Opens a configured destination by its name. Raises errors of connectors.errors."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What an erasure would take out. `token` is good for as long as this is what is there."""

    person_id: str
    ids: tuple[str, ...]
    names: tuple[str, ...]
    """The names on her records: somebody else's among them means that they were wrongly merged."""
    records: Mapping[str, int]
    """Records by connection and type, as "ats: candidate"."""
    payloads: int
    applications: int
    addresses: int
    mentions: int
    recipients: Mapping[str, str]
    """Destinations that were given something of her, and what each can do."""
    token: str


@dataclass(frozen=True)
class Desk:
    """Where an erasure is carried out: the store, its neighbours on disk, and the ways to destinations.

    `exports`: the folder that access exports are written to; files of hers in it are removed.
    """

    store: Store
    installation: Installation
    open: Open
    inbox: Inbox | None = None
    exports: Path | None = None
    abilities: Mapping[str, str] = field(default_factory=dict[str, str])


def preview(desk: Desk, name: str) -> Preview:
    """Show what an erasure would take out; writes nothing. Raises NoSuchPerson, Refused if she is erased already."""
    with desk.store.reading() as connection:
        extent = extent_of(connection, desk.store, name)
        _must_be_there(connection, extent.person_id)
        found = mentions_of(connection, extent)
        names = recipients.given(connection, extent)
    kinds: dict[str, int] = {}
    for row in extent.rows.values():
        kind = f"{row['connection']}: {row['record_type']}"
        kinds[kind] = kinds.get(kind, 0) + 1
    able = {one: recipients.ability(desk.installation, desk.abilities, one) for one in sorted(names)}
    return Preview(
        person_id=extent.person_id,
        ids=tuple(sorted(extent.ids)),
        names=tuple(sorted(extent.names)),
        records=dict(sorted(kinds.items())),
        payloads=len(extent.payloads),
        applications=len(extent.applications),
        addresses=len(extent.addresses),
        mentions=_naming(found),
        recipients=able,
        token=_token(desk.store, extent),
    )


def erase(desk: Desk, name: str, token: str | None, now: datetime, how: How | None = None) -> Request:
    """Erase a person and return the request with its receipts; one that was begun goes on, without a token.

    Raises NoSuchPerson, and Refused for a token that is not the preview's or a person who is erased already.
    """
    request_id = begun(desk.store, name)
    if request_id is None:
        request_id = _begin(desk.store, name, token, now, how or How())
    return carry_on(desk, request_id, now)


def carry_on(desk: Desk, request_id: str, now: datetime) -> Request:
    """Do what is left of one erasure, as far as it can be done now."""
    if requests.get(desk.store, request_id).state == "open":
        _take_out(desk, request_id, now)
    request = requests.get(desk.store, request_id)
    if request.state == "under_way":
        known = unsealed(desk.store, _sealed(desk.store, request_id))
        _clean_disk(desk, known)
        recipients.tell(
            desk.store, desk.open, desk.inbox, request_id, known, now, configured=desk.installation.destinations
        )
        recipients.close_if_done(desk.store, request_id, now)
    return requests.get(desk.store, request_id)


def carry_on_all(desk: Desk, now: datetime) -> list[Request]:
    """Do what is left of every erasure that was begun."""
    under_way = [one.id for one in requests.listed(desk.store) if one.kind == "erasure" and one.state == "under_way"]
    with desk.store.reading() as connection:
        pending = select(privacy_requests.c.id).join(people, people.c.id == privacy_requests.c.person_id)
        pending = pending.where(privacy_requests.c.kind == "erasure", privacy_requests.c.state == "open")
        under_way += connection.execute(pending.where(people.c.state == "erasure_pending")).scalars().all()
    return [carry_on(desk, name, now) for name in sorted(set(under_way))]


def begun(store: Store, name: str) -> str | None:
    """Return the id of the erasure of this person that was begun and is not over; None where there is none."""
    with store.reading() as connection:
        person = resolved(connection, name) or name
        state = connection.execute(select(people.c.state).where(people.c.id == person)).scalar()
        here = (privacy_requests.c.kind == "erasure", privacy_requests.c.state.in_(("open", "under_way")))
        rows = connection.execute(select(privacy_requests.c.id, privacy_requests.c.person_id).where(*here)).all()
        ours = [row.id for row in rows if (resolved(connection, row.person_id) or row.person_id) == person]
    return ours[0] if ours and state in ("erasure_pending", "erased") else None


def _begin(store: Store, name: str, token: str | None, now: datetime, how: How) -> str:
    with store.writing() as connection:
        extent = extent_of(connection, store, name)
        _must_be_there(connection, extent.person_id)
        if token != _token(store, extent):
            raise Refused(
                f"Look first: `catchment erase {name} --preview` shows what would go, and gives a token for just that."
            )
        waiting = select(privacy_requests.c.id, privacy_requests.c.person_id).where(
            privacy_requests.c.kind == "erasure", privacy_requests.c.state == "open"
        )
        asked = [r.id for r in connection.execute(waiting) if resolved(connection, r.person_id) == extent.person_id]
        request_id = (
            asked[0]
            if asked
            else requests.write(connection, "erasure", extent.person_id, extent.organisation, now, how)
        )
        bury(connection, store, extent, request_id, now)
    return request_id


def _take_out(desk: Desk, request_id: str, now: datetime) -> None:
    """Take her out of every table; what landed of her since the first step is hers as well, and cannot since it."""
    store, person = desk.store, requests.get(desk.store, request_id).person_id
    with store.reading() as connection:
        found = mentions_of(connection, extent_of(connection, store, person))
    with store.writing() as connection:
        extent = extent_of(connection, store, person)
        bury(connection, store, extent, request_id, now)
        names = recipients.given(connection, extent)
        wiped = wipe(connection, store, extent, found, now)
        able = {one: recipients.ability(desk.installation, desk.abilities, one) for one in sorted(names)}
        recipients.write_down(connection, request_id, able, now)
        connection.execute(
            update(privacy_requests)
            .where(privacy_requests.c.id == request_id)
            .values(state="under_way", sealed=sealed(store, as_json(extent)), counts=wiped.counts)
        )


def _clean_disk(desk: Desk, known: Mapping[str, Any]) -> None:
    """Remove her exports, and what the database's own log still holds of her."""
    if desk.exports is not None and desk.exports.is_dir():
        for path in desk.exports.iterdir():
            if any(path.name.startswith(name) for name in known["ids"]):
                path.unlink()
    if desk.store.is_sqlite:
        raw = desk.store.engine.raw_connection()
        try:
            raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            raw.close()


def _sealed(store: Store, request_id: str) -> bytes:
    with store.reading() as connection:
        query = select(privacy_requests.c.sealed).where(privacy_requests.c.id == request_id)
        return connection.execute(query).scalar_one()


def _must_be_there(connection: Connection, person: str) -> None:
    state = connection.execute(select(people.c.state).where(people.c.id == person)).scalar()
    if state == "erased":
        raise Refused(f"{person} is erased. Nothing of this person is left but the id.")


def _naming(found: Mentions) -> int:
    raw = sum(len(ids) for table in (found.naming, found.about) for ids in table.values())
    return len(found.records) + len(found.links) + raw


def _token(store: Store, extent: Extent) -> str:
    """Return what only somebody has who saw what is to go as it is now."""
    rows = [f"{name}:{row['modified_at'].isoformat()}" for name, row in sorted(extent.rows.items())]
    return store.hashed("erase", extent.person_id, *sorted(extent.ids), *rows)[:12]
