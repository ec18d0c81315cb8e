"""Interviews, scorecards and offers of Harvest v3 as what happened around an application."""

from typing import Any

from connectors.contract import Json
from connectors.records import Interaction, Record
from connectors.sources.greenhouse.fields import given, stamped, text

_WHERE = {"location": "place", "video_conferencing_url": "video_url"}


def interview(raw: Json) -> list[Record]:
    """Return that an interview was booked and, once it is over, that it was held."""
    remote_id, status = f"interview:{raw['id']}", str(raw.get("status") or "scheduled")
    shared = stamped(raw, remote_id) | {"application_id": str(raw["application_id"])}
    if "organizer_id" in raw:
        shared["user_id"] = text(raw["organizer_id"])
    where = {ours: raw[theirs] for theirs, ours in _WHERE.items() if theirs in raw}
    shared["details"] = given(raw, "starts_at", "ends_at", "job_interview_id", "status") | where
    records: list[Record] = []
    booked_at = raw.get("scheduled_at") or raw.get("created_at")
    if status in ("scheduled", "awaiting_feedback", "complete"):
        records.append(_interaction(shared, f"{remote_id}:booked", "interview_booked", booked_at))
    if status in ("awaiting_feedback", "complete"):
        held_at = raw.get("ends_at") or raw.get("starts_at")
        records.append(_interaction(shared, f"{remote_id}:held", "interview_held", held_at))
    if status in ("cancelled", "canceled"):
        records.append(_interaction(shared, f"{remote_id}:cancelled", "interview_cancelled", raw.get("updated_at")))
    return records


def scorecard(raw: Json) -> list[Record]:
    """Return that feedback was given, or is still a draft and due; its words are not read."""
    submitted = raw.get("submitted_at")
    data = stamped(raw, "") | {"application_id": str(raw["application_id"])}
    user_id = raw.get("submitter_id") or raw.get("interviewer_id")
    data |= {"user_id": text(user_id), "details": given(raw, "candidate_rating", "interviewed_at", "interviewer_id")}
    kind = "feedback_given" if submitted else "feedback_due"
    return [_interaction(data, f"scorecard:{raw['id']}", kind, submitted or raw.get("interviewed_at"))]


def offer(raw: Json) -> list[Record]:
    """Return that an offer was made and what became of it. A draft that was never sent is none; pay is not read."""
    remote_id, status = f"offer:{raw['id']}", str(raw.get("status") or "").lower()
    shared = stamped(raw, remote_id) | {"application_id": str(raw["application_id"])}
    shared["details"] = given(raw, "version", "starts_on", "status")
    sent, resolved = raw.get("sent_on") or raw.get("sent_at"), raw.get("resolved_at")
    end = {"accepted": "offer_accepted", "rejected": "offer_declined"}.get(status)
    records: list[Record] = []
    if sent or end:
        made_at = sent or raw.get("created_at")
        records.append(_interaction(shared, f"{remote_id}:made", "offer_made", made_at))
    if end:
        records.append(_interaction(shared, f"{remote_id}:resolved", end, resolved))
    return records


def _interaction(shared: Json, remote_id: str, kind: str, at: Any) -> Record:
    data = shared | {"remote_id": remote_id, "type": kind, "at": at}
    if isinstance(at, str) and len(at) == len("2026-01-31"):
        data |= {"at": f"{at}T00:00:00Z", "precision": "day"}
    return Interaction.model_validate(data)
