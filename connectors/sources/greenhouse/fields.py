"""Reading single fields out of Greenhouse's objects; a field that is left out stays unset."""

from typing import Any, cast

from connectors.contract import Json


def mapping(value: Any) -> Json | None:
    """Return a JSON object, or none where it is something else."""
    return cast("Json", value) if isinstance(value, dict) else None


def items(value: Any) -> list[Any]:
    """Return a JSON list, empty where it is something else."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def text(value: Any) -> str | None:
    """Return an id as text; no id stays none."""
    return None if value is None else str(value)


def stamped(raw: Json, remote_id: str) -> Json:
    """Return what every record of an object of Harvest has."""
    data: Json = {"remote_id": remote_id}
    if "created_at" in raw:
        data["remote_created_at"] = raw["created_at"]
    if "updated_at" in raw:
        data["remote_updated_at"] = raw["updated_at"]
    return data


def given(raw: Json, *names: str) -> Json:
    """Return those of these fields that the object has."""
    return {name: raw[name] for name in names if name in raw}
