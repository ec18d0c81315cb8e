"""What an evaluation writes: memberships that begin, go on and end, and when to look at whom again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, select, update

from talent_pool.segments.compiler import Scope
from talent_pool.segments.definition import SegmentDefinition
from talent_pool.store.database import Store
from talent_pool.store.tables import memberships, segment_due

_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Judged:
    """What the rule says of one subject. `because`: why it is in, or why it is not."""

    subject_id: str
    person_id: str
    holds: bool
    because: str
    due: datetime | None


@dataclass(slots=True)
class Changes:
    """Memberships and dues to write for one segment."""

    begin: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    go_on: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    end: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    wait: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    forget: list[str] = field(default_factory=list[str])


def chunks(items: Sequence[str]) -> list[Sequence[str]]:
    """Cut into parts small enough for one IN list."""
    return [items[start : start + _CHUNK] for start in range(0, len(items), _CHUNK)]


def open_memberships(connection: Connection, segment: str, scope: Scope) -> dict[str, Row[Any]]:
    """Return the open memberships of people in `scope`, by subject."""
    return _open(connection, segment, scope(memberships.c.person_id))


def open_memberships_of(connection: Connection, segment: str, subject_ids: Sequence[str]) -> dict[str, Row[Any]]:
    """Return the open memberships of these subjects, whoever they were of."""
    found: dict[str, Row[Any]] = {}
    for part in chunks(subject_ids):
        found |= _open(connection, segment, memberships.c.subject_id.in_(part))
    return found


def _open(connection: Connection, segment: str, condition: Any) -> dict[str, Row[Any]]:
    query = select(memberships).where(memberships.c.segment == segment, memberships.c.until.is_(None), condition)
    return {row.subject_id: row for row in connection.execute(query)}


def changes(
    store: Store,
    definition: SegmentDefinition,
    version: str,
    judged: Mapping[str, Judged],
    *,
    members: Mapping[str, Row[Any]],
    waiting: Mapping[str, Row[Any]],
    now: datetime,
) -> Changes:
    """Return what has to be written so that the store says what was judged; empty if it says so already.

    `members`: open memberships; `waiting`: rows of segment_due. A member who was not judged is nobody in the pool.
    """
    found = Changes()
    for subject_id in sorted(judged.keys() | members.keys()):
        one, member = judged.get(subject_id), members.get(subject_id)
        if one and one.holds:
            if member is None:
                found.begin.append(_beginning(store, definition, version, one, now))
            elif (member.person_id, member.next_due_at, member.segment_version) != (one.person_id, one.due, version):
                found.go_on.append({"key": member.id, "person": one.person_id, "due": one.due, "version": version})
        elif member is not None:
            because = one.because if one else "is not in the pool any more"
            found.end.append({"key": member.id, "at": now, "because": because})
    for subject_id in sorted(judged.keys() | waiting.keys()):
        one = judged.get(subject_id)
        due = one.due if one and not one.holds else None
        row = waiting.get(subject_id)
        if due is None and row is not None:
            found.forget.append(subject_id)
        elif one and due is not None and (row is None or (row.due_at, row.person_id) != (due, one.person_id)):
            found.wait.append(
                {"segment": definition.name, "subject_id": subject_id, "person_id": one.person_id, "due_at": due}
            )
    return found


def _beginning(
    store: Store, definition: SegmentDefinition, version: str, judged: Judged, now: datetime
) -> dict[str, Any]:
    return {
        "id": "mem_" + store.hashed(definition.name, judged.subject_id, now.isoformat()),
        "organisation": definition.organisation,
        "segment": definition.name,
        "segment_version": version,
        "subject_type": definition.subject,
        "subject_id": judged.subject_id,
        "person_id": judged.person_id,
        "since": now,
        "until": None,
        "entered_because": judged.because,
        "left_because": None,
        "next_due_at": judged.due,
    }


def write(connection: Connection, store: Store, segment: str, found: Changes) -> None:
    """Write what `changes` found."""
    if found.begin:
        insert = store.insert(memberships)
        # Somebody who left and comes back at the same instant (a frozen `now`) takes the old row up again.
        anew = {
            name: insert.excluded[name]
            for name in ("person_id", "until", "left_because", "entered_because", "next_due_at", "segment_version")
        }
        statement = insert.on_conflict_do_update(index_elements=["segment", "subject_id", "since"], set_=anew)
        connection.execute(statement, _with_free_ids(connection, store, found.begin))
    if found.go_on:
        change = update(memberships).where(memberships.c.id == bindparam("key"))
        connection.execute(
            change.values(
                person_id=bindparam("person"), next_due_at=bindparam("due"), segment_version=bindparam("version")
            ),
            found.go_on,
        )
    end(connection, found.end)
    if found.wait:
        insert = store.insert(segment_due)
        anew = {name: insert.excluded[name] for name in ("person_id", "due_at")}
        statement = insert.on_conflict_do_update(index_elements=["segment", "subject_id"], set_=anew)
        connection.execute(statement, found.wait)
    for part in chunks(found.forget):
        connection.execute(
            delete(segment_due).where(segment_due.c.segment == segment, segment_due.c.subject_id.in_(part))
        )


def _with_free_ids(connection: Connection, store: Store, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give another id to a row whose own is held by a membership that went over to another subject in a merge."""
    held: dict[str, str] = {}
    for part in chunks([row["id"] for row in rows]):
        query = select(memberships.c.id, memberships.c.subject_id).where(memberships.c.id.in_(part))
        held |= {row.id: row.subject_id for row in connection.execute(query)}
    return [
        {**row, "id": "mem_" + store.hashed(row["id"], row["subject_id"])}
        if held.get(row["id"], row["subject_id"]) != row["subject_id"]
        else row
        for row in rows
    ]


def end(connection: Connection, endings: list[dict[str, Any]]) -> None:
    """Close memberships: rows of `key`, `at` and `because`."""
    if endings:
        change = update(memberships).where(memberships.c.id == bindparam("key"))
        connection.execute(
            change.values(until=bindparam("at"), left_because=bindparam("because"), next_due_at=None), endings
        )
