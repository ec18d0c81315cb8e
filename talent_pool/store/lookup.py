"""Rows by many ids or numbers: one parameter holds them all, so that a statement is the same however many there are."""

from collections import namedtuple
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar

import orjson
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    CursorResult,
    Delete,
    Dialect,
    Float,
    Numeric,
    Select,
    Table,
    Text,
    Update,
    any_,
    bindparam,
    func,
    select,
)
from sqlalchemy.types import TypeEngine

_AT_ONCE = 5000

_Value = TypeVar("_Value", str, int)


def portions(values: Collection[_Value]) -> Iterator[list[_Value]]:
    """Yield the distinct `values` sorted, in portions that one statement can take."""
    ordered = sorted(set(values))
    for start in range(0, len(ordered), _AT_ONCE):
        yield ordered[start : start + _AT_ONCE]


# Made once: to put such a condition together anew costs more than most look-ups do.
_IN_ARRAY = any_(bindparam("among", None, type_=ARRAY(Text)))
_IN_NUMBERS = any_(bindparam("among", None, type_=ARRAY(BigInteger)))
_IN_JSON = select(func.json_each(bindparam("among", None, type_=Text)).table_valued("value").c.value)


def among(connection: Connection, column: ColumnElement[_Value]) -> ColumnElement[bool]:
    """Return the condition that `column` is one of the values that `given` hands to the statement."""
    return _among(connection.dialect.name, column)


def _among(dialect: str, column: ColumnElement[Any]) -> ColumnElement[bool]:
    if dialect != "postgresql":
        return column.in_(_IN_JSON)
    return column == (_IN_NUMBERS if isinstance(column.type, BigInteger) else _IN_ARRAY)


def given(connection: Connection, values: Collection[_Value]) -> dict[str, Any]:
    """Return the parameter for `among`: an array, or JSON, by what the database knows."""
    return {"among": list(values) if connection.dialect.name == "postgresql" else orjson.dumps(list(values)).decode()}


def rows_of(connection: Connection, statement: Select[*tuple[Any, ...]]) -> Iterable[Any]:
    """Return the rows of a statement that is asked once, as tuples with names."""
    prepared = _Prepared(connection.dialect, statement)
    return map(prepared.row._make, prepared.read(connection, {}))


def rows_with(
    connection: Connection,
    statement: Select[*tuple[Any, ...]],
    column: ColumnElement[_Value],
    values: Collection[_Value],
) -> Iterator[Any]:
    """Yield the rows of `statement` whose `column` is one of `values`, as tuples with names.

    A statement is prepared once for as long as it lives: one that is asked often belongs to its module.
    """
    if values:
        prepared = _prepared(connection.dialect, statement, column)
        for portion in portions(values):
            yield from map(prepared.row._make, prepared.read(connection, given(connection, portion)))


def mappings_with(
    connection: Connection,
    statement: Select[*tuple[Any, ...]],
    column: ColumnElement[_Value],
    values: Collection[_Value],
) -> Iterator[dict[str, Any]]:
    """Yield the same rows as `rows_with`, each as a dictionary of its own."""
    if values:
        prepared = _prepared(connection.dialect, statement, column)
        names = prepared.row._fields
        for portion in portions(values):
            yield from (
                dict(zip(names, row, strict=True)) for row in prepared.read(connection, given(connection, portion))
            )


def apply_to(
    connection: Connection, statement: Update | Delete, column: ColumnElement[_Value], values: Collection[_Value]
) -> None:
    """Update or delete the rows whose `column` is one of `values`."""
    if values:
        prepared = _prepared(connection.dialect, statement, column)
        for portion in portions(values):
            prepared.execute(connection, given(connection, portion))


def delete_with(connection: Connection, column: Column[_Value], values: Collection[_Value]) -> None:
    """Delete the rows of the column's table whose `column` is one of `values`."""
    if values:
        apply_to(connection, _delete(column.table), column, values)


@lru_cache
def _delete(table: Table) -> Delete:
    return table.delete()


class _Prepared:
    """A statement as the driver takes it: SQLAlchemy's own way from a statement to its rows costs more than they do."""

    def __init__(self, dialect: Dialect, wanted: Any) -> None:
        compiled = wanted.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
        self._text, self._order = compiled.string, compiled.positiontup
        # an IN list is spelt out by now, and its values are texts
        params, binds = compiled.params, compiled.binds
        self._constants = {n: _bound(dialect, binds[n].type, v) if n in binds else v for n, v in params.items()}
        columns = list(wanted.selected_columns) if isinstance(wanted, Select) else []
        names = [str(one.key) for one in columns]
        self.row: Any = namedtuple("row", names, rename=True)  # noqa: PYI024  # pyright: ignore[reportUntypedNamedTuple] - known only here
        ways = [_read(dialect, one.type) for one in columns]
        self._ways = [(place, way) for place, way in enumerate(ways) if way is not None]

    def execute(self, connection: Connection, more: Mapping[str, Any]) -> CursorResult[Any]:
        params = {**self._constants, **more}
        values = params if self._order is None else tuple(params[name] for name in self._order)
        return connection.exec_driver_sql(self._text, values)

    def read(self, connection: Connection, more: Mapping[str, Any]) -> Iterable[Sequence[Any]]:
        rows = self.execute(connection, more).all()
        if not self._ways:
            return rows
        return [self._processed(row) for row in rows]

    def _processed(self, row: Sequence[Any]) -> list[Any]:
        values = list(row)
        for place, way in self._ways:
            values[place] = way(values[place])
        return values


def _read(dialect: Dialect, of: TypeEngine[Any]) -> Callable[[Any], Any] | None:
    """Return what makes a driver's value one of ours; numbers are the same."""
    return None if isinstance(of, Float | Numeric) else of.dialect_impl(dialect).result_processor(dialect, None)


def _bound(dialect: Dialect, of: TypeEngine[Any], value: Any) -> Any:
    way = of.dialect_impl(dialect).bind_processor(dialect)
    return value if way is None else way(value)


@lru_cache(maxsize=256)
def _prepared(dialect: Dialect, statement: Any, column: ColumnElement[Any]) -> _Prepared:
    return _Prepared(dialect, statement.where(_among(dialect.name, column)))
