"""How one delimited file is laid out, and its rows: headers found, columns guessed, cells counted.

Lines before the headers, as LinkedIn writes them, are passed over.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from connectors.columns import ColumnMapping, guess, is_recognised
from connectors.errors import Misconfigured
from connectors.files import Line, lines, sniffed, survey, table

SAMPLE = 60
"""Rows that are looked at for the delimiter, the headers and what unnamed columns hold."""
_PREAMBLE = 20


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file is to be read: what its survey and its first rows tell. `written` are the headers as they stand there.

    `headers` are the names that columns go by, each there once.
    """

    encoding: str
    delimiter: str
    header_number: int
    written: Sequence[str]
    headers: Sequence[str]
    mapping: ColumnMapping


def layout_of(
    path: Path,
    columns: Mapping[str, str],
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    storing: bool = True,
) -> Layout:
    """Return a file's layout; what `columns`, `encoding` and `delimiter` give is not guessed.

    `storing`: whether what is read will be stored; see `connectors.columns.guess`.

    Raises Misconfigured for an unknown encoding, a file without headers, and `columns` that the file cannot be read by.
    """
    encoding = encoding or survey(path).encoding
    try:
        texts = [text for _, text in islice(lines(path, encoding), SAMPLE)]
    except LookupError as error:
        raise Misconfigured(f"there is no encoding {encoding!r}. Leave it out, or name another.") from error
    delimiter = delimiter or sniffed(texts)
    sample = [line for line in islice(table(path, encoding, delimiter), SAMPLE) if not line.fault]
    at = _header_position(sample)
    if at is None:
        raise Misconfigured("the file has no headers. Write the columns' names into its first line.")
    headers = each_once(sample[at].cells)
    found = guess(headers, [line.cells for line in sample[at + 1 :]], columns, storing=storing)
    return Layout(encoding, delimiter, sample[at].number, sample[at].cells, headers, found)


def rows_of(path: Path, layout: Layout) -> Iterator[Line]:
    """Yield the rows below the headers; one with another number of cells than there are headers has a fault."""
    wanted = len(layout.headers)
    for line in table(path, layout.encoding, layout.delimiter, wanted):
        if line.number > layout.header_number:
            yield line if line.fault else _fitted(line, wanted)


def _fitted(line: Line, wanted: int) -> Line:
    cells = list(line.cells)
    while len(cells) > wanted and not cells[-1].strip():
        cells.pop()
    if len(cells) == wanted:
        return replace(line, cells=cells)
    fault = f"it has {len(cells)} cells where the headers have {wanted}. Correct the row."
    return replace(line, cells=(), fault=fault)


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


def each_once(cells: Sequence[str]) -> list[str]:
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
