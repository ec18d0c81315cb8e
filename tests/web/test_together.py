"""Deliveries that arrive together are committed together, and each is answered for itself."""

import asyncio

import pytest
from sqlalchemy.exc import DataError

from connectors.contract import Delivery
from talent_pool.landing.inbox import Inbox
from talent_pool.store.unavailable import StoreUnavailable
from tests.talent_pool.sources import NOW
from web.together import MOST, Together


def _delivery(key: str) -> tuple[Delivery, str]:
    return Delivery("board", key, NOW, {}, b"{}"), "default"


def _put(inbox: Inbox, keys: list[str]) -> list[bool | BaseException]:
    async def _all() -> list[bool | BaseException]:
        together = Together(inbox)
        return await asyncio.gather(*(together.put(*_delivery(key)) for key in keys), return_exceptions=True)

    return asyncio.run(_all())


@pytest.fixture
def commits(inbox, monkeypatch):
    """Give the sizes of the commits that are made."""
    sizes, whole = [], Inbox.put_all

    def _counted(self, deliveries):
        sizes.append(len(deliveries))
        return whole(self, deliveries)

    monkeypatch.setattr(Inbox, "put_all", _counted)
    return sizes


def test_many_at_once_are_few_commits_and_all_are_there(inbox, commits):
    keys = [f"k{number}" for number in range(3 * MOST)]
    assert _put(inbox, keys) == [True] * len(keys)
    assert len(commits) <= 4
    assert [each.delivery.key for each in inbox.waiting("board", len(keys) + 1)] == keys


def test_of_repeats_in_one_commit_the_first_is_new(inbox, commits):
    assert _put(inbox, ["a", "b", "a", "a"]) == [True, True, False, False]
    assert _put(inbox, ["b", "c"]) == [False, True]
    assert len(inbox.waiting("board", 10)) == 3


def test_one_that_cannot_be_stored_fails_alone(inbox, monkeypatch):
    whole = Inbox.put_all

    def _refusing(self, deliveries):
        if any(delivery.key == "bad" for delivery, _ in deliveries):
            raise DataError("INSERT", {}, Exception("not storable"))
        return whole(self, deliveries)

    monkeypatch.setattr(Inbox, "put_all", _refusing)
    fates = _put(inbox, ["a", "bad", "b"])
    assert isinstance(fates.pop(1), DataError)
    assert fates == [True, True]


def test_where_the_store_is_away_nobody_is_told_otherwise(inbox, monkeypatch):
    def _away(_self, _deliveries):
        raise StoreUnavailable("away")

    monkeypatch.setattr(Inbox, "put_all", _away)
    assert all(isinstance(fate, StoreUnavailable) for fate in _put(inbox, ["a", "b"]))
