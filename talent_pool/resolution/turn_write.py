"""One turn of resolution, written in one short transaction; it first looks whether what it rests on still stands."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.exc import OperationalError

from talent_pool.epochs import stored as epochs
from talent_pool.resolution import match_index, projection, survivorship_in_force, turns
from talent_pool.resolution.golden import STUB
from talent_pool.resolution.identity import anchor_of
from talent_pool.resolution.landed import by_ids
from talent_pool.resolution.membership_moves import follow_applications, follow_merges, follow_returns
from talent_pool.resolution.turn_plan import Plan
from talent_pool.store import changes, holds
from talent_pool.store.changes import Change
from talent_pool.store.database import Store, insert_mappings, insert_rows
from talent_pool.store.lookup import apply_to, delete_with, rows_with
from talent_pool.store.tables import (
    edges,
    people,
    person_addresses,
    person_aliases,
    person_records,
    work,
)

Row = dict[str, Any]

_WAITING = select(work.c.subject_id).where(work.c.stage == "resolve").with_for_update(skip_locked=True)
_DONE = work.delete().where(work.c.stage == "resolve")
_CUT = edges.delete()
_REBUILT = work.delete().where(work.c.stage == survivorship_in_force.STAGE)


_LOST_A_RACE = frozenset({"40001", "40P01"})
"""PostgreSQL's codes for a transaction that gave way to another one and may simply be tried again."""


@dataclass(frozen=True, slots=True)
class ResolveReport:
    """What resolution did: waiting records taken, people by what became of them, rows written.

    `people` counts people whose row was written, `applications` applications that were written or are gone, `rebuilt`
    people who waited because their rules had changed, whether that changed them or not.
    """

    records: int = 0
    created: int = 0
    changed: int = 0
    merged: int = 0
    split: int = 0
    ended: int = 0
    people: int = 0
    applications: int = 0
    rebuilt: int = 0

    @property
    def taken(self) -> int:
        """How many waited and wait no more."""
        return self.records + self.rebuilt

    def __add__(self, other: "ResolveReport") -> "ResolveReport":
        return ResolveReport(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))


def attempted(store: Store, plan: Plan, now: datetime) -> ResolveReport | None:
    """Write the turn; None, with nothing written, where it has to be thought out anew."""
    try:
        return _written(store, plan, now)
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) in _LOST_A_RACE:
            return None
        raise


def _written(store: Store, plan: Plan, now: datetime) -> ResolveReport | None:
    """Write the turn; None, with nothing written, when the store moved on since the plan was made."""
    with store.writing() as connection:
        turns.begin(connection)
        if not _still_stands(connection, plan):
            return None
        apply_to(connection, _DONE, work.c.subject_id, plan.taken)
        apply_to(connection, _REBUILT, work.c.subject_id, plan.rebuilding)
        entries = _person_changes(plan)
        subjects = {entry.subject_id for entry in entries if entry.kind != "merged"}
        waking = (subjects | plan.woken) - plan.assignment.aliases.keys()
        rows = [("segments", person, store.moment(now)) for person in sorted(waking)]
        # an update, not a look past: a row that another step is just clearing must be there again afterwards
        again = "ON CONFLICT (stage, subject_id) DO UPDATE SET since = excluded.since"
        insert_rows(connection, work, ("stage", "subject_id", "since"), rows, again)
        epochs.keep(store, connection, plan.epoch, now)
        _write_matches(connection, plan)
        written = _application_changes(plan)
        numbers = changes.append(connection, [*entries, *written], now)
        numbered = {e.subject_id: number for e, number in zip(entries, numbers, strict=False) if e.kind != "merged"}
        _write_people(connection, plan, numbered, now)
        restated = _restate(connection, plan, numbered)
        projection.write(connection, plan.projection, now)
        follow_merges(connection, _redirected(plan), now)
        follow_returns(connection, _returned(plan))
        follow_applications(connection, plan.projection.applications)
        turns.end(connection)
    count = {
        kind: sum(entry.kind == kind for entry in entries)
        for kind in ("created", "changed", "merged", "split", "ended")
    }
    return ResolveReport(
        records=len(plan.taken),
        people=len(numbered) + restated,
        applications=len(written),
        rebuilt=len(plan.rebuilding),
        **count,
    )


