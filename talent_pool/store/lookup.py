"""Rows by many ids: one parameter holds them all, so that a statement is the same however many there are."""

from collections.abc import Collection, Iterator
from typing import Any

import orjson
from sqlalchemy import ARRAY, ColumnElement, Connection, Delete, Row, Select, Text, Update, any_, func, literal, select

_AT_ONCE = 5000


def portions(values: Collection[str]) -> Iterator[list[str]]:
    """Yield the distinct `values` sorted, in portions that one statement can take."""
    ordered = sorted(set(values))
    for start in range(0, len(ordered), _AT_ONCE):
        yield ordered[start : start + _AT_ONCE]


def among(connection: Connection, column: ColumnElement[str], values: Collection[str]) -> ColumnElement[bool]:
    """Return the condition that `column` is one of `values`, as an array or as JSON, by what the database knows."""
    if connection.dialect.name == "postgresql":
        return column == any_(literal(list(values), ARRAY(Text)))
    given = func.json_each(orjson.dumps(list(values)).decode()).table_valued("value")
    return column.in_(select(given.c.value))


def rows_with(
    connection: Connection,
    statement: Select[*tuple[Any, ...]],
    column: ColumnElement[str],
    values: Collection[str],
) -> Iterator[Row[*tuple[Any, ...]]]:
    """Yield the rows of `statement` whose `column` is one of `values`."""
    for portion in portions(values):
        yield from connection.execute(statement.where(among(connection, column, portion))).all()


def mappings_with(
    connection: Connection,
    statement: Select[*tuple[Any, ...]],
    column: ColumnElement[str],
    values: Collection[str],
) -> Iterator[dict[str, Any]]:
    """Yield the same rows as `rows_with`, each as a dictionary of its own."""
    for portion in portions(values):
        found = connection.execute(statement.where(among(connection, column, portion)))
        names = list(found.keys())  # a mapping of SQLAlchemy's own costs three times as much a row
        yield from (dict(zip(names, row, strict=True)) for row in found.all())


def apply_to(
    connection: Connection, statement: Update | Delete, column: ColumnElement[str], values: Collection[str]
) -> None:
    """Update or delete the rows whose `column` is one of `values`."""
    for portion in portions(values):
        connection.execute(statement.where(among(connection, column, portion)))
