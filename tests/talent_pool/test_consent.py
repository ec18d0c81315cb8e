"""Verdicts over a pool in the store, on SQLite and PostgreSQL."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import event, select, update

from connectors.records import Channel, Purpose
from talent_pool import consent
from talent_pool.store import tables
from talent_pool.store.addresses import address_key
from talent_pool.store.database import Store
from tests.talent_pool.pool_rows import NOW, Pool

MAIL = {"organisation": "default", "channel": Channel.EMAIL}


def ask(
    person_id: str | None, address: str, purpose: str = "future_jobs", record_id: str | None = None, **more: object
) -> consent.Ask:
    return consent.Ask(address, "default", person_id, record_id, Channel.EMAIL, address, Purpose(purpose), **more)


def verdict(store: Store, *args: object, **more: object) -> consent.Verdict:
    one = ask(*args, **more)
    with store.reading() as connection:
        return consent.verdicts(connection, store, [one], NOW)[one.key]


def test_a_yes_belongs_to_its_record_and_a_no_to_the_person(store: Store) -> None:
    pool = Pool(store)
    ada = pool.person("ada@example.com")
    pool.record(ada, "rec_csv", "ada@example.org")
    given = pool.statement(record_id=f"rec_{ada}")
    answer = verdict(store, ada, "ada@example.com")
    assert (answer.allowed, answer.consented, answer.statement_ids) == (True, True, (given,))
    assert verdict(store, ada, "ada@example.org").reason == "No consent for this purpose is known."
    assert not verdict(store, ada, "ada@example.com", "marketing").allowed
    pool.statement(record_id="rec_csv", status="refused")
    assert verdict(store, ada, "ada@example.com").reason == "The person refused this purpose."


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"state": "restricted"}, "This person is not active in the pool."),
        ({"is_private": True}, "This person is marked private at a source."),
        ({"organisation": "another"}, "This person is not in the pool."),
    ],
)
def test_who_may_not_be_written_to_at_all(store: Store, fields: dict[str, object], reason: str) -> None:
    pool = Pool(store)
    ada = pool.person("ada@example.com", **fields)
    pool.statement(record_id=f"rec_{ada}")
    assert verdict(store, ada, "ada@example.com").reason == reason
    assert verdict(store, None, "ada@example.com").reason == "This person is not in the pool."
    assert verdict(store, "per_nobody", "ada@example.com").reason == "This person is not in the pool."


def test_another_organisations_statements_say_nothing(store: Store) -> None:
    pool = Pool(store)
    ada = pool.person("ada@example.com")
    pool.statement(record_id=f"rec_{ada}", organisation="another")
    assert not verdict(store, ada, "ada@example.com").allowed
    pool.statement(record_id=f"rec_{ada}")
    pool.statement(email="ada@example.com", organisation="another", status="refused")
    assert verdict(store, ada, "ada@example.com").allowed


def test_a_statement_for_another_channel_says_nothing(store: Store) -> None:
    pool = Pool(store)
    ada = pool.person("ada@example.com")
    pool.statement(record_id=f"rec_{ada}", channel="sms")
    assert not verdict(store, ada, "ada@example.com").allowed


@pytest.mark.parametrize(
    "variant", ["Ada.Byron@Example.com", "ada.byron+jobs@example.com", "ADA.BYRON+x+y@EXAMPLE.COM"]
)
def test_an_opt_out_under_a_variant_reaches_every_address(store: Store, variant: str) -> None:
    pool = Pool(store)
    ada = pool.person("ada.byron@example.com", "ada@example.org")
    pool.statement(record_id=f"rec_{ada}")
    assert verdict(store, ada, "ada@example.org").allowed
    pool.add(tables.work, stage="resolve", subject_id="rec_other", since=NOW)
    consent.refuse(store, **MAIL, purpose=Purpose.FUTURE_JOBS, kind="one_click", at=NOW, address=variant)
    for address in ("ada.byron@example.com", "ada@example.org", variant):
        assert verdict(store, ada, address).reason == "The person refused this purpose."
    assert not verdict(store, ada, "ada@example.org", "marketing").allowed


def test_dots_at_gmail_do_not_hide_an_opt_out(store: Store) -> None:
    pool = Pool(store)
    ada = pool.person("adabyron@gmail.com")
    pool.statement(record_id=f"rec_{ada}")
    consent.refuse(
        store, **MAIL, purpose=Purpose.FUTURE_JOBS, kind="one_click", at=NOW, address="a.da.byron+x@googlemail.com"
    )
    assert not verdict(store, ada, "adabyron@gmail.com").allowed


def test_a_refusal_twice_is_one_and_wakes_the_persons_segments(store: Store) -> None:
    pool = Pool(store)
    ada = pool.person("ada@example.com", waiting=False)
    key = [tables.person_addresses.c.address_key, tables.person_addresses.c.person_id]
    with store.reading() as connection:
        known = connection.execute(select(*key)).one().address_key
    said = {**MAIL, "purpose": Purpose.MARKETING, "kind": "one_click", "at": NOW}
    first = consent.refuse(store, **said, address_key=known)
    assert consent.refuse(store, **said, address="Ada+2@example.com") == first
    assert [row["id"] for row in consent.statements_of(store, ada)] == [first]
    with store.reading() as connection:
        assert connection.execute(select(tables.work.c.stage, tables.work.c.subject_id)).all() == [("segments", ada)]
    with pytest.raises(ValueError, match="names an address or its key"):
        consent.refuse(store, **said)


def test_un_merging_gives_each_part_its_own_back(store: Store) -> None:
    pool = Pool(store)
    ada = pool.person("ada@example.com")
    pool.record(ada, "rec_csv", "ada@example.org")
    pool.statement(record_id=f"rec_{ada}")
    pool.statement(record_id="rec_csv", status="refused")
    assert not verdict(store, ada, "ada@example.com").allowed
    part = pool.person(id="per_part")
    with store.writing() as connection:
        for table in (tables.person_records, tables.person_addresses):
            connection.execute(update(table).where(table.c.record_id == "rec_csv").values(person_id=part))
    assert verdict(store, ada, "ada@example.com").allowed
    assert verdict(store, part, "ada@example.org").reason == "The person refused this purpose."


def test_a_no_bound_to_no_address_stays_with_every_part(store: Store) -> None:
    pool = Pool(store)
    ada = pool.person("ada@example.com")
    pool.record(ada, "rec_csv", "ada@example.org")
    for record_id in (f"rec_{ada}", "rec_csv"):
        pool.statement(record_id=record_id)
    ids = consent.refuse_person(store, **MAIL, person_id=ada, purpose=Purpose.FUTURE_JOBS, kind="call_note", at=NOW)
    assert len(ids) == 2
    part = pool.person(id="per_part")
    with store.writing() as connection:
        for table in (tables.person_records, tables.person_addresses):
            connection.execute(update(table).where(table.c.record_id == "rec_csv").values(person_id=part))
    assert not verdict(store, ada, "ada@example.com").allowed
    assert not verdict(store, part, "ada@example.org").allowed


def _ada_in_two_parts(store: Store) -> tuple[str, str, Callable[[], None]]:
    """Return somebody merged of two, the id that her second part will have, and what takes them apart."""
    pool = Pool(store)
    ada, part = pool.person("ada@example.com"), pool.person(id="per_part")
    pool.record(ada, "rec_csv", "ada@example.org")
    for record_id in (f"rec_{ada}", "rec_csv"):
        pool.statement(record_id=record_id)

    def apart() -> None:
        with store.writing() as connection:
            for table in (tables.person_records, tables.person_addresses):
                connection.execute(update(table).where(table.c.record_id == "rec_csv").values(person_id=part))

    return ada, part, apart


def test_an_opt_out_while_merged_stays_with_every_part(store: Store) -> None:
    ada, part, apart = _ada_in_two_parts(store)
    said = {"purpose": Purpose.FUTURE_JOBS, "kind": "one_click", "at": NOW, "address": "Ada@example.com"}
    consent.refuse(store, **MAIL, **said)
    apart()
    assert not verdict(store, ada, "ada@example.com").allowed
    assert not verdict(store, part, "ada@example.org").allowed


def test_an_opt_out_before_a_merge_stays_with_whom_it_was_said_by(store: Store) -> None:
    ada, part, apart = _ada_in_two_parts(store)
    apart()
    said = {"purpose": Purpose.FUTURE_JOBS, "kind": "one_click", "at": NOW, "address": "Ada@example.com"}
    consent.refuse(store, **MAIL, **said)
    assert not verdict(store, ada, "ada@example.com").allowed
    assert verdict(store, part, "ada@example.org").allowed


@pytest.mark.parametrize(
    ("reason", "stays"),
    [("complained", True), ("do_not_contact", True), ("bounced", False), ("compliance_state", False)],
)
def test_a_no_of_the_person_stays_with_every_part_and_is_lifted_from_all(
    store: Store, reason: str, stays: bool
) -> None:
    ada, part, apart = _ada_in_two_parts(store)
    consent.suppress(store, **MAIL, reason=reason, source="test", at=NOW, address="ada@example.com")
    apart()
    assert not verdict(store, ada, "ada@example.com").allowed
    assert verdict(store, part, "ada@example.org").allowed is not stays
    with store.writing() as connection:
        for table in (tables.person_records, tables.person_addresses):
            connection.execute(update(table).where(table.c.record_id == "rec_csv").values(person_id=ada))
    key = address_key(store, Channel.EMAIL, "ada@example.com")
    assert consent.lift(store, at=NOW, address_keys=[key], reason=reason) == (2 if stays else 1)
    apart()
    assert verdict(store, part, "ada@example.org").allowed


def test_an_opt_out_at_an_address_since_given_up_is_not_forgotten(store: Store) -> None:
    """Half of an address's history must not decide: the other half may have been said by another record."""
    pool = Pool(store)
    ada = pool.person("ada@example.com")
    pool.statement(record_id=f"rec_{ada}")
    pool.statement(record_id=f"rec_{ada}", email="old@example.com", status="refused", stated_at=NOW - timedelta(days=9))
    assert not verdict(store, ada, "ada@example.com").allowed
    pool.statement(record_id="rec_of_nobody", email="old@example.com", stated_at=NOW - timedelta(days=3))
    assert verdict(store, ada, "ada@example.com").allowed


