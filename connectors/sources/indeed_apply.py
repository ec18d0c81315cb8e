"""Indeed Apply: applications that Indeed posts to `/intake/{connection}`, one a delivery.

The body is signed with HMAC-SHA1 (`X-Indeed-Signature`, base64). Files and texts of the résumé, demographic answers,
military service, addresses of the network and browsers are cut out before anything is stored.
Facts: docs.indeed.com/indeed-apply, docs-plus.indeed.com/indeed-apply/message-signature-generation.
"""

import base64
import binascii
import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import SecretStr

from connectors import settings, webhooks
from connectors.contract import Answers, Delivery, Json
from connectors.errors import Malformed
from connectors.records import Application, Candidate, Record
from connectors.rows import url_of
from connectors.shapes import decoded, is_list, is_object
from connectors.source import DeliveredSource

APPLICATIONS = "applications"
_HEADER = "X-Indeed-Signature"
_TEXTS = ("text", "html", "hrXml")
_NEVER = ("demographicQuestionsAndAnswers",)
_NEVER_IN_RESUME = ("militaryServices",)
_NEVER_IN_ANALYTICS = ("ip", "userAgent")


class IndeedSettings(settings.Settings):
    """`secret` is the API secret that Indeed signs with."""

    secret: SecretStr


class IndeedApply(DeliveredSource):
    """Applications by Indeed Apply; all of them are delivered."""

    connector = "indeed_apply"
    family = "job_board"
    Settings = IndeedSettings
    settings: IndeedSettings
    answers = Answers(accepted=200, duplicate=409, bad_signature=401, malformed=422, too_large=413)

    def check(self) -> str:
        return f"Applications are delivered to /intake/{self.connection.name}; the secret is set."

    def authenticate(self, headers: Mapping[str, str], body: bytes) -> None:
        given = webhooks.header(headers, _HEADER)
        if not webhooks.signed_sha1_base64(self.settings.secret.get_secret_value(), body, given):
            raise webhooks.refuse(self.connection.name, _HEADER, given)

    def delivery_key(self, headers: Mapping[str, str], body: bytes) -> str:  # noqa: ARG002 - the contract's
        return _key(_read(body))

    def objects(self, delivery: Delivery) -> Iterable[tuple[str, Json]]:
        body = _read(delivery.body)
        yield APPLICATIONS, {**_cut(body), "id": _key(body)}

    def parse(self, stream: str, raw: Json) -> Iterable[Record]:  # noqa: ARG002 - the contract's
        applicant = _object(raw, "applicant")
        resume = _object(_object(applicant, "resume"), "json")
        applied: dict[str, Any] = {}
        if (millis := raw.get("appliedOnMillis")) is not None:
            if not isinstance(millis, int):
                raise Malformed("appliedOnMillis is not a number.")
            applied["remote_created_at"] = datetime.fromtimestamp(millis / 1000, UTC)
        yield _candidate(raw, applicant, resume, applied)
        yield _application(raw, applicant, applied)


def _read(body: bytes) -> Json:
    """Return a body that has what Indeed always sends. Raises Malformed, naming the key that is missing."""
    read = decoded(body, "the application")
    if not is_object(read):
        raise Malformed("the application is not a JSON object.")
    for key in ("job", "applicant"):
        if not is_object(read.get(key)):
            raise Malformed(f"the key {key} is missing or not an object.")
    if not _text(read["applicant"], "fullName"):
        raise Malformed("the key applicant.fullName is missing.")
    return read


def _key(body: Json) -> str:
    """Return the application's id; older applications have none, and are told by job and address as Indeed does."""
    if given := _text(body, "id"):
        return given
    job, address = _text(body["job"], "jobId"), _text(body["applicant"], "email")
    if not job or not address:
        raise Malformed("the key id is missing, and so is job.jobId or applicant.email to tell the application by.")
    return "legacy_" + hashlib.sha256(f"{job}\n{address.casefold()}".encode()).hexdigest()[:32]


def _cut(body: Json) -> Json:
    """Return the body without files and what must not be kept; of a file, its size and SHA-256 stay."""
    kept = {name: value for name, value in body.items() if name not in _NEVER}
    if is_object(analytics := kept.get("analytics")):
        kept["analytics"] = {name: value for name, value in analytics.items() if name not in _NEVER_IN_ANALYTICS}
    applicant = dict(body["applicant"])
    if is_object(resume := applicant.get("resume")):
        applicant["resume"] = _cut_resume(resume)
    return {**kept, "applicant": applicant}


def _cut_resume(resume: Json) -> Json:
    kept = dict(resume)
    for name in _TEXTS:
        if isinstance(text := kept.pop(name, None), str):
            kept[f"{name}_file"] = _measured(text.encode())
    if is_object(told := kept.get("json")):
        kept["json"] = {name: value for name, value in told.items() if name not in _NEVER_IN_RESUME}
    if is_object(file := kept.get("file")):
        named = {name: value for name, value in file.items() if name in ("contentType", "fileName")}
        kept["file"] = {**named, **_measured(_decoded(file.get("data")))}
    return kept


