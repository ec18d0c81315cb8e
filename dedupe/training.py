"""Trains the shipped match model: `uv run python -m dedupe.training`. Reproducible: same seed, same weights.

The levels of all compared pairs of invented people, of whom the truth is known, go into a logistic regression. Its
coefficients in log2 are the model's weights: still a sum, so every score can be taken apart, and calibrated, which
plain Fellegi-Sunter weights are not (an e-mail address is mostly made of the name). Where levels have an order, a
stronger agreement is never worth less than a weaker one. docs/match-model.md holds the figures.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import orjson

from connectors.records import Candidate
from dedupe.blocking import Key, shared_keys
from dedupe.clustering import clusters
from dedupe.comparisons import COMPARISONS
from dedupe.learning import counts
from dedupe.model import SHIPPED, MatchModel
from dedupe.normalise import Normalised, normalised
from dedupe.population import LEAST_HOLDERS, OTHER, Population, counted
from dedupe.regression import Pattern, fitted
from dedupe.scoring import Edge, compared, edges
from dedupe.training_people import Lot, names, records

SEED = 20261101
LOTS = (
    Lot(12_000),
    Lot(4_000, most_names=60),
    Lot(4_000, most_names=15),
    Lot(6_000, numbered=0.6, related=0.25),
)
"""People to train on: of all names there are, of few, and of very few, as large pools have many namesakes; and families
whose records mostly tell a personal number, as those of staff and students do."""
JUDGES = 10_000
NAMES = 300_000
"""Names drawn for the shipped frequencies."""
_OTHERS = 0.05
"""Share of people of other cultures than the training's."""
REVIEW_AT = 0.2
LEAST_PRECISION = 0.98
"""What merging by itself asks of people that the weights were not trained on."""
_LEAST_PAIRS = 20
_THRESHOLDS = tuple(number / 100 for number in range(90, 100))
"""None below nine in ten, whatever the judges say: there, names of few parts were merged falsely twice as often as all
(`dedupe.fairness`)."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Pairwise shares over clusters, at one threshold."""

    merge_at: float
    precision: float
    recall: float


def shipped_population() -> Population:
    """Return how often names are met among people of the training names, culture by culture."""
    people: Counter[str] = Counter()
    parts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for culture, first, last in names(NAMES, SEED):
        drawn = normalised("", Candidate(remote_id="1", first_name=first, last_name=last), None, "")
        people[culture] += 1
        for part in set((drawn.name or "").split()):
            parts[part][culture] += 1
    shares = {
        part: {one: _short(count / people[one]) for one, count in sorted(held.items()) if count >= LEAST_HOLDERS}
        for part, held in sorted(parts.items())
    }
    cultures = {one: _short((1 - _OTHERS) * count / NAMES) for one, count in sorted(people.items())}
    known = {part: held for part, held in shares.items() if held}
    return Population(people=10_000, rare=1e-5, cultures={**cultures, OTHER: _OTHERS}, shares=known)


def _short(share: float) -> float:
    return float(f"{share:.3g}")


def prepared(lot: Lot, seed: int) -> tuple[dict[str, int], list[Normalised], set[Key]]:
    """Return the truth {record: person}, the comparable records, and the keys that say nothing of one person."""
    truth: dict[str, int] = {}
    comparable: list[Normalised] = []
    candidate: Candidate
    for person, record, candidate in records(lot, seed):
        truth[record] = person
        comparable.append(normalised(record, candidate, "US", "training"))
    return truth, comparable, shared_keys(comparable)


def trained(population: Population, lots: Sequence[Lot] = LOTS, seed: int = SEED) -> MatchModel:
    """Return a model trained on invented people, its threshold the lowest that is precise enough on three other lots.

    Raises ValueError if a level was hardly seen, or if no threshold reaches the precision that merging asks for.
    """
    totals: Counter[Pattern] = Counter()
    right: Counter[Pattern] = Counter()
    for number, lot in enumerate(lots):
        truth, comparable, shared = prepared(lot, seed + number)
        own = counted(comparable, population)
        found = compared(comparable, truth.keys(), shared, own)
        seen, same = counts((levels, truth[left] == truth[other]) for left, other, levels in found)
        totals += seen
        right += same
    _ask_for_evidence(totals)
    prior, weights = fitted(COMPARISONS, totals, right)
    model = MatchModel(
        name=f"shipped-4 ({sum(lot.people for lot in lots)} invented people, seed {seed})",
        prior=prior,
        weights=weights,
        population=population,
        merge_at=_THRESHOLDS[-1],
        review_at=REVIEW_AT,
    )
    return model.model_copy(update={"merge_at": _threshold(model, seed)})


def _threshold(model: MatchModel, seed: int) -> float:
    """Return the lowest threshold at which merging is precise enough on each of three lots of unseen people.

    Precision rises with it, so that halving finds it. Raises ValueError if there is none.
    """
    threshold = _THRESHOLDS[0]
    for number in range(3):
        truth, comparable, shared = prepared(Lot(JUDGES), seed + 100 + number)
        scored = edges(comparable, truth.keys(), shared, model.among(comparable))

        def is_precise(merge_at: float, truth: dict[str, int] = truth, scored: list[Edge] = scored) -> bool:
            found = _judged(model.model_copy(update={"merge_at": merge_at}), truth, scored)
            return found.precision >= LEAST_PRECISION

        place = bisect_left(_THRESHOLDS, True, key=is_precise)
        if place == len(_THRESHOLDS):
            raise ValueError("no threshold reaches the precision that merging asks for; look at levels and people")
        threshold = max(threshold, _THRESHOLDS[place])
    return threshold


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
    own = model.among(comparable)
    scored = edges(comparable, truth.keys(), shared, own)
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
    model = trained(shipped_population())
    options = orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS
    SHIPPED.write_bytes(orjson.dumps(model.model_dump(mode="json"), option=options) + b"\n")
    truth, comparable, shared = prepared(Lot(JUDGES), SEED + 200)
    for one in judged(model, truth, comparable, shared, (0.5, 0.8, 0.9, model.merge_at)):
        print(f"merge at {one.merge_at}: precision {one.precision:.4f}, recall {one.recall:.4f}")  # noqa: T201
    own = model.among(comparable)
    for low, high, pairs, share in calibration(truth, edges(comparable, truth.keys(), shared, own)):
        print(f"said {low:.2f}-{high:.2f}: {pairs} pairs, {share:.3f} truly one person")  # noqa: T201


if __name__ == "__main__":
    main()
