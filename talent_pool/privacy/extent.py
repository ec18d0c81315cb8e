"""What in the store is one person's: her ids, her records with all that hangs on them, her payloads, her identifiers.

A person's records are those that she holds now, and those that once were hers, are gone from their source and never
became anybody else's: a removed record keeps its body, and is as personal as a live one.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from sqlalchemy import Connection, and_, select

from connectors.records import Channel
from talent_pool.landing.erased import identifiers
from talent_pool.people.person_ids import existing
from talent_pool.resolution.identity import anchor_of
from talent_pool.store.addresses import address_key
from talent_pool.store.database import Store
from talent_pool.store.lookup import mappings_with, rows_with
from talent_pool.store.tables import (
    applications,
    changes,
    people,
    person_addresses,
    person_aliases,
    person_records,
    records,
)
from talent_pool.store.tombstones import Mason, Tombstone

Place = tuple[str, str, str]
"""Connection, stream or record type, remote id."""

_PARENTS = ("candidate", "application")
_NAMING = ("records", "joined", "left", "changed")
_CHANNELS = {"email_addresses": Channel.EMAIL, "phone_numbers": Channel.SMS}

_RECORDS = select(records)
_HOLDERS = select(person_records)
_CAUSES = select(changes.c.cause)


@dataclass
class Extent:
    """All that is one person's. `rows` are her records' rows by birth id; `candidates` those of them that are her."""

    person_id: str
    organisation: str
    ids: frozenset[str]
    """Her id and every id that she went by."""
    candidates: frozenset[str] = frozenset()
    rows: dict[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    applications: frozenset[str] = frozenset()
    payloads: frozenset[Place] = frozenset()
    addresses: frozenset[tuple[str, str]] = frozenset()
    """(channel, address) as sources hold them."""
    keys: frozenset[str] = frozenset()
    """Keyed hashes of her addresses."""
    shared: frozenset[str] = frozenset()
    """Those of `keys` that somebody else in the pool is reached at as well."""
    names: frozenset[str] = frozenset()
    """Her full names, as sources write them."""
    urls: frozenset[str] = frozenset()
    stones: frozenset[Tombstone] = frozenset()

    words: frozenset[str] = frozenset()
    """Her addresses and profiles that are nobody else's: where they stand elsewhere, she is meant."""


def extent_of(connection: Connection, store: Store, name: str) -> Extent:
    """Return what is the person's who goes, or went, by this id. Raises NoSuchPerson."""
    person = existing(connection, name)
    row = connection.execute(select(people).where(people.c.id == person)).one()
    aliases = connection.execute(select(person_aliases.c.id).where(person_aliases.c.person_id == person)).scalars()
    extent = Extent(person, row.organisation, frozenset({person, *aliases}))
    extent.candidates = frozenset(_candidates(connection, extent.ids, person))
    extent.rows = _with_all_that_hangs_on_them(connection, extent.candidates)
    extent.applications = frozenset(_applications(connection, extent))
    extent.payloads = frozenset((r["connection"], r["stream"], r["payload_remote_id"]) for r in extent.rows.values())
    _identify(connection, store, extent)
    return extent


def _candidates(connection: Connection, ids: Collection[str], person: str) -> set[str]:
    held = set(
        connection.execute(select(person_records.c.record_id).where(person_records.c.person_id == person)).scalars()
    )
    once = {anchor_of(one) for one in ids}
    for row in rows_with(connection, _CAUSES, changes.c.subject_id, ids):
        once.update(name for part in _NAMING for name in _named(row.cause, part))
    homeless = (
        once - held - {row.record_id for row in rows_with(connection, _HOLDERS, person_records.c.record_id, once)}
    )
    removed = {
        row["id"]
        for row in mappings_with(connection, _RECORDS, records.c.id, homeless)
        if row["removed_at"] is not None and row["record_type"] == "candidate"
    }
    return held | {name for name in removed if not _somebody_elses(connection, name, ids)}


def _named(cause: Any, part: str) -> list[str]:
    told: Any = cast("dict[str, Any]", cause or {}).get(part)
    return [str(one) for one in cast("list[Any]", told)] if isinstance(told, list) else []


def _somebody_elses(connection: Connection, record: str, ids: Collection[str]) -> bool:
    """Say whether the last person who got a record that is gone now was another one."""
    named = select(changes.c.subject_id, changes.c.cause).where(
        changes.c.subject_type == "person", changes.c.cause.contains(record, autoescape=True)
    )
    last: str | None = None
    for row in connection.execute(named.order_by(changes.c.number)):
        if record in (*_named(row.cause, "records"), *_named(row.cause, "joined")):
            last = row.subject_id
    return last is not None and last not in ids


