"""The demo's brake: whatever the installation may reach, by its settings as they are in force, is on this machine."""

import ipaddress
from collections.abc import Iterator
from urllib.parse import urlsplit

from pydantic import BaseModel

from connectors.errors import Misconfigured
from connectors.settings import variable
from dagster_project.resources import OpenPool

_PLACES = ("_url", "url", "host", "_host")
"""How a setting that says where something is ends."""


def require_loopback(pool: OpenPool) -> None:
    """Raise Misconfigured if any connection or destination would speak to another machine, or says not where it is."""
    for name in pool.installation.connections:
        _require(name, pool.source(name).settings)
    for name in pool.installation.destinations:
        _require(name, pool.destination(name).account)


def _require(name: str, settings: BaseModel) -> None:
    for field, place in _places(settings):
        if not _is_here(place):
            raise Misconfigured(
                f"{name}: {field} leads to another machine, and the demo speaks to this one alone. "
                f"Unset {variable(name, field)}, or take {name} out of the demo."
            )


def _places(settings: BaseModel) -> Iterator[tuple[str, str | None]]:
    """Yield the settings that say where something is. Without a `base_url` a tool's own address would count."""
    for field in type(settings).model_fields:
        value = getattr(settings, field)
        if field.endswith(_PLACES) and (value is not None or field == "base_url"):
            yield field, value


def _is_here(place: str | None) -> bool:
    host = urlsplit(place).hostname if place and "://" in place else place
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False
