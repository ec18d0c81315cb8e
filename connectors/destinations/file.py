"""CSV or Parquet files, one a segment, each holding exactly the segment's present members."""

import csv
import importlib
import io
import os
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, Literal

import httpx

from connectors.contract import Action, Cleared, DestinationSettings, Erases, Fate, Forgotten, Json, RowOutcome
from connectors.destination import Destination
from connectors.errors import Misconfigured
from connectors.records import Channel
from connectors.settings import Settings, variable

Line = list[str | None]
"""The address, and a cell for each column."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""Cells that begin so are run by spreadsheets as formulas."""


class FileSettings(Settings):
    """`folder` is made if it is not there. `columns` are our merge fields, after the address."""

    folder: Path
    format: Literal["csv", "parquet"] = "csv"
    columns: tuple[str, ...] = ("first_name", "last_name", "company", "title", "city", "country_code", "language")
    keep_days: int = 30
    """The export ledger says that a file should be gone by then."""


class SegmentFile(Destination):
    """A folder of files, CSV (UTF-8, RFC 4180) or Parquet (all columns text, null where nothing is known), mode 0600.

    Rows come in one batch, are merged into what the file holds, and the file is replaced in one step: a reader sees
    the old one or the new one. A file that was taken away, or whose columns changed, is written anew from all members.
    """

    connector: ClassVar[str] = "file"
    kind: ClassVar[Literal["state", "message"]] = "state"
    channel: ClassVar[Channel] = Channel.EMAIL
    batch: ClassVar[int] = 1_000_000
    erases: ClassVar[Erases] = "delete"
    Settings = FileSettings
    account: FileSettings

    def __init__(
        self, settings: DestinationSettings, account: FileSettings, transport: httpx.BaseTransport | None = None
    ) -> None:
        super().__init__(settings, account, transport)
        self.fields = frozenset(account.columns)
        self._header = ["address", *account.columns]
        self._kind = _KINDS[f".{account.format}"]
        self._written: dict[str, Json] = {}

    @property
    def requests(self) -> int:
        return len(self._written)

    def apply(self, rows: Sequence[Cleared], now: datetime) -> Iterator[RowOutcome]:
        for tag in sorted({row.tag for row in rows}):
            ours = [row for row in rows if row.tag == tag]
            lines = {} if self.lost(tag) else self._held(tag)
            for row in ours:
                if row.action is Action.REMOVE:
                    lines.pop(self._kind.cell(row.address), None)
                else:
                    line = self._line(row)
                    lines[line[0]] = line
            self._replace(self._path(tag), [lines[key] for key in sorted(lines, key=str)])
            expires = (now + timedelta(days=self.account.keep_days)).isoformat()
            self._written[tag] = {"file": self._path(tag).name, "rows": len(lines), "expires_at": expires}
            for row in ours:
                yield RowOutcome(row.row_id, Fate.REMOVED if row.action is Action.REMOVE else Fate.SENT)

    def lost(self, tag: str) -> bool:
        """Say whether the file is gone, or has other columns than it should."""
        path = self._path(tag)
        if not path.exists():
            return True
        return self._kind.header(path) != self._header

    def erase(self, addresses: Sequence[str], now: datetime) -> Iterator[Forgotten]:  # noqa: ARG002 - the contract's
        """Write every file in the folder anew without these addresses; copies made of them are out of reach."""
        for path in self._files():
            kind = _KINDS[path.suffix]
            wanted = {str(kind.cell(address)).lower() for address in addresses}
            lines = kind.lines(path)
            kept = [line for line in lines if not (line and str(line[0]).lower() in wanted)]
            if len(kept) < len(lines):
                self._replace(path, kept, kind.header(path))
        for draft in (one for suffix in _KINDS for one in self.account.folder.glob(f".*{suffix}.*")):
            draft.unlink(missing_ok=True)  # of a writing that was cut off
        for address in addresses:
            yield Forgotten(address, gone=True, reason="The files were written anew; copies of them are out of reach.")

    def still_holds(self, addresses: Sequence[str]) -> set[str]:
        """Read every file in the folder again."""
        held: set[str] = set()
        for path in self._files():
            kind = _KINDS[path.suffix]
            cells = {cell.lower() for line in kind.lines(path) for cell in line if cell}
            held.update(address for address in addresses if str(kind.cell(address)).lower() in cells)
        return held

    def _files(self) -> list[Path]:
        folder = self.account.folder
        return sorted(path for path in folder.iterdir() if path.suffix in _KINDS) if folder.is_dir() else []

    def receipt(self) -> Json:
        """Return the export ledger's lines: each file's name, rows and when it should be gone."""
        return {"exports": list(self._written.values())} if self._written else {}

    def check(self) -> str:
        folder = self._folder()
        if not os.access(folder, os.W_OK):
            raise Misconfigured(f"{self.settings.name}: the folder cannot be written. {self._hint()}")
        return "reached; the folder can be written"

    def _held(self, tag: str) -> dict[str | None, Line]:
        return {line[0]: line for line in self._kind.lines(self._path(tag)) if line}

    def _line(self, row: Cleared) -> Line:
        cell = self._kind.cell
        return [cell(row.address), *(cell(row.fields.get(column)) for column in self.account.columns)]

    def _folder(self) -> Path:
        try:
            self.account.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise Misconfigured(f"{self.settings.name}: the folder cannot be made. {self._hint()}") from error
        return self.account.folder

    def _hint(self) -> str:
        return f"Check {variable(self.settings.name, 'folder')} and its rights."

    def _path(self, tag: str) -> Path:
        return self.account.folder / f"{re.sub(r'[^a-z0-9_-]+', '_', tag.lower()).strip('_')}.{self.account.format}"

    def _replace(self, path: Path, lines: Sequence[Line], header: Sequence[str] | None = None) -> None:
        content = _KINDS[path.suffix].written(header or self._header, lines)
        temporary = self._folder() / f".{path.name}.{secrets.token_hex(4)}"
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise Misconfigured(f"{self.settings.name}: the file cannot be written. {self._hint()}") from error
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _arrow() -> tuple[Any, Any]:
    """Return pyarrow and its Parquet part, which are slow to import and know no types."""
    return importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")


