"""Column types that mean the same on SQLite and PostgreSQL."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import DateTime, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

_WITHOUT_A_ZONE = "a time without a zone cannot be stored; use an aware datetime"
_WIDTH = len('"2026-01-31T08:00:00.000000Z"')


@lru_cache(maxsize=4096)  # when it was created, when changed, when it landed: the same few come again and again
def stored_text(moment: datetime) -> str:
    """Return an instant as SQLite keeps it. Raises ValueError for a time without a zone."""
    if moment.tzinfo is not UTC:
        if moment.tzinfo is None:
            raise ValueError(_WITHOUT_A_ZONE)
        moment = moment.astimezone(UTC)
    text = orjson.dumps(moment, option=orjson.OPT_UTC_Z).decode()  # a third of isoformat's time
    return text[1:-1] if len(text) == _WIDTH else f"{text[1:20]}.000000Z"


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant: fixed-width UTC text on SQLite (so that it sorts), `timestamptz` on PostgreSQL.

    SQLAlchemy's own type drops the offset on SQLite without converting; this one refuses naive values.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(Text())
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if dialect.name == "sqlite":
            return stored_text(value)
        if value.tzinfo is None:
            raise ValueError(_WITHOUT_A_ZONE)
        return value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy calls it so
        if value is None:
            return None
        if isinstance(value, str):
            return datetime.fromisoformat(value)
        return value.astimezone(UTC)


def json_text(value: Any) -> str:
    """Return a value as JSON columns hold it."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


class JsonText(TypeDecorator[Any]):
    """JSON as text on both stores: PostgreSQL's jsonb refuses NUL and loses the order of keys."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy calls it so
        return None if value is None else json_text(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002 - SQLAlchemy calls it so
        return None if value is None else orjson.loads(value)
