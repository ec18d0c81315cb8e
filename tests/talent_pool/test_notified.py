"""Restriction and rectification reach whoever was given something of a person, and each recipient has a receipt."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from connectors.contract import Action, Fate, RowOutcome
from talent_pool.delivery.gate import Sending
from talent_pool.privacy import notified, requests
from talent_pool.refused import Refused
from talent_pool.store.database import Store
from talent_pool.store.tables import people, privacy_recipients
from tests.talent_pool.outbound import NOW, ON, Pool, Post, Shelf, post_settings, shelf_settings_of

DAY = timedelta(days=1)


@pytest.fixture
def pool(store: Store) -> Pool:
    pool = Pool(store)
    for name in ("ann", "bob"):
        pool.join("silver_medallists", pool.person(name))
    return pool


def ask(pool: Pool, kind: str, **more: Any) -> str:
    return requests.open_request(pool.store, kind, "per_ann", NOW + DAY, **more)


def receipts(pool: Pool, request: str) -> dict[str, tuple[str, str]]:
    return {name: (state, told) for name, _, state, told in requests.get(pool.store, request).recipients}


def correct(pool: Pool, at: Any = NOW + 2 * DAY) -> None:
    pool.rename("ann", "Annabel")
    with pool.store.writing() as connection:
        connection.execute(update(people).where(people.c.id == "per_ann").values(modified_at=at))


def test_who_is_restricted_is_taken_out_and_every_recipient_has_a_receipt(pool: Pool):
    shelf, post = Shelf(), Post(settings=post_settings("silver_medallists"))
    pool.deliver(shelf)
    pool.deliver(post)
    request = ask(pool, "restriction")
    assert receipts(pool, request) == {
        "shelf": ("waiting", notified.NEXT_PUSH),
        "post": ("waiting", notified.NEXT_PUSH),
    }
    pool.deliver(shelf, Sending("off"), NOW + DAY)
    assert receipts(pool, request)["shelf"] == ("waiting", f"1 entries are still there. {notified.NEXT_PUSH}")
    pool.deliver(shelf, ON, NOW + DAY)
    pool.deliver(post, ON, NOW + DAY)
    assert receipts(pool, request) == {
        "shelf": ("done", notified.TAKEN_OUT),
        "post": ("done", notified.NOTHING_HELD),
    }
    assert set(shelf.held) == {("bob@example.org", "silver_medallists")}
    before = pool.rows(privacy_recipients)
    pool.deliver(shelf, ON, NOW + 2 * DAY)
    assert pool.rows(privacy_recipients) == before
    requests.close(pool.store, request, "lifted", NOW + 3 * DAY)
    pool.deliver(shelf, ON, NOW + 3 * DAY)
    assert ("ann@example.org", "silver_medallists") in shelf.held


def test_a_restriction_can_be_lifted_before_anybody_was_told(pool: Pool):
    pool.deliver(Shelf())
    request = ask(pool, "restriction")
    requests.close(pool.store, request, "lifted", NOW + DAY)
    assert receipts(pool, request)["shelf"] == ("done", "The request ended before it was told.")


def test_what_was_corrected_is_written_anew_and_the_receipt_says_since_when(pool: Pool):
    shelf, post = Shelf(), Post(settings=post_settings("silver_medallists"))
    pool.deliver(shelf)
    pool.deliver(post)
    request = ask(pool, "rectification")
    pool.deliver(shelf, ON, NOW + DAY)
    assert receipts(pool, request)["shelf"] == ("waiting", notified.NOT_CORRECTED)
    with pytest.raises(Refused, match="waits for post, shelf: run `catchment push`"):
        requests.close(pool.store, request, "granted", NOW + DAY)
    correct(pool)
    shelf.answers["ann@example.org"] = RowOutcome("", Fate.REJECTED, "no such name")
    pool.deliver(shelf, ON, NOW + 3 * DAY)
    assert receipts(pool, request)["shelf"][0] == "waiting"
    assert "1 entries are not written yet (rejected)" in receipts(pool, request)["shelf"][1]
    shelf.answers.clear()
    correct(pool)
    pool.rename("ann", "Annabella")
    pool.deliver(shelf, ON, NOW + 4 * DAY)
    pool.deliver(post, ON, NOW + 4 * DAY)
    state, told = receipts(pool, request)["shelf"]
    assert (state, "since the correction of 2026-10-07" in told) == ("done", True)
    assert shelf.held["ann@example.org", "silver_medallists"]["first_name"] == "Annabella"
    assert receipts(pool, request)["post"] == ("done", notified.SENT_IS_SENT)
    requests.close(pool.store, request, "granted", NOW + 4 * DAY)


def test_a_correction_that_a_destination_need_not_see_is_told_as_well(pool: Pool):
    shelf = Shelf()
    pool.deliver(shelf)
    request = ask(pool, "rectification")
    with pool.store.writing() as connection:
        connection.execute(update(people).values(city="Kiel", modified_at=NOW + 2 * DAY))
    asked = len(shelf.asked)
    pool.deliver(shelf, ON, NOW + 3 * DAY)
    assert (receipts(pool, request)["shelf"][0], len(shelf.asked)) == ("done", asked)


def test_what_a_push_never_writes_again_is_left_to_a_person(pool: Pool):
    shelf = Shelf(settings=shelf_settings_of("add"))
    pool.deliver(shelf)
    request = ask(pool, "rectification")
    correct(pool)
    pool.deliver(shelf, ON, NOW + 3 * DAY)
    state, told = receipts(pool, request)["shelf"]
    assert (state, "by hand" in told) == ("by_hand", True)
    requests.close(pool.store, request, "granted", NOW + 3 * DAY)
    assert receipts(pool, request)["shelf"][0] == "done"


def test_an_entry_that_stayed_when_she_left_is_left_to_a_person_too(pool: Pool):
    shelf = Shelf(settings=shelf_settings_of("upsert"))
    pool.deliver(shelf)
    pool.leave("silver_medallists", "per_ann")
    request = ask(pool, "rectification")
    correct(pool)
    pool.deliver(shelf, ON, NOW + 3 * DAY)
    assert receipts(pool, request)["shelf"][0] == "by_hand"
    restricted = ask(pool, "restriction")
    pool.deliver(shelf, ON, NOW + 4 * DAY)
    assert receipts(pool, restricted)["shelf"] == ("done", notified.TAKEN_OUT), "whoever is restricted does not stay"
    assert shelf.asked[-1].action is Action.REMOVE


def test_a_destination_that_is_gone_is_left_to_a_person(pool: Pool):
    pool.deliver(Shelf())
    request = ask(pool, "restriction", configured={"other"})
    assert receipts(pool, request)["shelf"][0] == "by_hand"


def test_who_was_given_nothing_has_no_recipients(pool: Pool):
    assert receipts(pool, ask(pool, "rectification")) == {}
    pool.deliver(Shelf())
    assert receipts(pool, ask(pool, "objection")) == {}


def test_a_push_that_failed_tells_nobody(pool: Pool):
    shelf = Shelf()
    pool.deliver(shelf)
    request = ask(pool, "restriction")
    shelf.fail_with = RuntimeError("gone")
    with pytest.raises(RuntimeError):
        pool.deliver(shelf, ON, NOW + DAY)
    assert receipts(pool, request)["shelf"] == ("waiting", notified.NEXT_PUSH)
