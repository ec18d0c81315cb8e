"""Statements handed to the driver as they are: what SQLAlchemy does around each costs more than the database does.

A turn of resolution over one record asks some forty small things; ten times as fast, that is what makes it instant.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from talent_pool.store.unavailable import raise_in_plain_words


def run(
    connection: Connection, statement: str, values: Sequence[Any] | Mapping[str, Any] = ()
) -> Sequence[Sequence[Any]]:
    """Run a statement in the open transaction, and return its rows, none for one that has none.

    `values` are such as the driver takes. Raises as SQLAlchemy's own ways do, and shows no values.
    """
    cursor = connection.connection.cursor()
    try:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []
    except connection.dialect.loaded_dbapi.Error as error:
        _raise(connection, statement, error)
    finally:
        cursor.close()


def _raise(connection: Connection, statement: str, error: Any) -> NoReturn:
    dialect = connection.dialect
    is_lost = dialect.is_disconnect(error, connection.connection.dbapi_connection, None)
    if is_lost:
        connection.invalidate(error)  # whoever comes next gets another
    raise_in_plain_words(error, is_lost=is_lost)
    kind = dialect.loaded_dbapi.Error
    raise DBAPIError.instance(
        statement, None, error, kind, hide_parameters=True, connection_invalidated=is_lost, dialect=dialect
    ) from error
