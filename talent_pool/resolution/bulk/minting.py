"""The second half of a first load: new people, some thousands of records in each short transaction.

What is written is a turn like any other, whose plan rests on what was found in columns instead of on look-ups.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

from dedupe.columns import Columns
from dedupe.scoring import Edge
from talent_pool.epochs.stored import Epoch
from talent_pool.installation import Installation
from talent_pool.resolution.components import Touched
from talent_pool.resolution.golden import Activity, activities, address_rows, combined, person_row
from talent_pool.resolution.identity import Assignment, person_id
from talent_pool.resolution.landed import Landed
from talent_pool.resolution.neighbours import Compared
from talent_pool.resolution.projection import project
from talent_pool.resolution.turn_plan import Holders, Plan
from talent_pool.store.database import Store

RECORDS_AT_ONCE = 2_000


@dataclass
class Newcomers:
    """People to be, in the order of their ids: {anchor: {record: its number}}, and edges that are to be written.

    An edge between two people goes with the first of them: so that a turn that comes in between finds the other one.
    """

    records: dict[str, dict[str, int]] = field(default_factory=dict[str, dict[str, int]])
    edges: list[Edge] = field(default_factory=list[Edge])

    @property
    def numbers(self) -> dict[str, int]:
        """Return every record with its number."""
        return {name: number for own in self.records.values() for name, number in own.items()}

    def without(self, component: Sequence[int], gone: Collection[int]) -> "Newcomers":
        """Return those whose component, told by number of a record, is none of `gone`."""
        if not gone:
            return self
        records = {a: own for a, own in self.records.items() if component[next(iter(own.values()))] not in gone}
        left = self.records.keys() - records.keys()
        out = {name for anchor in left for name in self.records[anchor]}
        return Newcomers(records, [edge for edge in self.edges if not {edge.record_a, edge.record_b} & out])


def portions(columns: Columns, anchor: Sequence[int]) -> Iterator[Newcomers]:
    """Yield all newcomers; `anchor` tells each record's, by number."""
    edges = columns.edges_by(anchor)
    waiting = next(edges, None)
    found, count = Newcomers(), 0
    for first, rows in groupby(columns.records_by(anchor), key=lambda row: row[0]):
        own = {name: number for _, number, name in rows}
        found.records[next(name for name, number in own.items() if number == first)] = own
        while waiting is not None and waiting[0] == first:
            found.edges.append(waiting[1].edge)
            waiting = next(edges, None)
        count += len(own)
        if count >= RECORDS_AT_ONCE:
            yield found
            found, count = Newcomers(), 0
    if found.records:
        yield found


def plan(
    store: Store,
    installation: Installation,
    now: datetime,
    newcomers: Newcomers,
    landed: Mapping[str, Landed],
    *,
    turn: int,
    epoch: Epoch,
) -> Plan:
    """Think out the turn that mints these people, who have no history and meet nobody stored."""
    clusters = {person_id(anchor): frozenset(own) for anchor, own in newcomers.records.items()}
    holders = {name: person for person, own in clusters.items() for name in own}
    with store.reading() as connection:
        of = Holders(connection, holders, holders).of
        projection = project(connection, store, installation, waiting=landed.values(), moved=(), holders_of=of)
        acts = activities(connection, projection, landed, now)
    people: dict[str, dict[str, Any]] = {}
    addresses: dict[str, list[dict[str, Any]]] = {}
    for person, own in clusters.items():
        whole = [landed[name] for name in sorted(own)]
        people[person] = person_row(installation, whole, combined(acts.get(name, Activity()) for name in own))
        addresses[person] = address_rows(store, person, people[person], whole)
    return Plan(
        turn,
        epoch,
        taken=sorted(holders),
        waiting=landed,
        compared=Compared(edges=newcomers.edges),
        touched=Touched(set(holders), newcomers.edges),
        assignment=Assignment({own: person for person, own in clusters.items()}, frozenset(clusters), {}, frozenset()),
        holders=holders,
        projection=projection,
        people=people,
        organisations={person: landed[min(own)].organisation for person, own in clusters.items()},
        addresses=addresses,
    )
