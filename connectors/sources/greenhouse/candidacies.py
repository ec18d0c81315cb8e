"""Candidates and applications of Harvest v3: flat objects, linked by ids.

Shapes: harvestdocs.greenhouse.io, and the examples of the published OpenAPI description.
"""

from collections.abc import Mapping
from typing import Any

from connectors.contract import Json
from connectors.records import (
    Application,
    Candidate,
    Channel,
    ConsentStatement,
    ConsentStatus,
    Disposition,
    Evidence,
    Outcome,
    Purpose,
    Record,
    StageEntry,
    StatedBy,
)
from connectors.sources.greenhouse.fields import stamped, text
from connectors.sources.greenhouse.protected import is_protected_field
from connectors.sources.greenhouse.stages import StageNames

_SAME_NAMES = ("first_name", "last_name", "preferred_name", "company", "title", "time_zone", "tags")
_EMAIL_TYPES = {"personal": "personal", "work": "work"}
_OUTCOMES = {
    "in_process": Outcome.PENDING,
    "active": Outcome.PENDING,
    "rejected": Outcome.REJECTED,
    "hired": Outcome.HIRED,
    "converted": Outcome.TRANSFERRED,
}
_CAN_EMAIL = Evidence(kind="vendor_field", form_id="can_email")


def candidate(raw: Json) -> list[Record]:
    """Return a candidate; `can_email: false` is a refusal besides, `true` is nobody's yes."""
    data = stamped(raw, str(raw["id"])) | contact(raw)
    if "private" in raw:
        data["is_private"] = raw["private"]
    if "custom_fields" in raw:
        data["custom_fields"] = _fields(raw["custom_fields"])
    found = Candidate.model_validate(data)
    return [found, *no_mail(found)] if raw.get("can_email") is False else [found]


def contact(raw: Json) -> Json:
    """Return what Harvest and webhooks call alike: names, addresses, tags."""
    data = {name: raw[name] for name in _SAME_NAMES if name in raw}
    if "email_addresses" in raw:
        data["email_addresses"] = [
            {"value": each["value"], "email_address_type": _EMAIL_TYPES.get(each.get("type"), "other")}
            for each in raw["email_addresses"] or ()
            if each["value"]
        ]
    if "phone_numbers" in raw:
        data["phone_numbers"] = [
            {"value": each["value"], "phone_number_type": (each.get("type") or "other").strip()}
            for each in raw["phone_numbers"] or ()
            if each["value"]
        ]
    if "website_addresses" in raw or "social_media_addresses" in raw:
        data["urls"] = [
            {"value": each["value"], "url_type": each.get("type") or kind}
            for name, kind in (("website_addresses", "other"), ("social_media_addresses", "social"))
            for each in raw.get(name) or ()
            if each["value"]
        ]
    if "addresses" in raw:
        places = [each["value"] for each in raw["addresses"] or () if each["value"]]
        data["location"] = {"raw": places[0]} if places else None
    return data


def no_mail(candidate: Candidate) -> list[Record]:
    """Return the refusals that `can_email: false` stands for. Greenhouse keeps no date of it: the newest is taken."""
    at = candidate.remote_updated_at or candidate.remote_created_at
    if at is None:
        raise KeyError("created_at")
    return [
        ConsentStatement(
            remote_id=f"{candidate.remote_id}:{purpose}:email",
            candidate_id=candidate.remote_id,
            purpose=purpose,
            channel=Channel.EMAIL,
            status=ConsentStatus.REFUSED,
            stated_by=StatedBy.VENDOR_DEFAULT,
            stated_at=at,
            evidence=_CAN_EMAIL,
        )
        for purpose in (Purpose.FUTURE_JOBS, Purpose.MARKETING)
    ]


def answered(application_id: str, candidate_id: str, at: Any) -> Record:
    """Return what an application allows by itself: to be answered."""
    return ConsentStatement.model_validate(
        {
            "remote_id": f"application:{application_id}", "candidate_id": candidate_id, "purpose": "this_application",
            "status": "given", "lawful_basis": "contract", "stated_by": "candidate", "stated_at": at,
            "evidence": {"kind": "application", "form_id": application_id},
        }
    )  # fmt: skip


def application(raw: Json, stages: StageNames) -> list[Record]:
    """Return an application, and that it may be answered; prospects did not apply.

    A rejected application keeps its stage: how far it came and how it ended are two facts.
    """
    remote_id, candidate_id = str(raw["id"]), str(raw["candidate_id"])
    applied_at = raw.get("applied_at") or raw.get("created_at")
    data = stamped(raw, remote_id) | {"candidate_id": candidate_id}
    for ours, theirs in _APPLICATION_IDS:
        if theirs in raw:
            data[ours] = text(raw[theirs])
    if "prospect" in raw:
        data["kind"] = "prospect" if raw["prospect"] else "application"
    if applied_at and not raw.get("prospect"):
        data["applied_at"] = applied_at
    if "stage_name" in raw:
        data["stage_name"] = raw["stage_name"]
        data["stage"] = stages.stage(raw["stage_name"]) if raw["stage_name"] else None
    if "source_id" in raw:
        data["source"] = {"remote_id": text(raw["source_id"])} if raw["source_id"] is not None else None
    if "referrer_id" in raw:
        data["referrer"] = {"remote_id": text(raw["referrer_id"])} if raw["referrer_id"] is not None else None
    data |= ended(raw)
    records: list[Record] = [Application.model_validate(data)]
    if "applied_at" in data:
        records.append(answered(remote_id, candidate_id, applied_at))
    return records


_APPLICATION_IDS = (
    ("job_id", "job_id"),
    ("posting_id", "job_post_id"),
    ("stage_id", "stage_id"),
    ("recruiter_id", "recruiter_id"),
    ("coordinator_id", "coordinator_id"),
)


def ended(raw: Json) -> Json:
    """Return outcome and its date. A status that Greenhouse invents later is no outcome that we know."""
    if "status" not in raw:
        return {}
    outcome = _OUTCOMES.get(raw["status"])
    if outcome is None:
        return {}
    data: Json = {"outcome": outcome}
    if outcome is Outcome.REJECTED and raw.get("rejected_at"):
        data["outcome_at"] = raw["rejected_at"]
    elif outcome is Outcome.PENDING:
        data["outcome_at"] = None
    return data


def application_stage(raw: Json) -> list[Record]:
    """Return that a step was entered; Greenhouse lists every step of the job, also those never come to."""
    if not raw.get("entered_at") and not raw.get("current"):
        return []
    data = stamped(raw, str(raw["id"])) | {
        "application_id": str(raw["application_id"]),
        "stage_id": str(raw["job_interview_stage_id"]),
    }
    data |= {name: raw[name] for name in ("entered_at", "exited_at", "current") if name in raw}
    return [StageEntry.model_validate(data)]


def rejection(raw: Json) -> list[Record]:
    """Return why an application was rejected; whether the candidate withdrew stands in the reason."""
    data = stamped(raw, str(raw["id"])) | {"application_id": str(raw["application_id"]), "outcome": Outcome.REJECTED}
    for ours, theirs in (("reason_id", "rejection_reason_id"), ("by_user_id", "rejected_by_id")):
        if theirs in raw:
            data[ours] = text(raw[theirs])
    if "rejected_at" in raw:
        data["at"] = raw["rejected_at"]
    return [Disposition.model_validate(data)]


def _fields(fields: Mapping[str, Json] | None) -> Json:
    return {
        key: {"type": field.get("type"), "value": field.get("value"), "label": field.get("name")}
        for key, field in (fields or {}).items()
        if not is_protected_field(key, field.get("name") or "")
    }
