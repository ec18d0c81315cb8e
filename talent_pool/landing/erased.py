"""What arrives of people who were erased: dropped and counted, and their names taken out of other people's records.

The same key of a source never comes back, nor does what hangs on it. An object under a new key is dropped when it
names an identifier of hers, unless it says that it was made after the erasure: a person who applies anew is welcome,
an old file is not. An object without any date counts as old.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

import orjson
from sqlalchemy import Connection

from talent_pool.landing.arrivals import Parsed, Unreadable, canonical, compressed, decompressed
from talent_pool.landing.payload_rows import Origin
from talent_pool.landing.told import Told
from talent_pool.store import tombstones
from talent_pool.store.database import Store
from talent_pool.store.runs import Counts
from talent_pool.store.tombstones import Mason, Tombstone

TAKEN_OUT = "[erased]"
"""What stands in a raw payload where an erased person's name or address stood."""

_ADDRESS = re.compile(rb"[A-Za-z0-9._%+'-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}")
_AT_LANDING = "landing"
"""What tombstones are filed under that follow from others as things arrive."""

_NOBODY: Mapping[str, Any] = {}

Standing = Mapping[str, datetime]


def barred(
    connection: Connection,
    store: Store,
    origin: Origin,
    stream: str,
    objects: Sequence[Parsed],
    unreadable: Sequence[Unreadable],
    counts: Counts,
) -> tuple[list[Parsed], list[Unreadable]]:
    """Return what may be written of a page; what may not is counted as erased instead of what it was counted as.

    Keeps erasures waiting until this transaction ends. Costs one look-up where nobody was ever erased.
    """
    tombstones.hold(connection, shared=True)
    if not (objects or unreadable) or not tombstones.any_stand(connection):
        return list(objects), list(unreadable)
    gate = _Gate(Mason(store, origin.organisation), origin.connection, stream)
    keys = {stone.key for one in objects for stone in (*gate.places(one), *gate.named(one))}
    keys |= {stone.key for one in unreadable for stone in gate.of_unreadable(one)}
    standing = tombstones.standing(connection, keys)
    if not standing:
        return list(objects), list(unreadable)
    gone = {one.remote_id for one in objects if gate.bars(one, standing)}
    left = [gate.without_referrers(one, standing) for one in objects if one.remote_id not in gone]
    for one in objects:
        if one.remote_id in gone:
            setattr(counts, one.fate, getattr(counts, one.fate) - 1)
            counts.erased += 1
    readable = [one for one in unreadable if not any(stone.key in standing for stone in gate.of_unreadable(one))]
    counts.quarantined -= len(unreadable) - len(readable)
    counts.erased += len(unreadable) - len(readable)
    follow = [stone for one in objects if one.remote_id in gone for stone in gate.own(one)]
    tombstones.set_up(connection, store, follow, _AT_LANDING, origin.now)
    return left, readable


