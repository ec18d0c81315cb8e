"""Rows by many ids: databases bound the number of parameters in one statement, pools do not."""

from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, Delete, Row, Select, Update

_AT_ONCE = 500


def portions(values: Collection[str]) -> Iterator[list[str]]:
    """Yield the distinct `values` sorted, in portions that one statement can take."""
    ordered = sorted(set(values))
    for start in range(0, len(ordered), _AT_ONCE):
        yield ordered[start : start + _AT_ONCE]


def rows_with(
    connection: Connection, statement: Select[*tuple[Any, ...]], column: ColumnElement[str], values: Collection[str]
) -> Iterator[Row[*tuple[Any, ...]]]:
    """Yield the rows of `statement` whose `column` is one of `values`."""
    for portion in portions(values):
        yield from connection.execute(statement.where(column.in_(portion)))


def mappings_with(
    connection: Connection, statement: Select[*tuple[Any, ...]], column: ColumnElement[str], values: Collection[str]
) -> Iterator[dict[str, Any]]:
    """Yield the same rows as `rows_with`, each as a dictionary of its own."""
    for portion in portions(values):
        found = connection.execute(statement.where(column.in_(portion)))
        names = list(found.keys())  # a mapping of SQLAlchemy's own costs three times as much a row
        yield from (dict(zip(names, row, strict=True)) for row in found.all())


def apply_to(
    connection: Connection, statement: Update | Delete, column: ColumnElement[str], values: Collection[str]
) -> None:
    """Update or delete the rows whose `column` is one of `values`."""
    for portion in portions(values):
        connection.execute(statement.where(column.in_(portion)))
