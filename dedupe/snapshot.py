"""Comparable records as Parquet: how a pool goes to a cluster, where it is compared by `dedupe.spark`.

One row a record, one column a field of `Normalised`, lists as lists. A snapshot is personal data: the file is made for
its owner alone.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from functools import lru_cache
from itertools import islice
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

from dedupe.normalise import Normalised

_AT_ONCE = 10_000


class SnapshotMisfit(Exception):
    """A snapshot's columns are not those that this version compares."""


def write_records(path: Path, records: Iterable[Normalised]) -> int:
    """Write a snapshot, some thousands of records at a time; return how many. Raises FileExistsError."""
    _, parquet = _arrow()
    rows = iter(records)
    count = 0
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file, parquet.ParquetWriter(file, _schema()) as writer:
        while some := list(islice(rows, _AT_ONCE)):
            writer.write_table(table_of(some))
            count += len(some)
    return count


def table_of(records: Sequence[Normalised]) -> Any:
    """Return records as an Arrow table, one column a field."""
    pa, _ = _arrow()
    schema = _schema()
    return pa.table({name: [getattr(record, name) for record in records] for name in schema.names}, schema=schema)


def read_records(path: Path) -> Iterator[Normalised]:
    """Yield the records of a snapshot. Raises SnapshotMisfit for one that another version wrote."""
    _, parquet = _arrow()
    with parquet.ParquetFile(path) as file:
        require_columns(file.schema_arrow.names)
        for batch in file.iter_batches(_AT_ONCE):
            yield from map(record_of, batch.to_pylist())


def record_of(row: Mapping[str, Any]) -> Normalised:
    """Return the record that a row holds; what were tuples, Parquet and JSON give back as lists."""
    return Normalised(**{name: _frozen(value) for name, value in row.items()})


def require_columns(names: Iterable[str]) -> None:
    """Raise SnapshotMisfit unless these are the columns of a snapshot that this version writes."""
    if set(names) != {one.name for one in fields(Normalised)}:
        raise SnapshotMisfit("The snapshot's columns are not those that this version compares. Write it anew.")


def _arrow() -> tuple[Any, Any]:
    """Return pyarrow and its Parquet part, imported by whom reads or writes files: executors do neither."""
    import pyarrow  # noqa: ICN001 - it comes without types  # pyright: ignore[reportMissingTypeStubs]
    from pyarrow import parquet  # pyright: ignore[reportMissingTypeStubs]

    return pyarrow, parquet


@lru_cache(maxsize=1)
def _schema() -> Any:
    pa, _ = _arrow()
    return pa.schema([(name, _arrow_type(kind)) for name, kind in get_type_hints(Normalised).items()])


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, cast("list[Any]", value))) if isinstance(value, list) else value


def _arrow_type(kind: Any) -> Any:
    """Return what a field of this type is in Parquet; every column may be null."""
    pa, _ = _arrow()
    inside = [one for one in get_args(kind) if one not in {NoneType, Ellipsis}]
    if get_origin(kind) in {Union, UnionType, tuple} and len(inside) == 1:
        inner = _arrow_type(inside[0])
        return pa.list_(inner) if get_origin(kind) is tuple else inner
    plain: dict[Any, Any] = {str: pa.string(), float: pa.float64(), int: pa.int64(), bool: pa.bool_()}
    if kind not in plain:
        raise TypeError(f"a snapshot has no column for a field of type {kind}; say in dedupe.snapshot what it is")
    return plain[kind]
