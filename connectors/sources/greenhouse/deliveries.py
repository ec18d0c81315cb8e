"""Greenhouse's webhooks: the older, nested shape, and the only place that tells of deletions and merges.

What a webhook says of a candidate is partial and carries no `updated_at`; the next read of Harvest completes it. Its
version is the application's last activity, which is never newer than what Harvest says afterwards.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import orjson

from connectors.contract import Delivery, Json
from connectors.errors import Malformed
from connectors.records import Application, Candidate, Deletion, Record, RemovalCause
from connectors.sources.greenhouse.candidacies import answered, contact, ended, no_mail
from connectors.sources.greenhouse.company import rejected_by
from connectors.sources.greenhouse.fields import mapping, text
from connectors.sources.greenhouse.protected import cut, cut_files
from connectors.sources.greenhouse.stages import StageNames

STREAM = "webhook_events"

_APPLICATION_EVENTS = frozenset(
    {
        "new_candidate_application", "new_prospect_application", "application_updated", "candidate_stage_change",
        "hire_candidate", "unhire_candidate", "reject_candidate", "unreject_candidate",
    }
)  # fmt: skip
_CANDIDATE_EVENTS = frozenset({"update_candidate", "delete_candidate", "merge_candidate", "candidate_anonymized"})
_DELETED = {
    "delete_application": ("application", "application", ("{}",)),
    "interview_deleted": ("interview", "interaction", ("interview:{}:booked", "interview:{}:held")),
    "scorecard_deleted": ("scorecard", "interaction", ("scorecard:{}",)),
    "offer_deleted": ("offer", "interaction", ("offer:{}:made", "offer:{}:resolved")),
    "job_deleted": ("job", "job", ("{}",)),
    "job_interview_stage_deleted": ("job_interview_stage", "job_stage", ("{}",)),
}
"""By action: where the payload keeps what is gone, the type of our record, and how its records are called."""
READ = _APPLICATION_EVENTS | _CANDIDATE_EVENTS | frozenset(_DELETED)
"""Actions that tell something which Harvest does not tell better; the rest is acknowledged and forgotten."""


def event(body: bytes) -> Json:
    """Return the decoded body. Raises Malformed if it is no event."""
    try:
        told = mapping(orjson.loads(body))
    except orjson.JSONDecodeError:
        told = None
    if told is None or not isinstance(told.get("action"), str):
        raise Malformed("Greenhouse's delivery is no JSON object with an action.")
    return told


def key(event_id: str | None, body: bytes) -> str:
    """Return the event's id, which repeats keep; without one the body's hash. Raises Malformed."""
    event(body)
    return event_id or hashlib.sha256(body).hexdigest()


def objects(delivery: Delivery) -> Iterator[tuple[str, Json]]:
    """Yield the event as one raw object, without files and protected answers. Raises Malformed."""
    told = event(delivery.body)
    if told["action"] not in READ:
        return
    payload = mapping(told.get("payload"))
    if payload is None:
        raise Malformed("Greenhouse's delivery has no payload.")
    for each in _kept_objects(payload):
        cut_files(cut(each))
    received_at = delivery.received_at.isoformat()
    raw = {"id": delivery.key, "action": told["action"], "received_at": received_at, "payload": payload}
    yield STREAM, raw


def _kept_objects(payload: Json) -> Iterator[Json]:
    application = mapping(payload.get("application"))
    nested = application.get("candidate") if application else None
    for each in (application, nested, payload.get("candidate"), payload.get("person")):
        if found := mapping(each):
            yield found


def parse(raw: Json, stages: StageNames) -> Iterable[Record]:
    """Return the records in one event."""
    action, payload, at = raw["action"], raw["payload"], raw["received_at"]
    if action in _APPLICATION_EVENTS:
        return _application(payload["application"], stages)
    if action == "update_candidate":
        return _candidate(payload["candidate"], None)
    if action in _DELETED:
        place, record_type, names = _DELETED[action]
        number = payload[place]["id"]
        return [_gone(record_type, name.format(number), RemovalCause.DELETED, at) for name in names]
    return _CANDIDATE_ENDS[action](payload, at)


def _gone(record_type: str, remote_id: Any, cause: RemovalCause, at: str, into: str | None = None) -> Record:
    data = {"remote_id": str(remote_id), "deleted_type": record_type, "cause": cause, "at": at, "merged_into": into}
    return Deletion.model_validate(data)


def _deleted(payload: Json, at: str) -> list[Record]:
    person = payload["person"]
    applications = person.get("deleted_application_ids") or ()
    return [
        _gone("candidate", person["id"], RemovalCause.DELETED, at),
        *(_gone("application", each, RemovalCause.DELETED, at) for each in applications),
    ]


def _merged(payload: Json, at: str) -> list[Record]:
    person = payload["person"]
    return [_gone("candidate", person["id"], RemovalCause.MERGED_UPSTREAM, at, str(person["new_candidate_id"]))]


def _anonymized(payload: Json, at: str) -> list[Record]:
    return [_gone("candidate", payload["candidate_id"], RemovalCause.ERASED, at)]


_CANDIDATE_ENDS: dict[str, Callable[[Json, str], list[Record]]] = {
    "delete_candidate": _deleted,
    "merge_candidate": _merged,
    "candidate_anonymized": _anonymized,
}


def _candidate(raw: Json, version: str | None) -> list[Record]:
    data = {"remote_id": str(raw["id"])} | contact(raw)
    if "created_at" in raw:
        data["remote_created_at"] = raw["created_at"]
    if version:
        data["remote_updated_at"] = version
    if "is_private" in raw:
        data["is_private"] = raw["is_private"]
    if raw.get("url"):
        data["remote_url"] = raw["url"]
    found = Candidate.model_validate(data)
    return [found, *no_mail(found)] if raw.get("can_email") is False else [found]


def _application(raw: Json, stages: StageNames) -> list[Record]:
    remote_id, candidate = str(raw["id"]), raw["candidate"]
    candidate_id, version = str(candidate["id"]), raw.get("last_activity_at") or raw.get("applied_at")
    prospect = bool(raw.get("prospect"))
    data: Json = {
        "remote_id": remote_id,
        "candidate_id": candidate_id,
        "kind": "prospect" if prospect else "application",
    }
    if version:
        data["remote_updated_at"] = version
    if raw.get("applied_at") and not prospect:
        data["applied_at"] = raw["applied_at"]
    data |= ended(raw) | _step(raw, stages) | _origin(raw)
    data["attachments"] = [_attachment(candidate_id, each) for each in candidate.get("attachments") or ()]
    records = [*_candidate(candidate, version), Application.model_validate(data)]
    if "applied_at" in data:
        records.append(answered(remote_id, candidate_id, data["applied_at"]))
    return records


def _step(raw: Json, stages: StageNames) -> Json:
    data: Json = {}
    if step := raw.get("current_stage"):
        data |= {"stage_id": text(step.get("id")), "stage_name": step["name"], "stage": stages.stage(step["name"])}
    if jobs := raw.get("jobs"):
        data |= {"job_id": text(jobs[0]["id"]), "posting_id": text(jobs[0].get("job_post_id"))}
    return data


def _origin(raw: Json) -> Json:
    data: Json = {}
    if source := raw.get("source"):
        data["source"] = {"remote_id": text(source.get("id")), "name": source.get("name") or source.get("public_name")}
    if credited := raw.get("credited_to"):
        data["credited_to"] = text(credited.get("id"))
    if reason := raw.get("rejection_reason"):
        by = rejected_by((mapping(reason.get("type")) or {}).get("name"))
        data["reject_reason"] = {"remote_id": text(reason.get("id")), "name": reason.get("name"), "by": by}
    return data


def _attachment(candidate_id: str, raw: Json) -> Json:
    """Name a file by what it is called: webhooks give it no id, and its link is signed anew each time."""
    told = f"{candidate_id}\0{raw.get('type')}\0{raw.get('filename')}"
    return {
        "id": hashlib.sha256(told.encode()).hexdigest()[:16],
        "kind": raw.get("type") or "other",
        "file_name": raw.get("filename"),
    }