def _still_stands(connection: Connection, plan: Plan) -> bool:
    """Say whether nobody resolved, decided or landed meanwhile what this turn is about.

    A record that is being landed at this moment is locked, and left out of what these look-ups find.
    """
    if turns.current(connection) != plan.turn:
        return False
    if {row.subject_id for row in rows_with(connection, _WAITING, work.c.subject_id, plan.taken)} != set(plan.taken):
        return False
    return by_ids(connection, plan.taken, holding=True) == plan.waiting


def _write_matches(connection: Connection, plan: Plan) -> None:
    compared = plan.compared
    match_index.refile(connection, compared.focus, compared.normalised, compared.keys)
    apply_to(connection, _CUT, (edges.c.record_a, edges.c.record_b), compared.focus)
    match_index.add_edges(connection, compared.edges, plan.epoch.number)
    before = plan.touched.holder
    moved = {name for name in before.keys() | plan.holders.keys() if before.get(name) != plan.holders.get(name)}
    delete_with(connection, person_records.c.record_id, moved)
    rows = [(name, plan.holders[name]) for name in sorted(moved) if name in plan.holders]
    insert_rows(connection, person_records, ("record_id", "person_id"), rows)


def _merged_into(plan: Plan) -> dict[str, str]:
    """Return the ids that are given up in this turn, each with who it stands for now."""
    known = {identity.id: identity for identity in plan.touched.known}
    found: dict[str, str] = {}
    for name, person in plan.assignment.aliases.items():
        before = known[name].stands_for
        # An alias that goes along when its own person is merged is no news of its own.
        if before == name or (before != person and plan.assignment.aliases.get(before) != person):
            found[name] = person
    return dict(sorted(found.items()))


def _redirected(plan: Plan) -> dict[str, str]:
    """Return every id that from this turn on stands for another person than before."""
    known = {identity.id: identity.stands_for for identity in plan.touched.known}
    return {name: person for name, person in sorted(plan.assignment.aliases.items()) if known[name] != person}


def _returned(plan: Plan) -> set[str]:
    """Return the aliases that are people again."""
    known = {identity.id for identity in plan.touched.known if identity.is_alias}
    return known & set(plan.assignment.holders.values())


def _person_changes(plan: Plan) -> list[Change]:
    """Return what happened to people, in the order of their ids: those who are there, merged, ended."""
    before = {identity.id: identity for identity in plan.touched.known if not identity.is_alias}
    returned, merged, rebuilding = _returned(plan), _merged_into(plan), set(plan.rebuilding)
    clusters = {person: cluster for cluster, person in plan.assignment.holders.items()}
    entries: list[Change] = []
    for person in sorted(plan.people):
        cluster = clusters.get(person)
        had = before[person].members if person in before else frozenset[str]()
        if cluster is None:
            if _differs(plan, person):
                cause = "survivorship" if person in rebuilding else "applications"
                entries.append(Change("person", person, "changed", {cause: True}))
            continue
        others = {plan.touched.holder[name] for name in cluster - had if name in plan.touched.holder} - merged.keys()
        is_fresh = person in plan.assignment.minted or person in returned or not had
        if is_fresh and others:
            cause = {"from": sorted(others), "records": sorted(cluster)}
            entries.append(Change("person", person, "split", cause))
        elif is_fresh:
            entries.append(Change("person", person, "created", {"records": sorted(cluster)}))
        elif had != cluster or _differs(plan, person):
            told = {
                "joined": sorted(cluster - had),
                "left": sorted(had - cluster),
                "changed": sorted(cluster & had & plan.compared.focus.keys()),
            }
            cause = {name: ids for name, ids in told.items() if ids} or {"applications": True}
            entries.append(Change("person", person, "changed", cause))
    entries += [Change("person", name, "merged", {"into": person}) for name, person in merged.items()]
    gone = [name for name in sorted(plan.assignment.ended) if before[name].members]
    return entries + [Change("person", name, "ended", {"records": sorted(before[name].members)}) for name in gone]


