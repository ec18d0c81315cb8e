"""Referral links and the referral form of our own: clicks on `/r/{token}`, and people whom somebody recommends.

A click is counted without anybody's name. Whoever is recommended said nothing, so nothing is stated in their name:
the application, of the kind `referral`, is all that they may be written to about.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from connectors.contract import Answers, Delivery, Json
from connectors.errors import Malformed
from connectors.records import Application, Candidate, Interaction, Record
from connectors.rows import url_of
from connectors.shapes import decoded
from connectors.source import DeliveredSource

CLICKS, REFERRALS = "clicks", "referrals"
_Text = Annotated[str, Field(min_length=1, max_length=1_000)]
_Address = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=254)]


class _Told(BaseModel):
    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True)


class _Click(_Told):
    kind: Literal["click"]
    id: _Text | None = None
    token: _Text
    at: AwareDatetime


class _Somebody(_Told):
    first_name: _Text
    last_name: _Text
    email: _Address | None = None
    phone: _Text | None = None
    linkedin: _Text | None = None


class _Referrer(_Told):
    name: _Text
    email: _Address


class _Referral(_Told):
    kind: Literal["referral"]
    id: _Text | None = None
    submission_id: _Text | None = None
    submitted_at: AwareDatetime | None = None
    referrer: _Referrer
    candidate: _Somebody
    token: _Text | None = None
    job: _Text | None = None
    language: _Text | None = None
    utm: dict[str, str] = Field(default_factory=dict)


_Body = Annotated[_Click | _Referral, Field(discriminator="kind")]
_BODY: TypeAdapter[_Click | _Referral] = TypeAdapter(_Body)


class ReferralLinks(DeliveredSource):
    """Clicks and recommendations; all of them are delivered."""

    connector = "referral_links"
    family = "referral"
    answers = Answers(accepted=202)

    def check(self) -> str:
        return "Clicks come from /r/{token} and recommendations from /forms/referral; there is nothing to reach."

    def authenticate(self, headers: Mapping[str, str], body: bytes) -> None:
        """Accept: whoever has the link may follow it, and whoever sees the form may send it."""

    def delivery_key(self, headers: Mapping[str, str], body: bytes) -> str:  # noqa: ARG002 - the contract's
        return _key(_read(body), body)

    def objects(self, delivery: Delivery) -> Iterable[tuple[str, Json]]:
        told = _read(delivery.body)
        raw = told.model_dump(mode="json", exclude_unset=True) | {"id": _key(told, delivery.body)}
        if isinstance(told, _Click):
            yield CLICKS, raw
        else:
            raw.setdefault("submitted_at", delivery.received_at.isoformat())
            yield REFERRALS, raw

    def parse(self, stream: str, raw: Json) -> Iterable[Record]:  # noqa: ARG002 - the contract's
        told = _BODY.validate_python(raw)
        if not told.id:
            raise Malformed("an object without id was not made by the intake.")
        if isinstance(told, _Click):
            details = {"token": told.token}
            yield Interaction(remote_id=told.id, type="referral_click", at=told.at, details=details)
        else:
            yield _candidate(told.id, told)
            yield _application(told.id, told)


def _read(body: bytes) -> _Click | _Referral:
    try:
        return _BODY.validate_python(decoded(body, "the body"))
    except ValidationError as error:
        wrong = sorted({".".join(str(part) for part in problem["loc"]) for problem in error.errors()})
        fault = f"fields are wrong or missing: {', '.join(filter(None, wrong)) or 'kind'}."
    # raised out here, so that the error does not carry along the values that were wrong
    raise Malformed(fault)


def _key(told: _Click | _Referral, body: bytes) -> str:
    given = told.id if isinstance(told, _Click) else told.submission_id
    return given or hashlib.sha256(body).hexdigest()


def _candidate(key: str, told: _Referral) -> Candidate:
    somebody = told.candidate
    person: dict[str, Any] = {"first_name": somebody.first_name, "last_name": somebody.last_name}
    if somebody.email:
        person["email_addresses"] = [{"value": somebody.email}]
    if somebody.phone:
        person["phone_numbers"] = [{"value": somebody.phone}]
    if somebody.linkedin:
        person["urls"] = [url_of(somebody.linkedin)]
    return Candidate.model_validate({**person, "origins": ("referred",), **_stamps(key, told)})


def _application(key: str, told: _Referral) -> Application:
    referrer = {"name": told.referrer.name, "email": told.referrer.email}
    source: dict[str, Any] = {"family": "referral", "name": "Referral"}
    if told.utm:
        source["utm"] = told.utm
    application: dict[str, Any] = {"candidate_id": key, "kind": "referral", "source": source}
    application["referrer"] = {**referrer, **({"link_token": told.token} if told.token else {})}
    if told.submitted_at:
        application["applied_at"] = told.submitted_at
    if told.job:
        application["job_id"] = told.job
    return Application.model_validate({**application, **_stamps(key, told)})


def _stamps(key: str, told: _Referral) -> dict[str, Any]:
    times = (
        {"remote_created_at": told.submitted_at, "remote_updated_at": told.submitted_at} if told.submitted_at else {}
    )
    return {"remote_id": key, **times}
