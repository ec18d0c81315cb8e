"""Rotating tokens, encrypted."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from connectors.contract import Token
from connectors.errors import Misconfigured
from talent_pool.store.database import Store
from talent_pool.store.tables import tokens
from talent_pool.store.tokens import StoreTokenKeeper
from tests.talent_pool.sources import NOW

TOKEN = Token("access-secret", NOW + timedelta(hours=1), "refresh-secret")


def test_token_comes_back_as_it_was(store):
    keeper = StoreTokenKeeper(store)
    assert keeper.load("greenhouse") is None
    keeper.save("greenhouse", TOKEN)
    assert StoreTokenKeeper(store).load("greenhouse") == TOKEN
    keeper.save("greenhouse", Token("other", NOW))
    assert keeper.load("greenhouse") == Token("other", NOW)


def test_store_holds_no_secret_in_clear(store):
    StoreTokenKeeper(store).save("greenhouse", TOKEN)
    with store.reading() as connection:
        kept = b"".join(bytes(value) for value in connection.execute(select(tokens.c.ciphertext)).scalars())
    assert b"secret" not in kept


def test_another_key_is_told(store):
    StoreTokenKeeper(store).save("greenhouse", TOKEN)
    stranger = Store(store.url.render_as_string(hide_password=False), b"another key" * 3)
    with pytest.raises(Misconfigured, match="The token kept for greenhouse cannot be read"):
        StoreTokenKeeper(stranger).load("greenhouse")
    stranger.close()
