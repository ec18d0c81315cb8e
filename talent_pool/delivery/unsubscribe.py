"""The link that ends a kind of mail: a signed token that names no one, and what redeeming it writes.

A token carries the keyed hash of the address, the organisation, the purpose and the channel, so that it works for as
long as the mail is kept, whatever became of the delivery's own row.
"""

import base64
import binascii
import hashlib
import hmac
from datetime import datetime

from connectors.records import Channel, Purpose
from talent_pool import consent
from talent_pool.store.database import Store

_VERSION = "1"
_SIGNATURE_BYTES = 16


class InvalidToken(ValueError):
    """The link is damaged or not ours."""


def token(store: Store, address_key: str, organisation: str, purpose: Purpose, channel: Channel) -> str:
    """Return the token for one address and purpose: URL-safe, always the same for the same."""
    payload = f"{_VERSION}|{address_key}|{purpose.value}|{channel.value}|{organisation}".encode()
    return base64.urlsafe_b64encode(_signature(store, payload) + payload).decode().rstrip("=")


def url(public_url: str, token: str) -> str:
    """Return the address that the listener serves for `token`."""
    return f"{public_url.rstrip('/')}/u/{token}"


def redeem(store: Store, token: str, now: datetime) -> None:
    """Write the refusal that a token stands for; twice is as good as once. Raises InvalidToken."""
    key, purpose, channel, organisation = _opened(store, token)
    consent.refuse(
        store,
        organisation=organisation,
        channel=channel,
        address_key=key,
        purpose=purpose,
        kind="one_click",
        at=now,
    )


def _opened(store: Store, token: str) -> tuple[str, Purpose, Channel, str]:
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise _invalid() from None
    if base64.urlsafe_b64encode(raw).decode().rstrip("=") != token:
        raise _invalid()  # the last letter has bits that say nothing: one link has one spelling
    signature, payload = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
    if not hmac.compare_digest(signature, _signature(store, payload)):
        raise _invalid()
    _, key, purpose, channel, organisation = payload.decode().split("|", 4)
    return key, Purpose(purpose), Channel(channel), organisation


def _signature(store: Store, payload: bytes) -> bytes:
    return hmac.new(store.key, b"unsubscribe\x1f" + payload, hashlib.sha256).digest()[:_SIGNATURE_BYTES]


def _invalid() -> InvalidToken:
    return InvalidToken("This link is incomplete or was changed. Open it from the message once more.")
