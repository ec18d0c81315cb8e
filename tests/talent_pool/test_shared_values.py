"""A value that a wrong import put on thousands of records merges nobody and slows nothing that comes next."""

import pytest
from faker import Faker

from dedupe.scoring import edges
from talent_pool.resolution.resolve import resolve_all
from talent_pool.store.database import Store
from tests.talent_pool.small_world import INSTALLATION, NOW, candidate, land, partition

ROWS = 10_000


def wrong_import(named: bool):
    names = Faker("en_GB")
    names.seed_instance(7)
    for number in range(ROWS):
        yield candidate(
            f"{number}", f"{names.first_name()} {names.last_name()}" if named else None, ["all@example.com"]
        )


@pytest.mark.heavy
@pytest.mark.parametrize("named", [True, False], ids=["named", "nameless"])
def test_one_address_on_a_whole_import(store: Store, named) -> None:
    land(store, "ats", *wrong_import(named))
    handed: list[int] = []

    def counting(records, *rest):
        handed.append(len(records))
        return edges(records, *rest)

    resolve_all(store, INSTALLATION, NOW, score=counting)
    alone = [group for group in partition(store) if len(group) == 1]
    assert len(alone) >= (0.95 if named else 1) * ROWS, "only namesakes may have met"
    handed.clear()
    land(store, "board", candidate("1", "Ottoline Quillfeather", ["all@example.com", "ottoline@example.com"]))
    resolve_all(store, INSTALLATION, NOW, score=counting)
    assert handed == [1], "nobody of the import is looked at again"
