"""CSV files, one a segment, each holding exactly the segment's present members."""

import csv
import io
import os
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, Literal

import httpx

from connectors.contract import Action, Cleared, DestinationSettings, Fate, Forgotten, Json, RowOutcome
from connectors.destination import Destination
from connectors.errors import Misconfigured
from connectors.records import Channel
from connectors.settings import Settings, variable

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""Cells that begin so are run by spreadsheets as formulas."""


class FileSettings(Settings):
    """`folder` is made if it is not there. `columns` are our merge fields, after the address."""

    folder: Path
    columns: tuple[str, ...] = ("first_name", "last_name", "company", "title", "city", "country_code", "language")
    keep_days: int = 30
    """The export ledger says that a file should be gone by then."""


class CsvFile(Destination):
    """A folder of CSV files (UTF-8, RFC 4180), mode 0600.

    Rows come in one batch, are merged into what the file holds, and the file is replaced in one step: a reader sees
    the old one or the new one. A file that was taken away, or whose columns changed, is written anew from all members.
    """

    connector: ClassVar[str] = "file"
    kind: ClassVar[Literal["state", "message"]] = "state"
    channel: ClassVar[Channel] = Channel.EMAIL
    batch: ClassVar[int] = 1_000_000
    erases: ClassVar[Literal["delete", "anonymise", "no"]] = "delete"
    Settings = FileSettings
    account: FileSettings

    def __init__(
        self, settings: DestinationSettings, account: FileSettings, transport: httpx.BaseTransport | None = None
    ) -> None:
        super().__init__(settings, account, transport)
        self.fields = frozenset(account.columns)
        self._header = ["address", *account.columns]
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
                    lines.pop(_safe(row.address), None)
                else:
                    lines[_safe(row.address)] = self._line(row)
            self._replace(self._path(tag), [lines[key] for key in sorted(lines)])
            expires = (now + timedelta(days=self.account.keep_days)).isoformat()
            self._written[tag] = {"file": self._path(tag).name, "rows": len(lines), "expires_at": expires}
            for row in ours:
                yield RowOutcome(row.row_id, Fate.REMOVED if row.action is Action.REMOVE else Fate.SENT)

    def lost(self, tag: str) -> bool:
        """Say whether the file is gone, or has other columns than it should."""
        path = self._path(tag)
        if not path.exists():
            return True
        with path.open(encoding="utf-8", newline="") as file:
            return next(csv.reader(file), None) != self._header

    def erase(self, addresses: Sequence[str], now: datetime) -> Iterator[Forgotten]:  # noqa: ARG002 - the contract's
        """Write every file in the folder anew without these addresses; copies made of them are out of reach."""
        wanted = {_safe(address).lower() for address in addresses}
        for path in self._files():
            with path.open(encoding="utf-8", newline="") as file:
                header, *lines = list(csv.reader(file)) or [self._header]
            kept = [line for line in lines if not (line and line[0].lower() in wanted)]
            if len(kept) < len(lines):
                self._replace(path, kept, header)
        for draft in self.account.folder.glob(".*.csv.*"):
            draft.unlink(missing_ok=True)  # of a writing that was cut off
        for address in addresses:
            yield Forgotten(address, gone=True, reason="The files were written anew; copies of them are out of reach.")

    def still_holds(self, addresses: Sequence[str]) -> set[str]:
        """Read every file in the folder again."""
        cells: set[str] = set()
        for path in self._files():
            with path.open(encoding="utf-8", newline="") as file:
                cells.update(cell.lower() for line in csv.reader(file) for cell in line)
        return {address for address in addresses if _safe(address).lower() in cells}

    def _files(self) -> list[Path]:
        return sorted(self.account.folder.glob("*.csv")) if self.account.folder.is_dir() else []

    def receipt(self) -> Json:
        """Return the export ledger's lines: each file's name, rows and when it should be gone."""
        return {"exports": list(self._written.values())} if self._written else {}

    def check(self) -> str:
        folder = self._folder()
        if not os.access(folder, os.W_OK):
            raise Misconfigured(f"{self.settings.name}: the folder cannot be written. {self._hint()}")
        return "reached; the folder can be written"

    def _held(self, tag: str) -> dict[str, list[str]]:
        with self._path(tag).open(encoding="utf-8", newline="") as file:
            return {line[0]: line for line in list(csv.reader(file))[1:] if line}

    def _line(self, row: Cleared) -> list[str]:
        return [_safe(row.address), *(_safe(_cell(row.fields, column)) for column in self.account.columns)]

    def _folder(self) -> Path:
        try:
            self.account.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise Misconfigured(f"{self.settings.name}: the folder cannot be made. {self._hint()}") from error
        return self.account.folder

    def _hint(self) -> str:
        return f"Check {variable(self.settings.name, 'folder')} and its rights."

    def _path(self, tag: str) -> Path:
        return self.account.folder / f"{re.sub(r'[^a-z0-9_-]+', '_', tag.lower()).strip('_')}.csv"

    def _replace(self, path: Path, lines: Sequence[Sequence[str]], header: Sequence[str] | None = None) -> None:
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(header or self._header)
        writer.writerows(lines)
        temporary = self._folder() / f".{path.name}.{secrets.token_hex(4)}"
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(text.getvalue().encode())
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


def _cell(fields: Mapping[str, Any], column: str) -> str:
    value = fields.get(column)
    return "" if value is None else str(value)


def _safe(cell: str) -> str:
    """Return `cell`, quoted with an apostrophe where a spreadsheet would run it."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
