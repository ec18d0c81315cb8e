"""Rows laid out as text: whole, aligned, and no wider than the terminal.

What does not fit beside the first columns goes below them, indented, so that an id or an address is never broken and
can be copied. Without a terminal every row is one line.
"""

import textwrap
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_GAP = "  "
_INDENT = "    "


@dataclass(frozen=True, slots=True)
class _Column:
    header: str
    cells: Sequence[str]
    width: int
    numeric: bool


def laid_out(
    columns: Sequence[str], rows: Sequence[Sequence[object]], width: int | None
) -> tuple[list[str], list[str]]:
    """Return the header's lines and all rows' lines; `width` is the terminal's, None where there is none."""
    cells = [[plain(cell) for cell in row] for row in rows]
    made = [
        _Column(
            header,
            [row[index] for row in cells],
            max(_breadth(header), *(_breadth(row[index]) for row in cells)),
            all(isinstance(row[index], int | float) for row in rows),
        )
        for index, header in enumerate(columns)
    ]
    lines = list(_parted(made, width))
    header = [_line(place, line, [column.header for column in line], width) for place, line in enumerate(lines)]
    body = [
        text
        for number in range(len(rows))
        for place, line in enumerate(lines)
        for text in _line(place, line, [column.cells[number] for column in line], width)
        if text
    ]
    return [text for texts in header for text in texts], body


def plain(value: object) -> str:
    """Return a value as one line that does nothing to a terminal: whatever sender may have written it."""
    text = "" if value is None else str(value)
    return text if text.isprintable() else " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _parted(columns: Sequence[_Column], width: int | None) -> Iterator[list[_Column]]:
    """Yield the columns of each line that a row takes."""
    line: list[_Column] = []
    used = 0
    for column in columns:
        if line and width is not None and used + len(_GAP) + column.width > width:
            yield line
            line, used = [], len(_INDENT) - len(_GAP)
        used += (len(_GAP) if line or used else 0) + column.width
        line.append(column)
    yield line


def _line(place: int, columns: Sequence[_Column], cells: Sequence[str], width: int | None) -> list[str]:
    indent = _INDENT if place else ""
    if width is not None and len(columns) == 1 and len(indent) + columns[0].width > width:
        # a sentence: broken between words, and nowhere else
        return textwrap.wrap(
            cells[0], width, initial_indent=indent, subsequent_indent=indent,
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip
    aligned = (_aligned(cell, column) for cell, column in zip(cells, columns, strict=True))
    text = _GAP.join(aligned).rstrip()
    return [indent + text] if text else []


def _aligned(cell: str, column: _Column) -> str:
    space = " " * (column.width - _breadth(cell))
    return space + cell if column.numeric else cell + space


def _breadth(text: str) -> int:
    """Return how many cells of a terminal a text takes: two for a wide letter, none for a mark upon another."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )
