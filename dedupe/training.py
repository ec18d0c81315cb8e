"""Trains the shipped match model: `uv run python -m dedupe.training`. Reproducible: same seed, same weights.

The levels of all compared pairs of invented people, of whom the truth is known, go into a logistic regression, one
coefficient a level. Its coefficients in log2 are the model's weights: still a sum, so every score can be taken apart, and
calibrated, which plain Fellegi-Sunter weights are not (an e-mail address is mostly made of the name).
"""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import orjson

from connectors.records import Candidate
from dedupe.blocking import Key, is_shared, keys
from dedupe.clustering import clusters
from dedupe.common_names import COMMON_NAMES
from dedupe.comparisons import COMPARISONS
from dedupe.model import SHIPPED, MatchModel
from dedupe.normalise import Normalised, normalised
from dedupe.scoring import compared, edges
from dedupe.training_people import records

SEED = 20261101
PEOPLE = 12_000
_RIDGE = 0.5
Pattern = tuple[tuple[str, int], ...]


def prepared(people: int, seed: int) -> tuple[dict[str, int], list[Normalised], set[Key]]:
    """Return the truth {record: person}, the comparable records, and the keys that many people share."""
    truth: dict[str, int] = {}
    comparable: list[Normalised] = []
    candidate: Candidate
    for person, record, candidate in records(people, seed):
        truth[record] = person
        comparable.append(normalised(record, candidate, "US", "training"))
    return truth, comparable, shared_keys(comparable)


def shared_keys(comparable: Sequence[Normalised]) -> set[Key]:
    """Return the keys that stand under many names among these records."""
    holders: defaultdict[Key, set[str]] = defaultdict(set)
    for record in comparable:
        for key in keys(record):
            holders[key].add(record.name_key)
    return {key for key, names in holders.items() if is_shared(key.kind, names)}


def trained(people: int = PEOPLE, seed: int = SEED) -> MatchModel:
    """Return a model trained on invented people."""
    truth, comparable, shared = prepared(people, seed)
    totals: Counter[Pattern] = Counter()
    right: Counter[Pattern] = Counter()
    for left, other, levels in compared(comparable, truth.keys(), shared, COMMON_NAMES):
        pattern = tuple(sorted((name, level) for name, level in levels.items() if level >= 0))
        totals[pattern] += 1
        right[pattern] += truth[left] == truth[other]
    terms = [("prior", 0), *((c.name, level.number) for c in COMPARISONS for level in c.levels)]
    fitted = _logistic(terms, totals, right)
    weights = {c.name: {level.number: _bits(fitted[c.name, level.number]) for level in c.levels} for c in COMPARISONS}
    return MatchModel(
        name=f"shipped-1 ({people} invented people, seed {seed})",
        prior=_bits(fitted["prior", 0]),
        weights=weights,
        common_names=COMMON_NAMES,
        merge_at=0.9,
        review_at=0.2,
    )


def _bits(natural: float) -> float:
    return round(natural / math.log(2), 4)


def _logistic(
    terms: Sequence[tuple[str, int]], totals: Mapping[Pattern, int], right: Mapping[Pattern, int]
) -> dict[tuple[str, int], float]:
    """Fit by Newton's method on counted patterns, with a ridge that pulls levels without evidence to 0."""
    place = {term: index for index, term in enumerate(terms)}
    rows = [([0, *(place[one] for one in pattern)], totals[pattern], right[pattern]) for pattern in sorted(totals)]
    beta = [0.0] * len(terms)
    for _ in range(50):
        slope = [-_RIDGE * value if index else 0.0 for index, value in enumerate(beta)]
        curve = [[_RIDGE if i == j else 0.0 for j in range(len(terms))] for i in range(len(terms))]
        for active, total, good in rows:
            chance = 1 / (1 + math.exp(-max(-30.0, min(30.0, sum(beta[i] for i in active)))))
            miss, spread = good - total * chance, total * chance * (1 - chance)
            for i in active:
                slope[i] += miss
                for j in active:
                    curve[i][j] += spread
        step = _solved(curve, slope)
        beta = [value + change for value, change in zip(beta, step, strict=True)]
        if max(abs(change) for change in step) < 1e-9:
            break
    return dict(zip(terms, beta, strict=True))


def _solved(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Solve a small linear system by elimination."""
    size = len(right)
    rows = [[*line, value] for line, value in zip(matrix, right, strict=True)]
    for column in range(size):
        pivot = max(range(column, size), key=lambda row: abs(rows[row][column]))
        rows[column], rows[pivot] = rows[pivot], rows[column]
        for row in range(column + 1, size):
            factor = rows[row][column] / rows[column][column]
            if factor:
                rows[row] = [a - factor * b for a, b in zip(rows[row], rows[column], strict=True)]
    found = [0.0] * size
    for row in range(size - 1, -1, -1):
        known = sum(rows[row][column] * found[column] for column in range(row + 1, size))
        found[row] = (rows[row][size] - known) / rows[row][row]
    return found


def judged(model: MatchModel, truth: Mapping[str, int], comparable: Sequence[Normalised], shared: set[Key]) -> tuple[float, float]:
    """Return pairwise (precision, recall) of the model's clusters."""
    found = clusters(truth, edges(comparable, truth.keys(), shared, model), (), (), model)
    said = sum(len(group) * (len(group) - 1) // 2 for group in found)
    right = sum(n * (n - 1) // 2 for group in found for n in Counter(truth[one] for one in group).values())
    true = sum(n * (n - 1) // 2 for n in Counter(truth.values()).values())
    return right / said, right / true


def main() -> None:
    """Train, write the shipped model, and print how it does on people that it was not trained on."""
    model = trained()
    SHIPPED.write_bytes(orjson.dumps(model.model_dump(mode="json"), option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS) + b"\n")
    for threshold in (0.5, 0.7, 0.8, 0.9, 0.95, 0.98):
        precision, recall = judged(model.model_copy(update={"merge_at": threshold}), *prepared(4000, SEED + 1))
        print(f"merge at {threshold}: precision {precision:.4f}, recall {recall:.4f}")  # noqa: T201


if __name__ == "__main__":
    main()
