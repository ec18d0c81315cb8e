"""What sources that read files share: streaming, encodings, delimiters, broken rows, and a place to resume from.

A file is read line by line, so that memory does not grow with it. A row that cannot be read becomes an object that
parsing refuses, so that it waits in quarantine with its number and its text, and every other row lands.
"""

import csv
import hashlib
import logging
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import orjson
from pydantic import ValidationError

from connectors import settings
from connectors.contract import Json, Page, Stream
from connectors.errors import Malformed, Misconfigured
from connectors.records import Record
from connectors.source import Source

PAGE_SIZE = 500
LONGEST_LINE = 1 << 20
"""Characters of one line; what is longer is one broken row."""
_LONGEST_ROW = 200
"""Lines that one quoted cell may run over before its opening quote is taken for a slip."""
_OPEN = "unexpected end of data"
"""How the csv module says that a quoted cell goes on in the next line."""
_DELIMITERS = (",", ";", "\t", "|")
_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Survey:
    """What one pass over a file's bytes tells: its SHA-256 and its encoding."""

    sha256: str
    encoding: str


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a file: its number, its text, and its cells or why there are none."""

    number: int
    text: str
    cells: Sequence[str] = ()
    fault: str | None = None


class FileSettings(settings.Settings):
    """Where the file is and what identifies one of its rows. `catchment import FILE` gives the path by itself."""

    path: Path | None = None
    key: str | None = None
    region: str | None = None


class FileSource(Source):
    """A source over one file. Subclasses say how it is read into objects with `id` and `row`, and these to records."""

    family: ClassVar[str] = "import"
    Settings = FileSettings
    settings: Any
    _unkeyed_told: bool = False

    def streams(self) -> Sequence[Stream]:
        # partial: an empty cell says nothing of what another source knows; a row may move without having changed
        return (Stream("rows", key="id", complete=False, volatile=frozenset({"row"})),)

    def pages(self, stream: Stream, cursor: Json | None, now: datetime) -> Iterator[Page]:  # noqa: ARG002 - the contract's
        """Yield pages of rows from where `cursor` stopped in the same file; a changed file is read again.

        Never marks a full read: the next file may hold other people, and those of this one stay.
        """
        path = self._path()
        read_as = f"{self._fingerprint(path)}:{orjson.dumps(self._reading(), option=orjson.OPT_SORT_KEYS).decode()}"
        mark = hashlib.sha256(read_as.encode()).hexdigest()
        place = cursor if cursor and cursor.get("file") == mark else {"offset": 0}
        if place.get("ended"):
            return
        offset = int(place["offset"])
        objects = islice(self._objects(path), offset, None)
        following = list(islice(objects, PAGE_SIZE))
        while following:
            page, following = following, list(islice(objects, PAGE_SIZE))
            offset += len(page)
            yield Page(stream.name, page, {"file": mark, "offset": offset, "ended": not following})

    def parse(self, stream: str, raw: Json) -> Iterable[Record]:  # noqa: ARG002 - the contract's
        fault = raw.get("fault")
        try:
            if not fault:
                return list(self._records(raw))
        except Malformed as error:
            fault = str(error)
        except ValidationError as error:
            wrong = sorted({".".join(str(part) for part in problem["loc"]) for problem in error.errors()})
            fault = f"these fields are not what they should be: {', '.join(wrong)}."
        # raised out here, so that the error does not carry along the values that were wrong
        raise Malformed(f"row {raw.get('row')}: {fault}")

    def check(self) -> str:
        if self.settings.path is None:
            return f"{self.connection.name} reads what `catchment import FILE --as {self.connection.name}` hands it."
        self._path()
        return "The file is there and can be read."

    @abstractmethod
    def _objects(self, path: Path) -> Iterator[Json]: ...

    @abstractmethod
    def _records(self, raw: Json) -> Iterable[Record]: ...

    def _reading(self) -> Json:
        """Return the settings that change what a row says; another reading of the same file is read again."""
        return {"key": self.settings.key}

    def _fingerprint(self, path: Path) -> str:
        return survey(path).sha256

    def _path(self) -> Path:
        name, path = self.connection.name, self.settings.path
        if path is None:
            raise Misconfigured(f"{name}: no file is named. Set path, or run `catchment import FILE --as {name}`.")
        if not path.exists():
            raise Misconfigured(f"{name}: the file named by path does not exist. Correct the path.")
        try:
            if path.is_file():
                path.open("rb").close()
        except OSError as error:
            raise Misconfigured(f"{name}: the file named by path cannot be read. Check its rights.") from error
        return path

    def _tell_unkeyed(self) -> None:
        """Say once that rows are told by what they hold, which changes."""
        if not self._unkeyed_told:
            self._unkeyed_told = True
            log.warning(
                "%s: no `key` names the column that identifies a row, so a row is told by its e-mail address, phone"
                " and name together: one in which any of them changes counts as a new row. Set `key` if there is one.",
                self.connection.name,
            )


def unreadable(number: int, text: str, fault: str) -> Json:
    """Return a page object for a row that cannot be read; the same text gives the same id wherever it stands."""
    mark = hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:24]
    # lone surrogates stand for bytes that could not be decoded, and JSON cannot hold them
    kept = text.encode("utf-8", "replace").decode()
    return {"id": f"unreadable_{mark}", "row": number, "fault": fault, "text": kept}


def survey(path: Path) -> Survey:
    """Read a file once for its hash and encoding: its byte order mark's, else UTF-8, else Windows-1252.

    UTF-8 with a few broken lines stays UTF-8: taking all of it for Windows-1252 would garble every other name.
    """
    digest = hashlib.sha256()
    sound = broken = 0
    with path.open("rb") as file:
        start = file.read(4)
        file.seek(0)
        for line in iter(lambda: file.readline(LONGEST_LINE), b""):
            digest.update(line)
            if line.isascii():
                continue
            try:
                line.decode()
                sound += 1
            except UnicodeDecodeError:
                broken += 1
    marked = next((encoding for bom, encoding in _BOMS if start.startswith(bom)), None)
    return Survey(digest.hexdigest(), marked or ("cp1252" if broken > sound else "utf-8"))


def lines(path: Path, encoding: str) -> Iterator[tuple[int, str]]:
    """Yield (number, line) with line ends kept. A byte that is not in the encoding becomes a lone surrogate."""
    errors = "replace" if encoding.startswith("utf-16") else "surrogateescape"
    with path.open(encoding=encoding, errors=errors, newline="") as file:
        number = 0
        while line := file.readline(LONGEST_LINE + 1):
            number += 1
            yield number, line
            while line and len(line) > LONGEST_LINE and line[-1] not in "\r\n":
                line = file.readline(LONGEST_LINE + 1)


def json_lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield (number, line) of a file of JSON lines, blank ones left out."""
    for number, line in enumerate(iter(lambda: file.readline(LONGEST_LINE), b""), 1):
        if line.strip():
            yield number, line.strip()


