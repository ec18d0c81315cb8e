"""Why a pair has its weight: the prior, then each comparison, in words and numbers, from the stored levels."""

from collections.abc import Mapping
from dataclasses import dataclass

from dedupe.comparisons import WORDS, guard
from dedupe.model import MatchModel


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the waterfall; `weight` in log2 odds, the steps add up to the pair's weight."""

    comparison: str
    finding: str
    weight: float


def waterfall(levels: Mapping[str, int], model: MatchModel) -> list[Step]:
    """Return the steps of one pair: the prior, then what says most, then the guard that forbids a merge, if any."""
    start = Step("prior", "two records that share something", model.prior)
    steps = [
        Step(name, WORDS[name][level], model.weights[name][level] if level >= 0 else 0.0)
        for name, level in levels.items()
    ]
    guarded = guard(levels)
    last = [Step("guard", guarded, 0.0)] if guarded else []
    return [start, *sorted(steps, key=lambda step: (-abs(step.weight), step.comparison)), *last]
