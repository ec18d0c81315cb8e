"""How far an application came and how it ended, from everything a source told of it, in whatever order it came."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from connectors.records import Application, Disposition, Interaction, JobStage, Outcome, Stage, StageEntry
from talent_pool.resolution.landed import Landed

_NEVER = datetime.min.replace(tzinfo=UTC)

_REACHED: Mapping[str, Stage] = {
    "assessment_started": Stage.ASSESSMENT,
    "assessment_finished": Stage.ASSESSMENT,
    "interview_held": Stage.INTERVIEW,
    "offer_made": Stage.OFFER,
    "offer_accepted": Stage.OFFER,
    "offer_declined": Stage.OFFER,
}
"""What an interaction proves; being invited to a step is not having come to it."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an application stands now, and the furthest it ever came."""

    stage: Stage | None
    stage_name: str | None
    entered_at: datetime | None
    furthest: Stage | None


@dataclass(frozen=True, slots=True)
class Ending:
    """How an application ended; `told_by` is the record that says so, `reason_id` its reason's id at the source."""

    outcome: Outcome
    at: datetime | None
    reason_id: str | None
    told_by: Landed | None


def standing(
    application: Application,
    entries: Iterable[StageEntry],
    interactions: Iterable[Interaction],
    steps: Mapping[str, JobStage],
    outcome: Outcome,
) -> Standing:
    """Return the present and the furthest stage. `steps` are the job's steps by id; unknown ones count for nothing."""
    entries = sorted(entries, key=lambda entry: (entry.current, entry.entered_at or _NEVER, entry.remote_id))
    last = entries[-1] if entries else None
    step_id = application.stage_id or (last.stage_id if last and last.current else None)
    step = steps.get(step_id) if step_id else None
    stage = application.stage or (step.stage if step else None)
    reached = {stage, application.furthest_stage}
    reached |= {steps[entry.stage_id].stage for entry in entries if entry.stage_id in steps}
    for interaction in interactions:
        reached.add(_REACHED.get(interaction.type))
        held_in = steps.get(str(interaction.details.get("stage_id")))
        if interaction.type == "interview_held" and held_in:
            reached.add(held_in.stage)
    if outcome is Outcome.HIRED:
        reached.add(Stage.OFFER)
    known = [one for one in reached if one is not None]
    entered = next((entry.entered_at for entry in reversed(entries) if entry.stage_id == step_id), None)
    return Standing(
        stage,
        application.stage_name or (step.name if step else None),
        application.stage_entered_at or entered,
        max(known, key=lambda one: one.rank) if known else None,
    )


def ending(application: Landed, dispositions: Sequence[Landed]) -> Ending:
    """Return how the application ended: by its own word, unless a disposition is newer or it says nothing."""
    record = application.read_as(Application)
    told = sorted(dispositions, key=lambda landed: (_happened(landed) or _NEVER, landed.remote_id))
    last = told[-1] if told else None
    if record.outcome is None or (record.outcome is Outcome.PENDING and last and _newer(last, application)):
        if last is None:
            return Ending(Outcome.PENDING, None, None, None)
        said = last.read_as(Disposition)
        return Ending(said.outcome, said.at, said.reason_id, last)
    if record.outcome is Outcome.PENDING:
        return Ending(Outcome.PENDING, None, None, None)
    agreeing = [said for said in (one.read_as(Disposition) for one in told) if said.outcome is record.outcome]
    detail = agreeing[-1] if agreeing else None
    reason_id = record.reject_reason.remote_id if record.reject_reason else None
    return Ending(
        record.outcome,
        record.outcome_at or (detail.at if detail else None),
        reason_id or (detail.reason_id if detail else None),
        application,
    )


def _happened(landed: Landed) -> datetime | None:
    return landed.read_as(Disposition).at or landed.remote_updated_at


def _newer(disposition: Landed, application: Landed) -> bool:
    told, updated = _happened(disposition), application.remote_updated_at
    return updated is None or (told is not None and told > updated)
