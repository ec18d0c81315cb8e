"""Retention rules, as this installation's YAML writes them. The first rule that fits what she is kept for counts.

type: dagster_project.components.Retention
attributes:
grace_days: 14
jurisdictions: {default: DE}
rules:
- {name: germany, countries: [DE, AT], basis: contract, months: 6}
- {name: us_hiring_records, countries: [US], months: 12, then: archive, hold_months: 48}
- {name: everybody_else, months: 24}
"""

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

_LONGEST = 240

Basis = Literal["consent", "legitimate_interest", "contract", "legal_obligation", "unknown"]


class RetentionRule(BaseModel):
    """How long whom. `basis` is the lawful basis of what she is kept for; left out, the rule fits any.

    `then: archive` keeps her out of use for `hold_months` more, counted from the same event, and then erases her.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    countries: list[str] = Field(default_factory=list[str])
    """ISO 3166-1 alpha-2 codes of the countries whose law counts; none: any country, also an unknown one."""
    basis: Basis | None = None
    months: int
    then: Literal["erase", "archive"] = "erase"
    hold_months: int | None = None

    # by hand, for a component's nested blocks take no constraints of fields
    @field_validator("name")
    @classmethod
    def _is_a_name(cls, value: str) -> str:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", value):
            raise ValueError("write it in small letters, digits and underscores, a letter first")
        return value

    @field_validator("months", "hold_months")
    @classmethod
    def _is_a_time(cls, value: int | None) -> int | None:
        if value is not None and not 1 <= value <= _LONGEST:
            raise ValueError(f"give 1 to {_LONGEST} months")
        return value

    @model_validator(mode="after")
    def _holds(self) -> "RetentionRule":
        if (self.then == "archive") != (self.hold_months is not None):
            raise ValueError("`then: archive` and `hold_months` go together")
        if self.hold_months is not None and self.hold_months <= self.months:
            raise ValueError("`hold_months` counts from the same event as `months`, and is longer")
        return self


class RetentionRules(BaseModel):
    """All rules of an installation. Without any, nothing ever comes due."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    grace_days: int = Field(default=14, ge=0, le=365)
    """Days between being seen as due and being forgotten."""
    jurisdictions: dict[str, str] = Field(default_factory=dict[str, str])
    """The country that each organisation hires in, where a job names none."""
    offices: dict[str, str] = Field(default_factory=dict[str, str])
    """The country of each office, as jobs name it, where a source tells offices and no countries."""
    in_process_days: int = Field(default=0, ge=0)
    """Days without anything happening after which an open application keeps nobody any more; 0: it does while open."""
    rules: tuple[RetentionRule, ...] = ()

    def of(self, country: str | None, basis: str) -> RetentionRule | None:
        """Return the rule for what somebody is kept for: the first that fits."""
        for rule in self.rules:
            if (not rule.countries or country in rule.countries) and rule.basis in (None, basis):
                return rule
        return None


NONE = RetentionRules()
"""What holds where no retention is configured."""
