"""One application as a row, from its own record and everything that hangs on it or is named in it."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.records import Application, Disposition, Interaction, JobStage, Reference, StageEntry
from talent_pool.resolution.landed import Landed, Place, part_of
from talent_pool.resolution.progress import ending, standing
from talent_pool.store.database import Store
from talent_pool.store.ids import record_id

PARTS = ("stage_entry", "disposition", "interaction")
"""Types of records that hang on an application."""

HoldersOf = Callable[[Collection[str]], Mapping[str, str]]
"""Who holds each of these candidate records; one that has not landed, or was removed, is left out."""


@dataclass(frozen=True, slots=True)
class Link:
    """A referral link as far as an application needs it."""

    job: tuple[str, str] | None
    referrer_name: str | None
    referrer_email: str | None
    campaign: str | None


@dataclass(frozen=True)
class Surroundings:
    """What applications point at.

    `found`: records by place. `links`: referral links by token. `connections`: the names of all connections.
    """

    store: Store
    connections: Collection[str]
    found: Mapping[Place, Landed]
    links: Mapping[str, Link]

    def candidate(self, connection: str, remote_id: str) -> str:
        """Return the birth id of a candidate record, which may not have landed yet."""
        landed = self.found.get((connection, "candidate", remote_id))
        return landed.id if landed else record_id(self.store, connection, "candidate", remote_id)

    def job(self, connection: str, remote_id: str | None) -> str | None:
        """Return the id of a job, which may not have landed yet; `CONNECTION:ID` names one of another connection."""
        if remote_id is None:
            return None
        other, _, rest = remote_id.partition(":")
        if rest and other in self.connections:
            connection, remote_id = other, rest
        return job_id(self.store, connection, remote_id)

    def reference(self, connection: str, kind: str, remote_id: str | None) -> Reference | None:
        """Return the named thing of this kind, once it has landed."""
        for name in _spellings(kind, remote_id):
            landed = self.found.get((connection, "reference", name))
            record = landed.record if landed and landed.live else None
            if isinstance(record, Reference) and record.kind == kind:
                return record
        return None

    def steps(self, connection: str, ids: Iterable[str]) -> dict[str, JobStage]:
        """Return those of the job's steps that have landed, by id."""
        steps: dict[str, JobStage] = {}
        for step_id in ids:
            landed = self.found.get((connection, "job_stage", step_id))
            if landed and landed.live and isinstance(landed.record, JobStage):
                steps[step_id] = landed.record
        return steps


def application_id(record: str) -> str:
    """Return the id of the application whose own record is `record`."""
    return "app_" + record.removeprefix("rec_")


def job_id(store: Store, connection: str, remote_id: str) -> str:
    """Return the id of a job by what its source calls it."""
    return "job_" + record_id(store, connection, "job", remote_id).removeprefix("rec_")


def named_references(speaker: Landed) -> set[str]:
    """Return the remote ids of references that an application or disposition may mean."""
    return set(reference_ids(speaker.record_type, speaker.body))


def reference_ids(record_type: str, body: Mapping[str, Any]) -> Iterator[str]:
    """Yield the ids a body names. References share one id space at a connection, so some sources prefix the kind."""
    if record_type == "disposition":
        yield from _spellings("reject_reason", body.get("reason_id"))
    elif record_type == "application":
        for name in ("source", "reject_reason", "referrer"):
            yield from _spellings(name, part_of(body, name).get("remote_id"))


def step_ids(application: Landed, parts: Iterable[Landed]) -> set[str]:
    """Return the ids of the job's steps that an application and its parts name."""
    named = {application.body.get("stage_id")}
    for part in parts:
        named.add(part.body.get("stage_id"))
        named.add(part_of(part.body, "details").get("stage_id"))
    return {str(name) for name in named if name is not None}


