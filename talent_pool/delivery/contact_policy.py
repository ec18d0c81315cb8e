"""When, and how often, an organisation's marketing may reach one person: a block of YAML with defaults that are good.

It binds marketing alone. A service message (an answer, an invitation, a reminder) goes whenever it is ready.
"""

import re
from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator

_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


class QuietHours(BaseModel):
    """Hours of the night, by the clock of the person's own time zone: `{begin: "20:00", end: "08:00"}`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    begin: str = "20:00"
    end: str = "08:00"

    # by hand, for a component's nested blocks take no constraints of fields
    @field_validator("begin", "end")
    @classmethod
    def _is_a_clock(cls, value: str) -> str:
        if not _CLOCK.fullmatch(value):
            raise ValueError('give a time of day such as "20:00"')
        return value

    def over(self, moment: datetime, zone: str) -> datetime:
        """Return the first moment from `moment` on that is not quiet, in the zone of `moment`."""
        local = moment.astimezone(ZoneInfo(zone))
        begin, end = time.fromisoformat(self.begin), time.fromisoformat(self.end)
        clock = local.time().replace(tzinfo=None)
        quiet = begin <= clock < end if begin <= end else clock >= begin or clock < end
        if not quiet:
            return moment
        day = local.date() if clock < end else local.date() + timedelta(days=1)
        return datetime.combine(day, end, ZoneInfo(zone)).astimezone(moment.tzinfo)


class Cap(BaseModel):
    """At most so many messages within so many days of the person's calendar, today included."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    messages: int
    days: int

    @field_validator("messages", "days")
    @classmethod
    def _is_at_least_one(cls, value: int) -> int:
        if value < 1:
            raise ValueError("give a number of at least 1")
        return value

    def over(self, sent: list[date], today: date) -> date:
        """Return the first day from `today` on that has room for one more; `sent` are the days of earlier ones."""
        counted = sorted(day for day in sent if day > today - timedelta(days=self.days))
        if len(counted) < self.messages:
            return today
        return counted[len(counted) - self.messages] + timedelta(days=self.days)


class ContactPolicy(BaseModel):
    """One organisation's policy; null, 0 or an empty list switches a part off.

    `time_zone` is for people of whom none is known.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    organisation: str = "default"
    time_zone: str = "UTC"
    quiet_hours: QuietHours | None = QuietHours()
    caps: tuple[Cap, ...] = (Cap(messages=1, days=1), Cap(messages=4, days=30))
    cool_off_days: int = Field(default=14, ge=0)
    """Days after a rejection in which nobody new is courted."""
    in_process: Literal["no_marketing", "allowed"] = "no_marketing"
    in_process_days: int = Field(default=90, ge=0)
    """Days without anything happening after which an open application is forgotten rather than in process; 0: never."""

    @field_validator("time_zone")
    @classmethod
    def _exists(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError("give an IANA time zone such as Europe/Berlin") from None
        return value

    @property
    def name(self) -> str:
        """What this block is called among those that have names; no name has a blank in it."""
        return f"the contact policy of {self.organisation}"

    def in_process_until(self, active_at: datetime | None) -> datetime | None:
        """Return the end of being in process, by the latest activity of an open application; None if she is not."""
        if active_at is None or self.in_process == "allowed":
            return None
        if self.in_process_days == 0:
            return datetime.max.replace(tzinfo=active_at.tzinfo)
        return active_at + timedelta(days=self.in_process_days)

    def may_go(self, now: datetime, zone: str, sent: list[datetime]) -> datetime:
        """Return the first moment from `now` on at which one more message may go, after those `sent` before."""
        place = ZoneInfo(zone)
        days = [moment.astimezone(place).date() for moment in sent]
        today = now.astimezone(place).date()
        first = max((cap.over(days, today) for cap in self.caps), default=today)
        moment = now if first <= today else datetime.combine(first, time(), place).astimezone(now.tzinfo)
        return self.quiet_hours.over(moment, zone) if self.quiet_hours else moment


FREE = ContactPolicy(quiet_hours=None, caps=(), cool_off_days=0, in_process="allowed")
"""A policy that holds nothing back."""