def sniffed(texts: Sequence[str]) -> str:
    """Return the delimiter that parts the most lines into the same number of cells; a comma if none does."""

    def _fit(delimiter: str) -> tuple[int, int]:
        widths: list[int] = []
        for text in texts:
            with suppress(csv.Error):  # a line that this delimiter cannot read speaks against it by its absence
                widths.append(len(_cells([text], delimiter)))
        widths = [width for width in widths if width > 1]
        commonest = max(widths, key=widths.count, default=0)
        return widths.count(commonest), commonest

    if texts and (declared := texts[0].strip().casefold()).startswith("sep=") and len(declared) == 5:
        return declared[-1]
    return max(_DELIMITERS, key=_fit)


def table(path: Path, encoding: str, delimiter: str, width: int | None = None) -> Iterator[Line]:
    """Yield the rows of a delimited file. A quote that never closes breaks the row it stands in and no other.

    `width`: how many cells a row has; a row over several lines with another number began with a slip of a quote.
    """
    waiting: deque[tuple[int, str]] = deque()
    source = lines(path, encoding)

    def _next() -> tuple[int, str] | None:
        return waiting.popleft() if waiting else next(source, None)

    while (taken := _next()) is not None:
        number, text = taken
        if not text.strip():
            continue
        if fault := _fault(text):
            yield Line(number, text, fault=fault)
            continue
        parts = [text]
        try:
            cells = _joined(parts, _next, delimiter)
        except csv.Error:
            cells = None
        if cells is None or (len(parts) > 1 and width and len(cells) != width):
            waiting.extendleft((number + place, parts[place]) for place in range(len(parts) - 1, 0, -1))
            yield Line(number, text, fault="a quotation mark is not closed, or stands inside a cell.")
        else:
            yield Line(number, "".join(parts), cells)


def _joined(parts: list[str], following: Callable[[], tuple[int, str] | None], delimiter: str) -> list[str]:
    """Return the cells of the row that begins with `parts`, to which the lines that it runs on over are added."""
    try:
        return _cells(parts, delimiter)
    except csv.Error as error:
        if _OPEN not in str(error):
            raise
    while len(parts) < _LONGEST_ROW and (more := following()) is not None:
        parts.append(more[1])
        if '"' in more[1]:
            try:
                return _cells(parts, delimiter)
            except csv.Error as error:
                if _OPEN not in str(error):
                    raise
    raise csv.Error


def _fault(text: str) -> str | None:
    if len(text) > LONGEST_LINE:
        return f"it is longer than {LONGEST_LINE:,} characters."
    if "\0" in text:
        return "it holds a NUL character."
    try:
        text.encode()
    except UnicodeEncodeError:
        return "it holds bytes that are not in the file's encoding. Save the file as UTF-8."
    return None


def _cells(parts: Iterable[str], delimiter: str) -> list[str]:
    none: list[str] = []
    return next(csv.reader(parts, delimiter=delimiter, strict=True), none)
