"""The weights that training finds."""

import math

import pytest

from dedupe.comparisons import Comparison, Level
from dedupe.model import shipped
from dedupe.regression import fitted
from dedupe.training import trained
from dedupe.training_people import Lot

ONE = [Comparison("one", "", [Level(2, "", ""), Level(1, "", ""), Level(0, "", "")])]


def weights(*shares: tuple[int, int]):
    totals = {(("one", level),): total for level, (total, _) in enumerate(shares)}
    return fitted(ONE, totals, {(("one", level),): good for level, (_, good) in enumerate(shares)})


def test_weights_are_the_odds_that_were_counted() -> None:
    prior, found = weights((100_000, 1_000), (100_000, 50_000), (100_000, 99_000))
    for level, share in enumerate((0.01, 0.5, 0.99)):
        assert prior + found["one"][level] == pytest.approx(math.log2(share / (1 - share)), abs=0.05)


def test_level_that_would_fall_weighs_as_the_one_below() -> None:
    prior, found = weights((1_000, 100), (1_000, 600), (1_000, 400))
    assert found["one"][2] == found["one"][1] > found["one"][0]
    assert prior + found["one"][1] == pytest.approx(0.0, abs=0.05), "both levels together are right half of the time"


def test_level_without_evidence_fails_the_training() -> None:
    with pytest.raises(ValueError, match="hardly any pair"):
        trained(shipped().population, [Lot(30)])