def _measured(content: bytes | None) -> Json:
    return {} if content is None else {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def _decoded(data: Any) -> bytes | None:
    """Return a file's content; None if it cannot be decoded. Indeed's own sample has one `=` too many."""
    if not isinstance(data, str):
        return None
    try:
        return base64.b64decode(data)
    except (binascii.Error, ValueError):
        return None


def _candidate(raw: Json, applicant: Json, resume: Json, applied: Json) -> Candidate:
    names = _renamed(applicant, {"full_name": "fullName", "first_name": "firstName", "last_name": "lastName"})
    current = (p for p in _listed(resume, "positions") if p.get("endCurrent") is True)
    present = next(current, Json())
    work = {"company": _text(present, "company"), "title": _text(present, "title") or _text(resume, "headline")}
    about: dict[str, Any] = {
        **work,
        "location": _place(_object(resume, "location")),
        "language": _text(raw, "locale").replace("_", "-"),
        "profile": _profile(resume),
        **_contact(applicant, resume),
    }
    person = {field: value for field, value in about.items() if value}
    return Candidate.model_validate({"remote_id": raw["id"], "origins": ("applied",), **applied, **names, **person})


def _contact(applicant: Json, resume: Json) -> dict[str, Any]:
    number = _text(applicant, "phoneNumber") or _text(resume, "phoneNumber")
    pages = dict.fromkeys([_text(resume, "publicProfileUrl"), *(_text(o, "url") for o in _listed(resume, "links"))])
    return {
        "email_addresses": [{"value": address} for address in [_text(applicant, "email")] if address],
        "phone_numbers": [{"value": number}] if number else [],
        "urls": [url_of(page) for page in pages if page],
    }


def _application(raw: Json, applicant: Json, applied: Json) -> Application:
    told: dict[str, Any] = {"remote_id": raw["id"], "candidate_id": raw["id"], "kind": "application", **applied}
    if applied:
        told["applied_at"] = applied["remote_created_at"]
    job = _object(raw, "job")
    if job_id := _text(job, "jobId"):
        told["job_id"] = job_id
    if posting := _text(job, "jobKey"):
        told["posting_id"] = posting
    told["source"] = {"name": "Indeed", "family": "job_board"}
    if file := _object(_object(applicant, "resume"), "file"):
        known = {"file_name": "fileName", "content_type": "contentType", "bytes": "bytes", "sha256": "sha256"}
        about = {ours: file[theirs] for ours, theirs in known.items() if file.get(theirs) is not None}
        told["attachments"] = [{"id": f"{raw['id']}:resume", "kind": "resume", **about}]
    return Application.model_validate(told)


def _place(location: Json) -> Json:
    """Return `Austin, TX` as the text it is, for which part is the city nobody says; a city alone is one."""
    city, country = _text(location, "city"), _text(location, "country")
    place: Json = {}
    if city:
        place["raw" if "," in city else "city"] = city
    if len(country) == 2:
        place["country_code"] = country.upper()
    return place


def _profile(resume: Json) -> Json:
    """Return Indeed's résumé in JSON Resume's shape, without contact data."""
    sections: dict[str, Any] = {
        "basics": _renamed(resume, {"label": "headline", "summary": "summary"}),
        "work": [
            _renamed(p, {"name": "company", "position": "title", "location": "location", "summary": "description"})
            | _span(p)
            for p in _listed(resume, "positions")
        ],
        "education": [
            _renamed(e, {"institution": "school", "area": "field", "studyType": "degree"})
            | _renamed(e, {"startDate": "startDate", "endDate": "endDate"})
            for e in _listed(resume, "educations")
        ],
        "skills": [{"name": skill} for part in _text(resume, "skills").split(",") if (skill := part.strip())],
        "certificates": [
            _renamed(c, {"name": "title"}) | _dated(c, "date", "start") for c in _listed(resume, "certifications")
        ],
        "awards": [
            _renamed(a, {"title": "title", "summary": "description"}) | _dated(a, "date", "date")
            for a in _listed(resume, "awards")
        ],
        "publications": [
            _renamed(p, {"name": "title", "url": "url", "summary": "description"}) | _dated(p, "releaseDate", "date")
            for p in _listed(resume, "publications")
        ],
    }
    return {name: section for name, section in sections.items() if section}


def _span(position: Json) -> Json:
    ends = {} if position.get("endCurrent") is True else _dated(position, "endDate", "end")
    return _dated(position, "startDate", "start") | ends


def _dated(told: Json, name: str, prefix: str) -> Json:
    """Return a date as JSON Resume writes it: 2009, 2009-04 or 2009-04-14. Indeed's parts may be -1 or absent.

    `prefix` is `start` (startDateYear, …), `end`, or `date` (dateYear, …).
    """
    stem = "date" if prefix == "date" else f"{prefix}Date"
    parts: list[str] = []
    for unit, width in (("Year", 4), ("Month", 2), ("Day", 2)):
        part = _text(told, f"{stem}{unit}")
        if not part.isdigit():
            break
        parts.append(part.zfill(width))
    return {name: "-".join(parts)} if parts else {}


def _renamed(told: Json, names: Mapping[str, str]) -> Json:
    return {ours: value for ours, theirs in names.items() if (value := _text(told, theirs))}


def _listed(resume: Json, name: str) -> list[Json]:
    """Return Indeed's lists, which stand as {_total, values}."""
    values = _object(resume, name).get("values")
    return [value for value in values if is_object(value)] if is_list(values) else []


def _object(told: Mapping[str, Any], name: str) -> Json:
    """Return an object inside another, empty if it is left out. Raises Malformed when it is something else."""
    value = told.get(name)
    if value is None:
        return {}
    if not is_object(value):
        raise Malformed(f"{name} is not an object.")
    return value


def _text(told: Mapping[str, Any], name: str) -> str:
    value = told.get(name)
    if value is None:
        return ""
    if isinstance(value, str | int) and not isinstance(value, bool):
        return str(value).strip()
    raise Malformed(f"{name} is not text.")
