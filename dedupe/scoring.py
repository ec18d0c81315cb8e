"""Edges: pairs of records that share a key, compared level by level.

Weights come from the model alone, so that a pair's weight is a function of its two records and of the model, whoever
else is looked at in the same call, and whichever of the two ways computed its levels: `instant` or `batch`.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from dedupe import batch, instant
from dedupe.blocking import Key
from dedupe.errors import ModelMisfit
from dedupe.model import MatchModel, probability
from dedupe.normalise import Normalised
from dedupe.population import Population

MOST_AT_ONCE = 30_000
"""Pairs that are compared one by one; for more, starting Splink and DuckDB is worth its half second."""


@dataclass(frozen=True, slots=True)
class Edge:
    """Two records, `record_a` < `record_b`, and what comparing them found. `levels`: {comparison: level}."""

    record_a: str
    record_b: str
    weight: float
    probability: float
    levels: Mapping[str, int]


def edges(
    records: Sequence[Normalised], focus: AbstractSet[str], shared: AbstractSet[Key], model: MatchModel
) -> list[Edge]:
    """Compare each record in `focus` with every other of its organisation that shares a key; order does not matter.

    `shared` keys count as missing. Returns edges whose probability reaches the model's `review_at`, in order of ids.
    Raises ModelMisfit for a model that was made for other levels than these.
    """
    require_fit(model)
    found: list[Edge] = []
    for record_a, record_b, levels in compared(records, focus, shared, model.population):
        weight = model.weight(levels)
        chance = probability(weight)
        if chance >= model.review_at:
            found.append(Edge(record_a, record_b, weight, chance, levels))
    return found


def require_fit(model: MatchModel) -> None:
    """Raise ModelMisfit for a model that was made for other levels than these."""
    if not model.fits:
        raise ModelMisfit


def compared(
    records: Sequence[Normalised],
    focus: AbstractSet[str],
    shared: AbstractSet[Key],
    population: Population,
) -> list[tuple[str, str, dict[str, int]]]:
    """Return (record_a, record_b, levels) of every pair that shares a key and touches `focus`, in order of ids."""
    pairs = instant.pairs(records, focus, shared, MOST_AT_ONCE)
    if pairs is None:
        return batch.compared(records, focus, shared, population)
    return instant.compared(records, pairs, shared, population)
