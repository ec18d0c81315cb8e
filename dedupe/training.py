"""Trains the shipped match model: `uv run python -m dedupe.training`. Reproducible: same seed, same weights.

The levels of all compared pairs of invented people, of whom the truth is known, go into a logistic regression. Its
coefficients in log2 are the model's weights: still a sum, so every score can be taken apart, and calibrated, which
plain Fellegi-Sunter weights are not (an e-mail address is mostly made of the name). Where levels have an order, a
stronger agreement is never worth less than a weaker one. docs/match-model.md holds the figures.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import orjson

from connectors.records import Candidate
from dedupe.blocking import Key, shared_keys
from dedupe.clustering import clusters
from dedupe.common_names import COMMON_NAMES
from dedupe.comparisons import COMPARISONS
from dedupe.model import SHIPPED, MatchModel
from dedupe.normalise import Normalised, normalised
from dedupe.regression import Pattern, fitted
from dedupe.scoring import Edge, compared, edges
from dedupe.training_people import records

SEED = 20261101
PEOPLE = 12_000
JUDGES = 6_000
REVIEW_AT = 0.2
LEAST_PRECISION = 0.98
"""What merging by itself asks of people that the weights were not trained on."""
_LEAST_PAIRS = 20
_THRESHOLDS = tuple(number / 100 for number in range(70, 100))


@dataclass(frozen=True, slots=True)
class Judged:
    """Pairwise shares over clusters, at one threshold."""

    merge_at: float
    precision: float
    recall: float


def prepared(people: int, seed: int) -> tuple[dict[str, int], list[Normalised], set[Key]]:
    """Return the truth {record: person}, the comparable records, and the keys that many people share."""
    truth: dict[str, int] = {}
    comparable: list[Normalised] = []
    candidate: Candidate
    for person, record, candidate in records(people, seed):
        truth[record] = person
        comparable.append(normalised(record, candidate, "US", "training"))
    return truth, comparable, shared_keys(comparable)


def trained(people: int = PEOPLE, seed: int = SEED) -> MatchModel:
    """Return a model trained on invented people, its threshold the lowest that is precise enough on three other lots.

    Raises ValueError if a level was hardly seen, or if no threshold reaches the precision that merging asks for.
    """
    truth, comparable, shared = prepared(people, seed)
    totals: Counter[Pattern] = Counter()
    right: Counter[Pattern] = Counter()
    for left, other, levels in compared(comparable, truth.keys(), shared, COMMON_NAMES):
        pattern = tuple(sorted((name, level) for name, level in levels.items() if level >= 0))
        totals[pattern] += 1
        right[pattern] += truth[left] == truth[other]
    _ask_for_evidence(totals)
    prior, weights = fitted(COMPARISONS, totals, right)
    model = MatchModel(
        name=f"shipped-2 ({people} invented people, seed {seed})",
        prior=prior,
        weights=weights,
        common_names=COMMON_NAMES,
        merge_at=_THRESHOLDS[-1],
        review_at=REVIEW_AT,
    )
    lots = [judged(model, *prepared(JUDGES, seed + lot), _THRESHOLDS) for lot in (1, 2, 3)]
    for threshold, *found in zip(_THRESHOLDS, *lots, strict=True):
        if min(one.precision for one in found) >= LEAST_PRECISION:
            return model.model_copy(update={"merge_at": threshold})
    raise ValueError("no threshold reaches the precision that merging asks for; look at the levels and the people")


def _ask_for_evidence(totals: Mapping[Pattern, int]) -> None:
    seen: Counter[tuple[str, int]] = Counter()
    for pattern, count in totals.items():
        seen.update(dict.fromkeys(pattern, count))
    wanted = [(one.name, level.number) for one in COMPARISONS for level in one.levels]
    if missing := [level for level in wanted if seen[level] < _LEAST_PAIRS]:
        raise ValueError(f"hardly any pair shows the levels {missing}; a weight for them would be made up")


def judged(
    model: MatchModel,
    truth: Mapping[str, int],
    comparable: Sequence[Normalised],
    shared: set[Key],
    thresholds: Sequence[float],
) -> list[Judged]:
    """Return how well the model's clusters agree with the truth, at each threshold."""
    scored = edges(comparable, truth.keys(), shared, model)
    return [_judged(model.model_copy(update={"merge_at": one}), truth, scored) for one in thresholds]


def _judged(model: MatchModel, truth: Mapping[str, int], scored: Sequence[Edge]) -> Judged:
    found = clusters(truth, scored, (), (), model)
    said = sum(len(group) * (len(group) - 1) // 2 for group in found)
    right = sum(n * (n - 1) // 2 for group in found for n in Counter(truth[one] for one in group).values())
    true = sum(n * (n - 1) // 2 for n in Counter(truth.values()).values())
    return Judged(model.merge_at, right / said if said else 1.0, right / true if true else 1.0)


def calibration(truth: Mapping[str, int], scored: Sequence[Edge]) -> list[tuple[float, float, int, float]]:
    """Return (from, to, pairs, share truly one person) for bands of the probability."""
    bounds = (REVIEW_AT, 0.5, 0.8, 0.9, 0.95, 0.99, 1.0)
    rows: list[tuple[float, float, int, float]] = []
    for low, high in pairwise(bounds):
        band = [one for one in scored if low <= one.probability < high or one.probability == high == 1.0]
        right = sum(truth[one.record_a] == truth[one.record_b] for one in band)
        rows.append((low, high, len(band), right / len(band) if band else 0.0))
    return rows


def main() -> None:
    """Train, write the shipped model, and print how it does on people that neither step has seen."""
    model = trained()
    options = orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS
    dumped = model.model_dump(mode="json")
    SHIPPED.write_bytes(orjson.dumps(dumped, option=options) + b"\n")
    truth, comparable, shared = prepared(JUDGES, SEED + 4)
    for one in judged(model, truth, comparable, shared, (0.5, 0.8, model.merge_at)):
        print(f"merge at {one.merge_at}: precision {one.precision:.4f}, recall {one.recall:.4f}")  # noqa: T201
    for low, high, pairs, share in calibration(truth, edges(comparable, truth.keys(), shared, model)):
        print(f"said {low:.2f}-{high:.2f}: {pairs} pairs, {share:.3f} truly one person")  # noqa: T201


if __name__ == "__main__":
    main()