def application_row(landed: Landed, parts: Collection[Landed], around: Surroundings) -> dict[str, Any]:
    """Return the row of `applications` for this record, still without `person_id` and `modified_at`."""
    record = landed.read_as(Application)
    interactions = [part.record for part in parts if isinstance(part.record, Interaction)]
    entries = [part.record for part in parts if isinstance(part.record, StageEntry)]
    end = ending(landed, [part for part in parts if isinstance(part.record, Disposition)])
    steps = around.steps(landed.connection, step_ids(landed, parts))
    place = standing(record, entries, interactions, steps, end.outcome)
    candidate = around.candidate(landed.connection, record.candidate_id)
    link = around.links.get(record.referrer.link_token or "") if record.referrer else None
    source = around.reference(landed.connection, "source", record.source.remote_id if record.source else None)
    family = _family(record, source)
    return {
        "id": application_id(landed.id),
        "organisation": landed.organisation,
        "connection": landed.connection,
        "remote_id": landed.remote_id,
        "record_id": landed.id,
        "candidate_record_id": candidate,
        "job_id": _job(record, landed, link, around),
        "kind": record.kind,
        "applied_at": _applied_at(record, interactions),
        "stage": place.stage.value if place.stage else None,
        "stage_name": place.stage_name,
        "stage_entered_at": place.entered_at,
        "furthest_stage": place.furthest.value if place.furthest else None,
        "furthest_rank": place.furthest.rank if place.furthest else None,
        "outcome": end.outcome.value,
        "outcome_at": end.at,
        "outcome_learned_at": end.told_by.modified_at if end.told_by else None,
        "on_hold": bool(record.on_hold),
        "reject_reason": _reject_reason(record, landed, end.reason_id, around),
        "source_name": (record.source.name if record.source else None) or (source.name if source else None),
        "source_family": family,
        "referrer": _referrer(record, landed, link, around),
        "referred": _referred(record, family),
        "recruiter_id": record.recruiter_id,
        "acknowledged_at": record.acknowledged_at or _first(interactions, "acknowledged"),
        "attachments": [one.model_dump(mode="json", exclude_none=True) for one in record.attachments],
        "landed_at": landed.landed_at,
    }


def _job(record: Application, landed: Landed, link: Link | None, around: Surroundings) -> str | None:
    if record.job_id is None and link and link.job:
        return job_id(around.store, *link.job)
    return around.job(landed.connection, record.job_id)


def _family(record: Application, source: Reference | None) -> str | None:
    told = record.source.family if record.source else None
    return told or (source.details.get("family") if source else None)


def _referred(record: Application, family: str | None) -> bool:
    # who brings people in for a living (agencies, sourcers) is credited too, and refers nobody
    named = record.referrer is not None and family not in ("agency", "sourcing")
    return named or record.kind == "referral" or family == "referral"


def _reject_reason(record: Application, landed: Landed, reason_id: str | None, around: Surroundings) -> str | None:
    if record.reject_reason and record.reject_reason.name:
        return record.reject_reason.name
    reference = around.reference(landed.connection, "reject_reason", reason_id)
    return reference.name if reference else None


def _referrer(record: Application, landed: Landed, link: Link | None, around: Surroundings) -> dict[str, Any] | None:
    if record.referrer is None:
        return None
    known = record.referrer.model_dump(mode="json", exclude_none=True)
    reference = around.reference(landed.connection, "referrer", record.referrer.remote_id)
    named = {"name": reference.name} if reference and reference.name else {}
    linked = {"name": link.referrer_name, "email": link.referrer_email, "campaign": link.campaign} if link else {}
    return {name: value for name, value in (named | linked | known).items() if value}


def _applied_at(record: Application, interactions: Iterable[Interaction]) -> datetime | None:
    told = record.applied_at or _first(interactions, "applied")
    return told or (record.remote_created_at if record.kind == "application" else None)


def _first(interactions: Iterable[Interaction], kind: str) -> datetime | None:
    return min((one.at for one in interactions if one.type == kind and one.at), default=None)


def _spellings(kind: str, remote_id: Any) -> tuple[str, ...]:
    return () if remote_id is None else (str(remote_id), f"{kind}:{remote_id}")
