"""A model that learns from pairs of which somebody knows: few of them move it little, many move it a lot.

The same regression as the shipped model's, but pulled towards that model's own weights instead of towards nothing.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from dedupe.comparisons import COMPARISONS
from dedupe.model import MatchModel
from dedupe.regression import Known, Pattern, fitted

STRENGTH = 32.0
"""How strongly weights hold to those of the model: see docs/match-model.md for what others did."""


def counts(labelled: Iterable[tuple[Mapping[str, int], bool]]) -> tuple[Counter[Pattern], Counter[Pattern]]:
    """Return how many pairs show each pattern of levels, and how many of them are one person.

    `labelled`: ({comparison: level}, whether they are one person) of each pair.
    """
    totals: Counter[Pattern] = Counter()
    right: Counter[Pattern] = Counter()
    for levels, is_same in labelled:
        pattern = tuple(sorted((name, level) for name, level in levels.items() if level >= 0))
        totals[pattern] += 1
        right[pattern] += is_same
    return totals, right


def learned(
    model: MatchModel, totals: Mapping[Pattern, int], right: Mapping[Pattern, int], strength: float = STRENGTH
) -> MatchModel:
    """Return `model` with the likeliest weights after these pairs; the same model where there are none.

    Thresholds and name frequencies stay. A stronger agreement still never weighs less than a weaker one.
    """
    if not totals:
        return model
    prior, weights = fitted(COMPARISONS, totals, right, Known(model.prior, model.weights, strength))
    return model.model_copy(update={"prior": prior, "weights": weights})
