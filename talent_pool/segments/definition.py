"""A segment as it is written in YAML."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from connectors.records import Channel, Purpose


class SegmentDefinition(BaseModel):
    """One segment: who is in it, what it is about, and how it may be written to.

    `subject`: what a membership is about; two applications of one person are two memberships of an application
    segment. `event`: membership is an occasion for one message, counted from the segment's activation; otherwise it
    is a state that a destination mirrors. `type` decides which consent is asked for.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    description: str
    organisation: str = "default"
    owner: str = "hr-ops@example.com"
    subject: Literal["person", "application"] = "person"
    type: Literal["service", "marketing"]
    purpose: Purpose
    channel: Channel = Channel.EMAIL
    event: bool = False
    useless_after_days: int | None = None
    answer_within_days: int | None = None
    """Working days until an answer is promised; gives the merge field `answer_by`."""
    who: Mapping[str, Any]
    """all, any, none of conditions; see `talent_pool.segments.rules`."""
