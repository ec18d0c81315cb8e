"""Keeps secrets and people's data out of every logged address and error."""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

_HIDDEN = "…"
_PERSONAL_SEGMENT = re.compile(r"@|%40|^[0-9a-fA-F]{16,}$|^[A-Za-z0-9_\-=.]{24,}$")


def redacted(url: str) -> str:
    """Return `url` fit for a log: no user info, no query values, no segment that may be a token or an address."""
    parts = urlsplit(url)
    path = "/".join(_HIDDEN if _PERSONAL_SEGMENT.search(segment) else segment for segment in parts.path.split("/"))
    names = [pair.split("=", 1)[0] for pair in parts.query.split("&") if pair]
    query = "?" + "&".join(f"{name}={_HIDDEN}" for name in names) if names else ""
    host = parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{host}{port}{path}{query}"


def without(text: str, secrets: Iterable[str]) -> str:
    """Return `text` with each of `secrets` replaced."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, _HIDDEN)
    return text
