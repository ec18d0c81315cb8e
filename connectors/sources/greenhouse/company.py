"""What a company has set up in Greenhouse before anybody applies: jobs, their steps, staff, sources, reasons."""

from collections.abc import Callable

from connectors.contract import Json
from connectors.records import Job, JobStage, Record, Reference, User
from connectors.sources.greenhouse.fields import given, mapping, stamped, text
from connectors.sources.greenhouse.stages import StageNames

_FAMILIES = {
    "third-party boards": "job_board",
    "job boards": "job_board",
    "social media": "job_board",
    "company marketing": "portal",
    "referrals": "referral",
    "agencies": "agency",
    "prospecting": "sourcing",
    "attend events": "event",
}
_JOB_STATUSES = {"open": "open", "closed": "closed", "draft": "draft"}


def job(raw: Json) -> list[Record]:
    """Return a requisition."""
    data = stamped(raw, str(raw["id"])) | given(raw, "name", "confidential", "opened_at", "closed_at")
    if "requisition_id" in raw:
        data["code"] = text(raw["requisition_id"])
    if "status" in raw:
        data["status"] = _JOB_STATUSES.get(raw["status"])
    if raw.get("department_id") is not None:
        data["departments"] = [str(raw["department_id"])]
    if "office_ids" in raw:
        data["offices"] = [str(each) for each in raw["office_ids"] or ()]
    return [Job.model_validate(data)]


def job_stage(raw: Json, stages: StageNames) -> list[Record]:
    """Return a step of one job's process."""
    data = stamped(raw, str(raw["id"])) | {"job_id": str(raw["job_id"]), "name": raw["name"]}
    data |= {"position": raw.get("sort_order") or 0, "stage": stages.stage(raw["name"])}
    return [JobStage.model_validate(data)]


def user(raw: Json) -> list[Record]:
    """Return a member of staff."""
    data = stamped(raw, str(raw["id"])) | given(raw, "name")
    if "primary_email" in raw:
        data["email"] = raw["primary_email"]
    if "deactivated" in raw:
        data["active"] = not raw["deactivated"]
    if raw.get("site_admin"):
        data["roles"] = ["site_admin"]
    return [User.model_validate(data)]


def _reference(kind: str, details: Callable[[Json], Json]) -> Callable[[Json], list[Record]]:
    """Return a parser of named things. Each kind counts its ids by itself, so the kind is part of ours."""

    def _parsed(raw: Json) -> list[Record]:
        data = stamped(raw, f"{kind}:{raw['id']}") | {"kind": kind, "details": details(raw)} | given(raw, "name")
        return [Reference.model_validate(data)]

    return _parsed


def _type_name(raw: Json) -> str | None:
    kind = mapping(raw.get("type"))
    return text(kind.get("name") if kind else raw.get("type"))


def _source_details(raw: Json) -> Json:
    name = _type_name(raw)
    return {"type": name, "family": _FAMILIES.get((name or "").lower())}


def rejected_by(type_name: str | None) -> str:
    """Return who ended it, by the type of the reason: "We rejected them", "They rejected us"."""
    return "candidate" if (type_name or "").lower().startswith("they") else "employer"


def _reason_details(raw: Json) -> Json:
    name = _type_name(raw)
    return {"type": name, "by": rejected_by(name)}


source = _reference("source", _source_details)
referrer = _reference("referrer", lambda raw: {"user_id": text(raw.get("user_id"))})
rejection_reason = _reference("reject_reason", _reason_details)