class _Csv:
    """Text that spreadsheets open: an unknown value is empty."""

    def cell(self, value: Any) -> str:
        return _safe("" if value is None else str(value))

    def header(self, path: Path) -> list[str] | None:
        with path.open(encoding="utf-8", newline="") as file:
            return next(csv.reader(file), None)

    def lines(self, path: Path) -> Sequence[Line]:
        with path.open(encoding="utf-8", newline="") as file:
            return [list[str | None](line) for line in list(csv.reader(file))[1:]]

    def written(self, header: Sequence[str], lines: Sequence[Line]) -> bytes:
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(header)
        writer.writerows(lines)
        return text.getvalue().encode()


class _Parquet:
    """Columns that warehouses read: nothing is quoted, and an unknown value is null."""

    def cell(self, value: Any) -> str | None:
        return None if value is None else str(value)

    def header(self, path: Path) -> list[str] | None:
        arrow, parquet = _arrow()
        try:
            return list(parquet.read_schema(path).names)
        except arrow.ArrowInvalid:
            return None

    def lines(self, path: Path) -> Sequence[Line]:
        _, parquet = _arrow()
        columns: list[list[str | None]] = [column.to_pylist() for column in parquet.read_table(path).columns]
        return [list(line) for line in zip(*columns, strict=True)]

    def written(self, header: Sequence[str], lines: Sequence[Line]) -> bytes:
        arrow, parquet = _arrow()
        schema = arrow.schema(
            [arrow.field(name, arrow.string(), nullable=place > 0) for place, name in enumerate(header)]
        )
        columns = [arrow.array([line[place] for line in lines], arrow.string()) for place in range(len(header))]
        sink = io.BytesIO()
        parquet.write_table(arrow.Table.from_arrays(columns, schema=schema), sink, compression="zstd")
        return sink.getvalue()


_KINDS: Mapping[str, _Csv | _Parquet] = {".csv": _Csv(), ".parquet": _Parquet()}


def _safe(cell: str) -> str:
    """Return `cell`, quoted with an apostrophe where a spreadsheet would run it."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
