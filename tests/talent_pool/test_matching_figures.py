"""Figures of the matching as a pool holds it."""

from sqlalchemy import select

from talent_pool.people.matching import OUTGROWN, Matching, figures
from talent_pool.resolution.decisions import decide
from talent_pool.resolution.resolve import resolve_all
from talent_pool.store.database import Store
from talent_pool.store.tables import person_records
from tests.talent_pool.small_world import INSTALLATION, NOW, candidate, land


def test_an_empty_pool_has_none(store: Store) -> None:
    found = figures(store)
    assert (found.records, found.keys, found.edges, found.review, found.labelled) == (0, 0, 0, 0, 0)
    assert found.labelled_precision is None
    assert not found.has_outgrown_its_epoch


def test_labels_tell_how_right_the_model_is(store: Store) -> None:
    for number in range(3):
        land(store, "ats", candidate(f"{number}", "Maud Hartwell", ["maud@example.com"], phones=["+442079460018"]))
    resolve_all(store, INSTALLATION, NOW)
    before = figures(store)
    assert (before.records, before.edges, before.sure, before.labelled) == (3, 3, 3, 0)
    (a, b, c) = sorted(_records(store))
    decide(store, "same", a, b, by="ann", now=NOW)
    decide(store, "different", a, c, by="ann", now=NOW)
    resolve_all(store, INSTALLATION, NOW)
    after = figures(store)
    assert (after.labelled, after.labelled_merged, after.labelled_right) == (2, 2, 1)
    assert after.labelled_precision == 0.5


def test_a_pool_outgrows_what_its_epoch_was_made_for() -> None:
    def sized(records: int) -> Matching:
        return Matching(1, 10_000, records, 0, 0, 0, 0, 0, 0, 0)

    assert not sized(OUTGROWN * 10_000).has_outgrown_its_epoch
    assert sized(OUTGROWN * 10_000 + 1).has_outgrown_its_epoch


def _records(store: Store) -> list[str]:
    with store.reading() as connection:
        return list(connection.execute(select(person_records.c.record_id)).scalars())
