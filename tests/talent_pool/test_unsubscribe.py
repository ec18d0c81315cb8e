"""The one-click way out: a token that names nobody, and what redeeming it does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.contract import Fate
from connectors.records import Channel, Purpose
from talent_pool.delivery import unsubscribe
from talent_pool.store.addresses import address_key
from talent_pool.store.database import Store
from talent_pool.store.tables import consent_statements
from tests.talent_pool.outbound import NOW, Pool, Post, post_settings


def test_the_link_in_a_message_ends_this_kind_of_message(store: Store):
    pool, post = Pool(store), Post(settings=post_settings("referred_not_contacted"))
    pool.join("referred_not_contacted", pool.person("ann"))
    pool.deliver(post)
    link = str(post.sent[0].unsubscribe_url)
    assert link.startswith("https://pool.example/u/")
    assert link in post.sent[0].fields["text"]
    assert "ann" not in link
    unsubscribe.redeem(store, link.rpartition("/")[2], NOW)
    pool.join("silver_medallists", "per_ann")
    other = Post(settings=post_settings("silver_medallists"))
    assert pool.deliver(other).fates[Fate.SUPPRESSED] == 1
    assert not other.sent


def test_redeeming_twice_writes_one_refusal(store: Store):
    key = address_key(store, Channel.EMAIL, "ann@example.org")
    token = unsubscribe.token(store, key, "default", Purpose.FUTURE_JOBS, Channel.EMAIL)
    unsubscribe.redeem(store, token, NOW)
    unsubscribe.redeem(store, token, NOW)
    rows = Pool(store).rows(consent_statements)
    assert [(row.status, row.purpose, row.evidence["kind"]) for row in rows] == [
        ("refused", "future_jobs", "one_click")
    ]


@given(at=st.integers(0, 200), to=st.characters(min_codepoint=45, max_codepoint=122))
def test_a_token_changed_anywhere_is_refused(at: int, to: str):
    store = Store("sqlite://", bytes(32))
    token = unsubscribe.token(store, "a" * 32, "default", Purpose.FUTURE_JOBS, Channel.EMAIL)
    at %= len(token)
    changed = token[:at] + to + token[at + 1 :]
    if changed == token:
        return
    with pytest.raises(unsubscribe.InvalidToken, match="incomplete or was changed"):
        unsubscribe._opened(store, changed)


@pytest.mark.parametrize("token", ["", "x", "ümlaut", "a" * 5000])
def test_nonsense_is_refused_in_plain_words(store: Store, token: str):
    with pytest.raises(unsubscribe.InvalidToken, match="Open it from the message"):
        unsubscribe.redeem(store, token, NOW)


def test_a_token_of_another_installation_is_refused(store: Store):
    foreign = unsubscribe.token(Store("sqlite://", bytes(32)), "a" * 32, "default", Purpose.FUTURE_JOBS, Channel.EMAIL)
    with pytest.raises(unsubscribe.InvalidToken):
        unsubscribe.redeem(store, foreign, NOW)
