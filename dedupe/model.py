"""The match model: levels of agreement, what each is worth, and from where on two records are one person.

A weight is log2 of the odds that a finding gives; weights add up, so that every score can be taken apart again.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from dedupe.comparisons import COMPARISONS
from dedupe.normalise import Normalised
from dedupe.population import Population, counted

SHIPPED = Path(__file__).with_name("shipped_model.json")
_LEVELS = {one.name: {level.number for level in one.levels} for one in COMPARISONS}


class MatchModel(BaseModel):
    """Weights by comparison and level, and the two thresholds on the probability.

    `prior`: the weight of being two records that share a key at all. `weights`: {comparison: {level: weight}}; a
    missing value has level -1 and weight 0. `population`: how often names are met.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    prior: float
    weights: Mapping[str, Mapping[int, float]]
    population: Population
    merge_at: float
    review_at: float

    def among(self, records: Iterable[Normalised]) -> "MatchModel":
        """Return this model with names as frequent as they are among `records`, whose order does not matter."""
        return self.model_copy(update={"population": counted(records, self.population)})

    @property
    def fits(self) -> bool:
        """Whether it was made for the comparisons of this version."""
        return {name: set(levels) for name, levels in self.weights.items()} == _LEVELS

    def weight(self, levels: Mapping[str, int]) -> float:
        """Return the sum for one pair's levels. Raises KeyError for a level the model was not trained on."""
        return self.prior + sum(self.weights[name][level] for name, level in levels.items() if level >= 0)


def probability(weight: float) -> float:
    """Return the probability that a weight in log2 odds stands for."""
    if weight > 500:
        return 1.0
    odds = 2.0**weight
    return odds / (1.0 + odds)


@lru_cache(maxsize=1)
def shipped() -> MatchModel:
    """Return the model that comes with this version."""
    return MatchModel.model_validate_json(SHIPPED.read_text())
