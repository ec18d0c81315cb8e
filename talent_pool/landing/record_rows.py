"""The rows of records, and what follows from them in the same transaction: statements, must-links, work."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Select, bindparam, select, update

from connectors.contract import Stream
from connectors.records import Candidate, ConsentStatement
from talent_pool.landing import merging
from talent_pool.landing.arrivals import Parsed
from talent_pool.landing.merging import Standing
from talent_pool.landing.payload_rows import Origin
from talent_pool.landing.told import Told
from talent_pool.store.addresses import address_key
from talent_pool.store.database import Store, allocate, insert_rows
from talent_pool.store.ids import record_id
from talent_pool.store.lookup import rows_with
from talent_pool.store.tables import consent_statements, decisions, records, work

_RECORD = (
    "id", "organisation", "connection", "record_type", "remote_id", "generation", "stream", "payload_remote_id",
    "parent_type", "parent_remote_id", "landing_number", "body", "remote_created_at", "remote_updated_at", "landed_at",
    "modified_at", "removed_at", "removal_cause",
)  # fmt: skip
_CHANGING = (
    "stream", "payload_remote_id", "parent_type", "parent_remote_id", "body", "remote_created_at", "remote_updated_at",
    "modified_at", "removed_at", "removal_cause",
)  # fmt: skip
_STATEMENT = (
    "id", "organisation", "connection", "record_id", "purpose", "channel", "address_key", "status", "lawful_basis",
    "stated_by", "stated_at", "learned_at", "expires_at", "evidence", "jurisdiction",
)  # fmt: skip
_DECISION = ("id", "kind", "record_a", "record_b", "decided_by", "decided_at", "note")
_NOTHING = "ON CONFLICT DO NOTHING"


@dataclass(slots=True)
class Landing:
    """The records of one page under way: what stands in the store, and what is to be written."""

    store: Store
    origin: Origin
    standing: dict[str, Standing] = field(default_factory=dict[str, Standing])
    statements: dict[str, ConsentStatement] = field(default_factory=dict[str, ConsentStatement])
    same: dict[tuple[str, str], datetime] = field(default_factory=dict[tuple[str, str], datetime])
    """Pairs of birth ids that the source merged, and when."""

    def birth_id(self, record_type: str, remote_id: str) -> str:
        """Return the birth id of a record of this connection."""
        return record_id(self.store, self.origin.connection, record_type, remote_id)


def land_records(
    connection: Connection, store: Store, origin: Origin, stream: Stream, objects: Sequence[Parsed]
) -> set[str]:
    """Bring what `objects` tell into the store, in their order; return the remote ids of those that did something."""
    landing = Landing(store, origin)
    named = [[(landing.birth_id(each.record_type, each.remote_id), each) for each in one.tells] for one in objects]
    _load(connection, landing, _RECORDS, records.c.id, {birth for each in named for birth, _ in each})
    gone = _load_siblings(connection, landing, stream, objects) if stream.complete else {}
    for one, pairs in zip(objects, named, strict=True):
        for birth, told in pairs:
            _bring(landing, stream, one, birth, told)
        if one.remote_id in gone:
            for birth in gone[one.remote_id].difference(birth for birth, _ in pairs):
                standing = landing.standing[birth]
                if standing.removed_at is None and standing.payload_remote_id == one.remote_id:
                    merging.vanish(standing, one.version or origin.now)
    _write(connection, landing)
    return {standing.payload_remote_id for standing in landing.standing.values() if standing.is_touched}


_RECORDS = select(records)


@lru_cache
def _of_stream(connection: str, stream: str) -> Select[*tuple[Any, ...]]:
    return _RECORDS.where(records.c.connection == connection, records.c.stream == stream)


def _load(
    connection: Connection,
    landing: Landing,
    statement: Select[*tuple[Any, ...]],
    by: ColumnElement[str],
    values: Iterable[str],
) -> list[Standing]:
    loaded: list[Standing] = []
    for row in rows_with(connection, statement, by, set(values)):
        standing = Standing(
            row.id, row.record_type, row.remote_id, row.stream, row.payload_remote_id,
            (row.parent_type, row.parent_remote_id), _json(row.body), row.remote_created_at,
            row.remote_updated_at, row.removed_at, row.removal_cause, is_new=False,
        )  # fmt: skip
        loaded.append(landing.standing.setdefault(row.id, standing))
    return loaded


def _load_siblings(
    connection: Connection, landing: Landing, stream: Stream, objects: Sequence[Parsed]
) -> dict[str, set[str]]:
    """Load all that the objects' earlier versions held; return the birth ids by the object's remote id."""
    held: dict[str, set[str]] = {}
    statement = _of_stream(landing.origin.connection, stream.name)
    ids = [one.remote_id for one in objects if one.was_known]
    for standing in _load(connection, landing, statement, records.c.payload_remote_id, ids):
        held.setdefault(standing.payload_remote_id, set()).add(standing.id)
    return held


def _bring(landing: Landing, stream: Stream, one: Parsed, birth: str, told: Told) -> None:
    standing = landing.standing.get(birth)
    if standing is None:
        standing = Standing(birth, told.record_type, told.remote_id, stream.name, one.remote_id)
        landing.standing[birth] = standing
    if told.deletion is not None:
        merging.remove(standing, told.deletion)
        _merged_upstream(landing, birth, told, told.deletion.at)
        return
    if not merging.apply(standing, told, one.version, complete=stream.complete):
        return
    standing.stream, standing.payload_remote_id = stream.name, one.remote_id
    if told.statement is not None:
        landing.statements[_statement_id(landing, told.text)] = told.statement
    _merged_upstream(landing, birth, told, told.updated_at or landing.origin.now)


def _merged_upstream(landing: Landing, birth: str, told: Told, at: datetime) -> None:
    if told.merged_into is None or told.record_type != Candidate.record_type:
        return
    first, second = sorted((birth, landing.birth_id(told.record_type, told.merged_into)))
    if first != second:
        landing.same.setdefault((first, second), at)


def _statement_id(landing: Landing, text: str) -> str:
    """Name a statement by all that it says, so that one said again is known and one said otherwise is another."""
    return f"cst_{landing.store.hashed(landing.origin.connection, text)}"


def _write(connection: Connection, landing: Landing) -> None:
    store, now = landing.store, landing.origin.now
    touched = [standing for standing in landing.standing.values() if standing.is_touched]
    _insert(connection, landing, [standing for standing in touched if standing.is_new])
    _update(connection, landing, [standing for standing in touched if not standing.is_new])
    insert_rows(connection, consent_statements, _STATEMENT, _statement_rows(landing), _NOTHING)
    by = f"vendor:{landing.origin.connection}"
    links = [
        (f"dec_{store.hashed(by, *pair)}", "same", *pair, by, store.moment(at), "merged at the source")
        for pair, at in landing.same.items()
    ]
    insert_rows(connection, decisions, _DECISION, links, _NOTHING)
    waiting = {*(standing.id for standing in touched), *(birth for pair in landing.same for birth in pair)}
    rows = [("resolve", birth, store.moment(now)) for birth in sorted(waiting)]  # in the order of the index
    insert_rows(connection, work, ("stage", "subject_id", "since"), rows, _NOTHING)


def _insert(connection: Connection, landing: Landing, new: Sequence[Standing]) -> None:
    if not new:
        return
    origin, moment = landing.origin, landing.store.moment
    number = allocate(connection, "landing", len(new))
    now = moment(origin.now)
    rows = [
        (
            s.id, origin.organisation, origin.connection, s.record_type, s.remote_id, 0, s.stream, s.payload_remote_id,
            *s.parent, number + place, s.text or "{}", moment(s.remote_created_at), moment(s.remote_updated_at), now,
            now, moment(s.removed_at), s.removal_cause,
        )
        for place, s in enumerate(new)
    ]  # fmt: skip
    insert_rows(connection, records, _RECORD, rows)


def _json(body: object) -> str | None:
    return orjson.dumps(body).decode() if body else None


def _update(connection: Connection, landing: Landing, changed: Sequence[Standing]) -> None:
    if not changed:
        return
    statement = update(records).where(records.c.id == bindparam("of"))
    rows = [
        {
            "of": s.id, "stream": s.stream, "payload_remote_id": s.payload_remote_id, "parent_type": s.parent[0],
            "parent_remote_id": s.parent[1], "body": s.body or {}, "remote_created_at": s.remote_created_at,
            "remote_updated_at": s.remote_updated_at, "modified_at": landing.origin.now, "removed_at": s.removed_at,
            "removal_cause": s.removal_cause,
        }
        for s in changed
    ]  # fmt: skip
    connection.execute(statement.values({name: bindparam(name) for name in _CHANGING}), rows)


def _statement_rows(landing: Landing) -> list[tuple[object, ...]]:
    store, origin = landing.store, landing.origin
    return [
        (
            statement_id, origin.organisation, origin.connection,
            landing.birth_id("candidate", s.candidate_id) if s.candidate_id else None,
            s.purpose.value, s.channel.value, address_key(store, s.channel, s.address) if s.address else None,
            s.status.value, s.lawful_basis, s.stated_by.value, store.moment(s.stated_at), store.moment(origin.now),
            store.moment(s.expires_at),
            orjson.dumps(s.evidence.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS).decode(), s.jurisdiction,
        )
        for statement_id, s in landing.statements.items()
    ]  # fmt: skip
