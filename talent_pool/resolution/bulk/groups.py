"""From edges to new people, by the numbers that records have in columns."""

from array import array
from collections.abc import Iterable, Sequence
from itertools import groupby

from dedupe.clustering import clusters
from dedupe.columns import Columns
from dedupe.model import MatchModel

LEFT = -1
"""The group of a record that is not for the bulk to decide about."""


def components(count: int, pairs: Iterable[tuple[int, int]]) -> "array[int]":
    """Return for each of `count` records the smallest number among those that it hangs together with."""
    towards = array("i", range(count))

    def root(number: int) -> int:
        while (above := towards[number]) != number:
            towards[number] = number = towards[above]
        return number

    for a, b in pairs:
        one, other = root(a), root(b)
        towards[max(one, other)] = min(one, other)
    for number in range(count):  # whoever it leads to has a smaller number, and is settled already
        towards[number] = towards[towards[number]]
    return towards


def leave_out(component: "array[int]", numbers: Iterable[int]) -> None:
    """Put every record that hangs together with one of `numbers` into the group LEFT."""
    left = {component[number] for number in numbers} - {LEFT}
    for number, own in enumerate(component):
        if own in left:
            component[number] = LEFT


def anchored(columns: Columns, component: Sequence[int], landed: Sequence[int], model: MatchModel) -> "array[int]":
    """Return for each record the one that its person is minted for, or LEFT. `landed`: landing numbers."""
    anchor = array("i", (LEFT if own == LEFT else number for number, own in enumerate(component)))
    for _, rows in groupby(columns.edges_by(component), key=lambda row: row[0]):
        found = [one for _, one in rows]
        number = {name: n for one in found for name, n in ((one.edge.record_a, one.a), (one.edge.record_b, one.b))}
        for cluster in clusters(number, [one.edge for one in found], (), (), model):
            own = [number[name] for name in cluster]
            first = min(own, key=lambda n: (landed[n], n))
            for member in own:
                anchor[member] = first
    return anchor
