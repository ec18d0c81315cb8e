"""Epochs from the command line: train, epochs, epochs preview, epochs apply."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import update

from talent_pool.resolution.decisions import decide
from talent_pool.store.tables import decisions, epochs, people, work
from tests.dagster_project.typed import Installation

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
FIRST = ("Ada", "Bruno", "Chidi", "Dana", "Emil", "Farah", "Goran", "Hilde", "Ines", "Jonas", "Kaja", "Luca")
LAST = (
    "Abel", "Brandt", "Castro", "Duarte", "Egger", "Fischer", "Gomez", "Holm", "Imhof", "Jansen", "Keller", "Lindqvist",
    "Marchetti", "Novak", "Okafor", "Petrov", "Quist", "Rossi", "Sato", "Toth", "Ueda", "Virtanen", "Weber", "Xenakis",
    "Young", "Zeller", "Haddad", "Carvalho", "Moretti", "Brunner", "Silva", "Dubois", "Kowalski", "Nyman", "Osei",
    "Pereira",
)  # fmt: skip
NAMES = [f"{FIRST[number % len(FIRST)]} {last}" for number, last in enumerate(LAST)]
ROWS = len(NAMES)


@pytest.fixture
def here(tmp_path: Path) -> Installation:
    """People with two records each that are likely one person and not likely enough."""
    made = Installation(tmp_path / "home", {"LOGNAME": "pat"})
    for connection, told in (("old_ats", ",person{}@example.com,Leeds"), ("board", ",,")):
        path = tmp_path / f"{connection}.csv"
        lines = [f"{number},{name}{told.format(number)}" for number, name in enumerate(NAMES)]
        path.write_text("\n".join(["id,Name,E-mail,City", *lines, ""]))
        made.types("import", str(path), "--as", connection, "--key", "id")
    return made


def decided(here: Installation, count: int) -> None:
    """Let somebody decide of `count` pairs that each is one person."""
    pairs = here.types("review", "--limit", "100", "--json").json
    with here.store() as store:
        for pair in pairs[1:count]:
            decide(store, "same", pair["a"]["record_id"], pair["b"]["record_id"], by="pat", now=NOW)
    here.types("merge", pairs[0]["a"]["record_id"], pairs[0]["b"]["record_id"])


def count_of_people(here: Installation) -> int:
    with here.store() as store, store.reading() as connection:
        return len(connection.execute(people.select()).all())


def test_from_decisions_to_the_epoch_in_force(here: Installation) -> None:
    decided(here, 30)
    before = count_of_people(here)
    said = here.types("train").out
    assert "Learned from 30 decisions: 30 same, 0 different." in said
    assert "catchment epochs preview 2" in said
    listed = here.types("epochs", "--json").json
    assert [(one["number"], one["in_force"]) for one in listed] == [(2, False), (1, True)]
    shown = here.types("epochs", "preview").out
    told = here.types("epochs", "preview", "2", "--json").json
    assert f"catchment epochs apply 2 --token {told['token']}" in shown
    assert any(name in shown for name in NAMES)
    assert "the same name" in shown
    done = here.types("epochs", "apply", "2", "--token", told["token"], "--json").json
    assert done["merged"] == sum(len(group) - 1 for group in told["merges"]) > 0
    assert count_of_people(here) == before - done["merged"] == told["people_after"]
    listed = here.types("epochs").out.splitlines()
    assert "30 decisions" in listed[1]
    assert "nothing to learn" in here.types("train", code=2).err


def test_what_cannot_be_done_is_said_in_a_sentence(here: Installation) -> None:
    assert "catchment train" in here.types("epochs", "preview", code=2).err
    decided(here, 1)
    here.types("train")
    assert "no epoch 9" in here.types("epochs", "preview", "9", code=2).err
    refused = here.types("epochs", "apply", "2", "--token", "nonsense", code=2).err
    assert "catchment epochs preview 2" in refused
    assert "Novak" not in refused
    assert here.types("epochs", "apply", "2", code=2).err.count("--token")


def test_before_anything_came_in_there_is_nothing_to_train_on(tmp_path: Path) -> None:
    empty = Installation(tmp_path / "home")
    assert "catchment sync" in empty.types("train", code=2).err
    assert "first resolution" in empty.types("epochs").out


def test_after_an_upgrade_of_other_comparisons_landing_goes_on_and_training_mends_it(
    here: Installation, tmp_path: Path
) -> None:
    with here.store() as store:
        with store.reading() as connection:
            model = connection.execute(epochs.select()).one().model
        old = model | {"weights": {"name": {"0": -1.0, "1": 4.0}}}
        with store.writing() as connection:
            connection.execute(update(epochs).values(model=old))
    path = tmp_path / "late.csv"
    path.write_text("id,Name,E-mail\n1,Zoe Arslan,zoe@example.org\n")
    said = here.types("import", str(path), "--as", "late", "--key", "id", code=1)
    assert "catchment train" in said.err
    assert "late" in said.out
    here.types("train")
    told = here.types("epochs", "preview", "--json").json
    assert told["waiting"] == 1
    here.types("epochs", "apply", "2", "--token", told["token"])
    assert count_of_people(here) == 2 * ROWS + 1
    with here.store() as store, store.reading() as connection:
        assert not connection.execute(work.select().where(work.c.stage == "resolve")).all()
        assert not connection.execute(decisions.select()).all()
