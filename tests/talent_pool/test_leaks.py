"""No opt-out leaks, however it is spelled."""

import pytest

from benchmarks.leaks import measured
from talent_pool.store.database import Store


def _holds(told: dict) -> None:
    assert told["leaked"] == 0
    assert told["reached"] == told["people"] - told["opt_outs"], "and nobody else is kept from hearing"
    assert told["naive_leaked"] > told["opt_outs"] / 2, "the opt-outs are hidden indeed"


def test_two_hundred_people_with_ten_hidden_opt_outs(store: Store):
    _holds(measured(store, 200, 10))


@pytest.mark.heavy
def test_ten_thousand_people_with_five_hundred_hidden_opt_outs(store: Store):
    _holds(measured(store, 10_000, 500))