def test_an_application_speaks_for_itself_to_its_own_records_addresses(store: Store) -> None:
    pool = Pool(store)
    ada = pool.person("ada@example.com")
    pool.record(ada, "rec_csv", "ada@example.org")
    assert not verdict(store, ada, "ada@example.com", "this_application").allowed
    pool.application(ada)
    answer = verdict(store, ada, "ada@example.com", "this_application", f"rec_{ada}")
    assert (answer.allowed, answer.consented) == (True, False)
    assert not verdict(store, ada, "ada@example.org", "this_application").allowed
    assert not verdict(store, ada, "ada@example.com", "this_application", "rec_csv").allowed
    assert not verdict(store, ada, "ada@example.com", "future_jobs").allowed
    pool.statement(record_id="rec_csv", purpose="this_application", status="refused", stated_by="vendor_default")
    assert not verdict(store, ada, "ada@example.com", "this_application").allowed


@pytest.mark.parametrize(("days_ago", "allowed"), [(179, True), (180, False)])
def test_an_application_stops_speaking_half_a_year_after_its_outcome(
    store: Store, days_ago: int, allowed: bool
) -> None:
    pool = Pool(store)
    ada = pool.person("ada@example.com")
    ended = NOW - timedelta(days=days_ago)
    pool.application(ada, outcome="rejected", outcome_at=ended)
    answer = verdict(store, ada, "ada@example.com", "this_application")
    assert answer.allowed is allowed
    assert answer.until == (ended + timedelta(days=180) if allowed else None)


