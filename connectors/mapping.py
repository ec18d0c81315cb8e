"""Which of our fields fills which of a tool's, and what a value that we do not have means there."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, model_validator

from connectors.contract import Cleared, Json


class Filled(BaseModel):
    """One field of a tool's, filled by ours. In YAML `CITY: city`, or `CITY: {field: city, nulls: clear}`.

    `nulls`: with `keep`, a value that we do not have leaves theirs alone, unless theirs is one that we brought; with
    `clear` it empties it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    field: str
    nulls: Literal["keep", "clear"] = "keep"

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: Any) -> Any:
        return {"field": value} if isinstance(value, str) else value


FieldMapping = Mapping[str, Filled]
"""By the tool's names."""


def filling(**ours: str) -> FieldMapping:
    """Return a mapping that clears nothing: `filling(FNAME="first_name")`."""
    return {theirs: Filled(field=field) for theirs, field in ours.items()}


def fields_of(mapping: FieldMapping) -> frozenset[str]:
    """Return our fields that a mapping asks for."""
    return frozenset(one.field for one in mapping.values())


def filled(mapping: FieldMapping, row: Cleared, *, empty: Any = "") -> Json:
    """Return a tool's fields for one row; `empty` is how it is told to clear one."""
    values: Json = {}
    for theirs, one in mapping.items():
        value = row.fields.get(one.field)
        if value is not None:
            values[theirs] = value
        elif one.nulls == "clear" or one.field in row.emptied:
            values[theirs] = empty
    return values
