"""Examples of who would merge and split in an epoch, in words: those first that somebody would most likely doubt."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Literal

from sqlalchemy import Connection

from connectors.records import Candidate
from dedupe.explanation import waterfall
from dedupe.model import probability
from dedupe.scoring import Edge, compared
from talent_pool.epochs.difference import Cluster, Difference
from talent_pool.epochs.rebuild import Rebuilt
from talent_pool.people.review import name_of
from talent_pool.resolution.landed import by_ids

MOST = 20
_MOST_COMPARED = 50
"""Records of a person that are looked at for what speaks most for the two sides of an example."""


@dataclass(frozen=True, slots=True)
class Example:
    """Two records that stand for two people who would merge, or for two parts of one who would split.

    `people`: who holds the two now; `names`: what the two records say. `probability` and `findings`: of the two by the
    epoch looked at, what says most first; without any where they have nothing in common that is compared.
    """

    kind: Literal["merge", "split"]
    people: tuple[str, str]
    records: tuple[str, str]
    names: tuple[str | None, str | None]
    probability: float | None
    findings: tuple[str, ...]


def examples(connection: Connection, found: Rebuilt, would: Difference) -> list[Example]:
    """Return at most twenty: merges over the weakest evidence, and splits against the strongest, by turns."""
    best = _best(found, would)
    merges = sorted(would.merges, key=lambda one: (_weight(best.get(min(one))), min(one)))
    splits = sorted(would.splits, key=lambda one: (-_weight(best.get(one)), one))
    mixed = [one for two in zip_longest(merges, splits) for one in two if one is not None][:MOST]
    return [_example(connection, found, would, one, best) for one in mixed]


def _weight(edge: Edge | None) -> float:
    return edge.weight if edge else float("-inf")


def _best(found: Rebuilt, would: Difference) -> dict[str, Edge]:
    """Return the strongest edge across each merge, by its smallest record, and across each split, by its person."""
    merged = {name: min(cluster) for cluster in would.merges for name in cluster}
    part = {name: min(own) for parts in would.splits.values() for own in parts for name in own}
    best: dict[str, Edge] = {}
    for edge in found.edges:
        a, b = edge.record_a, edge.record_b
        two = found.holder.get(a), found.holder.get(b)
        key = None
        if two[0] != two[1] and a in merged and merged[a] == merged.get(b):
            key = merged[a]
        elif two[0] == two[1] and a in part and b in part and part[a] != part[b]:
            key = two[0]
        if key is not None and (key not in best or edge.weight > best[key].weight):
            best[key] = edge
    return best


def _example(
    connection: Connection, found: Rebuilt, would: Difference, one: Cluster | str, best: Mapping[str, Edge]
) -> Example:
    kind: Literal["merge", "split"] = "split" if isinstance(one, str) else "merge"
    edge = best.get(one if isinstance(one, str) else min(one))
    if edge:
        pair, levels = (edge.record_a, edge.record_b), edge.levels
    else:
        pair, levels = _closest(found, list(_sides(found, would, one)))
    landed = by_ids(connection, pair)
    told = [name_of(landed[name].read_as(Candidate)) for name in pair]
    steps = waterfall(levels, found.epoch.model) if levels else []
    return Example(
        kind,
        (found.holder[pair[0]], found.holder[pair[1]]),
        pair,
        (told[0], told[1]),
        probability(found.epoch.model.weight(levels)) if levels else None,
        tuple(step.finding for step in steps if levels.get(step.comparison, -1) >= 0 or step.comparison == "guard"),
    )


def _sides(found: Rebuilt, would: Difference, one: Cluster | str) -> Iterator[list[str]]:
    if isinstance(one, str):
        yield from (sorted(part) for part in would.splits[one])
    else:
        yield from (sorted(name for name in one if found.holder[name] == person) for person in would.merges[one])


def _closest(found: Rebuilt, sides: Sequence[Sequence[str]]) -> tuple[tuple[str, str], Mapping[str, int]]:
    """Return the two records of different sides that have most in common, and in what; no edge of them is kept."""
    side = {name: number for number, own in enumerate(sides) for name in own[:_MOST_COMPARED]}
    records = [found.records[name] for name in chain.from_iterable(sides) if name in side]
    model, shared = found.epoch.model, found.shared[records[0].organisation]
    pairs = [
        (model.weight(levels), (a, b), levels)
        for a, b, levels in compared(records, side.keys(), shared, model.population)
        if side[a] != side[b]
    ]
    if pairs:
        return max(pairs, key=lambda one: (one[0], one[1]))[1:]
    return (sides[0][0], sides[1][0]), {}
