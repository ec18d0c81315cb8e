"""What an erasure still has to know of a person until it is over: encrypted, by the installation's key.

A vendor can only be asked to forget an address that is named to it, so the addresses outlast the store's own rows, by
minutes mostly; they go with the last recipient.
"""

import base64
from typing import Any

import orjson
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from connectors.errors import Misconfigured
from talent_pool.store.database import Store


def sealed(store: Store, value: Any) -> bytes:
    """Return `value`, which is JSON, encrypted."""
    return _cipher(store).encrypt(orjson.dumps(value))


def unsealed(store: Store, text: bytes) -> Any:
    """Return what was sealed. Raises Misconfigured if that was under another key."""
    try:
        return orjson.loads(_cipher(store).decrypt(text))
    except InvalidToken:
        raise Misconfigured(
            "What this erasure still has to do cannot be read with this installation's key. Put back the key it was "
            "begun with."
        ) from None


def _cipher(store: Store) -> Fernet:
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"catchment erasures").derive(store.key)
    return Fernet(base64.urlsafe_b64encode(key))
