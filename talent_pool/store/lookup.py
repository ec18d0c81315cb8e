"""Rows by many ids or numbers: one parameter holds them all, so that a statement is the same however many there are."""

from collections.abc import Collection, Iterator
from typing import Any, TypeVar

import orjson
from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Connection,
    Delete,
    Row,
    Select,
    Text,
    Update,
    any_,
    bindparam,
    func,
    select,
)

_AT_ONCE = 5000

_Value = TypeVar("_Value", str, int)


def portions(values: Collection[_Value]) -> Iterator[list[_Value]]:
    """Yield the distinct `values` sorted, in portions that one statement can take."""
    ordered = sorted(set(values))
    for start in range(0, len(ordered), _AT_ONCE):
        yield ordered[start : start + _AT_ONCE]


# Made once: to put such a condition together anew costs more than most look-ups do.
_IN_ARRAY = any_(bindparam("among", type_=ARRAY(Text)))
_IN_NUMBERS = any_(bindparam("among", type_=ARRAY(BigInteger)))
_IN_JSON = select(func.json_each(bindparam("among", type_=Text)).table_valued("value").c.value)


def among(connection: Connection, column: ColumnElement[_Value]) -> ColumnElement[bool]:
    """Return the condition that `column` is one of the values that `given` hands to the statement."""
    if connection.dialect.name != "postgresql":
        return column.in_(_IN_JSON)
    return column == (_IN_NUMBERS if isinstance(column.type, BigInteger) else _IN_ARRAY)


def given(connection: Connection, values: Collection[_Value]) -> dict[str, Any]:
    """Return the parameter for `among`: an array, or JSON, by what the database knows."""
    return {"among": list(values) if connection.dialect.name == "postgresql" else orjson.dumps(list(values)).decode()}


def rows_with(
    connection: Connection,
    statement: Select[*tuple[Any, ...]],
    column: ColumnElement[_Value],
    values: Collection[_Value],
) -> Iterator[Row[*tuple[Any, ...]]]:
    """Yield the rows of `statement` whose `column` is one of `values`."""
    wanted = statement.where(among(connection, column))
    for portion in portions(values):
        yield from connection.execute(wanted, given(connection, portion)).all()


def mappings_with(
    connection: Connection,
    statement: Select[*tuple[Any, ...]],
    column: ColumnElement[_Value],
    values: Collection[_Value],
) -> Iterator[dict[str, Any]]:
    """Yield the same rows as `rows_with`, each as a dictionary of its own."""
    wanted = statement.where(among(connection, column))
    for portion in portions(values):
        found = connection.execute(wanted, given(connection, portion))
        names = list(found.keys())  # a mapping of SQLAlchemy's own costs three times as much a row
        yield from (dict(zip(names, row, strict=True)) for row in found.all())


def apply_to(
    connection: Connection, statement: Update | Delete, column: ColumnElement[_Value], values: Collection[_Value]
) -> None:
    """Update or delete the rows whose `column` is one of `values`."""
    wanted = statement.where(among(connection, column))
    for portion in portions(values):
        connection.execute(wanted, given(connection, portion))
