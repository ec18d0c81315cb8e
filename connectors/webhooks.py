"""Signature schemes by which vendors prove that a delivery is theirs: pure functions over the raw body.

Each `signed_…` says whether `given`, the header's value, is right; comparisons take the same time wherever they differ.
Schemes by vendor: Greenhouse and Ashby hex SHA-256, Typeform base64 SHA-256, Indeed Apply bare base64 SHA-1, and
Standard Webhooks (standardwebhooks.com); Twilio signs address and fields by SHA-1, SendGrid its body by ECDSA.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key
from standardwebhooks import Webhook, WebhookVerificationError
from standardwebhooks.webhooks import EmptyWebhookSecretError

from connectors.errors import Misconfigured, SignatureRefused


def header(headers: Mapping[str, str], name: str) -> str | None:
    """Return one header, however its name is capitalised."""
    wanted = name.lower()
    return next((value for key, value in headers.items() if key.lower() == wanted), None)


def signed_sha256_hex(secret: str, body: bytes, given: str | None, prefix: str = "sha256=") -> bool:
    """Say whether `given` is `prefix` and the hex HMAC-SHA256 of the body; an empty prefix takes the bare digest."""
    return _same(prefix + _digest(secret, body, "sha256").hex(), given)


def signed_sha256_base64(secret: str, body: bytes, given: str | None, prefix: str = "sha256=") -> bool:
    """Say whether `given` is `prefix` and the base64 HMAC-SHA256 of the body."""
    return _same(prefix + base64.b64encode(_digest(secret, body, "sha256")).decode(), given)


def signed_sha1_base64(secret: str, body: bytes, given: str | None) -> bool:
    """Say whether `given` is the base64 HMAC-SHA1 of the body, without any prefix."""
    return _same(base64.b64encode(_digest(secret, body, "sha1")).decode(), given)


def signed_standard(secret: str, body: bytes, headers: Mapping[str, str]) -> bool:
    """Say whether the `webhook-id`, `-timestamp` and `-signature` headers fit the body and are under 5 minutes old."""
    try:
        scheme = Webhook(secret)
    except (ValueError, EmptyWebhookSecretError) as error:
        raise Misconfigured(
            "A Standard Webhooks secret begins with whsec_ and goes on in base64. Correct it."
        ) from error
    try:
        scheme.verify(body, dict(headers), json_parse=False)
    except (WebhookVerificationError, ValueError):
        # ValueError: the library does not expect a header without a comma, or one that is not base64
        return False
    return True


def signed_by_twilio(token: str, url: str, fields: Sequence[tuple[str, str]], given: str | None) -> bool:
    """Say whether `given` is the base64 HMAC-SHA1 of the URL and the form's fields, by name, each value once.

    The URL is the one Twilio called, query included (twilio.com/docs/usage/webhooks/webhooks-security).
    """
    told = url + "".join(name + value for name, value in sorted(set(fields)))
    return signed_sha1_base64(token, told.encode(), given)


def signed_ecdsa(public_key: str, told: bytes, given: str | None) -> bool:
    """Say whether `given` is the base64 ECDSA signature (P-256, SHA-256, ASN.1) of `told` under a base64 DER key."""
    try:
        key = load_der_public_key(base64.b64decode(public_key, validate=True))
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, EllipticCurvePublicKey):
        raise Misconfigured("The key for signed events is no public key in base64, as SendGrid shows it. Correct it.")
    try:
        key.verify(base64.b64decode(given or "", validate=True), told, ECDSA(SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


def refuse(vendor: str, header_name: str, given: str | None) -> SignatureRefused:
    """Return the error that tells a missing signature from a wrong one."""
    if given is None:
        return SignatureRefused(f"{vendor}: the {header_name} header is missing. Sign the delivery and send it again.")
    return SignatureRefused(
        f"{vendor}: the {header_name} header does not fit the body. Check that both sides hold the same secret."
    )


def _digest(secret: str, body: bytes, algorithm: str) -> bytes:
    return hmac.digest(secret.encode(), body, getattr(hashlib, algorithm))


def _same(expected: str, given: str | None) -> bool:
    # as bytes: compare_digest refuses text that is not ASCII, and a stranger may send any
    return given is not None and hmac.compare_digest(expected.encode(), given.strip().encode(errors="replace"))
