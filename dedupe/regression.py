"""A logistic regression over levels of agreement, in plain Python, whose ordered levels never fall.

Each level above a comparison's `rising_from` is coded as a step up from the one below. A step that would lead down is
left out and the rest fitted again, so that the two levels weigh the same.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dedupe.comparisons import Comparison

Pattern = tuple[tuple[str, int], ...]
"""One pair's levels, (comparison, level) for each that is not missing."""

Term = tuple[str, int, bool]
"""(comparison, level, whether it is a step up from the level below)."""

_PRIOR: Term = ("", 0, False)
_RIDGE = 0.5
_ROUNDS = 50
_HALVINGS = 40


@dataclass(frozen=True, slots=True)
class Known:
    """Weights in log2 odds that hold where the pairs say nothing, and how strongly each term is pulled to them.

    `strength` is the inverse of a variance in natural log odds: 2 lets a term lie about one bit off.
    """

    prior: float
    weights: Mapping[str, Mapping[int, float]]
    strength: float


@dataclass(frozen=True, slots=True)
class _Row:
    active: Sequence[int]
    total: int
    good: int


def fitted(
    comparisons: Sequence[Comparison],
    totals: Mapping[Pattern, int],
    right: Mapping[Pattern, int],
    known: Known | None = None,
) -> tuple[float, dict[str, dict[int, float]]]:
    """Return the prior and {comparison: {level: weight}} in log2 odds.

    `totals` counts the pairs of each pattern, `right` those of them that are one person. What is `known` already
    moves only as far as the pairs speak against it; without it, whatever has no evidence weighs 0.
    """
    parts = {(one.name, level.number): _terms(one, level.number) for one in comparisons for level in one.levels}
    centre = _centre(parts, known) if known else {}
    left_out: set[Term] = set()
    beta = centre
    while True:
        beta = _logistic(parts, left_out, totals, right, centre, known.strength if known else _RIDGE, beta)
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


def _centre(parts: Mapping[tuple[str, int], list[Term]], known: Known) -> dict[Term, float]:
    """Return the terms that make up the known weights, in natural log odds."""
    found = {_PRIOR: known.prior * math.log(2)}
    for (name, level), terms in parts.items():
        below = known.weights[name][level - 1] if terms[-1][2] else 0.0
        found[terms[-1]] = (known.weights[name][level] - below) * math.log(2)
    return found


def _logistic(
    parts: Mapping[tuple[str, int], list[Term]],
    left_out: set[Term],
    totals: Mapping[Pattern, int],
    right: Mapping[Pattern, int],
    centre: Mapping[Term, float],
    strength: float,
    start: Mapping[Term, float],
) -> dict[Term, float]:
    """Fit by Newton's method on counted patterns, with a ridge that pulls each term to its centre, or else to 0.

    Where it begins, at `start`, decides how soon it is there, and nothing else: there is one best place.
    """
    terms = [_PRIOR, *sorted({term for made in parts.values() for term in made} - left_out)]
    place = {term: index for index, term in enumerate(terms)}
    rows = [
        _Row(
            [0, *(place[term] for part in pattern for term in parts[part] if term in place)],
            totals[pattern],
            right[pattern],
        )
        for pattern in sorted(totals)
    ]
    target = [centre.get(term, 0.0) for term in terms]
    pulls = [strength if centre or index else 0.0 for index in range(len(terms))]
    beta = [start.get(term, 0.0) for term in terms]
    worth = _worth(beta, rows, target, pulls)
    for _ in range(_ROUNDS):
        step = _step(beta, rows, target, pulls, strength)
        # far from the best place a whole step can lead past it, and then ever further away
        for _ in range(_HALVINGS):
            moved = [value + change for value, change in zip(beta, step, strict=True)]
            if (reached := _worth(moved, rows, target, pulls)) >= worth:
                beta, worth = moved, reached
                break
            step = [change / 2 for change in step]
        if max(abs(change) for change in step) < 1e-9:
            break
    return dict(zip(terms, beta, strict=True))


def _step(
    beta: Sequence[float], rows: Iterable[_Row], target: Sequence[float], pulls: Sequence[float], strength: float
) -> list[float]:
    slope = [pull * (aim - value) for pull, aim, value in zip(pulls, target, beta, strict=True)]
    curve = [[strength if i == j else 0.0 for j in range(len(beta))] for i in range(len(beta))]
    for row in rows:
        chance = 1 / (1 + math.exp(-max(-30.0, min(30.0, sum(beta[i] for i in row.active)))))
        miss, spread = row.good - row.total * chance, row.total * chance * (1 - chance)
        for i in row.active:
            slope[i] += miss
            for j in row.active:
                curve[i][j] += spread
    return _solved(curve, slope)


def _worth(beta: Sequence[float], rows: Iterable[_Row], target: Sequence[float], pulls: Sequence[float]) -> float:
    """Return the log likelihood of the pairs, less what the ridge takes off."""
    worth = -sum(pull * (value - aim) ** 2 / 2 for pull, value, aim in zip(pulls, beta, target, strict=True))
    for row in rows:
        odds = sum(beta[i] for i in row.active)
        worth += row.good * min(odds, 0.0) - (row.total - row.good) * max(odds, 0.0)
        worth -= row.total * math.log1p(math.exp(-abs(odds)))
    return worth


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
