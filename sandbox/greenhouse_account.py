"""What happens inside a Greenhouse account: changes, merges, deletions, and the webhooks that tell of them."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from sandbox.hiring import STAGES, Object, stage_id, when

_EMPTY_LISTS = (
    "email_addresses",
    "phone_numbers",
    "addresses",
    "website_addresses",
    "social_media_addresses",
    "tags",
    "linked_user_ids",
)


class Account:
    """The objects of one account by resource and id; `version` rises with every change."""

    def __init__(self, resources: Mapping[str, list[Object]], webhook_secret: str) -> None:
        self.resources = {name: {one["id"]: {**one} for one in objects} for name, objects in resources.items()}
        self.webhook_secret = webhook_secret
        self.version = 0

    def update_candidate(self, candidate_id: int, at: datetime, **fields: Any) -> Object:
        """Change a candidate; Greenhouse shows nothing of the former values."""
        return self._touch("candidates", candidate_id, at, fields)

    def update_application(self, application_id: int, at: datetime, **fields: Any) -> Object:
        """Change an application."""
        return self._touch("applications", application_id, at, {**fields, "last_activity_at": when(at)})

    def add_candidate(self, at: datetime, **fields: Any) -> Object:
        """Create a candidate; what is not given is empty."""
        number = max(self.resources["candidates"], default=0) + 1
        template: Object = {
            "id": number,
            "first_name": None,
            "last_name": None,
            "preferred_name": None,
            "company": None,
            "title": None,
            "private": False,
            "can_email": True,
            "time_zone": None,
            "custom_fields": {},
            **{name: list[Any]() for name in _EMPTY_LISTS},
            "created_at": when(at),
            "updated_at": when(at),
            "last_activity_at": when(at),
        }
        return self._add("candidates", template | fields)

    def add_application(self, candidate_id: int, job_id: int, at: datetime, **fields: Any) -> Object:
        """Create an application in its job's first stage, with its row of stage history."""
        number = max(self.resources["applications"], default=0) + 1
        sample = next(iter(self.resources["applications"].values()), {})
        application: Object = dict.fromkeys(sample) | {
            "id": number,
            "candidate_id": candidate_id,
            "job_id": job_id,
            "job_post_id": job_id + 50_000,
            "stage_id": stage_id(job_id, 0),
            "stage_name": STAGES[0],
            "source_id": 3,
            "status": "in_process",
            "prospect": False,
            "needs_decision": False,
            "answers": [],
            "custom_fields": {},
            "prospective_job_ids": [],
            "created_at": when(at),
            "updated_at": when(at),
            "last_activity_at": when(at),
        }
        self._add("applications", application | fields)
        self._enter(number, job_id, 0, at)
        self._touch("candidates", candidate_id, at, {"last_activity_at": when(at)})
        return self.resources["applications"][number]

    def move_application(self, application_id: int, position: int, at: datetime) -> Object:
        """Move an application to the step at `position` of its job."""
        application = self.resources["applications"][application_id]
        for row in self.resources["application_stages"].values():
            if row["application_id"] == application_id and row["current"]:
                row.update(current=False, exited_at=when(at), updated_at=when(at))
        self._enter(application_id, application["job_id"], position, at)
        moved = {"stage_id": stage_id(application["job_id"], position), "stage_name": STAGES[position]}
        return self.update_application(application_id, at, **moved)

    def reject_application(self, application_id: int, at: datetime, reason_id: int = 1) -> Object:
        """Reject an application."""
        details = {
            "id": application_id,
            "application_id": application_id,
            "rejection_reason_id": reason_id,
            "rejection_note_id": None,
            "rejected_at": when(at),
            "rejected_by_id": 1,
            "question_custom_fields": {},
            "created_at": when(at),
            "updated_at": when(at),
        }
        self._add("rejection_details", details)
        return self.update_application(application_id, at, status="rejected", rejected_at=when(at))

    def delete_candidate(self, candidate_id: int) -> Object:
        """Delete a candidate for good, with what hangs on it. Only a webhook tells; returns the webhook's payload."""
        one = self.resources["candidates"].pop(candidate_id)
        gone = [a["id"] for a in self.resources["applications"].values() if a["candidate_id"] == candidate_id]
        for application_id in gone:
            self.delete_application(application_id)
        self.version += 1
        return {"person": _person(one) | {"deleted_application_ids": gone}}

    def merge_candidate(self, candidate_id: int, into: int, at: datetime) -> Object:
        """Merge a candidate into another; its applications move. Returns the webhook's payload."""
        one = self.resources["candidates"].pop(candidate_id)
        for application in self.resources["applications"].values():
            if application["candidate_id"] == candidate_id:
                application.update(candidate_id=into, updated_at=when(at))
        self._touch("candidates", into, at, {})
        return {"person": _person(one) | {"new_candidate_id": into}}

    def delete_application(self, application_id: int) -> Object:
        """Delete an application with what hangs on it; returns the webhook's payload."""
        application = self.resources["applications"].pop(application_id)
        for name in ("application_stages", "interviews", "scorecards", "offers", "rejection_details"):
            kept = {
                i: one for i, one in self.resources.get(name, {}).items() if one["application_id"] != application_id
            }
            self.resources[name] = kept
        self.version += 1
        kept_names = (
            "id",
            "candidate_id",
            "job_id",
            "created_at",
            "source_id",
            "rejected_at",
            "referrer_id",
            "prospect",
        )
        return {"application": {name: application[name] for name in kept_names}}

    def webhook(self, action: str, payload: Mapping[str, Any]) -> tuple[dict[str, str], bytes]:
        """Return headers and body of a signed webhook. Greenhouse escapes HTML's signs before it signs."""
        body = orjson.dumps({"action": action, "payload": payload})
        for sign in b"<>&":
            body = body.replace(bytes([sign]), b"\\u%04x" % sign)
        signature = hmac.new(self.webhook_secret.encode(), body, hashlib.sha256).hexdigest()
        event = hashlib.sha256(body).hexdigest()[:24]
        return {
            "Content-Type": "application/json",
            "Signature": f"sha256 {signature}",
            "Greenhouse-Event-ID": event,
        }, body

    def _touch(self, resource: str, number: int, at: datetime, fields: Mapping[str, Any]) -> Object:
        one = self.resources[resource][number]
        one.update(fields, updated_at=when(at))
        self.version += 1
        return one

    def _add(self, resource: str, one: Object) -> Object:
        self.resources.setdefault(resource, {})[one["id"]] = one
        self.version += 1
        return one

    def _enter(self, application_id: int, job_id: int, position: int, at: datetime) -> None:
        number, step = application_id * 10 + position, stage_id(job_id, position)
        row = {
            "id": number,
            "application_id": application_id,
            "created_at": when(at),
            "updated_at": when(at),
            "job_interview_stage_id": step,
            "entered_at": when(at),
            "exited_at": None,
            "days_in_stage": 0,
            "current": True,
        }
        self._add("application_stages", row)


def _person(one: Object) -> Object:
    names = ("id", "first_name", "last_name", "company", "title", "created_at", "can_email")
    return {name: one[name] for name in names} | {"is_private": one["private"]}