def test_being_sourced_allows_nothing(store: Store) -> None:
    pool = Pool(store)
    ada = pool.person("ada@example.com")
    pool.application(ada, kind="sourced")
    assert not verdict(store, ada, "ada@example.com", "this_application").allowed


@pytest.mark.parametrize(
    ("reason", "destination", "asked_for", "stops"),
    [
        ("bounced", None, None, {"ada@example.com"}),
        ("complained", None, None, {"ada@example.com", "ada@example.org"}),
        ("do_not_contact", None, "mailchimp", {"ada@example.com", "ada@example.org"}),
        ("compliance_state", "mailchimp", "mailchimp", {"ada@example.com"}),
        ("compliance_state", "mailchimp", "mail", set()),
        ("compliance_state", "mailchimp", None, set()),
    ],
)
def test_suppressions(
    store: Store, reason: str, destination: str | None, asked_for: str | None, stops: set[str]
) -> None:
    pool = Pool(store)
    ada = pool.person("ada@example.com", "ada@example.org")
    pool.statement(record_id=f"rec_{ada}")
    consent.suppress(
        store, **MAIL, reason=reason, source="test", at=NOW, address="ADA@example.com", destination=destination
    )
    answers = {one: verdict(store, ada, one, destination=asked_for) for one in ("ada@example.com", "ada@example.org")}
    assert {one for one, answer in answers.items() if not answer.allowed} == stops
    assert {answers[one].reason for one in stops} <= {f"The address is suppressed: {reason}."}


