"""Where rotating access tokens live between runs: encrypted in the store, the key derived from the installation's."""

import base64
from functools import cached_property

import orjson
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import select

from connectors.contract import Token
from connectors.errors import Misconfigured
from talent_pool.store.database import Store
from talent_pool.store.tables import tokens


class StoreTokenKeeper:
    """Keeps `connectors.contract.TokenKeeper`'s contract in the store's table `tokens`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @cached_property
    def _cipher(self) -> Fernet:
        key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"catchment tokens").derive(self._store.key)
        return Fernet(base64.urlsafe_b64encode(key))

    def load(self, name: str) -> Token | None:
        """Return the last token kept under `name`. Raises Misconfigured if it was kept under another key."""
        with self._store.reading() as connection:
            row = connection.execute(select(tokens).where(tokens.c.name == name)).first()
        if row is None:
            return None
        try:
            kept = orjson.loads(self._cipher.decrypt(row.ciphertext))
        except InvalidToken:
            raise Misconfigured(
                f"The token kept for {name} cannot be read with this installation's key. Put back the key it was made "
                "with, or connect again with a fresh refresh token."
            ) from None
        return Token(kept["access"], row.expires_at, kept["refresh"])

    def save(self, name: str, token: Token) -> None:
        """Keep `token`, committed before this returns: the old refresh token is already dead."""
        plain = orjson.dumps({"access": token.access, "refresh": token.refresh})
        values = {"ciphertext": self._cipher.encrypt(plain), "expires_at": token.expires_at}
        statement = self._store.insert(tokens).values(name=name, **values)
        with self._store.writing() as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))
