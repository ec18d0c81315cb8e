"""Reading the pool: the list, one person, explanations, numbers and the feed."""

import pytest

from connectors.records import Application
from talent_pool.people import reading as people
from talent_pool.people.person_ids import NoSuchPerson
from talent_pool.resolution.decisions import decide
from talent_pool.resolution.resolve import resolve_all
from talent_pool.store import changes
from talent_pool.store.database import Store
from talent_pool.store.tables import person_records, work
from tests.talent_pool.small_world import INSTALLATION, NOW, candidate, held, land, later, same_address


def run(store: Store, minutes: int = 0) -> None:
    resolve_all(store, INSTALLATION, later(minutes), score=same_address)


def chain(store: Store) -> tuple[str, str, str, str, str]:
    """Two records that know nothing of each other, one that joins them, a stranger; and an id that was given up."""
    (a,) = land(store, "ats", candidate("1", "Mary Jones", ["mary@example.com"], title="Welder"))
    run(store)
    (b,) = land(store, "board", candidate("2", "Mary Jones", ["mj@example.org"]))
    land(store, "board", Application(remote_id="a", candidate_id="2"))
    run(store)
    lost = next(person for person, own in held(store).items() if b in own)
    (bridge,) = land(store, "portal", candidate("3", "Mary Jones", ["mary@example.com", "mj@example.org"]))
    (stranger,) = land(store, "portal", candidate("4", "Omar 50%", ["omar@example.net"]))
    run(store, 1)
    return a, b, bridge, stranger, lost


def test_the_list_names_sources_and_counts_applications(store: Store) -> None:
    a, *_, lost = chain(store)
    told = people.listed(store)
    assert [(one.full_name, one.connections, one.applications) for one in told] == [
        ("Mary Jones", ("ats", "board", "portal"), 1),
        ("Omar 50%", ("portal",), 0),
    ]
    assert told[0].id == "per_" + a.removeprefix("rec_")
    assert told[1].primary_email == "omar@example.net"
    assert [one.full_name for one in people.listed(store, "mary@EXAMPLE")] == ["Mary Jones"]
    assert [one.full_name for one in people.listed(store, "0%")] == ["Omar 50%"]
    assert [one.full_name for one in people.listed(store, lost)] == ["Mary Jones"]
    assert people.listed(store, "nobody") == []
    assert len(people.listed(store, limit=1)) == 1


def test_one_person_is_found_by_every_id_with_sources_and_history(store: Store) -> None:
    a, b, bridge, _, lost = chain(store)
    person = people.get(store, lost)
    assert person == people.get(store, "per_" + a.removeprefix("rec_"))
    assert person.previous_ids == (lost,)
    assert person.golden["title"] == "Welder"
    assert [one.record_id for one in person.sources] == [a, b, bridge]
    assert [one["remote_id"] for one in person.applications] == ["a"]
    assert [one.kind for one in person.history] == ["created", "changed"]
    with pytest.raises(NoSuchPerson, match="per_nobody"):
        people.get(store, "per_nobody")


def test_an_explanation_leads_through_others(store: Store) -> None:
    a, b, bridge, _, lost = chain(store)
    told = people.explain(store, a, b)
    assert told.same_person
    assert [(link.record_a, link.record_b) for link in told.links] == [
        (min(a, bridge), max(a, bridge)),
        (min(b, bridge), max(b, bridge)),
    ]
    assert "through one other record" in told.sentence
    direct = people.explain(store, a, bridge)
    assert len(direct.links) == 1
    assert direct.links[0].steps
    assert "99.9%" in direct.sentence
    assert people.explain(store, a, lost).same_person


def test_whoever_was_never_compared_is_told_so_in_words(store: Store) -> None:
    a, _, _, stranger, _ = chain(store)
    told = people.explain(store, a, stranger)
    assert (told.same_person, told.links) == (False, ())
    assert "no key in common" in told.sentence
    with pytest.raises(NoSuchPerson):
        people.explain(store, a, "rec_nobody")


def test_a_decision_explains_itself(store: Store) -> None:
    a, b, bridge, _, _ = chain(store)
    for other in (b, bridge):
        decide(store, "different", a, other, by="pat", now=NOW)
    run(store, 2)
    told = people.explain(store, a, b)
    assert not told.same_person
    assert told.links[0].kind == "decided_different"
    assert (told.links[0].decision_id or "?") in told.sentence


def test_the_pool_in_numbers(store: Store) -> None:
    chain(store)
    land(store, "ats", candidate("9", "Li Wei"))
    counted = people.statistics(store)
    assert (counted.people, counted.records, counted.applications) == (2, 5, 1)
    assert (counted.previous_ids, counted.largest_cluster, counted.waiting, counted.decisions) == (1, 3, 1, 0)
    assert (counted.unattached, counted.empty) == (0, 0)
    with store.writing() as connection:
        connection.execute(work.delete())
        connection.execute(person_records.delete())
    counted = people.statistics(store)
    assert (counted.unattached, counted.empty) == (5, 2)


def test_the_feed_is_read_on_from_a_number(store: Store) -> None:
    chain(store)
    everything = changes.feed(store)
    assert [one.number for one in everything] == list(range(1, len(everything) + 1))
    first = changes.feed(store, limit=2)
    assert first + changes.feed(store, after=first[-1].number) == everything
    assert changes.feed(store, after=everything[-1].number) == []
