"""People as rows: what survives of their records, the addresses they are reached at, and when they were last active."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from connectors.records import Candidate, Channel
from dedupe.survivorship import Contribution, golden
from talent_pool.installation import Installation
from talent_pool.resolution.landed import Landed, part_of
from talent_pool.resolution.projection import Difference, Projection
from talent_pool.store.addresses import address_key
from talent_pool.store.database import Store
from talent_pool.store.lookup import mappings_with
from talent_pool.store.tables import applications, events, people

TRUST_IN_UNKNOWN = 50
"""For a connection that is in no YAML: files brought in by hand, sources given up since."""

_ACTS = ("applied_at", "outcome_at", "stage_entered_at")
_ACTED = select(applications.c.id, applications.c.candidate_record_id, *(applications.c[name] for name in _ACTS))
_HAPPENED = select(events.c.id, events.c.candidate_record_id, events.c.at)

DERIVED = tuple(
    str(name)
    for name in people.c.keys()  # noqa: SIM118 - iterating a collection of columns gives columns, not names
    if name
    not in {"id", "organisation", "anchor_record_id", "minted_number", "state", "created_at", "modified_at", "sequence"}
)
"""Columns of `people` that follow from the records alone."""

_OF_LOCATION = ("city", "region", "country_code")
_AS_THEY_SURVIVE = tuple(name for name in DERIVED if name in Candidate.model_fields)
"""Those that are a surviving field as it is."""
_REACHED_BY = ((Channel.EMAIL, "email_addresses"), (Channel.SMS, "phone_numbers"))

STUB: Mapping[str, Any] = dict.fromkeys(DERIVED) | {"golden": {}, "provenance": {}}
"""What is left of a person without records: the id, and no data."""


@dataclass(frozen=True, slots=True)
class Activity:
    """When something first and last happened around a person's applications."""

    first: datetime | None = None
    last: datetime | None = None


def person_row(installation: Installation, members: Collection[Landed], activity: Activity) -> dict[str, Any]:
    """Return the derived columns of the person who is these candidate records."""
    survived = golden([_contribution(installation, landed) for landed in members], installation.survivorship)
    fields = survived.fields
    location = part_of(fields, "location")
    seen = [landed.remote_created_at or landed.landed_at for landed in members]
    born = [landed.remote_created_at for landed in members if landed.remote_created_at]
    if activity.first:
        seen.append(activity.first)
    if activity.last:
        born.append(activity.last)
    row = {name: fields.get(name) for name in _AS_THEY_SURVIVE}
    row["primary_email"] = _first(fields.get("email_addresses"))
    row["primary_phone"] = _first(fields.get("phone_numbers"))
    for name in _OF_LOCATION:
        row[name] = location.get(name)
    row["time_zone_basis"] = "stated" if fields.get("time_zone") else None
    row["golden"] = fields
    row["provenance"] = survived.provenance
    row["first_seen_at"] = min(seen)
    row["last_activity_at"] = max(born, default=None)
    return row


def address_rows(
    store: Store, person: str, row: Mapping[str, Any], members: Collection[Landed]
) -> list[dict[str, Any]]:
    """Return where this person is reached: every address of every record, as its source holds it."""
    primary = {row["primary_email"], row["primary_phone"]}
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    keys: dict[tuple[Channel, str], str] = {}
    for landed in members:
        for channel, field in _REACHED_BY:
            for one in landed.body.get(field) or ():
                address = one["value"]
                if not address:
                    continue
                if (key := keys.get((channel, address))) is None:  # a person's sources mostly hold the same ones
                    key = keys[channel, address] = address_key(store, channel, address)
                found[landed.id, channel, address] = {
                    "person_id": person,
                    "record_id": landed.id,
                    "channel": channel.value,
                    "address": address,
                    "address_key": key,
                    "is_primary": address in primary,
                }
    return [found[key] for key in sorted(found)]


def activities(
    connection: Connection, projection: Projection, candidates: Collection[str], now: datetime
) -> dict[str, Activity]:
    """Return what happened around each candidate record, as it will stand once `projection` is written."""
    moments: defaultdict[str, list[datetime]] = defaultdict(list)
    stored = mappings_with(connection, _ACTED, applications.c.candidate_record_id, candidates)
    for row in _current(stored, projection.applications):
        moments[row["candidate_record_id"]] += [row[name] for name in _ACTS if row[name]]
    stored = mappings_with(connection, _HAPPENED, events.c.candidate_record_id, candidates)
    for row in _current(stored, projection.events):
        if row["candidate_record_id"] and row["at"]:
            moments[row["candidate_record_id"]].append(row["at"])
    # An interview booked for next week has not happened yet.
    past = {name: [at for at in told if at <= now] for name, told in moments.items()}
    return {name: Activity(min(told), max(told)) for name, told in past.items() if told}


def combined(activity: Iterable[Activity]) -> Activity:
    """Return the activity of several records taken together."""
    activity = list(activity)
    return Activity(
        min((one.first for one in activity if one.first), default=None),
        max((one.last for one in activity if one.last), default=None),
    )


def _current(stored: Iterable[Mapping[str, Any]], difference: Difference) -> Iterable[Mapping[str, Any]]:
    return [*(row for row in stored if row["id"] not in difference.stored), *difference.wanted.values()]


def _contribution(installation: Installation, landed: Landed) -> Contribution:
    setting = installation.connections.get(landed.connection)
    return Contribution(
        record_id=landed.id,
        connection=landed.connection,
        body=landed.body,
        observed_at=landed.remote_updated_at or landed.landed_at,
        trust=setting.trust if setting else TRUST_IN_UNKNOWN,
        landing_number=landed.landing_number,
    )


def _first(told: Any) -> str | None:
    """Return the first of several addresses, which is the primary one."""
    return told[0]["value"] if told else None
