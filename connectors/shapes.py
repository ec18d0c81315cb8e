"""Decoding JSON, and what came of it, said so that the type checker believes it."""

from typing import Any, TypeGuard

import orjson

from connectors.contract import Json
from connectors.errors import Malformed


def decoded(body: bytes, what: str) -> Any:
    """Return the JSON in a delivery's body; `what` names it in the message. Raises Malformed."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        pass
    # raised out here, so that the error does not carry along the body, which is people's data
    raise Malformed(f"{what} is not JSON.")


def is_object(value: Any) -> TypeGuard[Json]:
    """Say whether a decoded value is a JSON object."""
    return isinstance(value, dict)


def is_list(value: Any) -> TypeGuard[list[Any]]:
    """Say whether a decoded value is a JSON array."""
    return isinstance(value, list)


def part(value: Json, name: str) -> Json:
    """Return the object at `name` in an object, empty if there is none."""
    inner = value.get(name)
    return inner if is_object(inner) else {}
