"""What survives, who said it, and that there is always exactly one answer."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from connectors.records import Candidate, EmailAddress, Location, PhoneNumber
from dedupe.survivorship import Contribution, golden
from tests.examples import examples

START = datetime(2026, 1, 1, tzinfo=UTC)


def says(record_id, day=0, trust=50, number=1, **fields) -> Contribution:
    said = Candidate(remote_id="1", **fields).model_dump(mode="json", exclude_unset=True)
    return Contribution(record_id, f"from {record_id}", said, START + timedelta(days=day), trust, number)


maybe = st.sampled_from(["", "n/a", "Ada", "ADA", "King", "Orla"])
contributions = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 1), maybe, maybe, maybe,
              st.sampled_from(["", "a@example.com", "b@example.com"])),
    min_size=1,
    max_size=5,
).map(
    lambda told: [
        says(
            f"r{at}", day, trust, at // 2, first_name=first, last_name=last, company=company, time_zone=None,
            email_addresses=(EmailAddress(value=address),) if address else (),
        )
        for at, (day, trust, first, last, company, address) in enumerate(told)
    ]
)  # fmt: skip


@examples(300)
@given(contributions, st.randoms(use_true_random=False))
def test_order_does_not_matter(told, chance) -> None:
    shuffled = list(told)
    chance.shuffle(shuffled)
    assert golden(told) == golden(shuffled)


@examples(200)
@given(contributions)
def test_everything_that_survives_was_said_by_the_record_that_is_named(told) -> None:
    survived = golden(told)
    said = {one.record_id: one.body for one in told}
    for name, source in survived.provenance.items():
        stands = survived.fields.get(name)
        assert stands not in [one["value"] for one in source["superseded"]]
        assert stands is not None or source["superseded"]
        if isinstance(stands, str) and name in said[source["record_id"]]:
            assert said[source["record_id"]][name] == stands
            assert stands not in {"", "n/a"}


def test_blank_never_wins_however_new_and_trusted() -> None:
    told = [says("old", company="Orla", title="Clerk"), says("new", 9, 99, 2, company="n/a", title="")]
    assert golden(told).fields["company"] == "Orla"


def test_placeholder_is_nobodys_primary_address() -> None:
    filler = says(
        "a", 9, 99, 1, email_addresses=(EmailAddress(value="noemail@example.com", is_primary=True),),
        phone_numbers=(PhoneNumber(value="0000000000"),),
    )  # fmt: skip
    real = says("b", 0, 1, 2, email_addresses=(EmailAddress(value="ada@example.com"),))
    fields = golden([filler, real]).fields
    assert [one["value"] for one in fields["email_addresses"]] == ["ada@example.com"]
    assert "phone_numbers" not in fields


def test_name_is_one_records_and_superseded_ones_are_kept_with_source_and_date() -> None:
    old = says("a", 0, 40, 1, first_name="Ada", last_name="Byron")
    new = says("b", 5, 80, 2, first_name="Ada", last_name="King")
    survived = golden([old, new])
    assert (survived.fields["first_name"], survived.fields["last_name"]) == ("Ada", "King")
    assert survived.provenance["last_name"] == {
        "record_id": "b", "connection": "from b", "observed_at": "2026-01-06T00:00:00Z", "rule": "most trusted",
        "superseded": [
            {"record_id": "a", "connection": "from a", "observed_at": "2026-01-01T00:00:00Z", "value": "Byron"}
        ],
    }  # fmt: skip


def test_newest_place_and_every_address_once() -> None:
    old = says("a", 0, 90, 1, location=Location(city="Leeds"), email_addresses=(EmailAddress(value="Ada@example.com"),))
    new = says(
        "b", 5, 10, 2, location=Location(city="York"),
        email_addresses=(EmailAddress(value="ada@example.com"), EmailAddress(value="a.king@example.org")),
    )  # fmt: skip
    fields = golden([old, new]).fields
    assert fields["location"]["city"] == "York"
    kept = [(one["value"], one["is_primary"]) for one in fields["email_addresses"]]
    assert kept == [("Ada@example.com", True), ("a.king@example.org", False)]


def test_equals_are_settled_by_who_landed_first() -> None:
    assert golden([says("b", number=1, title="Nurse"), says("a", number=2, title="Chef")]).fields["title"] == "Nurse"
    assert golden([says("b", title="Nurse"), says("a", title="Chef")]).fields["title"] == "Chef"


def test_an_initial_does_not_stand_where_a_source_knows_the_name() -> None:
    trusted = says("form", day=9, trust=90, first_name="A.", last_name="King")
    whole = says("file", day=0, trust=10, first_name="Ada", last_name="King")
    assert golden([trusted, whole]).fields["first_name"] == "Ada"
    full = says("file", day=0, trust=10, full_name="Ada King")
    assert golden([trusted, full]).fields["full_name"] == "Ada King"
