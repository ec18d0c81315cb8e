"""What a company says about fields that its sources tell differently: which rule decides, and whose word comes first.

A field without a word of the company's own is decided by the default here, which the survivorship's documentation
lists with its reason.
"""

from collections.abc import Mapping
from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

RuleName = Literal["most_trusted", "newest", "most_complete", "most_frequent", "any", "closest"]

_OF_ONE_FIELD: Mapping[str, str] = {"any": "is_private", "closest": "relationship"}
"""Rules that mean something for one field alone."""


class FieldRule(BaseModel):
    """How one field is decided; in YAML a rule's name alone is one.

    `sources` are connections, the most trusted first: whoever is named is trusted more, for this field, than whoever
    is not. Under `most_trusted` that decides, under any other rule it breaks ties.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    rule: RuleName = "most_trusted"
    sources: list[str] = []

    @model_validator(mode="before")
    @classmethod
    def _named_alone(cls, value: Any) -> Any:
        return {"rule": value} if isinstance(value, str) else value

    @field_validator("sources")
    @classmethod
    def _each_once(cls, value: list[str]) -> list[str]:
        if len(set(value)) < len(value):
            raise ValueError("a connection stands here twice; keep its first place")
        return value


def _by(rule: RuleName) -> Any:
    return Field(default=FieldRule(rule=rule))


class SurvivorshipRules(BaseModel):
    """The rule of every field, or of fields that only fit each other when one record says them all."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: FieldRule = _by("most_trusted")
    """`full_name`, `first_name`, `last_name`, of one record; one with mere initials stands back under any rule."""
    preferred_name: FieldRule = _by("most_trusted")
    email_addresses: FieldRule = _by("most_trusted")
    """Merged, as are the next five: nothing is dropped; the rule says whose come first, and so which is primary."""
    phone_numbers: FieldRule = _by("most_trusted")
    urls: FieldRule = _by("most_trusted")
    person_numbers: FieldRule = _by("most_trusted")
    tags: FieldRule = _by("most_trusted")
    origins: FieldRule = _by("most_trusted")
    location: FieldRule = _by("newest")
    time_zone: FieldRule = _by("newest")
    language: FieldRule = _by("newest")
    company_and_title: FieldRule = _by("newest")
    """`company`, `title`, of one record: a title at another company is somebody else's."""
    profile: FieldRule = _by("most_complete")
    relationship: FieldRule = _by("closest")
    is_private: FieldRule = _by("any")
    custom_fields: FieldRule = _by("newest")
    """Each custom field by itself."""

    @field_validator("*")
    @classmethod
    def _fits_the_field(cls, value: FieldRule, info: ValidationInfo) -> FieldRule:
        only = _OF_ONE_FIELD.get(value.rule)
        if only and only != info.field_name:
            raise ValueError(f"{value.rule} is a rule for {only} alone")
        return value

    def of(self, name: str) -> FieldRule:
        """Return the rule of one field or group of fields."""
        return cast("FieldRule", getattr(self, name))


DEFAULTS = SurvivorshipRules()
"""What decides where a company says nothing."""
