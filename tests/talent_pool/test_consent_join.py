"""The join rule against an oracle written from its truth table, and law 7 over random partitions of records."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from connectors.records import ConsentStatus, StatedBy
from talent_pool.consent.join import EXPIRED, REFUSED, UNKNOWN, Statement, joined, places
from tests.examples import examples

NOW = datetime(2026, 11, 24, tzinfo=UTC)
RECORDS = ("r1", "r2", "r3", "r4")
ADDRESSES = ("a", "b", "c")
NO = (ConsentStatus.REFUSED, ConsentStatus.WITHDRAWN)
WEIGHT = {StatedBy.CANDIDATE_CONFIRMED: 2, StatedBy.CANDIDATE: 2, StatedBy.RECRUITER: 1}

days = st.integers(1, 40).map(lambda number: NOW - timedelta(days=number))


@st.composite
def statements(draw: st.DrawFn) -> Statement:
    place = draw(st.sampled_from([*(("record", one) for one in RECORDS), *(("address", one) for one in ADDRESSES)]))
    by = draw(st.sampled_from(RECORDS)) if place[0] == "address" and draw(st.booleans()) else None
    status = draw(st.sampled_from([ConsentStatus.GIVEN] * 5 + [ConsentStatus.REFUSED] * 2 + list(ConsentStatus)))
    expires = draw(st.none() | st.none() | st.integers(-20, 20).map(lambda number: NOW + timedelta(days=number)))
    return Statement(
        id=f"cst_{draw(st.uuids())}",
        record_id=place[1] if place[0] == "record" else by,
        address_key=place[1] if place[0] == "address" else None,
        status=status,
        lawful_basis="consent",
        stated_by=draw(st.sampled_from(StatedBy)),
        stated_at=draw(days),
        expires_at=expires if status is ConsentStatus.GIVEN else None,
    )


holdings = st.fixed_dictionaries({record: st.sets(st.sampled_from(ADDRESSES), max_size=2) for record in RECORDS})


def visible(said: Sequence[Statement], records: Collection[str], holds: dict[str, set[str]]) -> list[Statement]:
    """Return what concerns a person of `records`: what these said, and all that was said at an address of hers."""
    keys = {key for record in records for key in holds[record]}
    keys |= {one.address_key for one in said if one.record_id in records and one.address_key}
    return [one for one in said if (one.record_id in records and not one.address_key) or one.address_key in keys]


def allowed(
    said: Sequence[Statement], records: Collection[str], holds: dict[str, set[str]], address: str, at: datetime = NOW
) -> bool:
    holders = [record for record in records if address in holds[record]]
    return joined(places(visible(said, records, holds), at), address, holders).allowed


def oracle(said: Sequence[Statement], records: Collection[str], holds: dict[str, set[str]], address: str) -> bool:
    """Say the same in the slowest way: every place by itself, statement by statement."""
    yes_here, confirmed_here, no_anywhere = False, [], []
    seen = visible(said, records, holds)
    for place in {one.place for one in seen}:
        history = sorted(
            (one for one in seen if one.place == place), key=lambda one: (one.stated_at, one.status in NO, one.id)
        )
        last_no, heaviest, last_yes, confirmed = None, -1, None, None
        for one in history:
            weight = WEIGHT.get(one.stated_by, 0)
            if one.status in NO:
                last_no, heaviest, last_yes, confirmed = one, max(weight, heaviest), None, None
            elif one.status is ConsentStatus.GIVEN and (last_no is None or weight >= heaviest):
                last_no, heaviest, last_yes = None, -1, one
                confirmed = one if one.stated_by is StatedBy.CANDIDATE_CONFIRMED else confirmed
            elif one.status in (ConsentStatus.EXPIRED, ConsentStatus.INVALIDATED) and last_no is None:
                last_yes = confirmed = None
        if last_no:
            no_anywhere.append(last_no.stated_at)
        concerns = place == ("address", address) or (
            place[0] == "record" and place[1] in records and address in holds[place[1]]
        )
        if last_yes and concerns and not (last_yes.expires_at and last_yes.expires_at <= NOW):
            yes_here = True
            if confirmed and not (confirmed.expires_at and confirmed.expires_at <= NOW):
                confirmed_here.append(confirmed.stated_at)
    return yes_here and all(any(yes > no for yes in confirmed_here) for no in no_anywhere)


@examples(250)
@given(st.lists(statements(), max_size=9), holdings, st.sampled_from(ADDRESSES))
def test_the_join_is_the_truth_table(said: list[Statement], holds: dict[str, set[str]], address: str) -> None:
    answer = allowed(said, RECORDS, holds, address)
    event(f"allowed: {answer}")
    assert answer == oracle(said, RECORDS, holds, address)


@examples(250)
@given(
    st.lists(statements(), max_size=9),
    holdings,
    st.lists(st.integers(0, 2), min_size=len(RECORDS), max_size=len(RECORDS)),
    st.sampled_from(ADDRESSES),
)
def test_merging_never_widens(
    said: list[Statement], holds: dict[str, set[str]], parts: list[int], address: str
) -> None:
    """What may be written to after a merge might have been before, whichever way the records were parted (law 7)."""
    merged = allowed(said, RECORDS, holds, address)
    event(f"allowed after the merge: {merged}")
    if merged:
        partition = [
            [record for record, part in zip(RECORDS, parts, strict=True) if part == number] for number in range(3)
        ]
        holders = [part for part in partition if any(address in holds[record] for record in part)]
        # An address that nobody holds belongs to the statement's own place and is asked of every part.
        assert any(allowed(said, part, holds, address) for part in holders or [RECORDS])


@examples(120)
@given(
    st.lists(statements(), max_size=8),
    holdings,
    st.sampled_from(ADDRESSES),
    st.sampled_from([*RECORDS, *ADDRESSES]),
    st.data(),
)
def test_one_more_no_never_allows(
    said: list[Statement], holds: dict[str, set[str]], address: str, place: str, data: st.DataObject
) -> None:
    no = Statement(
        "no", place if place in RECORDS else None, place if place in ADDRESSES else None,
        ConsentStatus.REFUSED, "consent", data.draw(st.sampled_from(StatedBy)), data.draw(days),
    )  # fmt: skip
    assert allowed([*said, no], RECORDS, holds, address) <= allowed(said, RECORDS, holds, address)


@examples(120)
@given(st.lists(statements(), max_size=8), holdings, st.sampled_from(ADDRESSES), st.integers(0, 30))
def test_time_changes_nothing_before_it_said_it_would(
    said: list[Statement], holds: dict[str, set[str]], address: str, ahead: int
) -> None:
    holders = [record for record in RECORDS if address in holds[record]]
    first = joined(places(visible(said, RECORDS, holds), NOW), address, holders)
    later = NOW + timedelta(days=ahead)
    if first.until is None or later < first.until:
        assert allowed(said, RECORDS, holds, address, later) == first.allowed


def _statement(
    place: str, status: str, by: str = "candidate", days_ago: int = 1, expires_in: int | None = None
) -> Statement:
    return Statement(
        id=f"{place}{status}{days_ago}",
        record_id=place if place in RECORDS else None,
        address_key=place if place in ADDRESSES else None,
        status=ConsentStatus(status),
        lawful_basis="consent",
        stated_by=StatedBy(by),
        stated_at=NOW - timedelta(days=days_ago),
        expires_at=None if expires_in is None else NOW + timedelta(days=expires_in),
    )


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ([], UNKNOWN),
        ([_statement("a", "given")], ""),
        ([_statement("r1", "given")], ""),
        ([_statement("b", "given")], UNKNOWN),
        ([_statement("r2", "given")], UNKNOWN),
        ([_statement("a", "requested")], UNKNOWN),
        ([_statement("a", "given", expires_in=0)], EXPIRED),
        ([_statement("a", "given", expires_in=1)], ""),
        ([_statement("a", "given", days_ago=2), _statement("a", "expired")], EXPIRED),
        ([_statement("a", "given"), _statement("r2", "refused")], REFUSED),
        ([_statement("a", "given", days_ago=2), _statement("b", "refused")], REFUSED),
        ([_statement("b", "refused", days_ago=2), _statement("a", "given")], REFUSED),
        ([_statement("b", "refused", days_ago=2), _statement("a", "given", "candidate_confirmed")], ""),
        ([_statement("b", "refused", days_ago=1), _statement("a", "given", "candidate_confirmed", 2)], REFUSED),
        ([_statement("b", "refused", days_ago=1), _statement("a", "given", "candidate_confirmed", 1)], REFUSED),
        ([_statement("b", "refused", days_ago=2), _statement("a", "given", "candidate_confirmed", 1, 0)], REFUSED),
        ([_statement("a", "refused", days_ago=2), _statement("a", "given")], ""),
        ([_statement("a", "refused", days_ago=2), _statement("r1", "given")], REFUSED),
        ([_statement("a", "refused", days_ago=2), _statement("a", "given", "import")], REFUSED),
        ([_statement("a", "refused", days_ago=2), _statement("a", "given", "recruiter")], REFUSED),
        ([_statement("r1", "refused", "recruiter", 2), _statement("r1", "given", "vendor_default")], REFUSED),
        ([_statement("r1", "refused", "vendor_default", 2), _statement("r1", "given", "vendor_default")], ""),
        ([_statement("a", "refused", days_ago=1), _statement("a", "given", days_ago=1)], REFUSED),
        ([_statement("a", "refused", days_ago=2), _statement("a", "expired")], REFUSED),
        ([_statement("a", "given", days_ago=-1)], UNKNOWN),
    ],
)
def test_each_line_of_the_table(said: list[Statement], reason: str) -> None:
    """`a` is an address of r1's; b is the same person's by r2."""
    result = joined(places(said, NOW), "a", ["r1"])
    assert (result.reason, result.allowed) == (reason, not reason)
