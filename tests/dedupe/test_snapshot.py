"""A snapshot gives back the records that were written; edges read back form the people they form in memory."""

from typing import get_type_hints

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from dedupe.clustering import clusters
from dedupe.edge_file import clustered, read_edges
from dedupe.model import shipped
from dedupe.normalise import Normalised
from dedupe.scoring import edges
from dedupe.snapshot import SnapshotMisfit, read_records, write_records
from dedupe.training import prepared
from dedupe.training_people import Lot
from tests.examples import examples

SCHEMA = pa.schema(
    {
        "record_a": pa.string(),
        "record_b": pa.string(),
        "weight": pa.float64(),
        "probability": pa.float64(),
        "levels": pa.map_(pa.string(), pa.int32()),
    }
)


# not a number is equal to nothing, itself included
ANYBODY = {
    name: st.from_type(kind).filter(lambda value: value == value)  # noqa: PLR0124
    for name, kind in get_type_hints(Normalised).items()
}


@examples(20)
@given(records=st.lists(st.builds(Normalised, **ANYBODY), max_size=5))
def test_what_is_written_is_read_again(records, tmp_path_factory):
    path = tmp_path_factory.mktemp("snapshot") / "records.parquet"
    assert write_records(path, iter(records)) == len(records)
    assert list(read_records(path)) == records


def test_a_snapshot_is_its_owners_alone_and_is_never_written_over(tmp_path):
    path = tmp_path / "records.parquet"
    write_records(path, ())
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        write_records(path, ())


def test_a_snapshot_with_other_columns_is_refused(tmp_path):
    parquet.write_table(pa.table({"record_id": ["r1"], "shoe_size": [44]}), tmp_path / "records.parquet")
    with pytest.raises(SnapshotMisfit, match="Write it anew"):
        list(read_records(tmp_path / "records.parquet"))


def test_people_of_an_edge_file_are_those_of_all_edges_at_once(tmp_path):
    truth, records, shared = prepared(Lot(200), 5)
    found = edges(records, truth.keys(), shared, shipped())
    _write(found[::2], tmp_path / "part-0.parquet")
    _write(found[1::2], tmp_path / "part-1.parquet")
    assert list(read_edges(tmp_path)) == found
    parted = list(clustered(tmp_path, shipped()))
    assert len(parted) > 50
    assert sorted(parted, key=min) == [one for one in clusters(truth, found, (), (), shipped()) if len(one) > 1]


def test_no_edges_are_no_people(tmp_path):
    _write([], tmp_path / "part-0.parquet")
    assert list(clustered(tmp_path, shipped())) == []


def _write(found, path):
    rows = [(one.record_a, one.record_b, one.weight, one.probability, list(one.levels.items())) for one in found]
    columns = zip(*rows, strict=True) if rows else [[] for _ in SCHEMA.names]
    parquet.write_table(pa.table(dict(zip(SCHEMA.names, map(list, columns), strict=True)), schema=SCHEMA), path)
