"""Column types mean the same on both databases."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select
from sqlalchemy.exc import StatementError

from talent_pool.store.runs import start
from talent_pool.store.tables import cursors
from talent_pool.store.types import stored_text
from tests.talent_pool.sources import NOW

TOKYO = timezone(timedelta(hours=9))
_zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
_NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001 - what must be refused
_moments = st.datetimes(_NAIVE.replace(year=1900), _NAIVE.replace(year=2100), timezones=_zones)


def _kept(store, at, cursor=None):
    row = {"connection": "a", "stream": "b", "updated_at": at, "cursor": cursor}
    with store.writing() as connection:
        connection.execute(cursors.delete())
        connection.execute(insert(cursors), row)
    with store.reading() as connection:
        return connection.execute(select(cursors)).one()


def test_instant_comes_back_in_utc(store):
    kept = _kept(store, datetime(2026, 1, 1, 5, 0, 0, 7, TOKYO)).updated_at
    assert kept == datetime(2025, 12, 31, 20, 0, 0, 7, UTC)
    assert kept.tzinfo is UTC


def test_naive_time_is_refused(store):
    with pytest.raises(StatementError, match="a time without a zone"):
        _kept(store, _NAIVE)


@given(st.lists(_moments, min_size=2, max_size=2))
def test_stored_text_sorts_as_time_does(pair):
    first, second = sorted(pair)
    assert stored_text(first) <= stored_text(second)
    assert len(stored_text(first)) == len("2026-01-01T00:00:00.000000Z")


@pytest.mark.parametrize("value", [None, {}, [], {"b": [1, None], "a": "\x00\U0001f600"}])
def test_json_comes_back_as_it_was(store, value):
    assert _kept(store, NOW, value).cursor == value


def test_store_gives_the_driver_what_the_column_would(store):
    start(store, "sync", "ats", "default", NOW)
    with store.reading() as connection:
        stored = connection.exec_driver_sql("SELECT started_at FROM runs").scalar()
    assert stored == store.moment(NOW)
