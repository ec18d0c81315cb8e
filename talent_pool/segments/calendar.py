"""Spans of time that rules speak in: days, hours, working days.

A working day is Monday to Friday in UTC; holidays are a matter of place and come with the calendars of a later issue.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_DAY = timedelta(days=1)
_TICK = timedelta(microseconds=1)
_SATURDAY = 5


def _start_of_day(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def add_working_days(moment: datetime, days: int) -> datetime:
    """Return `moment` moved on by `days` working days; a moment at a weekend counts as Monday's beginning.

    Never moves one moment past another: earlier moments give earlier or equal results.
    """
    while moment.weekday() >= _SATURDAY:
        moment = _start_of_day(moment) + _DAY
    for _ in range(days):
        moment += _DAY
        while moment.weekday() >= _SATURDAY:
            moment += _DAY
    return moment


def subtract_working_days(moment: datetime, days: int) -> datetime:
    """Return the latest instant from which `days` working days have passed by `moment`.

    The inverse of `add_working_days`: that instant or any before it, moved on by `days`, is not after `moment`.
    """
    while moment.weekday() >= _SATURDAY:
        moment = _start_of_day(moment) - _TICK
    for _ in range(days):
        moment -= _DAY
        while moment.weekday() >= _SATURDAY:
            moment -= _DAY
    return moment


@dataclass(frozen=True, slots=True)
class Span:
    """A length of time; a negative one points the other way."""

    count: float
    unit: Literal["hours", "days", "working_days"]

    def after(self, moment: datetime) -> datetime:
        """Return `moment` moved on by this span."""
        if self.unit == "working_days":
            return add_working_days(moment, int(self.count))
        return moment + timedelta(**{self.unit: self.count})

    def before(self, moment: datetime) -> datetime:
        """Return the latest instant that, moved on by this span, is not after `moment`."""
        if self.unit == "working_days":
            return subtract_working_days(moment, int(self.count))
        return moment - timedelta(**{self.unit: self.count})

    def __str__(self) -> str:
        count = int(self.count) if self.count == int(self.count) else self.count
        name = self.unit.replace("_", " ")
        return f"{count} {name.removesuffix('s') if count == 1 else name}"


def local_days_ahead(moment: datetime, now: datetime, zone: str | None) -> int:
    """Return how many midnights of `zone` (IANA, else UTC) lie between now and `moment`."""
    place = zone_of(zone)
    return (moment.astimezone(place).date() - now.astimezone(place).date()).days


def local_midnight(moment: datetime, days_before: int, zone: str | None) -> datetime:
    """Return when the day begins, in `zone`, that is so many days before that of `moment`."""
    place = zone_of(zone)
    day = moment.astimezone(place).date() - timedelta(days=days_before)
    return datetime(day.year, day.month, day.day, tzinfo=place).astimezone(UTC)


@lru_cache
def zone_of(name: str | None) -> tzinfo:
    """Return an IANA zone; UTC for none and for one that does not exist."""
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


NOW = Span(0, "days")
"""No time at all."""
