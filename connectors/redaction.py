"""Keeps secrets and people's data out of every logged address and error."""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

_HIDDEN = "…"
_PERSONAL_SEGMENT = re.compile(r"@|%40|^[0-9a-fA-F]{16,}$|^[A-Za-z0-9_\-=.~%]{24,}$")


def redacted(url: str) -> str:
    """Return `url` fit for a log: no user info, no query values, no segment that may be a token or an address."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return _HIDDEN
    path = "/".join(_HIDDEN if _PERSONAL_SEGMENT.search(segment) else segment for segment in parts.path.split("/"))
    names = [pair.split("=", 1)[0] if "=" in pair else _HIDDEN for pair in parts.query.split("&") if pair]
    query = "?" + "&".join(name if name == _HIDDEN else f"{name}={_HIDDEN}" for name in names) if names else ""
    scheme = f"{parts.scheme}://" if parts.scheme else ""
    return f"{scheme}{parts.hostname or ''}{port}{path}{query}"


def without(text: str, secrets: Iterable[str]) -> str:
    """Return `text` with each of `secrets` replaced, the longest first."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, _HIDDEN)
    return text
