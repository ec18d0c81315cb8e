"""A logistic regression over levels of agreement, in plain Python, whose ordered levels never fall.

Each level above a comparison's `rising_from` is coded as a step up from the one below. A step that would lead down is
left out and the rest fitted again, so that the two levels weigh the same.
"""

import math
from collections.abc import Iterable, Mapping, Sequence

from dedupe.comparisons import Comparison

Pattern = tuple[tuple[str, int], ...]
"""One pair's levels, (comparison, level) for each that is not missing."""

Term = tuple[str, int, bool]
"""(comparison, level, whether it is a step up from the level below)."""

_PRIOR: Term = ("", 0, False)
_RIDGE = 0.5
_ROUNDS = 50


def fitted(
    comparisons: Sequence[Comparison], totals: Mapping[Pattern, int], right: Mapping[Pattern, int]
) -> tuple[float, dict[str, dict[int, float]]]:
    """Return the prior and {comparison: {level: weight}} in log2 odds.

    `totals` counts the pairs of each pattern, `right` those of them that are one person.
    """
    parts = {(one.name, level.number): _terms(one, level.number) for one in comparisons for level in one.levels}
    left_out: set[Term] = set()
    while True:
        beta = _logistic(parts, left_out, totals, right)
        falling = {term: value for term, value in beta.items() if term[2] and value < 0}
        if not falling:
            break
        left_out.add(min(falling, key=lambda term: (falling[term], term)))
    weights: dict[str, dict[int, float]] = {one.name: {} for one in comparisons}
    for (name, level), terms in parts.items():
        weights[name][level] = _bits(beta.get(term, 0.0) for term in terms)
    return _bits([beta[_PRIOR]]), weights


def _terms(comparison: Comparison, level: int) -> list[Term]:
    if level <= comparison.rising_from:
        return [(comparison.name, level, False)]
    steps = [(comparison.name, number, True) for number in range(comparison.rising_from + 1, level + 1)]
    return [(comparison.name, comparison.rising_from, False), *steps]


def _bits(natural: Iterable[float]) -> float:
    return round(sum(natural) / math.log(2), 4)


def _logistic(
    parts: Mapping[tuple[str, int], list[Term]],
    left_out: set[Term],
    totals: Mapping[Pattern, int],
    right: Mapping[Pattern, int],
) -> dict[Term, float]:
    """Fit by Newton's method on counted patterns, with a ridge that pulls terms without evidence to 0."""
    terms = [_PRIOR, *sorted({term for made in parts.values() for term in made} - left_out)]
    place = {term: index for index, term in enumerate(terms)}
    rows = [
        (
            [0, *(place[term] for part in pattern for term in parts[part] if term in place)],
            totals[pattern],
            right[pattern],
        )
        for pattern in sorted(totals)
    ]
    beta = [0.0] * len(terms)
    for _ in range(_ROUNDS):
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
