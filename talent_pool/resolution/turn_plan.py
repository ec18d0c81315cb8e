"""One turn of resolution, thought out: what waits, who is one person now, and every row that follows from it.

Reads one consistent view of the store, and holds no lock, however long the comparing takes.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Integer, bindparam, select

from connectors.records import ConsentStatement
from dedupe.clustering import clusters
from talent_pool.epochs import stored as epochs
from talent_pool.epochs.stored import Epoch
from talent_pool.installation import Installation
from talent_pool.resolution import survivorship_in_force, turns
from talent_pool.resolution.components import Touched, touched
from talent_pool.resolution.golden import Activity, activities, address_rows, combined, person_row
from talent_pool.resolution.identity import Assignment, assign
from talent_pool.resolution.landed import Landed, by_ids, by_place
from talent_pool.resolution.neighbours import Compared, Score, compare
from talent_pool.resolution.projection import Projection, project
from talent_pool.store.addresses import address_key
from talent_pool.store.database import Store
from talent_pool.store.lookup import mappings_with, rows_of, rows_with
from talent_pool.store.tables import applications, people, person_addresses, person_records, work

Row = dict[str, Any]

HOLDERS = select(person_records.c.record_id, person_records.c.person_id)
_PEOPLE = select(people)
_ADDRESSES = select(person_addresses)
_REACHED = select(person_addresses.c.person_id)
_WAITS = (
    select(work.c.subject_id)
    .where(work.c.stage == "resolve")
    .order_by(work.c.since, work.c.subject_id)
    .limit(bindparam("limit", type_=Integer))
)
_APPLICANTS = select(applications.c.candidate_record_id)


@dataclass(frozen=True)
class Plan:
    """Everything one turn is about to write, and what it rests on.

    `turn` and `waiting` are checked again before anything is written. `holders`: who holds each record from now on,
    for all records of touched components. `people`: derived columns by person; `stored`: their rows as they are.
    `rebuilding`: people who waited for the rules by which they are built have changed.
    `woken`: people whose segments have to be looked at for another cause than a change of theirs.
    """

    turn: int
    epoch: Epoch
    taken: list[str]
    waiting: Mapping[str, Landed]
    compared: Compared
    touched: Touched
    assignment: Assignment
    holders: Mapping[str, str]
    projection: Projection
    rebuilding: Sequence[str] = ()
    people: Mapping[str, Row] = field(default_factory=dict[str, Row])
    organisations: Mapping[str, str] = field(default_factory=dict[str, str])
    addresses: Mapping[str, list[Row]] = field(default_factory=dict[str, list[Row]])
    stored: Mapping[str, Row] = field(default_factory=dict[str, Row])
    stored_addresses: Mapping[str, list[Row]] = field(default_factory=dict[str, list[Row]])
    woken: frozenset[str] = frozenset()


def plan(
    connection: Connection, store: Store, installation: Installation, now: datetime, *, limit: int, score: Score
) -> Plan | None:
    """Think out a turn over at most `limit` waiting records and people; None when nothing waits."""
    taken = [row.subject_id for row in rows_of(connection, _WAITS, limit=limit)]
    rebuilding = survivorship_in_force.waiting(connection, limit - len(taken))
    if not taken and not rebuilding:
        return None
    turn, epoch = turns.current(connection), epochs.in_force(connection)
    waiting = by_ids(connection, taken)
    candidates = {name: landed for name, landed in waiting.items() if landed.record_type == "candidate"}
    compared = compare(connection, installation, candidates, epoch.model, score)
    around = touched(connection, compared)
    same, different = around.ties.same(around.members), around.ties.different(around.members)
    found = clusters(around.members, around.edges, same, different, epoch.model)
    landed = by_ids(connection, around.members - compared.focus.keys()) | compared.focus
    order = {name: one.landing_number for name, one in landed.items()}
    assignment = assign(found, around.known, order, around.stand_ins)
    holders = {record: person for cluster, person in assignment.holders.items() for record in cluster}
    stay = Holders(connection, compared.focus.keys() | around.members, holders)
    moved = [one for name, one in landed.items() if around.holder.get(name) != holders.get(name)]
    projection = project(connection, store, installation, waiting=waiting.values(), moved=moved, holders_of=stay.of)
    thought = Plan(turn, epoch, taken, waiting, compared, around, assignment, holders, projection, rebuilding)
    return _with_people(connection, store, installation, now, thought=thought, landed=landed, stay=stay)


class Holders:
    """Who holds a candidate record after this turn, in a touched component or outside of all."""

    def __init__(self, connection: Connection, inside: Collection[str], holders: Mapping[str, str]) -> None:
        self._connection = connection
        self._inside = inside
        self._holders = holders

    def of(self, names: Collection[str]) -> dict[str, str]:
        """Return the person of each record that has one."""
        outside = {name for name in names if name not in self._inside}
        stored = rows_with(self._connection, HOLDERS, person_records.c.record_id, outside)
        here = {name: self._holders[name] for name in names if name in self._holders}
        return here | {row.record_id: row.person_id for row in stored}


def _with_people(
    connection: Connection,
    store: Store,
    installation: Installation,
    now: datetime,
    *,
    thought: Plan,
    landed: Mapping[str, Landed],
    stay: Holders,
) -> Plan:
    members = _rebuilt(connection, thought, stay)
    records = {**by_ids(connection, {r for own in members.values() for r in own} - landed.keys()), **landed}
    acts = activities(connection, thought.projection, records, now)
    rows: dict[str, Row] = {}
    addresses: dict[str, list[Row]] = {}
    for person, own in members.items():
        whole = [records[name] for name in sorted(own)]
        rows[person] = person_row(installation, whole, combined(acts.get(name, Activity()) for name in own))
        addresses[person] = address_rows(store, person, rows[person], whole)
    ids = rows.keys() | thought.assignment.ended | thought.assignment.aliases.keys()
    stored = {row["id"]: row for row in mappings_with(connection, _PEOPLE, people.c.id, ids)}
    stored_addresses: defaultdict[str, list[Row]] = defaultdict(list)
    for row in mappings_with(connection, _ADDRESSES, person_addresses.c.person_id, ids):
        stored_addresses[row["person_id"]].append(row)
    return Plan(
        thought.turn, thought.epoch, thought.taken, thought.waiting, thought.compared, thought.touched,
        thought.assignment, thought.holders, thought.projection, thought.rebuilding,
        people=rows,
        organisations={person: records[min(own)].organisation for person, own in members.items()},
        addresses=addresses,
        stored=stored,
        stored_addresses=stored_addresses,
        woken=frozenset(_woken(connection, store, thought, stay)),
    )  # fmt: skip


def _rebuilt(connection: Connection, thought: Plan, stay: Holders) -> dict[str, frozenset[str]]:
    """Return the people whose records, applications, events or rules differ, each with all records from now on."""
    before = {identity.id: identity.members for identity in thought.touched.known if not identity.is_alias}
    active = thought.projection.candidates
    members = {
        person: cluster
        for cluster, person in thought.assignment.holders.items()
        if before.get(person) != cluster or cluster & thought.compared.focus.keys() or cluster & active
    }
    elsewhere = set(stay.of(active - thought.holders.keys()).values()) | set(thought.rebuilding)
    elsewhere -= members.keys() | thought.assignment.aliases.keys() | thought.assignment.ended
    found: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows_with(connection, HOLDERS, person_records.c.person_id, elsewhere):
        found[row.person_id].add(row.record_id)
    return members | {person: frozenset(own) for person, own in found.items()}


def _woken(connection: Connection, store: Store, thought: Plan, stay: Holders) -> set[str]:
    """Return the people whom a statement or a change of a job concerns."""
    consents = [landed for landed in thought.waiting.values() if landed.record_type == "consent"]
    places = {landed.parent for landed in consents if landed.parent}
    candidates = {landed.id for landed in by_place(connection, places).values()}
    keys: set[str] = set()
    for landed in consents:
        if landed.body:
            said = landed.read_as(ConsentStatement)
            keys |= {address_key(store, said.channel, said.address)} if said.address else set()
    reached = {row.person_id for row in rows_with(connection, _REACHED, person_addresses.c.address_key, keys)}
    jobs = thought.projection.jobs.values("id")
    candidates |= {row.candidate_record_id for row in rows_with(connection, _APPLICANTS, applications.c.job_id, jobs)}
    active = thought.projection.candidates
    gone = set(thought.assignment.aliases) | thought.assignment.ended
    return (set(stay.of(candidates | active).values()) | reached) - gone
