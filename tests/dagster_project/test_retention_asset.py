"""The asset that looks who is due: it marks, tells numbers and no names, and erases nobody."""

from pathlib import Path

import dagster as dg

from assets.retention_due import RETENTION, retention_asset
from dagster_project.resources import TalentPool
from talent_pool.people import reading
from tests.dagster_project.typed import Installation


def test_due_people_are_counted_and_stay(tmp_path: Path, monkeypatch):
    here = Installation(tmp_path / "home")
    path = tmp_path / "people.csv"
    path.write_text("id,Name,E-mail\n1,Ada Okafor,ada@example.com\n")
    here.types("import", str(path), "--as", "old_ats", "--key", "id")
    for name, value in (here.settings({}) | {"CATCHMENT_AS_OF": "2040-01-01T00:00:00Z"}).items():
        if value is not None:
            monkeypatch.setenv(name, value)
    result = dg.materialize([retention_asset()], resources={"pool": TalentPool()}, selection=[RETENTION])
    (event,) = result.asset_materializations_for_node(result.get_asset_materialization_events()[0].node_name or "")
    numbers = {name: value.value for name, value in event.metadata.items()}
    assert (numbers["due"], numbers["grace_is_over"]) == (1, 0)
    assert "Ada" not in repr(numbers)
    with here.store() as store:
        assert [one.full_name for one in reading.listed(store)] == ["Ada Okafor"]
