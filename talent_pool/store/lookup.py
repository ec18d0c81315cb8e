"""Rows by many ids or numbers: one parameter holds them all, so that a statement is the same however many there are."""

from collections import namedtuple
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeVar

import orjson
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Delete,
    Dialect,
    Float,
    Insert,
    Numeric,
    Select,
    Table,
    Text,
    Update,
    any_,
    bindparam,
    func,
    or_,
    select,
)
from sqlalchemy.types import TypeEngine

from talent_pool.store.driver import run

_AT_ONCE = 5000

_AMONG = "among"

_Value = TypeVar("_Value", str, int)
_Columns = ColumnElement[_Value] | tuple[ColumnElement[_Value], ...]
"""One column, or several of which any may hold the value."""
_Changes = Insert | Update | Delete


def portions(values: Collection[_Value]) -> Iterator[list[_Value]]:
    """Yield the distinct `values` sorted, in portions that one statement can take."""
    ordered = sorted(set(values))
    for start in range(0, len(ordered), _AT_ONCE):
        yield ordered[start : start + _AT_ONCE]


# Made once: to put such a condition together anew costs more than most look-ups do.
_IN_ARRAY = any_(bindparam(_AMONG, None, type_=ARRAY(Text)))
_IN_NUMBERS = any_(bindparam(_AMONG, None, type_=ARRAY(BigInteger)))
_IN_JSON = select(func.json_each(bindparam(_AMONG, None, type_=Text)).table_valued("value").c.value)


def among(connection: Connection, column: ColumnElement[_Value]) -> ColumnElement[bool]:
    """Return the condition that `column` is one of the values that `given` hands to the statement."""
    return _among(connection.dialect.name, column)


def _among(dialect: str, column: ColumnElement[Any]) -> ColumnElement[bool]:
    if dialect != "postgresql":
        return column.in_(_IN_JSON)
    return column == (_IN_NUMBERS if isinstance(column.type, BigInteger) else _IN_ARRAY)


def given(connection: Connection, values: Collection[_Value]) -> dict[str, Any]:
    """Return the parameter for `among`: an array, or JSON, by what the database knows."""
    return {_AMONG: list(values) if connection.dialect.name == "postgresql" else orjson.dumps(list(values)).decode()}


def rows_of(connection: Connection, statement: Select[*tuple[Any, ...]], **values: Any) -> list[Any]:
    """Return the rows of `statement`, as tuples with names; `values` are those of its parameters.

    A statement is prepared once for as long as it lives: one that is asked often belongs to its module.
    """
    prepared = _prepared(connection.dialect, statement)
    return list(map(prepared.row._make, prepared.read(connection, values)))


def rows_once(connection: Connection, statement: Select[*tuple[Any, ...]]) -> list[Any]:
    """Return the rows of a statement that is put together for this one time, as tuples with names."""
    prepared = _Prepared(connection.dialect, statement)
    return list(map(prepared.row._make, prepared.read(connection, {})))


def rows_with(
    connection: Connection,
    statement: Select[*tuple[Any, ...]],
    column: _Columns[_Value],
    values: Collection[_Value],
) -> Iterator[Any]:
    """Yield the rows of `statement` whose `column` is one of `values`; prepared once, as in `rows_of`.

    Of several columns one that holds such a value is enough; a row may then come once for each.
    """
    if values:
        prepared = _prepared(connection.dialect, statement, column)
        for portion in portions(values):
            yield from map(prepared.row._make, prepared.read(connection, given(connection, portion)))


def mappings_with(
    connection: Connection,
    statement: Select[*tuple[Any, ...]],
    column: _Columns[_Value],
    values: Collection[_Value],
) -> Iterator[dict[str, Any]]:
    """Yield the same rows as `rows_with`, each as a dictionary of its own."""
    if values:
        prepared = _prepared(connection.dialect, statement, column)
        names = prepared.row._fields
        for portion in portions(values):
            for row in prepared.read(connection, given(connection, portion)):
                yield dict(zip(names, row, strict=True))


def apply(connection: Connection, statement: _Changes, **values: Any) -> list[Any]:
    """Insert, update or delete by a statement that is prepared once; return the rows that it gives back."""
    prepared = _prepared(connection.dialect, statement)
    return list(map(prepared.row._make, prepared.read(connection, values)))


def apply_to(
    connection: Connection, statement: Update | Delete, column: _Columns[_Value], values: Collection[_Value]
) -> None:
    """Update or delete the rows whose `column` is one of `values`."""
    if values:
        prepared = _prepared(connection.dialect, statement, column)
        for portion in portions(values):
            prepared.read(connection, given(connection, portion))


def delete_with(connection: Connection, column: Column[_Value], values: Collection[_Value]) -> None:
    """Delete the rows of the column's table whose `column` is one of `values`."""
    if values:
        apply_to(connection, _delete(column.table), column, values)


@lru_cache
def _delete(table: Table) -> Delete:
    return table.delete()


class _Prepared:
    """A statement as the driver takes it: SQLAlchemy's own way from a statement to its rows costs more than they do."""

    def __init__(self, dialect: Dialect, statement: Any) -> None:
        compiled = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
        self._text: str = compiled.string
        order: list[str] | None = compiled.positiontup
        # an IN list is spelt out by now, and its values are texts
        params, binds = compiled.params, compiled.binds
        self._bound = {name: _bound(dialect, binds[name].type) for name in params if name in binds and name != _AMONG}
        constants = {name: self._driven(name, value) for name, value in params.items()}
        self._params: Any = constants if order is None else [constants[name] for name in order]
        places: list[tuple[Any, str]] = [(name, name) for name in constants] if order is None else [*enumerate(order)]
        self._places = {name: [place for place, one in places if one == name] for name in constants}
        columns = list(statement.exported_columns)
        names = [str(one.key) for one in columns]
        self.row: Any = namedtuple("row", names, rename=True)  # noqa: PYI024  # pyright: ignore[reportUntypedNamedTuple] - known only here
        ways = [_read(dialect, one.type) for one in columns]
        self._ways = [(place, way) for place, way in enumerate(ways) if way is not None]

    def read(self, connection: Connection, values: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
        """Run it with `values`, and return the rows that it gives."""
        params = self._params.copy()
        for name, value in values.items():
            driven = self._driven(name, value)
            for place in self._places[name]:
                params[place] = driven
        rows = run(connection, self._text, params)
        return [self._processed(row) for row in rows] if self._ways else rows

    def _driven(self, name: str, value: Any) -> Any:
        """Return a value as the driver takes it; those of `among` are so already."""
        way = self._bound.get(name)
        return value if way is None else way(value)

    def _processed(self, row: Sequence[Any]) -> list[Any]:
        values = list(row)
        for place, way in self._ways:
            values[place] = way(values[place])
        return values


def _read(dialect: Dialect, of: TypeEngine[Any]) -> Callable[[Any], Any] | None:
    """Return what makes a driver's value one of ours; numbers are the same."""
    return None if isinstance(of, Float | Numeric) else of.dialect_impl(dialect).result_processor(dialect, None)


def _bound(dialect: Dialect, of: TypeEngine[Any]) -> Callable[[Any], Any] | None:
    return of.dialect_impl(dialect).bind_processor(dialect)


@lru_cache(maxsize=512)
def _prepared(dialect: Dialect, statement: Any, columns: _Columns[Any] | None = None) -> _Prepared:
    if columns is None:
        return _Prepared(dialect, statement)
    each = columns if isinstance(columns, tuple) else (columns,)
    return _Prepared(dialect, statement.where(or_(*(_among(dialect.name, column) for column in each))))
