"""What a data engineer sees in Dagster: the graph, the promises, why things run, and why they failed."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import pytest

from assets.people import KEYS, PEOPLE, POOL
from connectors.errors import Unavailable
from connectors.records import utc_now
from dagster_project.definitions import definitions_of
from dagster_project.destinations import destination_key, segment_key
from dagster_project.failures import RETRIES, told
from dagster_project.sources import source_key
from talent_pool import installation
from talent_pool.home import Home
from talent_pool.store import migrate
from talent_pool.store.tables import work

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("CATCHMENT_HOME", str(tmp_path / "home"))
    for name in ("CATCHMENT_STORE_URL", "CATCHMENT_DEFS", "CATCHMENT_AS_OF"):
        monkeypatch.delenv(name, raising=False)
    made = Home()
    store = made.open()
    migrate.upgrade(store)
    store.close()
    return made


@pytest.fixture
def defs(home: Home) -> dg.Definitions:
    return definitions_of(installation.read())


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as ephemeral:
        yield ephemeral


def test_the_example_installation_loads(defs: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(defs)


def test_the_graph_reads_from_vendor_to_push(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    configured = installation.read()
    for name, connection in configured.connections.items():
        assert dg.AssetKey(["vendor", connection.connector]) in graph.get(source_key(name)).parent_keys
        assert source_key(name) in graph.get(KEYS).parent_keys
    for name in configured.segments:
        assert graph.get(segment_key(name)).parent_keys == {PEOPLE}
    for name, destination in configured.destinations.items():
        assert graph.get(destination_key(name)).parent_keys == {segment_key(p.segment) for p in destination.pushes}


def test_every_asset_of_ours_says_what_it_is_and_whose(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert node.description, key
        if node.is_materializable:
            assert key.path[0] == "catchment"
            assert node.owners, key
            assert node.group_name != "default", key


def test_every_source_and_push_has_a_blocking_promise(defs: dg.Definitions) -> None:
    graph = defs.resolve_asset_graph()
    for key in graph.materializable_asset_keys - {*POOL} | {PEOPLE}:
        checks = [graph.get(check) for check in graph.get_check_keys_for_assets({key})]
        assert any(check.blocking for check in checks), key


def test_each_connection_has_a_schedule_of_its_own_to_pause(defs: dg.Definitions) -> None:
    scheduled = {schedule.name for schedule in defs.schedules or []}
    configured = installation.read().connections.values()
    assert {f"sync_{c.name}" for c in configured if c.schedule} <= scheduled


def test_no_run_without_work_and_a_run_when_a_record_waits(defs: dg.Definitions, home: Home, instance) -> None:
    sensor = next(one for one in defs.sensors or [] if one.name == "work_waits_in_the_pool")
    with dg.build_sensor_context(instance=instance) as context:
        assert isinstance(sensor(context), dg.SkipReason)
        store = home.open()
        with store.writing() as connection:
            connection.execute(work.insert().values(stage="resolve", subject_id="rec_1", since=utc_now()))
        store.close()
        assert isinstance(sensor(context), dg.RunRequest)


def test_a_push_is_asked_for_after_every_evaluation_and_held_while_a_promise_is_broken(defs, instance) -> None:
    export = destination_key("export")
    segments = [segment_key(push.segment) for push in installation.read().destinations["export"].pushes]
    at, cursor = datetime(2026, 1, 1, tzinfo=UTC), None

    def asked() -> bool:
        nonlocal at, cursor
        at += timedelta(minutes=1)
        found = dg.evaluate_automation_conditions(
            defs, instance, asset_selection=dg.AssetSelection.assets(export), cursor=cursor, evaluation_time=at
        )
        cursor = found.cursor
        return found.total_requested > 0

    def evaluated(*, well: bool) -> None:
        for key in segments:
            instance.report_runless_asset_event(
                dg.AssetCheckEvaluation(asset_key=key, check_name="everybody_in_it_exists", passed=well, blocking=True)
            )
            instance.report_runless_asset_event(dg.AssetMaterialization(key))

    assert not asked()
    evaluated(well=True)
    assert asked()
    assert not asked()
    evaluated(well=False)
    assert not asked()
    evaluated(well=True)
    assert asked()
    # a second evaluation in the tick right after the request must not be forgotten
    evaluated(well=True)
    assert asked()


def test_a_failing_source_says_what_to_do_in_its_first_line(defs, instance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GREENHOUSE_CLIENT_SECRET", raising=False)
    monkeypatch.delenv("GREENHOUSE_CLIENT_ID", raising=False)
    job = defs.resolve_job_def("sync_greenhouse")
    result = job.execute_in_process(instance=instance, raise_on_error=False)
    failures = [event.step_failure_data for event in result.all_events if event.is_step_failure]
    assert len(failures) == 1
    first_line = failures[0].user_failure_data.description.splitlines()[0]
    assert "GREENHOUSE_CLIENT_SECRET" in first_line
    assert first_line.endswith(".")


@pytest.mark.parametrize(("tries", "again"), [(0, True), (RETRIES - 1, True), (RETRIES, False)])
def test_the_last_try_fails_by_its_own_word_and_not_by_the_number_of_tries(tries: int, again: bool) -> None:
    with pytest.raises(dg.Failure) as failure, told(SimpleNamespace(retry_number=tries)):
        raise Unavailable("Greenhouse cannot be reached. Run again later.")
    assert failure.value.allow_retries is again
    assert failure.value.description == "Greenhouse cannot be reached. Run again later."


def test_commands_that_do_not_run_dagster_do_not_import_it() -> None:
    code = (
        "import sys\n"
        "from dagster_project.cli.main import main\n"
        "import click\n"
        "for name in main.list_commands(click.Context(main)):\n"
        "    assert main.get_command(click.Context(main), name), name\n"
        "sys.exit('dagster' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.heavy
def test_thirty_connections_load_in_three_seconds_of_processor_time(tmp_path: Path, monkeypatch) -> None:
    """Not a timing test of this machine: generous, and against Dagster's own import in the same run."""
    head = "type: dagster_project.components.CandidateSource\nattributes: "
    source = head + "{{name: c{0}, connector: csv_file, schedule: '0 * * * *'}}\n"
    (tmp_path / "defs.yaml").write_text("---\n".join(source.format(number) for number in range(30)))
    monkeypatch.setenv("CATCHMENT_DEFS", str(tmp_path))
    monkeypatch.setenv("CATCHMENT_HOME", str(tmp_path / "home"))
    code = "from dagster_project.definitions import defs; d = defs(); assert len(list(d.schedules)) == 30"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)


def test_resolving_leaves_the_slow_look_at_fairness_to_whoever_asks_for_it(defs: dg.Definitions) -> None:
    resolving = defs.resolve_job_def("resolve_pool").asset_layer.asset_graph.asset_check_keys
    fairness = {key for key in defs.resolve_asset_graph().asset_check_keys if key.name == "misses_no_group_of_names"}
    assert len(fairness) == 1
    assert resolving.isdisjoint(fairness)
    assert {"nobody_is_lost", "fits_the_pool"} <= {key.name for key in resolving}
