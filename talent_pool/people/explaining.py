"""Why two records, or two people, are or are not one person: in numbers from stored edges, and in words."""

import heapq
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, or_, select

from dedupe.explanation import Step, waterfall
from dedupe.scoring import Edge
from talent_pool.epochs import stored as epochs
from talent_pool.people.person_ids import NoSuchPerson, resolved
from talent_pool.resolution import decisions
from talent_pool.resolution.components import edge
from talent_pool.resolution.decisions import Decision
from talent_pool.resolution.landed import by_ids
from talent_pool.store.database import Store
from talent_pool.store.lookup import among, given, portions, rows_with
from talent_pool.store.tables import edges, person_records, record_keys


@dataclass(frozen=True, slots=True)
class Link:
    """What speaks for or against two records being one person: a comparison, or what somebody decided."""

    record_a: str
    record_b: str
    kind: Literal["compared", "decided_same", "decided_different"]
    probability: float | None
    weight: float | None
    steps: tuple[Step, ...]
    decision_id: str | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """`links` lead from `a` to `b`, several where others stand in between; `sentence` is the answer in words."""

    a: str
    b: str
    same_person: bool
    links: tuple[Link, ...]
    sentence: str


def explain(store: Store, a: str, b: str) -> Explanation:
    """Say why `a` and `b`, each a record's or a person's id, are or are not one person. Raises NoSuchPerson."""
    with store.reading() as connection:
        reading = _Reading(connection)
        of_a, of_b = reading.records_of(a), reading.records_of(b)
        person_a, person_b = reading.holder(of_a), reading.holder(of_b)
        if person_a is not None and person_a == person_b:
            return reading.together(a, b, of_a, of_b, person_a)
        return reading.apart(a, b, of_a, of_b)


class _Reading:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._model = epochs.in_force(connection).model
        self._decided = decisions.standing(connection)

    def records_of(self, name: str) -> list[str]:
        if name in by_ids(self._connection, [name]):
            return [name]
        person = resolved(self._connection, name)
        if person is None:
            raise NoSuchPerson(f"There is no record and nobody with the id {name}. `catchment people` lists everybody.")
        return self._held_by(person)

    def holder(self, names: Collection[str]) -> str | None:
        column = person_records.c.record_id
        found = rows_with(self._connection, select(person_records.c.person_id), column, names)
        return next((row.person_id for row in found), None)

    def together(self, a: str, b: str, of_a: list[str], of_b: list[str], person: str) -> Explanation:
        if set(of_a) & set(of_b):
            return Explanation(a, b, True, (), "They are the same record, or ids of the same person.")
        inside = set(self._held_by(person))
        links = self._links(inside, decided="same")
        path = _widest_path(links, of_a, of_b)
        if not path:
            return Explanation(a, b, True, (), "They are one person by what is known of records removed since.")
        if len(path) == 1:
            return Explanation(a, b, True, tuple(path), f"They are one person: {_words(path[0])}.")
        through = len(path) - 1
        others = "one other record" if through == 1 else f"{through} other records"
        weakest = min(path, key=lambda link: link.probability if link.probability is not None else 1.0)
        said = f"They are one person through {others}. The weakest link: {_words(weakest)}."
        return Explanation(a, b, True, tuple(path), said)

    def apart(self, a: str, b: str, of_a: list[str], of_b: list[str]) -> Explanation:
        sides = (set(of_a), set(of_b))
        links = [link for link in self._links(sides[0] | sides[1], decided="different") if _across(link, *sides)]
        if decided := [link for link in links if link.kind == "decided_different"]:
            return Explanation(a, b, False, tuple(decided), f"They are two people: {_words(decided[0])}.")
        if links:
            strongest = max(links, key=lambda link: (link.weight or 0.0, link.record_a, link.record_b))
            said = f"They are two people: the likeliest pair was {_words(strongest)}, which is not enough."
            return Explanation(a, b, False, (strongest,), said)
        if self._keys(of_a) & self._keys(of_b):
            said = "They are two people: what they have in common many people share, or the rest speaks against it."
        else:
            said = "They are two people. They were not compared: they have no key in common."
        return Explanation(a, b, False, (), said)

    def _held_by(self, person: str) -> list[str]:
        held = select(person_records.c.record_id).where(person_records.c.person_id == person)
        return sorted(self._connection.execute(held).scalars())

    def _links(self, inside: Collection[str], decided: str) -> list[Link]:
        columns = (edges.c.record_a, edges.c.record_b, edges.c.weight, edges.c.probability, edges.c.levels)
        found: dict[tuple[str, str], Link] = {}
        here = self._connection
        touching = select(*columns).where(or_(among(here, edges.c.record_a), among(here, edges.c.record_b)))
        for portion in portions(inside):
            for row in here.execute(touching, given(here, portion)):
                if row.record_a in inside and row.record_b in inside:
                    found[row.record_a, row.record_b] = self._compared(edge(*row))
        for decision in self._decided:
            if decision.kind == decided and decision.record_a in inside and decision.record_b in inside:
                found[decision.record_a, decision.record_b] = _decided(decision)
        return [found[pair] for pair in sorted(found)]

    def _compared(self, scored: Edge) -> Link:
        steps = tuple(waterfall(scored.levels, self._model))
        return Link(scored.record_a, scored.record_b, "compared", scored.probability, scored.weight, steps)

    def _keys(self, names: Collection[str]) -> set[int]:
        found = rows_with(self._connection, select(record_keys.c.key), record_keys.c.record_id, names)
        return {row.key for row in found}


def _decided(decision: Decision) -> Link:
    kind = "decided_same" if decision.kind == "same" else "decided_different"
    return Link(decision.record_a, decision.record_b, kind, None, None, (), decision.id)


def _words(link: Link) -> str:
    if link.kind == "compared":
        return f"a comparison that makes them one with a probability of {link.probability or 0.0:.1%}"
    return f"it was decided so ({link.decision_id})"


def _across(link: Link, one: set[str], other: set[str]) -> bool:
    return (link.record_a in one and link.record_b in other) or (link.record_a in other and link.record_b in one)


def _widest_path(links: Iterable[Link], start: Collection[str], end: Collection[str]) -> list[Link]:
    """Return the links of the path whose weakest link is the strongest; a decision is as strong as can be."""
    around: defaultdict[str, list[tuple[str, Link]]] = defaultdict(list)
    for link in links:
        around[link.record_a].append((link.record_b, link))
        around[link.record_b].append((link.record_a, link))
    queue: list[tuple[float, int, str, int]] = [(float("-inf"), 0, name, -1) for name in sorted(start)]
    steps: list[tuple[str, Link]] = []
    came: dict[str, tuple[str, Link] | None] = {}
    heapq.heapify(queue)
    while queue:
        width, length, name, step = heapq.heappop(queue)
        if name in came:
            continue
        came[name] = steps[step] if step >= 0 else None
        if name in end:
            return _back(came, name)
        for other, link in around[name]:
            strength = link.weight if link.weight is not None else float("inf")
            steps.append((name, link))
            heapq.heappush(queue, (max(width, -strength), length + 1, other, len(steps) - 1))
    return []


def _back(came: dict[str, tuple[str, Link] | None], name: str) -> list[Link]:
    path: list[Link] = []
    while step := came[name]:
        name, link = step
        path.append(link)
    return path[::-1]
