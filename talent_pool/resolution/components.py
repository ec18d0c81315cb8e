"""What a change touches: the components around the records compared anew, as they are stored, with their people."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Connection, select

from dedupe.scoring import Edge
from talent_pool.resolution import decisions
from talent_pool.resolution.decisions import NO_TIES, Decision, Ties
from talent_pool.resolution.identity import Identity, person_id
from talent_pool.resolution.neighbours import Compared
from talent_pool.store.lookup import rows_with
from talent_pool.store.tables import edges, people, person_aliases, person_records


@dataclass
class Touched:
    """Whole components: `members` are live records, `edges` all edges among them, `holder` who has each record now.

    `known` are the ids given out before that have a say in who is called what; `stand_ins` leads from a removed
    record to a live one that was decided to be the same person. `ties`: all that was decided about any of them.
    """

    members: set[str] = field(default_factory=set[str])
    edges: list[Edge] = field(default_factory=list[Edge])
    holder: dict[str, str] = field(default_factory=dict[str, str])
    known: list[Identity] = field(default_factory=list[Identity])
    stand_ins: dict[str, str] = field(default_factory=dict[str, str])
    ties: Ties = NO_TIES


def touched(connection: Connection, compared: Compared) -> Touched:
    """Follow edges, decisions and people from the records in focus until nothing new is reached."""
    walk = _Walk(connection, compared)
    walk.run()
    inside = {name for name in walk.seen if name in walk.holder or name in compared.normalised}
    inside -= {name for name, landed in compared.focus.items() if not landed.live}
    kept = [edge for edge in walk.stored.values() if edge.record_a in inside and edge.record_b in inside]
    stand_ins: dict[str, str] = {}
    for name in walk.seen - inside:
        if peers := walk.ties.peers(name) & inside:
            stand_ins[name] = min(peers)
    return Touched(inside, kept + compared.edges, walk.holder, walk.known(), stand_ins, walk.ties)


def edge(record_a: str, record_b: str, weight: float, probability: float, levels: Mapping[str, int]) -> Edge:
    """Return a stored edge as it was scored."""
    return Edge(record_a, record_b, weight, probability, levels)


_EDGES = select(edges.c.record_a, edges.c.record_b, edges.c.weight, edges.c.probability, edges.c.levels)
_EITHER = (edges.c.record_a, edges.c.record_b)
_HOLDERS = select(person_records.c.record_id, person_records.c.person_id)
_NONE: frozenset[str] = frozenset()
_ALIASES = select(person_aliases.c.id, person_aliases.c.minted_number, person_aliases.c.person_id)
_MINTED = select(people.c.id, people.c.minted_number)


class _Walk:
    def __init__(self, connection: Connection, compared: Compared) -> None:
        self._connection = connection
        self._compared = compared
        self._decided: dict[str, Decision] = {}
        self.ties = NO_TIES
        self._fresh: defaultdict[str, set[str]] = defaultdict(set)
        for new in compared.edges:
            self._fresh[new.record_a].add(new.record_b)
            self._fresh[new.record_b].add(new.record_a)
        self.seen: set[str] = set()
        self.stored: dict[tuple[str, str], Edge] = {}
        self.holder: dict[str, str] = {}
        self._people: dict[str, int] = {}

    def run(self) -> None:
        frontier = set(self._compared.focus)
        while frontier:
            self.seen |= frontier
            self._look_decisions_up(frontier)
            reached = {peer for name in frontier for peer in self._fresh.get(name, _NONE) | self.ties.peers(name)}
            frontier = (reached | self._along_edges(frontier) | self._along_people(frontier)) - self.seen

    def known(self) -> list[Identity]:
        """Return the people met on the way, and the aliases that may come back or have to be redirected."""
        members: defaultdict[str, set[str]] = defaultdict(set)
        for record, person in self.holder.items():
            members[person].add(record)
        found = {name: Identity(name, minted, name, frozenset(members[name])) for name, minted in self._people.items()}
        ids = self._people.keys() | {person_id(name) for name in self.seen}
        for row in rows_with(self._connection, _ALIASES, (person_aliases.c.id, person_aliases.c.person_id), ids):
            found[row.id] = Identity(row.id, row.minted_number, row.person_id)
        return [found[name] for name in sorted(found)]

    def _look_decisions_up(self, frontier: Collection[str]) -> None:
        new = {decision.id: decision for decision in decisions.around(self._connection, frontier)}
        if not new.keys() <= self._decided.keys():
            self._decided |= new
            self.ties = decisions.ties(self._decided.values())

    def _along_edges(self, frontier: Collection[str]) -> set[str]:
        reached: set[str] = set()
        focus = self._compared.focus
        for row in rows_with(self._connection, _EDGES, _EITHER, frontier):
            reached.update((row.record_a, row.record_b))
            # An old edge of a record in focus is replaced; whom it led to is still touched.
            if row.record_a not in focus and row.record_b not in focus:
                self.stored[row.record_a, row.record_b] = edge(*row)
        return reached

    def _along_people(self, frontier: Collection[str]) -> set[str]:
        unknown = [name for name in frontier if name not in self.holder]
        named = {row.person_id for row in rows_with(self._connection, _HOLDERS, person_records.c.record_id, unknown)}
        named |= {person_id(name) for name in frontier}  # whoever was minted for one of them
        found = rows_with(self._connection, _MINTED, people.c.id, named - self._people.keys())
        new = {row.id: row.minted_number for row in found}
        self._people |= new
        found = rows_with(self._connection, _HOLDERS, person_records.c.person_id, new)
        held = {row.record_id: row.person_id for row in found}
        self.holder |= held
        return set(held)
