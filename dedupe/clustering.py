"""From edges to people: strongest first, and never across what people decided.

A pure function of members, edges and decisions; ties are broken by weight and then by id, so that the order of arrival
cannot matter. An edge that would break a rule is refused by itself, and the clusters on both its sides stay whole.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from dedupe.comparisons import keeps_apart
from dedupe.model import MatchModel, probability
from dedupe.scoring import Edge

Pair = tuple[str, str]


@dataclass(slots=True)
class _Clusters:
    """Disjoint groups of records that only ever grow together."""

    home: dict[str, int]
    groups: dict[int, set[str]]
    apart: dict[str, set[str]] = field(default_factory=dict[str, set[str]])

    def joined(self, left: str, right: str) -> bool:
        return self.home[left] == self.home[right]

    def decided_apart(self, left: str, right: str) -> bool:
        """Say whether anybody decided that a record of one group is not somebody of the other."""
        one, other = self.groups[self.home[left]], self.groups[self.home[right]]
        small, large = sorted((one, other), key=len)
        return any(not self.apart[name].isdisjoint(large) for name in small if name in self.apart)

    def join(self, left: str, right: str) -> None:
        small, large = sorted((self.home[left], self.home[right]), key=lambda number: len(self.groups[number]))
        for name in self.groups[small]:
            self.home[name] = large
        self.groups[large] |= self.groups.pop(small)


def clusters(
    members: Iterable[str], edges: Sequence[Edge], same: Iterable[Pair], different: Iterable[Pair], model: MatchModel
) -> list[frozenset[str]]:
    """Part `members` into people, in order of their smallest record id.

    `same` and `different` are decisions, which outrank every edge. Two clusters join over an edge of at least
    `merge_at` if the comparisons between them speak for it on the whole (a pair never compared counts as 0), and do not
    keep them apart: see `dedupe.comparisons.keeps_apart`.
    """
    ordered = sorted(set(members))
    numbers = {name: number for number, name in enumerate(ordered)}
    state = _Clusters(numbers, {number: {name} for name, number in numbers.items()})
    known = state.home.keys()
    for left, right in different:
        state.apart.setdefault(left, set()).add(right)
        state.apart.setdefault(right, set()).add(left)
    for left, right in sorted(same):
        if left in known and right in known and not state.joined(left, right):
            state.join(left, right)
    between: dict[str, dict[str, Edge]] = {}
    usable = [edge for edge in edges if edge.record_a in known and edge.record_b in known]
    for edge in usable:
        between.setdefault(edge.record_a, {})[edge.record_b] = edge
        between.setdefault(edge.record_b, {})[edge.record_a] = edge
    for edge in sorted(usable, key=lambda one: (-one.weight, one.record_a, one.record_b)):
        if probability(edge.weight) < model.merge_at:
            break
        if not state.joined(edge.record_a, edge.record_b) and _may_join(state, edge, between):
            state.join(edge.record_a, edge.record_b)
    return sorted((frozenset(group) for group in state.groups.values()), key=min)


def _may_join(state: _Clusters, edge: Edge, between: dict[str, dict[str, Edge]]) -> bool:
    if state.decided_apart(edge.record_a, edge.record_b):
        return False
    one, other = state.groups[state.home[edge.record_a]], state.groups[state.home[edge.record_b]]
    crossing = [found for name in one for right, found in between.get(name, {}).items() if right in other]
    if keeps_apart([found.levels for found in crossing]):
        return False
    return sum(found.weight for found in crossing) > 0
