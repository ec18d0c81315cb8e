"""The survivorship by which the people in the store were built; when it changes, whom that may concern waits.

Kept as one switch: every field's rule, and how far each connection is trusted.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import Connection, Integer, Select, bindparam, literal, select

from talent_pool.installation import Installation
from talent_pool.resolution import turns
from talent_pool.resolution.golden import TRUST_IN_UNKNOWN
from talent_pool.store.database import Store
from talent_pool.store.lookup import rows_of
from talent_pool.store.tables import GONE, people, person_records, records, switches, work
from talent_pool.store.types import UtcDateTime

STAGE = "rebuild"
_SWITCH = "survivorship"
_InForce = Mapping[str, Any]
_VALUE = select(switches.c.value).where(switches.c.name == _SWITCH)
_WAITS = (
    select(work.c.subject_id)
    .where(work.c.stage == STAGE)
    .order_by(work.c.since, work.c.subject_id)
    .limit(bindparam("limit", type_=Integer))
)


def is_of(connection: Connection, installation: Installation) -> bool:
    """Say whether people are built as this installation says."""
    return _stored(connection) == _configured(installation)


def wake(store: Store, installation: Installation, now: datetime) -> None:
    """Put an installation's survivorship in force, and let people wait to be rebuilt whom that concerns.

    Another rule concerns everybody, another trust whoever has a record from that connection.
    """
    wanted = _configured(installation)
    with store.writing() as connection:
        turns.begin(connection)  # a turn that was thought out by the former rules is thought out anew
        concerned = _concerned(_stored(connection), wanted)
        if concerned is not None:
            subjects = concerned.add_columns(literal(STAGE), literal(now, UtcDateTime))
            waits = store.insert(work).from_select(["subject_id", "stage", "since"], subjects)
            connection.execute(waits.on_conflict_do_nothing())
        row = {"name": _SWITCH, "value": _text(wanted), "set_at": now, "set_by": "resolution"}
        connection.execute(store.insert(switches).values(row).on_conflict_do_update(index_elements=["name"], set_=row))
        turns.end(connection)


def waiting(connection: Connection, limit: int) -> list[str]:
    """Return at most `limit` people who wait to be rebuilt."""
    return [row.subject_id for row in rows_of(connection, _WAITS, limit=limit)]


def _concerned(stored: _InForce | None, wanted: _InForce) -> Select[tuple[str]] | None:
    if stored is None or stored["rules"] != wanted["rules"]:
        return select(people.c.id).where(people.c.state.not_in(GONE))
    before, after = (defaultdict(lambda: TRUST_IN_UNKNOWN, told["trust"]) for told in (stored, wanted))
    changed = [name for name in sorted(before | after) if before[name] != after[name]]
    return _having_records_of(changed) if changed else None


def _having_records_of(connections: Collection[str]) -> Select[tuple[str]]:
    return (
        select(person_records.c.person_id)
        .join(records, records.c.id == person_records.c.record_id)
        .where(records.c.connection.in_(connections))
    )


def _configured(installation: Installation) -> _InForce:
    return {
        "rules": installation.survivorship.model_dump(mode="json"),
        "trust": {name: setting.trust for name, setting in installation.connections.items()},
    }


def _stored(connection: Connection) -> _InForce | None:
    found = rows_of(connection, _VALUE)
    return _read(found[0].value) if found else None


@lru_cache(maxsize=16)
def _read(text: str) -> _InForce:
    return orjson.loads(text)


def _text(wanted: _InForce) -> str:
    return orjson.dumps(wanted, option=orjson.OPT_SORT_KEYS).decode()
