"""Tables of people in files, whole: what `dedupe` reads and writes. Delimited text and Parquet.

Raises Misconfigured for whatever the person at the keyboard can set right; no message holds anybody's data.
"""

import csv
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from connectors.columns import ColumnMapping, guess
from connectors.delimited import SAMPLE, each_once, layout_of, rows_of
from connectors.errors import Misconfigured
from connectors.files import Line

_DELIMITED: Mapping[str, str | None] = {".csv": None, ".tsv": "\t", ".txt": None}
"""Delimiters by the ending of a file that is written; None: the one of the file that was read, else a comma."""
_PARQUET = frozenset({".parquet", ".pq"})
_ENDINGS = f"{', '.join(_DELIMITED)} or .parquet"
_LISTED = 5


@dataclass(frozen=True, slots=True)
class PeopleTable:
    """A table as it was read. `rows` are texts, a cell for each of `headers`, which are each there once.

    `written`: the headers as they stand in the file, where a second `Notes` is no `Notes (2)`. `arrow`: the
    table with its own types where the file was Parquet. `bom`: the text began with a byte order mark.
    """

    headers: Sequence[str]
    mapping: ColumnMapping
    rows: Sequence[Sequence[str]]
    written: Sequence[str]
    arrow: Any = None
    delimiter: str = ","
    bom: bool = False


Added = Mapping[str, Sequence[str | float | None]]
"""Columns to be written behind those that were read: a value for each row."""


def read(path: Path, columns: Mapping[str, str]) -> PeopleTable:
    """Return the table in a file; `columns` (COLUMN → field, or `ignore`) are not guessed. Raises Misconfigured."""
    try:
        _require_content(path)
        is_parquet = path.suffix.lower() in _PARQUET
        found = _read_parquet(path, columns) if is_parquet else _read_delimited(path, columns)
    except OSError as error:
        raise Misconfigured(f"{path.name} cannot be read. Check its rights and its disk.") from error
    if not found.rows:
        raise Misconfigured(f"{path.name} has headers and no rows. Name a file with a row for each record.")
    return found


def _require_content(path: Path) -> None:
    if not path.exists():
        raise Misconfigured(f"There is no file {path}. Correct the path.")
    if not path.is_file():
        raise Misconfigured(f"{path} is not a file. Name one file of people.")
    if path.suffix.lower() not in _PARQUET | _DELIMITED.keys():
        raise Misconfigured(f"The ending of {path.name} does not tell its format. Save it as {_ENDINGS}.")
    if not path.stat().st_size:
        raise Misconfigured(f"{path.name} is empty. Name a file with a line of headers and a row for each record.")


def _read_delimited(path: Path, columns: Mapping[str, str]) -> PeopleTable:
    try:
        layout = layout_of(path, columns, storing=False)
    except Misconfigured as error:
        raise Misconfigured(f"{path.name}: {error}") from None
    found = list(rows_of(path, layout))
    if broken := [line for line in found if line.fault]:
        raise Misconfigured(_told(path, broken))
    rows = [line.cells for line in found]
    return PeopleTable(
        layout.headers, layout.mapping, rows, layout.written,
        delimiter=layout.delimiter, bom=layout.encoding == "utf-8-sig",
    )  # fmt: skip


def _told(path: Path, broken: Sequence[Line]) -> str:
    """Say which lines are broken; a row left out or filled up would not be the row that was there."""
    first, *others = broken
    if not others:
        return f"{path.name}, line {first.number}: {first.fault}"
    numbers = ", ".join(str(line.number) for line in others[:_LISTED])
    more = ", …" if len(others) > _LISTED else ""
    return f"{path.name}, line {first.number}: {first.fault} Look at line{'s'[: len(others) - 1]} {numbers}{more} too."


