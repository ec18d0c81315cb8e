"""What an evaluation writes: memberships that begin, go on and end, and when to look at whom again."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, select, update

from talent_pool.segments.definition import SegmentDefinition
from talent_pool.segments.reading import Judged
from talent_pool.store.database import Store, insert_rows
from talent_pool.store.lookup import rows_with
from talent_pool.store.tables import memberships, segment_due

BySubject = Mapping[str, Any]
"""Rows by subject."""

_OPEN = select(
    *(
        memberships.c[name]
        for name in ("id", "segment", "segment_version", "subject_id", "person_id", "since", "next_due_at")
    )
).where(memberships.c.until.is_(None))
_WAITING = select(segment_due)
_IDS = select(memberships.c.id, memberships.c.subject_id)

_BEGINNING = (
    "id", "organisation", "segment", "segment_version", "subject_type", "subject_id", "person_id", "since",
    "entered_because", "next_due_at",
)  # fmt: skip
# Somebody who left and comes back at the same instant (a frozen `now`) takes the old row up again.
_ANEW = "ON CONFLICT (segment, subject_id, since) DO UPDATE SET until = NULL, left_because = NULL, " + ", ".join(
    f"{one} = excluded.{one}" for one in ("person_id", "entered_because", "next_due_at", "segment_version")
)
_DUE = ("segment", "subject_id", "person_id", "due_at")
_DUE_ANEW = "ON CONFLICT (segment, subject_id) DO UPDATE SET person_id = excluded.person_id, due_at = excluded.due_at"
_GO_ON = (
    update(memberships)
    .where(memberships.c.id == bindparam("key"))
    .values(person_id=bindparam("person"), next_due_at=bindparam("due"), segment_version=bindparam("version"))
)
_END = (
    update(memberships)
    .where(memberships.c.id == bindparam("key"))
    .values(until=bindparam("at"), left_because=bindparam("because"), next_due_at=None)
)
_FORGET = delete(segment_due).where(
    segment_due.c.segment == bindparam("name"), segment_due.c.subject_id == bindparam("subject")
)


@dataclass(slots=True)
class Changes:
    """Memberships and dues to write; `begin` and `wait` as the driver takes them."""

    begin: list[tuple[Any, ...]] = field(default_factory=list[tuple[Any, ...]])
    go_on: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    end: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    wait: list[tuple[Any, ...]] = field(default_factory=list[tuple[Any, ...]])
    forget: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def add(self, others: "Changes") -> None:
        """Take in what is to be written for another segment."""
        self.begin += others.begin
        self.go_on += others.go_on
        self.end += others.end
        self.wait += others.wait
        self.forget += others.forget


def open_memberships(connection: Connection, person_ids: Collection[str]) -> dict[str, dict[str, Any]]:
    """Return the open memberships of people, by segment and subject."""
    return _placed(rows_with(connection, _OPEN, memberships.c.person_id, person_ids))


def open_memberships_of(
    connection: Connection, names: Collection[str], subject_ids: Collection[str]
) -> dict[str, dict[str, Any]]:
    """Return the open memberships of subjects in these segments, whoever they were of, by segment and subject."""
    return _placed(rows_with(connection, _open_in(tuple(sorted(names))), memberships.c.subject_id, subject_ids))


def waiting(connection: Connection, person_ids: Collection[str]) -> dict[str, dict[str, Any]]:
    """Return when to look at people again who are not in a segment, by segment and subject."""
    return _placed(rows_with(connection, _WAITING, segment_due.c.person_id, person_ids))


def waiting_of(
    connection: Connection, names: Collection[str], subject_ids: Collection[str]
) -> dict[str, dict[str, Any]]:
    """Return when to look at these subjects again, whoever they were of, by segment and subject."""
    return _placed(rows_with(connection, _waiting_in(tuple(sorted(names))), segment_due.c.subject_id, subject_ids))


@lru_cache
def _open_in(names: tuple[str, ...]) -> Select[*tuple[Any, ...]]:
    return _OPEN.where(memberships.c.segment.in_(names))


@lru_cache
def _waiting_in(names: tuple[str, ...]) -> Select[*tuple[Any, ...]]:
    return _WAITING.where(segment_due.c.segment.in_(names))


def _placed(rows: Any) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = defaultdict(dict)
    for row in rows:
        found[row.segment][row.subject_id] = row
    return found


def changes(
    store: Store,
    definition: SegmentDefinition,
    version: str,
    judged: Mapping[str, Judged],
    *,
    members: BySubject,
    waits: BySubject,
    now: datetime,
) -> Changes:
    """Return what has to be written so that the store says what was judged; empty if it says so already.

    `members`: open memberships; `waits`: rows of segment_due. A member who was not judged is nobody in the pool.
    """
    found = Changes()
    name, since = definition.name, now.isoformat()
    for subject_id, one in judged.items():
        member, wait = members.get(subject_id), waits.get(subject_id)
        if member is None:
            if one.holds:
                key = "mem_" + store.hashed(name, subject_id, since)
                found.begin.append((
                    key, definition.organisation, name, version, definition.subject, subject_id, one.person_id,
                    store.moment(now), one.because, store.moment(one.due),
                ))  # fmt: skip
        elif not one.holds:
            found.end.append({"key": member.id, "at": now, "because": one.because})
        elif (member.person_id, member.next_due_at, member.segment_version) != (one.person_id, one.due, version):
            found.go_on.append({"key": member.id, "person": one.person_id, "due": one.due, "version": version})
        due = None if one.holds else one.due
        if due is not None and (wait is None or (wait.due_at, wait.person_id) != (due, one.person_id)):
            found.wait.append((name, subject_id, one.person_id, store.moment(due)))
        elif due is None and wait is not None:
            found.forget.append({"name": name, "subject": subject_id})
    gone = "is not in the pool any more"
    found.end += [{"key": row.id, "at": now, "because": gone} for one, row in members.items() if one not in judged]
    found.forget += [{"name": name, "subject": one} for one in waits if one not in judged]
    return found


def write(connection: Connection, store: Store, found: Changes) -> None:
    """Write what `changes` found."""
    insert_rows(connection, memberships, _BEGINNING, _with_free_ids(connection, store, found.begin), _ANEW)
    if found.go_on:
        connection.execute(_GO_ON, found.go_on)
    end(connection, found.end)
    insert_rows(connection, segment_due, _DUE, found.wait, _DUE_ANEW)
    if found.forget:
        connection.execute(_FORGET, found.forget)


def _with_free_ids(connection: Connection, store: Store, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Give another id to a row whose own is held by a membership that went over to another subject in a merge."""
    held = {row.id: row.subject_id for row in rows_with(connection, _IDS, memberships.c.id, [row[0] for row in rows])}
    subject = _BEGINNING.index("subject_id")
    return [
        ("mem_" + store.hashed(row[0], row[subject]), *row[1:])
        if held.get(row[0], row[subject]) != row[subject]
        else row
        for row in rows
    ]


def end(connection: Connection, endings: list[dict[str, Any]]) -> None:
    """Close memberships: rows of `key`, `at` and `because`."""
    if endings:
        connection.execute(_END, endings)