def test_a_lifted_suppression_comes_back_when_it_is_said_again(store: Store) -> None:
    pool = Pool(store)
    ada = pool.person("ada@example.com")
    pool.statement(record_id=f"rec_{ada}")
    said = {**MAIL, "reason": "bounced", "source": "test", "address": "ada@example.com"}
    first = consent.suppress(store, **said, at=NOW - timedelta(days=9))
    with store.writing() as connection:
        connection.execute(update(tables.suppressions).values(lifted_at=NOW - timedelta(days=5)))
    assert verdict(store, ada, "ada@example.com").allowed
    assert consent.suppress(store, **said, at=NOW) == first
    assert not verdict(store, ada, "ada@example.com").allowed


def test_thousands_of_asks_are_a_few_queries(store: Store) -> None:
    pool = Pool(store)
    with store.writing() as connection:
        _crowd(pool, connection, 2_000)
    asks = [ask(f"per_{number}", f"p{number}@example.com") for number in range(2_000)]
    said: list[str] = []
    with store.reading() as connection:
        event.listen(connection, "before_cursor_execute", lambda *args: said.append(args[2]))
        answers = consent.verdicts(connection, store, asks, NOW)
    assert sum(answer.allowed for answer in answers.values()) == 1_000
    assert len(said) <= 4 * 8 + 4


def _crowd(pool: Pool, connection: object, size: int) -> None:
    def many(table: object, rows: list[dict[str, object]]) -> None:
        connection.execute(table.insert(), rows)

    person = {
        "organisation": "default",
        "state": "active",
        "golden": {},
        "provenance": {},
        "created_at": NOW,
        "modified_at": NOW,
    }
    numbers = range(size)
    many(
        tables.people,
        [
            {**person, "id": f"per_{n}", "anchor_record_id": f"rec_{n}", "minted_number": n, "sequence": n}
            for n in numbers
        ],
    )
    many(tables.person_records, [{"record_id": f"rec_{n}", "person_id": f"per_{n}"} for n in numbers])
    address = {"channel": "email", "is_primary": True}
    many(
        tables.person_addresses,
        [
            {
                **address,
                "person_id": f"per_{n}",
                "record_id": f"rec_{n}",
                "address": f"p{n}@example.com",
                "address_key": address_key(pool.store, Channel.EMAIL, f"p{n}@example.com"),
            }
            for n in numbers
        ],
    )
    statement = {
        "organisation": "default", "connection": "greenhouse", "purpose": "future_jobs", "channel": "any",
        "lawful_basis": "consent", "stated_by": "candidate", "stated_at": NOW, "learned_at": NOW, "evidence": {},
    }  # fmt: skip
    many(
        tables.consent_statements,
        [
            {**statement, "id": f"cst_{n}", "record_id": f"rec_{n}", "status": "given" if n % 2 else "refused"}
            for n in numbers
        ],
    )


def test_reachable_takes_the_address_that_fares_best(store: Store) -> None:
    pool = Pool(store)
    ada = pool.person("ada@example.com")
    pool.record(ada, "rec_csv", "ada@example.org")
    ends = NOW + timedelta(days=3)
    pool.statement(record_id="rec_csv", expires_at=ends)
    nobody = pool.person()
    with store.reading() as connection:
        answers = consent.reachable(
            connection, store, [ada, nobody, "per_unknown"],
            organisation="default", purpose=Purpose.FUTURE_JOBS, channel=Channel.EMAIL, now=NOW,
        )  # fmt: skip
    assert (answers[ada].allowed, answers[ada].until) == (True, ends)
    assert answers[nobody].reason == "There is no address for this channel."
    assert set(answers) == {ada, nobody}