def _with_all_that_hangs_on_them(connection: Connection, candidates: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {
        row["id"]: row for row in mappings_with(connection, _RECORDS, records.c.id, set(candidates))
    }
    frontier = list(found.values())
    while frontier:
        parents: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        for row in frontier:
            if row["record_type"] in _PARENTS:
                parents[row["connection"], row["record_type"]].add(row["remote_id"])
        frontier = list[Mapping[str, Any]]()
        for (source, kind), names in parents.items():
            hanging = _RECORDS.where(records.c.connection == source, records.c.parent_type == kind)
            for row in mappings_with(connection, hanging, records.c.parent_remote_id, names):
                if row["id"] not in found:
                    found[row["id"]] = row
                    frontier.append(row)
    return found


def _applications(connection: Connection, extent: Extent) -> Iterator[str]:
    own = select(applications.c.id)
    for column, values in (
        (applications.c.record_id, set(extent.rows)),
        (applications.c.candidate_record_id, extent.candidates),
        (applications.c.person_id, extent.ids),
    ):
        yield from (row.id for row in rows_with(connection, own, column, values))


def _identify(connection: Connection, store: Store, extent: Extent) -> None:
    mason = Mason(store, extent.organisation)
    stones = {mason.record(r["connection"], r["record_type"], r["remote_id"]) for r in extent.rows.values()}
    stones |= {mason.payload(*place) for place in extent.payloads}
    addresses: set[tuple[str, str]] = set()
    names: set[str] = set()
    urls: set[str] = set()
    told: list[Tombstone] = []
    for name in extent.candidates & extent.rows.keys():
        body = extent.rows[name]["body"]
        told += identifiers(mason, body)
        for part, channel in _CHANNELS.items():
            addresses |= {(channel.value, one["value"]) for one in body.get(part) or () if one.get("value")}
        urls |= {one["value"] for one in body.get("urls") or () if one.get("value")}
        names |= {body[part] for part in ("full_name", "preferred_name") if body.get(part)}
        if body.get("first_name") and body.get("last_name"):
            names.add(f"{body['first_name']} {body['last_name']}")
    at_hand = select(person_addresses.c.channel, person_addresses.c.address)
    addresses |= {
        (r.channel, r.address) for r in rows_with(connection, at_hand, person_addresses.c.person_id, extent.ids)
    }
    key_of = {pair: address_key(store, Channel(pair[0]), pair[1]) for pair in addresses}
    holders = select(person_addresses.c.person_id, person_addresses.c.address_key)
    extent.shared = frozenset(
        row.address_key
        for row in rows_with(connection, holders, person_addresses.c.address_key, set(key_of.values()))
        if row.person_id not in extent.ids
    )
    own = {pair for pair, key in key_of.items() if key not in extent.shared}
    shared_mails = {mason.email(address) for (kind, address) in addresses - own if kind == Channel.EMAIL.value}
    extent.addresses, extent.names, extent.urls = frozenset(addresses), frozenset(names), frozenset(urls)
    extent.keys = frozenset(key_of.values())
    extent.words = frozenset({*(address for _, address in own), *urls})
    # an address that somebody else has too must not keep that other person out
    extent.stones = frozenset(stones | (set(told) - shared_mails))


def mentions(raw: Any, ids: Mapping[str, Collection[str]]) -> bool:
    """Say whether a raw object names one of these remote ids (by record type) as what it is about.

    Vendors write `candidate_id`, or `candidate: {id}`; a bare number elsewhere is anybody's.
    """
    if isinstance(raw, list):
        return any(mentions(each, ids) for each in cast("list[Any]", raw))
    if not isinstance(raw, dict):
        return False
    named = cast("dict[str, Any]", raw)
    return any(_is_about(name, value, ids) or mentions(value, ids) for name, value in named.items())


def _is_about(name: str, value: Any, ids: Mapping[str, Collection[str]]) -> bool:
    inner = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    told = str(cast("Any", value)) if not inner else str(inner.get("id"))
    return any(
        told in known and name in ((kind,) if inner else (f"{kind}_id", f"{kind}Id")) for kind, known in ids.items()
    )


def places_in(extent: Extent) -> dict[str, dict[str, set[str]]]:
    """Return her remote ids by connection and record type, of what others name."""
    found: dict[str, dict[str, set[str]]] = {}
    for row in extent.rows.values():
        if row["record_type"] in _PARENTS:
            found.setdefault(row["connection"], {}).setdefault(row["record_type"], set()).add(row["remote_id"])
    return found


def of_places(table: Any, places: Iterable[Place]) -> Iterator[Any]:
    """Yield conditions that rows of payloads, versions or quarantine stand at one of `places`, for IN lists' length."""
    grouped: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for source, stream, remote_id in places:
        grouped[source, stream].add(remote_id)
    for (source, stream), names in sorted(grouped.items()):
        ordered = sorted(names)
        for start in range(0, len(ordered), 500):
            here = (table.c.connection == source, table.c.stream == stream)
            yield and_(*here, table.c.remote_id.in_(ordered[start : start + 500]))


def as_json(extent: Extent) -> dict[str, Any]:
    """Return what the rest of an erasure has to know, once the store's own rows are gone."""
    return {
        "ids": sorted(extent.ids),
        "addresses": sorted(extent.addresses),
        "keys": sorted(extent.keys),
        "words": sorted(extent.words),
        "names": sorted(extent.names),
        "remote": sorted({r["remote_id"] for r in extent.rows.values()}),
    }


__all__ = ["Extent", "Place", "as_json", "extent_of", "mentions", "of_places", "places_in"]
