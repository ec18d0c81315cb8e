"""The check that people merge as often as usual: told by the runs before, quiet where they say too little."""

import dagster as dg
import pytest

from assets.people import PEOPLE, _promises, _usual
from talent_pool.people.reading import Statistics
from talent_pool.resolution.resolve import ResolveReport

NOTHING_ODD = Statistics(
    people=1,
    records=1,
    applications=0,
    previous_ids=0,
    decisions=0,
    unattached=0,
    empty=0,
    largest_cluster=1,
    waiting=0,
)


def usual_after(*runs: tuple[int, int]):
    """Return the usual band after runs of (records resolved, people merged)."""
    with dg.DagsterInstance.ephemeral() as instance:
        for records, merged in runs:
            metadata = {"records_resolved": records, "merged": merged}
            instance.report_runless_asset_event(dg.AssetMaterialization(PEOPLE, metadata=metadata))
        return _usual(instance)


def passes(records: int, merged: int, usual) -> bool:
    report = ResolveReport(records=records, merged=merged)
    found = {one.check_name: one for one in _promises(report, NOTHING_ODD, usual)}
    return bool(found["people_merge_as_often_as_usual"].passed)


def test_few_runs_or_small_ones_say_nothing() -> None:
    assert usual_after(*[(1_000, 20)] * 4) is None
    assert usual_after(*[(99, 2)] * 20) is None
    assert passes(1_000, 900, None)


def test_a_run_that_merges_far_more_than_usual_is_told() -> None:
    usual = usual_after((1_000, 20), (1_000, 30), (2_000, 50), (500, 10), (1_000, 25))
    assert usual is not None
    assert passes(1_000, 40, usual)
    assert not passes(1_000, 300, usual)
    assert passes(50, 50, usual), "too few records to tell"


@pytest.mark.parametrize("merged", [0, 20, 25])
def test_runs_all_alike_leave_room_for_a_little_more(merged) -> None:
    assert passes(1_000, merged, usual_after(*[(1_000, 0)] * 6))
