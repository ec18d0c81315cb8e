"""The plain case against the join rule: whoever is found plainly allowed is allowed, over random pools."""

from dataclasses import dataclass
from datetime import timedelta

from hypothesis import HealthCheck, event, given
from hypothesis import strategies as st
from sqlalchemy import insert, select

from connectors.records import Channel, ConsentStatus, Purpose, StatedBy
from talent_pool import consent
from talent_pool.store import tables
from talent_pool.store.addresses import address_key
from talent_pool.store.database import Store
from tests.examples import examples
from tests.talent_pool.pool_rows import NOW, Pool

PEOPLE = ("per_1", "per_2", "per_3")
RECORDS = ("rec_1", "rec_2", "rec_3", "rec_4")
ADDRESSES = ("a@example.com", "A+x@example.com", "b@example.com", "c@example.com")
SCOPE = {"organisation": "default", "purpose": Purpose.FUTURE_JOBS, "channel": Channel.EMAIL}

yeses = st.sampled_from([ConsentStatus.GIVEN] * 30 + list(ConsentStatus))
statements = st.fixed_dictionaries(
    {
        "record_id": st.sampled_from(RECORDS),
        "email": st.none() | st.sampled_from(ADDRESSES),
        "status": yeses.map(str),
        "stated_by": st.sampled_from(StatedBy).map(str),
        "channel": st.sampled_from(["any", "email", "email", "email", "sms"]),
        "purpose": st.sampled_from(["future_jobs", "future_jobs", "future_jobs", "marketing"]),
        "organisation": st.sampled_from(["default"] * 9 + ["other"]),
        "stated_at": st.integers(-30, 1).map(lambda days: NOW + timedelta(days=days)),
        "expires_at": st.sampled_from([None] * 9 + [-1, 0, 1, 9]).map(
            lambda days: None if days is None else NOW + timedelta(days=days)
        ),
    }
)
suppressed = st.fixed_dictionaries(
    {
        "address": st.sampled_from(ADDRESSES),
        "reason": st.sampled_from(["bounced", "complained", "do_not_contact"]),
        "destination": st.sampled_from([None, "crm"]),
    }
)
persons = st.tuples(st.sampled_from(["active"] * 9 + ["restricted"]), st.sampled_from([None, None, False, False, True]))


@dataclass(frozen=True)
class World:
    """Who is there, whose each record is and what it holds, and all that was said and learned."""

    people: tuple[tuple[str, bool | None], ...]
    whose: tuple[str, ...]
    holds: tuple[frozenset[str], ...]
    said: list[dict]
    suppressed: list[dict]


worlds = st.builds(
    World,
    st.tuples(*(persons for _ in PEOPLE)),
    st.tuples(*(st.sampled_from(PEOPLE) for _ in RECORDS)),
    st.tuples(*(st.frozensets(st.sampled_from(ADDRESSES), min_size=1, max_size=2) for _ in RECORDS)),
    st.lists(statements, min_size=2, max_size=6),
    st.lists(suppressed, max_size=1),
)


def _written(store: Store, world: World) -> None:
    with store.writing() as connection:
        for table in reversed(tables.metadata.sorted_tables):
            if table.name not in ("counters", "tokens"):
                connection.execute(table.delete())
    pool = Pool(store)
    for person, (state, private) in zip(PEOPLE, world.people, strict=True):
        pool.person(id=person, state=state, is_private=private, waiting=False)
    for record, person, addresses in zip(RECORDS, world.whose, world.holds, strict=True):
        pool.record(person, record, *sorted(addresses))
    for one in world.said:
        pool.statement(**one)
    for one in world.suppressed:
        consent.suppress(store, organisation="default", channel=Channel.EMAIL, source="test", at=NOW, **one)


def _plain(store: Store) -> set[tuple[str, str]]:
    with store.reading() as connection:
        return consent.plainly_allowed(connection, select(tables.people.c.id), now=NOW, **SCOPE)


@examples(60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(world=worlds)
def test_whoever_is_plainly_allowed_is_allowed_by_the_join_rule(store: Store, world: World):
    _written(store, world)
    plain = _plain(store)
    event("somebody is plainly allowed" if plain else "nobody is")
    asks = [
        consent.Ask(
            (person, address, marketing, destination), "default", person, None, Channel.EMAIL, address,
            Purpose.FUTURE_JOBS, destination, marketing,
        )
        for person, address in plain
        for marketing in (True, False)
        for destination in (None, "crm", "list")
    ]  # fmt: skip
    with store.reading() as connection:
        answers = consent.verdicts(connection, store, asks, NOW)
    assert {key for key, answer in answers.items() if not answer.allowed} == set()


def test_the_plain_case_is_found(store: Store):
    pool = Pool(store)
    whole, at_address = pool.person("ann@example.com"), pool.person("bob@example.com", "bob@example.org")
    pool.statement(record_id=f"rec_{whole}")
    pool.statement(record_id=f"rec_{whole}", status="requested", purpose="future_jobs")
    pool.statement(record_id=f"rec_{whole}", status="refused", purpose="marketing")
    pool.statement(record_id=f"rec_{at_address}", email="bob@example.org", channel="email")
    silent, refusing = pool.person("cy@example.com"), pool.person("dee@example.com")
    pool.statement(record_id=f"rec_{refusing}")
    pool.statement(record_id=f"rec_{refusing}", status="refused")
    bounced = pool.person("eve@example.com")
    pool.statement(record_id=f"rec_{bounced}")
    consent.suppress(
        store, organisation="default", channel=Channel.EMAIL, reason="bounced", source="test", at=NOW,
        address="eve@example.com",
    )  # fmt: skip
    assert _plain(store) == {(whole, "ann@example.com"), (at_address, "bob@example.org")}
    assert silent not in {person for person, _ in _plain(store)}


def test_what_a_record_said_of_an_address_that_nobody_holds_is_not_plain(store: Store):
    """All that is known of that address would count for her, so it is for the join rule to say."""
    pool = Pool(store)
    ann = pool.person("ann@example.com")
    pool.statement(record_id=f"rec_{ann}")
    pool.statement(record_id=f"rec_{ann}", email="former@example.com", purpose="marketing")
    with store.writing() as connection:
        key = address_key(store, Channel.EMAIL, "former@example.com")
        refused = {
            "id": "cst_no", "organisation": "default", "connection": "crm", "purpose": "future_jobs",
            "channel": "email", "address_key": key, "status": "refused", "lawful_basis": "consent",
            "stated_by": "candidate", "stated_at": NOW, "learned_at": NOW, "evidence": {},
        }  # fmt: skip
        connection.execute(insert(tables.consent_statements).values(refused))
    assert _plain(store) == set()