class _Gate:
    """Judges what arrives in one stream of one connection."""

    def __init__(self, mason: Mason, connection: str, stream: str) -> None:
        self._mason, self._connection, self._stream = mason, connection, stream

    def own(self, one: Parsed) -> Iterator[Tombstone]:
        """Yield the names of the object and of the people's records in it."""
        yield self._mason.payload(self._connection, self._stream, one.remote_id)
        for told in one.tells:
            if told.record_type in ("candidate", "application"):
                yield self._mason.record(self._connection, told.record_type, told.remote_id)

    def places(self, one: Parsed) -> Iterator[Tombstone]:
        """Yield the names of the object, of every record in it and of what these hang on."""
        yield self._mason.payload(self._connection, self._stream, one.remote_id)
        for told in one.tells:
            yield self._mason.record(self._connection, told.record_type, told.remote_id)
            if told.parent[0] is not None:
                yield self._mason.record(self._connection, told.parent[0], told.parent[1])

    def named(self, one: Parsed) -> Iterator[Tombstone]:
        """Yield the identifiers of candidates and of referrers in an object."""
        for told in one.tells:
            if told.record_type == "candidate" and told.text:
                yield from identifiers(self._mason, orjson.loads(told.text))
            elif told.record_type in ("application", "reference") and told.text:
                yield from (stone for stone in self._referrer(_referrer_of(told)) if stone)

    def of_unreadable(self, one: Unreadable) -> Iterator[Tombstone]:
        """Yield what may be known of an object that nobody could read: its name, and addresses in its text."""
        if one.remote_id is not None:
            yield self._mason.payload(self._connection, self._stream, one.remote_id)
        for address in set(_ADDRESS.findall(decompressed(one.body))):
            yield self._mason.email(address.decode())

    def bars(self, one: Parsed, standing: Standing) -> bool:
        """Say whether an object is of somebody who was erased."""
        if any(stone.key in standing for stone in self.places(one)):
            return True
        if one.was_known:
            return False
        candidates = [told for told in one.tells if told.record_type == "candidate" and told.text]
        known = [stone for told in candidates for stone in identifiers(self._mason, orjson.loads(told.text))]
        hits = [standing[stone.key] for stone in known if stone.kind != "name" and stone.key in standing]
        if not hits:
            return False
        made = max((at for told in one.tells if (at := _made_at(told))), default=None)
        return made is None or made <= max(hits)

    def without_referrers(self, one: Parsed, standing: Standing) -> Parsed:
        """Return the object without what it says of an erased person as the one who referred somebody."""
        words: set[str] = set()
        tells: list[Told] = []
        for told in one.tells:
            said = _referrer_of(told) if told.record_type in ("application", "reference") and told.text else _NOBODY
            if any(stone and stone.key in standing for stone in self._referrer(said)):
                words |= {said[name] for name in ("email", "name") if said.get(name)}
                tells.append(told._replace(text=_unreferred(told)))
            else:
                tells.append(told)
        if not words:
            return one
        body = canonical(without(orjson.loads(decompressed(one.body)), words))
        return one._replace(tells=tells, body=compressed(body))

    def _referrer(self, said: Mapping[str, Any]) -> Iterator[Tombstone | None]:
        if said.get("email"):
            yield self._mason.email(said["email"])
        elif said.get("name"):
            yield self._mason.name(said["name"])


def identifiers(mason: Mason, candidate: Mapping[str, Any]) -> Iterator[Tombstone]:
    """Yield the identifiers that a candidate's fields name."""
    parts = (candidate.get("first_name"), candidate.get("last_name"))
    name = candidate.get("full_name") or " ".join(part for part in parts if part)
    for one in candidate.get("email_addresses") or ():
        if one.get("value"):
            yield mason.email(one["value"])
    for one in candidate.get("phone_numbers") or ():
        if one.get("value"):
            yield mason.phone(one["value"], name)
    for one in candidate.get("urls") or ():
        if one.get("value"):
            yield mason.url(one["value"])
    if name:
        yield mason.name(name)


def without(value: Any, words: Iterable[str]) -> Any:
    """Return JSON with every text that holds one of `words` replaced; whole texts, so that no part stays behind."""
    folded = [word.casefold() for word in words]
    return _without(value, folded)


def _without(value: Any, folded: Sequence[str]) -> Any:
    if isinstance(value, str):
        return TAKEN_OUT if any(word in value.casefold() for word in folded) else value
    if isinstance(value, list):
        return [_without(each, folded) for each in cast("list[Any]", value)]
    if isinstance(value, dict):
        named = cast("dict[str, Any]", value)
        return {_without(name, folded): _without(each, folded) for name, each in named.items()}
    return value


def _referrer_of(told: Told) -> Mapping[str, Any]:
    said = cast("dict[str, Any]", orjson.loads(told.text))
    if told.record_type == "application":
        return said.get("referrer") or _NOBODY
    details: Mapping[str, Any] = said.get("details") or _NOBODY
    return {"name": said.get("name"), "email": details.get("email")}


def _unreferred(told: Told) -> str:
    said = orjson.loads(told.text)
    gone = ("referrer",) if told.record_type == "application" else ("name", "details")
    return orjson.dumps({name: value for name, value in said.items() if name not in gone}).decode()


def _made_at(told: Told) -> datetime | None:
    """Return when what is told began: a change of an old record is no new beginning."""
    moments = [told.created_at] if told.created_at else []
    if told.record_type == "application" and told.text:
        applied = orjson.loads(told.text).get("applied_at")
        moments += [datetime.fromisoformat(applied)] if applied else []
    return max(moments, default=None)
