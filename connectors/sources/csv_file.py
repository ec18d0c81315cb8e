"""CSV and other delimited files: contact exports, ATS lists, spreadsheets.

Columns are guessed from the headers (connectors.columns) unless `columns` says what they hold. Lines before the
headers, as LinkedIn writes them, are passed over.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from pydantic import Field

from connectors.contract import Json
from connectors.delimited import Layout, layout_of, rows_of
from connectors.errors import Malformed, Misconfigured
from connectors.files import FileSettings, FileSource, Line, unreadable
from connectors.records import Record
from connectors.rows import Row, records
from connectors.shapes import is_object


class CsvSettings(FileSettings):
    """`columns`: COLUMN → field of connectors.columns, or `ignore`; the others are guessed."""

    columns: Mapping[str, str] = Field(default_factory=dict)
    encoding: str | None = None
    delimiter: str | None = None


class CsvFile(FileSource):
    """One delimited file. An object holds a row's cells by column, without protected ones, and how they are read."""

    connector = "csv_file"
    Settings = CsvSettings
    settings: CsvSettings

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
        for line in rows_of(path, layout):
            yield self._object(line, layout, key)

    def _object(self, line: Line, layout: Layout, key: str | None) -> Json:
        if line.fault:
            return unreadable(line.number, line.text, line.fault)
        kept = {
            header: cell.replace("\r\n", "\n").strip()
            for header, cell in zip(layout.headers, line.cells, strict=True)
            if header not in layout.mapping.dropped
        }
        if not key:
            self._tell_unkeyed()
        told = kept[key] if key else Row(kept, layout.mapping.columns).identity()
        if not told:
            fault = "its key column is empty." if key else "it has no e-mail address, phone or name to be told by."
            return unreadable(line.number, line.text, fault)
        return {"id": told, "row": line.number, "cells": kept, "columns": dict(layout.mapping.columns)}

    def _key_column(self, layout: Layout) -> str | None:
        """Return the column that identifies a row: the setting's, or the one mapped to `key`."""
        mapped = next((column for column, field in self.settings.columns.items() if field == "key"), None)
        key = self.settings.key or mapped
        if key and (key not in layout.headers or key in layout.mapping.dropped):
            raise Misconfigured(
                f"{self.connection.name}: the key column {key!r} is not in the file; there are "
                f"{', '.join(layout.headers)}. Set key to one of them."
            )
        return key

    def _layout(self, path: Path) -> Layout:
        told = self.settings
        try:
            return layout_of(path, told.columns, encoding=told.encoding, delimiter=told.delimiter)
        except Misconfigured as error:
            raise Misconfigured(f"{self.connection.name}: {error}") from None
