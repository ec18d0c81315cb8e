"""What a model learns from pairs of which somebody knows."""

from hypothesis import given
from hypothesis import strategies as st

from dedupe.comparisons import COMPARISONS
from dedupe.learning import counts, learned
from dedupe.model import MatchModel, shipped
from tests.examples import examples

MODEL = shipped()
SAME_JOB = {"name": 9, "email": 0, "phone": -1, "city": 2, "employer": 2}

levels = st.fixed_dictionaries(
    {one.name: st.sampled_from([-1, *(level.number for level in one.levels)]) for one in COMPARISONS}
)


def after(count: int, *, is_same: bool) -> MatchModel:
    return learned(MODEL, *counts([(SAME_JOB, is_same)] * count))


@examples(8)
@given(labelled=st.lists(st.tuples(levels, st.booleans()), min_size=1, max_size=12))
def test_stronger_agreement_never_weighs_less_and_order_does_not_matter(labelled) -> None:
    model = learned(MODEL, *counts(labelled))
    assert model.fits
    for comparison in COMPARISONS:
        rising = [one.number for one in reversed(comparison.levels) if one.number >= comparison.rising_from]
        weights = [model.weights[comparison.name][number] for number in rising]
        assert weights == sorted(weights)
    assert learned(MODEL, *counts(reversed(labelled))) == model


def test_without_labels_the_model_stays_the_same() -> None:
    assert learned(MODEL, *counts([])) == MODEL
    nothing_seen = {(("city", 2),): 0}
    assert learned(MODEL, nothing_seen, {(("city", 2),): 0}) == MODEL


def test_few_labels_move_little_and_many_a_lot() -> None:
    before = MODEL.weight(SAME_JOB)
    for is_same, way in ((True, 1), (False, -1)):
        moved = [way * (after(count, is_same=is_same).weight(SAME_JOB) - before) for count in (1, 5, 50, 5_000)]
        assert moved == sorted(moved)
        assert 0 < moved[0] < 0.8
        assert moved[-1] > 1.5


def test_labels_move_what_they_show_and_leave_the_rest() -> None:
    taught = after(50, is_same=False)
    assert taught.weights["postcode"] == MODEL.weights["postcode"]
    assert taught.weights["city"][2] < MODEL.weights["city"][2]


def test_wild_labels_do_not_lead_the_fit_astray() -> None:
    certain = {"name": 9, "email": 3, "phone": 2, "profile": 1, "number": 2}
    model = learned(MODEL, *counts([(certain, False)] * 2_000))
    assert -8 < model.weight(certain) < 0
