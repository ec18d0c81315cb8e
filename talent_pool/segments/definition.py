"""A segment as it is written in YAML."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from connectors.records import Channel, Purpose
from talent_pool.segments.field_conditions import instant
from talent_pool.segments.rule_tree import Group, RuleError
from talent_pool.segments.rules import parse
from talent_pool.segments.vocabulary import ENTITIES, Kind

GRAMMAR = 1
"""Raised when rules come to mean something else, so that every segment is evaluated anew."""

_MEANING = (
    "name",
    "organisation",
    "subject",
    "event",
    "type",
    "since",
    "fact",
    "useless_after_days",
    "purpose",
    "channel",
    "who",
)
_MEANING_IF_SET = ("recipient", "holdout", "useless_after", "voucher", "priority", "once_per")
"""Of later than the others: left out where it says nothing, so that segments from before keep their version."""

Recipient = Literal["person", "recruiter", "hiring_manager", "interviewer", "referrer", "user"]
"""Who is written to: the candidate, somebody of the company's around the application, or the user it is about."""


def _wrong(field: str, problem: str) -> PydanticCustomError:
    """Return the error for one field, so that it is told with the field's own line."""
    return PydanticCustomError("rule", "{problem}", {"problem": problem, "path": (field,)})


class SegmentDefinition(BaseModel):
    """One segment: who is in it, what it is about, and how it may be written to.

    `subject`: what a membership is about; two applications of one person are two memberships of an application
    segment. `event`: membership is an occasion for one message, counted from the segment's activation; otherwise it
    is a state that a destination mirrors. `type` decides which consent is asked for. `recipient`: who is written to.
    `priority`: of marketing segments that would write to one person on one day the highest does. `holdout`: the share
    of people, always the same ones, who are never reached, so that an effect can be told. `once_per`: a message goes
    once for each subject, or anew for each consent that a person gives, when it runs out.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    description: str
    organisation: str = "default"
    owner: str = "hr-ops@example.com"
    subject: Literal["person", "application", "interview", "user", "match"] = "person"
    recipient: Recipient = "person"
    type: Literal["service", "marketing"]
    purpose: Purpose
    channel: Channel = Channel.EMAIL
    event: bool = False
    since: str | None = None
    """When an event segment starts, ISO 8601; by default the moment of its first evaluation."""
    fact: str | None = None
    """The subject's time that an event segment counts by; `applied_at` of an application unless told."""
    useless_after_days: int | None = Field(default=None, gt=0)
    useless_after: str | None = None
    """A time of the subject from which a message is of no use, as an interview's `starts_at`."""
    once_per: Literal["subject", "consent"] = "subject"
    priority: int = 0
    holdout: float = Field(default=0, ge=0, lt=1)
    voucher: str | None = None
    """The kind of voucher code that each message hands out; gives the merge field `voucher_code`."""
    answer_within_days: int | None = Field(default=None, gt=0)
    """Working days until an answer is promised; gives the merge field `answer_by`."""
    who: Mapping[str, Any]
    """all, any, none of conditions; see `talent_pool.segments.rules`."""

    @field_validator("since", mode="before")
    @classmethod
    def _since_in_utc(cls, value: Any) -> str | None:
        if value is None:
            return None
        try:
            return instant(value).isoformat()
        except ValueError:
            raise ValueError("give a date or time such as 2026-01-31 or 2026-01-31T08:00:00Z") from None

    @model_validator(mode="after")
    def _understood(self) -> Self:
        try:
            parse(self.who, self.subject)
        except RuleError as error:
            raise PydanticCustomError(
                "rule", "{problem}", {"problem": str(error), "path": ("who", *error.path)}
            ) from None
        self._written_to_whom()
        if self.event:
            self._counts_by_a_fact()
        elif self.since or self.fact or self.useless_after:
            raise _wrong(
                "since" if self.since else "fact" if self.fact else "useless_after",
                "`since`, `fact` and `useless_after` belong to segments with `event: true`",
            )
        return self

    def _written_to_whom(self) -> None:
        if (self.subject == "user") != (self.recipient == "user"):
            raise _wrong("recipient", "segments with `subject: user` have `recipient: user`, and no others do")
        around = self.recipient in ("recruiter", "hiring_manager", "interviewer", "referrer")
        if (around and self.subject == "person") or (self.recipient == "interviewer" and self.subject != "interview"):
            raise _wrong("recipient", f"a segment of {self.subject}s has no {self.recipient}; give another one")
        if self.recipient != "person" and self.type == "marketing":
            raise _wrong("recipient", "marketing goes to candidates alone; give `type: service`")
        if self.once_per == "consent" and (self.subject != "person" or self.event):
            raise _wrong("once_per", "consents are people's, and run out; give `subject: person`, without `event`")
        if self.holdout and self.type == "service":
            raise _wrong("holdout", "service messages are never held back; `holdout` belongs to `type: marketing`")

    def _counts_by_a_fact(self) -> None:
        times = [name for name, field in ENTITIES[self.subject].fields.items() if field.kind is Kind.TIME]
        if self.fact is None and self.subject != "application":
            raise _wrong("event", f"an event segment of {self.subject}s names its `fact`: one of {', '.join(times)}")
        if self.fact is not None and self.fact not in times:
            raise _wrong("fact", f"`fact` is one of {', '.join(times)}")
        if self.useless_after is not None and self.useless_after not in times:
            raise _wrong("useless_after", f"`useless_after` is one of {', '.join(times)}")
        if self.useless_after_days is None and self.useless_after is None:
            raise _wrong(
                "event", "an event segment says `useless_after_days`: how old a fact may be and still be written about"
            )

    @property
    def counted_by(self) -> str:
        """The subject's time that an event segment counts by."""
        return self.fact or "applied_at"

    @property
    def since_at(self) -> datetime | None:
        """`since` as an instant."""
        return datetime.fromisoformat(self.since) if self.since else None

    @property
    def rule(self) -> Group:
        """The checked tree of `who`."""
        return parse(self.who, self.subject)

    def version(self, *depends_on: str) -> str:
        """Return a hash of what the segment means, its wording and owner left out. `depends_on`: settings it uses."""
        told = self.model_dump(mode="json")
        meaning = {name: told[name] for name in _MEANING}
        meaning |= {name: told[name] for name in _MEANING_IF_SET if told[name] != type(self).model_fields[name].default}
        # Keys keep their order of writing out of it; dates in rules are written as YAML gave them.
        packed = orjson.dumps([GRAMMAR, meaning, sorted(depends_on)], option=orjson.OPT_SORT_KEYS, default=str)
        return hashlib.sha256(packed).hexdigest()[:12]