def _read_parquet(path: Path, columns: Mapping[str, str]) -> PeopleTable:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        table: Any = parquet.ParquetFile(path).read()
        table.validate(full=True)
        rows = list(zip(*map(_texts, table.columns), strict=True))
    except (pa.ArrowException, OSError, ValueError) as error:
        told = f"{path.name} is no Parquet file that can be read. Write it anew, or save it as .csv."
        raise Misconfigured(told) from error
    headers = each_once(table.column_names)
    try:
        mapping = guess(headers, islice(rows, SAMPLE), columns, storing=False)
    except Misconfigured as error:
        raise Misconfigured(f"{path.name}: {error}") from None
    return PeopleTable(headers, mapping, rows, table.column_names, arrow=table)


def _texts(column: Any) -> list[str]:
    try:
        values = column.to_pylist()
    except ValueError:  # Python's times know no nanoseconds
        values = column.cast("string").to_pylist()
    return [text_of(value) for value in values]


def text_of(value: Any) -> str:
    """Return a value of a Parquet file as a cell's text: lists of texts as `a;b`, whole numbers without `.0`."""
    if value is None or value != value:  # noqa: PLR0124 - what is not a number is not itself
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))  # pandas turns whole numbers to floats where one is missing
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ";".join(value)
    return orjson.dumps(value, default=str).decode() if isinstance(value, list | dict) else str(value)


def require_writable(out: Path, source: Path) -> None:
    """Raise Misconfigured if nothing can be written to `out`, or that would overwrite `source`."""
    if out.suffix.lower() not in _PARQUET | _DELIMITED.keys():
        raise Misconfigured(f"The ending of {out.name} does not tell its format. Let --out end in {_ENDINGS}.")
    folder = out.resolve().parent
    try:
        is_folder = out.is_dir()
    except OSError as error:
        raise Misconfigured(f"Nothing can be written as {out}. Check its rights, or name another.") from error
    if is_folder:
        raise Misconfigured(f"{out} is a folder. Name a file in it with --out.")
    with suppress(OSError):  # one of the two is not there
        if out.samefile(source):
            raise Misconfigured(f"--out names the file that is read, {source.name}. Name another.")
    if not folder.is_dir():
        raise Misconfigured(f"There is no folder {folder} to write {out.name} into. Make it, or name another.")
    if not os.access(folder, os.W_OK):
        raise Misconfigured(f"Nothing can be written into {folder}. Check its rights, or name another with --out.")


def write(table: PeopleTable, added: Added, out: Path) -> None:
    """Write the table as it was read, and `added` behind it: all of the file or nothing. Raises Misconfigured."""
    ending = out.suffix.lower()
    try:
        with _whole(out.resolve()) as path:
            if ending in _DELIMITED:
                _put_delimited(table, added, path, _DELIMITED[ending] or table.delimiter)
            else:
                _put_parquet(table, added, path)
    except OSError as error:
        raise Misconfigured(f"{out} cannot be written. Check the disk and the folder's rights.") from error


@contextmanager
def _whole(out: Path) -> Iterator[Path]:
    """Give a path beside `out`, which takes its place once all is written."""
    beside = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        yield beside
        beside.replace(out)
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def _put_delimited(table: PeopleTable, added: Added, path: Path, delimiter: str) -> None:
    # left to itself, the writer puts no quotes around a cell with a lone carriage return, which would part its row
    quoting = csv.QUOTE_ALL if any("\r" in cell for row in table.rows for cell in row) else csv.QUOTE_MINIMAL
    with path.open("w", encoding="utf-8-sig" if table.bom else "utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter, lineterminator="\n", quoting=quoting)
        writer.writerow([*table.written, *added])
        for cells, *more in zip(table.rows, *added.values(), strict=True):
            writer.writerow([*cells, *more])


def _put_parquet(table: PeopleTable, added: Added, path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    arrow: Any = table.arrow
    if arrow is None:
        columns = zip(*table.rows, strict=True)
        arrow = pa.table(
            {name: pa.array(cells, pa.string()) for name, cells in zip(table.headers, columns, strict=True)}
        )
    for name, values in added.items():
        kind = pa.string() if any(isinstance(value, str) for value in values) else pa.float64()
        arrow = arrow.append_column(name, pa.array(values, kind))
    parquet.write_table(arrow, path)
