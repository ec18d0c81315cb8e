"""Our own careers-portal form: `POST /forms/careers` puts one submission into the inbox, as JSON.

A tick is a statement by the candidate, for the address given beside it; an empty box says nothing. The form is
public, so nothing is signed; what it may hold is fixed here, and anything else is not kept.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from connectors.contract import Answers, Delivery, Json
from connectors.errors import Malformed
from connectors.records import Application, Candidate, ConsentStatement, Record
from connectors.shapes import decoded
from connectors.source import DeliveredSource

SUBMISSIONS = "submissions"
_Text = Annotated[str, Field(min_length=1, max_length=1_000)]


class _Ticks(BaseModel):
    model_config = ConfigDict(extra="ignore")

    future_jobs: bool = False
    marketing: bool = False


class _Submission(BaseModel):
    """What a submission may hold; fields that are not here are dropped unread."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True)

    id: _Text | None = None
    submission_id: _Text | None = None
    form_id: _Text = "careers"
    submitted_at: AwareDatetime | None = None
    first_name: _Text
    last_name: _Text
    email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=254)]
    phone: _Text | None = None
    job: _Text | None = None
    message: Annotated[str, Field(max_length=20_000)] | None = None
    consents: _Ticks = _Ticks()
    notice_id: _Text | None = None
    notice_version: _Text | None = None
    wording_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    language: _Text | None = None
    ref: _Text | None = None
    utm: dict[str, str] = Field(default_factory=dict)


class CareersForm(DeliveredSource):
    """Submissions of our own form; all of them are delivered."""

    connector = "careers_form"
    family = "portal"
    answers = Answers(accepted=202)

    def check(self) -> str:
        return "Submissions are delivered to /forms/careers; there is nothing to reach."

    def authenticate(self, headers: Mapping[str, str], body: bytes) -> None:
        """Accept: whoever can see the form may send it."""

    def delivery_key(self, headers: Mapping[str, str], body: bytes) -> str:  # noqa: ARG002 - the contract's
        return _read(body).submission_id or _digest(body)

    def objects(self, delivery: Delivery) -> Iterable[tuple[str, Json]]:
        submission = _read(delivery.body)
        raw = submission.model_dump(mode="json", exclude_unset=True, exclude={"id"})
        raw.setdefault("submitted_at", delivery.received_at.isoformat())
        yield SUBMISSIONS, {**raw, "id": submission.submission_id or _digest(delivery.body)}

    def parse(self, stream: str, raw: Json) -> Iterable[Record]:  # noqa: ARG002 - the contract's
        submission = _Submission.model_validate(raw)
        key, at = submission.id, submission.submitted_at
        if not key or not at:
            raise Malformed("a submission without id or submitted_at was not made by the intake.")
        yield _candidate(key, submission)
        yield _application(key, submission)
        for purpose in ("future_jobs", "marketing"):
            if getattr(submission.consents, purpose):
                yield _consent(key, submission, purpose)


def _read(body: bytes) -> _Submission:
    try:
        return _Submission.model_validate(decoded(body, "the submission"))
    except ValidationError as error:
        wrong = sorted({str(problem["loc"][0]) for problem in error.errors() if problem["loc"]})
        fault = f"the submission's fields are wrong or missing: {', '.join(wrong) or 'all'}."
    # raised out here, so that the error does not carry along the values that were wrong
    raise Malformed(fault)


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _candidate(key: str, submission: _Submission) -> Candidate:
    person: dict[str, Any] = {
        "first_name": submission.first_name,
        "last_name": submission.last_name,
        "email_addresses": [{"value": submission.email}],
    }
    if submission.phone:
        person["phone_numbers"] = [{"value": submission.phone}]
    if submission.language:
        person["language"] = submission.language
    person["origins"] = ("applied",) if submission.job else ("talent_community",)
    return Candidate.model_validate({**person, **_stamps(key, submission)})


def _application(key: str, submission: _Submission) -> Application:
    kind: Literal["application", "talent_community"] = "application" if submission.job else "talent_community"
    source: dict[str, Any] = {"family": "portal", "name": submission.form_id}
    if submission.utm:
        source |= {
            "utm": submission.utm,
            "campaign": submission.utm.get("utm_campaign") or submission.utm.get("campaign"),
        }
    told: dict[str, Any] = {"candidate_id": key, "kind": kind, "applied_at": submission.submitted_at, "source": source}
    if submission.job:
        told["job_id"] = submission.job
    if submission.ref:
        told["referrer"] = {"link_token": submission.ref}
    return Application.model_validate({**told, **_stamps(key, submission)})


def _consent(key: str, submission: _Submission, purpose: str) -> ConsentStatement:
    notice = ("form_id", "notice_id", "notice_version", "wording_sha256", "language")
    known = {name: value for name in notice if (value := getattr(submission, name))}
    return ConsentStatement.model_validate(
        {
            **_stamps(f"{key}:{purpose}", submission),
            "candidate_id": key,
            "address": submission.email,
            "purpose": purpose,
            "channel": "email",
            "status": "given",
            "stated_by": "candidate",
            "stated_at": submission.submitted_at,
            "evidence": {"kind": "form_tick", **known},
        }
    )


def _stamps(remote_id: str, submission: _Submission) -> dict[str, Any]:
    return {
        "remote_id": remote_id,
        "remote_created_at": submission.submitted_at,
        "remote_updated_at": submission.submitted_at,
    }
