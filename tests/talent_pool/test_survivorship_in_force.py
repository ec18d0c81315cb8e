"""A changed rule or trust reaches people at the next resolution: those it concerns, once, and no others."""

from dataclasses import replace

from connectors.records import Location
from dedupe.survivorship_rules import SurvivorshipRules
from talent_pool.installation import Installation
from talent_pool.people import reading as people
from talent_pool.resolution.resolve import ResolveReport, resolve, resolve_all
from talent_pool.store import changes
from talent_pool.store.database import Store
from talent_pool.store.work import waiting
from tests.talent_pool.small_world import INSTALLATION, candidate, dump, held, land, later, same_address

TRUSTING = replace(INSTALLATION, survivorship=SurvivorshipRules.model_validate({"location": "most_trusted"}))


def trusting(name: str, trust: int) -> Installation:
    found = INSTALLATION.connections
    return replace(INSTALLATION, connections={**found, name: found[name].model_copy(update={"trust": trust})})


def run(store: Store, installation: Installation, minutes: int) -> ResolveReport:
    return resolve_all(store, installation, later(minutes), score=same_address)


def settled(store: Store) -> tuple[str, str]:
    """Mary, on whom two sources differ, and Omar, of whom one tells."""
    (mary,) = land(store, "ats", candidate("1", "Mary Jones", ["m@example.com"], location=Location(city="Leeds")))
    where = Location(city="York")
    land(store, "board", candidate("2", "Mary Jones", ["m@example.com"], location=where), now=later(5))
    (omar,) = land(store, "portal", candidate("3", "Omar Aziz", ["o@example.net"], location=Location(city="Lyon")))
    run(store, INSTALLATION, 10)
    holders = {record: person for person, own in held(store).items() for record in own}
    return holders[mary], holders[omar]


def test_a_changed_rule_reaches_everybody_and_is_news_where_a_value_changes(store: Store) -> None:
    mary, omar = settled(store)
    before = len(changes.feed(store))
    assert people.get(store, mary).golden["location"]["city"] == "York"
    report = run(store, TRUSTING, 20)
    assert (report.rebuilt, report.changed, report.people, report.records) == (2, 1, 2, 0)
    told = people.get(store, mary)
    assert told.golden["location"]["city"] == "Leeds"
    assert told.provenance["location"]["rule"] == "most trusted"
    assert [one["value"] for one in told.provenance["location"]["superseded"]] == [{"city": "York"}]
    assert people.get(store, omar).provenance["location"]["rule"] == "most trusted"
    news = changes.feed(store, after=before)
    assert [(one.subject_id, one.kind, one.cause) for one in news] == [(mary, "changed", {"survivorship": True})]


def test_nothing_is_written_where_nothing_changed(store: Store) -> None:
    settled(store)
    run(store, TRUSTING, 20)
    before = dump(store)
    spelled_out = SurvivorshipRules.model_validate({"location": "most_trusted", "language": {"rule": "newest"}})
    assert run(store, replace(TRUSTING, survivorship=spelled_out), 30) == ResolveReport()
    assert dump(store) == before


def test_there_and_back_leaves_people_as_they_were(store: Store) -> None:
    mary, omar = settled(store)
    before = [people.get(store, one) for one in (mary, omar)]
    run(store, TRUSTING, 20)
    run(store, INSTALLATION, 30)
    after = [people.get(store, one) for one in (mary, omar)]
    assert [(one.golden, one.provenance) for one in after] == [(one.golden, one.provenance) for one in before]
    assert after[1] == before[1]


def test_another_trust_concerns_whoever_has_a_record_from_there(store: Store) -> None:
    mary, _ = settled(store)
    run(store, TRUSTING, 20)
    report = run(store, replace(trusting("board", 99), survivorship=TRUSTING.survivorship), 30)
    assert (report.rebuilt, report.changed) == (1, 1)
    assert people.get(store, mary).golden["location"]["city"] == "York"


def test_a_connection_that_brought_nobody_yet_concerns_nobody(store: Store) -> None:
    settled(store)
    assert run(store, trusting("sister", 99), 20) == ResolveReport()


def test_whoever_waits_to_be_rebuilt_is_seen_and_taken_in_turns(store: Store) -> None:
    mary, _ = settled(store)
    first = resolve(store, TRUSTING, later(20), 1, same_address)
    assert (first.rebuilt, waiting(store, later(20)).outdated) == (1, 1)
    land(store, "ats", candidate("1", "Mary Jones", ["m@example.com"], title="Welder"), now=later(21))
    report = run(store, TRUSTING, 30)
    assert (report.records, report.rebuilt, waiting(store, later(30)).outdated) == (1, 1, 0)
    assert people.get(store, mary).golden["title"] == "Welder"
