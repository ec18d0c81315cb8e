"""CSV and other delimited files: contact exports, ATS lists, spreadsheets.

Columns are guessed from the headers (connectors.columns) unless `columns` says what they hold. Lines before the
headers, as LinkedIn writes them, are passed over.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from connectors.columns import ColumnMapping, guess, is_recognised
from connectors.contract import Json
from connectors.errors import Malformed, Misconfigured
from connectors.files import FileSettings, FileSource, Line, lines, sniffed, survey, table, unreadable
from connectors.records import Record
from connectors.rows import Row, records
from connectors.shapes import is_object

_SAMPLE = 60
"""Rows that are looked at for the delimiter, the headers and what unnamed columns hold."""
_PREAMBLE = 20


class CsvSettings(FileSettings):
    """`columns`: COLUMN → field of connectors.columns, or `ignore`; the others are guessed."""

    columns: Mapping[str, str] = Field(default_factory=dict)
    encoding: str | None = None
    delimiter: str | None = None


@dataclass(frozen=True, slots=True)
class _Layout:
    """How a file is to be read: what its survey and its first rows tell."""

    encoding: str
    delimiter: str
    header_number: int
    headers: Sequence[str]
    mapping: ColumnMapping


class CsvFile(FileSource):
    """One delimited file. An object holds a row's cells by column, without protected ones, and how they are read."""

    connector = "csv_file"
    Settings = CsvSettings
    settings: CsvSettings
    _row_fault: ClassVar[str] = "it has {found} cells where the headers have {wanted}. Correct the row."

    def mapping(self) -> dict[str, str]:
        """Return every column of the file with what it is read as, for people to read."""
        layout = self._layout(self._path())
        told = layout.mapping.told()
        if key := self._key_column(layout):
            told[key] = " and ".join(["key", *([layout.mapping.columns[key]] if key in layout.mapping.columns else [])])
        return {header: told[header] for header in layout.headers}

    def _records(self, raw: Json) -> Iterable[Record]:
        cells = raw.get("cells")
        if not is_object(cells) or not all(isinstance(cell, str) for cell in cells.values()):
            raise Malformed("its cells are not texts by column.")
        # what the settings say now goes before what was guessed then, so that a replay follows a corrected mapping
        columns = {**raw["columns"], **{c: f for c, f in self.settings.columns.items() if c in cells}}
        return records(raw["id"], Row(cells, columns, self.settings.region or self.connection.default_region))

    def _reading(self) -> Json:
        told = self.settings
        return {**super()._reading(), "columns": dict(told.columns), "as": [told.encoding, told.delimiter, told.region]}

    def _objects(self, path: Path) -> Iterator[Json]:
        layout = self._layout(path)
        key = self._key_column(layout)
        width = len(layout.headers)
        for line in table(path, layout.encoding, layout.delimiter, width):
            if line.number > layout.header_number:
                yield self._object(line, layout, key)

    def _object(self, line: Line, layout: _Layout, key: str | None) -> Json:
        if line.fault:
            return unreadable(line.number, line.text, line.fault)
        wanted, cells = len(layout.headers), list(line.cells)
        while len(cells) > wanted and not cells[-1].strip():
            cells.pop()
        if len(cells) != wanted:
            return unreadable(line.number, line.text, self._row_fault.format(found=len(cells), wanted=wanted))
        kept = {
            header: cell.replace("\r\n", "\n").strip()
            for header, cell in zip(layout.headers, cells, strict=True)
            if header not in layout.mapping.dropped
        }
        if not key:
            self._tell_unkeyed()
        told = kept[key] if key else Row(kept, layout.mapping.columns).identity()
        if not told:
            fault = "its key column is empty." if key else "it has no e-mail address, phone or name to be told by."
            return unreadable(line.number, line.text, fault)
        return {"id": told, "row": line.number, "cells": kept, "columns": dict(layout.mapping.columns)}

    def _key_column(self, layout: _Layout) -> str | None:
        """Return the column that identifies a row: the setting's, or the one mapped to `key`."""
        mapped = next((column for column, field in self.settings.columns.items() if field == "key"), None)
        key = self.settings.key or mapped
        if key and (key not in layout.headers or key in layout.mapping.dropped):
            raise Misconfigured(
                f"{self.connection.name}: the key column {key!r} is not in the file; there are "
                f"{', '.join(layout.headers)}. Set key to one of them."
            )
        return key

    def _layout(self, path: Path) -> _Layout:
        name = self.connection.name
        encoding = self.settings.encoding or survey(path).encoding
        try:
            texts = [text for _, text in islice(lines(path, encoding), _SAMPLE)]
        except LookupError as error:
            raise Misconfigured(f"{name}: there is no encoding {encoding!r}. Leave it out, or name another.") from error
        delimiter = self.settings.delimiter or sniffed(texts)
        sample = [line for line in islice(table(path, encoding, delimiter), _SAMPLE) if not line.fault]
        at = _header_position(sample)
        if at is None:
            raise Misconfigured(f"{name}: the file has no headers. Write the columns' names into its first line.")
        headers = _named(sample[at].cells)
        try:
            found = guess(headers, [line.cells for line in sample[at + 1 :]], self.settings.columns)
        except Misconfigured as error:
            raise Misconfigured(f"{name}: {error}") from None
        return _Layout(encoding, delimiter, sample[at].number, headers, found)


def _header_position(sample: Sequence[Line]) -> int | None:
    """Return where the headers are: the first line with a header that is known, else the first of the usual width.

    None where that line holds an e-mail address: it is somebody's row, and names no columns.
    """
    widths = [len(line.cells) for line in sample]
    usual = max(widths, key=widths.count, default=0)
    first = sample[:_PREAMBLE]
    known = (at for at, line in enumerate(first) if len(line.cells) >= usual and any(map(is_recognised, line.cells)))
    by_width = (at for at, line in enumerate(first) if len(line.cells) == usual)
    at = next(known, next(by_width, None))
    return None if at is None or any("@" in cell for cell in sample[at].cells) else at


def _named(cells: Sequence[str]) -> list[str]:
    """Return the headers, each once: a second `Notes` is `Notes (2)`, an empty one `Column 4`."""
    headers: list[str] = []
    for position, cell in enumerate(cells, 1):
        header = name = cell.strip() or f"Column {position}"
        count = 1
        while header in headers:
            count += 1
            header = f"{name} ({count})"
        headers.append(header)
    return headers
