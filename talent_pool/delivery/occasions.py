"""What a message is about where it may be said again: in a segment that is `once_per: consent`, the consent given.

Another message may go when she consented anew after the last one, and to a later end. Nothing else makes an occasion:
a merge may bring an older consent, and a source may tell the same one every day.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from talent_pool.segments.definition import SegmentDefinition
from talent_pool.store.lookup import rows_with
from talent_pool.store.tables import consent_statements, person_records


@dataclass(frozen=True, slots=True)
class Occasion:
    """One consent: `name` is its end, ISO 8601, so that a later one sorts after it. Without a name there is but one."""

    name: str = ""
    given_at: datetime | None = None

    def is_new_after(self, told_at: datetime, told_of: str) -> bool:
        """Say whether this may be written about after a message of `told_at` about the occasion `told_of`."""
        return self.given_at is not None and self.given_at > told_at and self.name > told_of


THE_ONE = Occasion()


def of(connection: Connection, segment: SegmentDefinition, person_ids: Iterable[str]) -> dict[str, Occasion]:
    """Return for each person the consent that ends last; nobody where the segment is written to once for ever."""
    if segment.once_per != "consent":
        return {}
    query = (
        select(person_records.c.person_id, consent_statements.c.expires_at, consent_statements.c.stated_at)
        .join(consent_statements, consent_statements.c.record_id == person_records.c.record_id)
        .where(
            consent_statements.c.organisation == segment.organisation,
            consent_statements.c.purpose == segment.purpose.value,
            consent_statements.c.status == "given",
            consent_statements.c.expires_at.is_not(None),
        )
    )
    found: dict[str, Occasion] = {}
    for row in rows_with(connection, query, person_records.c.person_id, set(person_ids)):
        one = Occasion(row.expires_at.isoformat(), row.stated_at)
        before = found.get(row.person_id, THE_ONE)
        # of one end the first telling counts: what is told of it later is no new consent
        if one.name > before.name or (one.name == before.name and before.given_at and row.stated_at < before.given_at):
            found[row.person_id] = one
    return found


def current(occasion: Occasion, delivery: Row[Any] | None) -> tuple[str, Row[Any] | None]:
    """Return the occasion to write about, and the delivery that already did so or tried to."""
    if delivery is None or occasion.is_new_after(delivery.planned_at, delivery.occasion):
        return occasion.name, None
    return delivery.occasion, delivery


Reached = Mapping[str, tuple[datetime, str]]
"""When, and of which occasion, people (by id) and addresses (by key) were last written to."""


def has_heard(reached: Reached, occasion: Occasion, *names: str | None) -> bool:
    """Say whether one of these was written to of this occasion or a later one."""
    told = [reached[name] for name in names if name and name in reached]
    return any(not occasion.is_new_after(at, of_what) for at, of_what in told)