def _differs(plan: Plan, person: str) -> bool:
    """Say whether anything is another value; that another source says the same is nobody's news."""
    stored = plan.stored.get(person)
    values = plan.people[person].items()
    if stored is None or any(stored[name] != value for name, value in values if name != "provenance"):
        return True
    return _by_key(plan.addresses[person]) != _by_key(plan.stored_addresses.get(person, []))


def _by_key(rows: list[Row]) -> dict[tuple[str, str, str], Row]:
    return {(row["record_id"], row["channel"], row["address"]): row for row in rows}


def _application_changes(plan: Plan) -> list[Change]:
    difference = plan.projection.applications
    entries = [Change("application", row["id"], "created", {"record": row["record_id"]}) for row in difference.new]
    for row in difference.changed:
        stored = difference.stored[row["id"]]
        columns = sorted(name for name, value in row.items() if stored[name] != value)
        entries.append(Change("application", row["id"], "changed", {"fields": columns}))
    return entries + [Change("application", name, "ended", {}) for name in difference.gone]


def _write_people(connection: Connection, plan: Plan, numbered: Mapping[str, int], now: datetime) -> None:
    ended = [name for name in plan.assignment.ended if name in numbered]
    _write_aliases(connection, plan, now)
    minted = {identity.id: identity.minted_number for identity in plan.touched.known}
    written = [name for name in plan.people if name in numbered]
    delete_with(connection, people.c.id, [*written, *plan.assignment.aliases])
    delete_with(connection, person_addresses.c.person_id, [*written, *plan.assignment.aliases, *ended])
    members = {person: cluster for cluster, person in plan.assignment.holders.items() if person in numbered}
    held = holds.states(connection, members)
    rows = [_person(plan, person, minted.get(person), numbered[person], now) for person in sorted(written)]
    for row in rows:
        if row["id"] in members and row["state"] in ("active", "restricted", "archived"):
            row["state"] = held.get(row["id"], "active")
    insert_mappings(connection, people, rows)
    insert_mappings(connection, person_addresses, [row for person in sorted(written) for row in plan.addresses[person]])
    for name in ended:
        stub = dict(STUB) | {"state": "ended", "modified_at": now, "sequence": numbered[name]}
        connection.execute(update(people).where(people.c.id == name).values(stub))


def _restate(connection: Connection, plan: Plan, numbered: Collection[str]) -> int:
    """Write where values come from, of people whose values are what they were; return how many these are."""
    rows = [
        {"of": person, "told": row["provenance"]}
        for person, row in plan.people.items()
        if person not in numbered and row["provenance"] != plan.stored[person]["provenance"]
    ]
    if rows:
        statement = update(people).where(people.c.id == bindparam("of")).values(provenance=bindparam("told"))
        connection.execute(statement, rows)
    return len(rows)


def _person(plan: Plan, person: str, minted: int | None, number: int, now: datetime) -> Row:
    stored = plan.stored.get(person)
    state = stored["state"] if stored else "active"
    return plan.people[person] | {
        "id": person,
        "organisation": stored["organisation"] if stored else plan.organisations[person],
        "anchor_record_id": anchor_of(person),
        "minted_number": (stored["minted_number"] if stored else minted) or number,
        "state": "active" if state == "ended" else state,
        "created_at": stored["created_at"] if stored else now,
        "modified_at": now,
        "sequence": number,
    }


def _write_aliases(connection: Connection, plan: Plan, now: datetime) -> None:
    known = {identity.id: identity for identity in plan.touched.known}
    differing = _redirected(plan)
    delete_with(connection, person_aliases.c.id, [*differing, *_returned(plan)])
    rows = [
        {"id": name, "person_id": person, "minted_number": known[name].minted_number, "since": now}
        for name, person in sorted(differing.items())
    ]
    insert_mappings(connection, person_aliases, rows)
