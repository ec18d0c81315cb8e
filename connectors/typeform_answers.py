"""Typeform's responses in one shape, however they came, and what their answers say of a candidate.

A webhook brings a response with its form's definition, the API without; `normalised` writes each question's wording
beside its answer and leaves out what only one of them has (browser, referer), so that both are the same object.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from connectors.columns import field_of, is_protected
from connectors.contract import Json
from connectors.errors import Malformed
from connectors.records import Application, Candidate, ConsentStatement, Purpose, Record
from connectors.rows import url_of
from connectors.shapes import is_list, is_object

_SHAPE = "the response is not in Typeform's shape."
_JOB = ("job", "job_id", "jobid", "job_ref")
_PIPED = re.compile(r"\{\{[^{}]*\}\}")
_BY_TYPE = {"email": "email", "phone_number": "phone", "url": "url"}
_BY_WORDING = {
    field: re.compile(rf"\b(?:{words})\b", re.IGNORECASE)
    for field, words in {
        "first_name": r"first name|given name|vorname|prénom|nombre de pila",
        "last_name": r"last name|family name|surname|nachname|nom de famille|apellidos?",
        "full_name": r"your name|full name|wie heißen sie|votre nom|su nombre",
        "city": r"city|stadt|wohnort|ville|ciudad",
        "title": r"job title|current role|current position|berufsbezeichnung|poste actuel|puesto",
        "company": r"company|employer|where do you work|arbeitgeber|entreprise|empresa",
    }.items()
}
"""Words of a short text question that tell what is asked, looked for in this order."""
_FUTURE_JOBS = re.compile(
    r"future|other (?:jobs|roles|positions|vacancies)|job alert|talent (?:pool|communit)|career opportunit"
    r"|suitable (?:job|role|position)"
    r"|künftig|zukünftig|weitere stellen|talentpool|futur|vivier|opportunités|futuros?|futuras?|otras vacantes",
    re.IGNORECASE,
)
_MARKETING = re.compile(r"newsletter|marketing|werbung|publicidad", re.IGNORECASE)
_TEXTS = ("text", "email", "phone_number", "url", "date", "number", "boolean")


def questions(definition: Any) -> dict[str, Json]:
    """Return a form's questions by id, those inside groups too."""
    found: dict[str, Json] = {}
    fields = definition.get("fields") if is_object(definition) else None
    for field in fields if is_list(fields) else []:
        if is_object(field) and isinstance(field.get("id"), str):
            found[field["id"]] = field
            found |= questions(field.get("properties"))
    return found


def normalised(response: Json, form_id: str, asked: Mapping[str, Json]) -> Json:
    """Return one response in the shape of `records`; one that is not in Typeform's shape says so when parsed."""
    kept = {name: response[name] for name in ("token", "landed_at", "submitted_at", "hidden") if name in response}
    if not kept.get("hidden"):
        kept.pop("hidden", None)
    try:
        given: list[Json] = response.get("answers") or []
        answers = [_answer(answer, asked) for answer in given]
    except (AttributeError, KeyError, TypeError):
        return {**kept, "form_id": form_id, "fault": _SHAPE}
    return {**kept, "form_id": form_id, "answers": [answer for answer in answers if answer]}


def _answer(answer: Json, asked: Mapping[str, Json]) -> Json | None:
    """Return one answer with its question's wording; None for what is never kept: protected attributes, payments."""
    field, kind = answer["field"], answer["type"]
    known = asked.get(field["id"], {})
    ref, title = field.get("ref") or known.get("ref") or "", _PIPED.sub("…", known.get("title") or "")
    is_contact = field.get("type") in ("email", "phone_number", "legal")
    if kind == "payment" or (not is_contact and (is_protected(ref) or is_protected(title))):
        return None
    return {
        "question": {"id": field["id"], "type": field.get("type"), "ref": ref, "title": title},
        "type": kind,
        "value": _value(kind, answer[kind]),
    }


def _value(kind: str, value: Any) -> Any:
    if kind == "choice":
        return value.get("label") or value.get("other")
    if kind == "choices":
        return [*(value.get("labels") or []), *([value["other"]] if value.get("other") else [])]
    if kind == "file_url":
        # the link dies, and whoever has it has the file
        return unquote(PurePosixPath(urlsplit(str(value)).path).name)
    return value


def records(
    raw: Json, fields: Mapping[str, str], consents: Mapping[str, Purpose | None]
) -> Iterator[Record]:  # fmt: skip
    """Yield the candidate, application and statements of one response. Raises Malformed."""
    if fault := raw.get("fault"):
        raise Malformed(str(fault))
    hidden: Any = raw.get("hidden") or {}
    if not is_object(hidden) or not all(isinstance(v, str | None) for v in hidden.values()):
        raise Malformed("hidden is not an object of texts.")
    if not isinstance(raw.get("submitted_at"), str):
        raise Malformed("submitted_at is missing.")
    job = next((hidden[name] for name in _JOB if hidden.get(name)), None)
    token = raw["token"]
    stamps = {"remote_created_at": raw["submitted_at"], "remote_updated_at": raw["submitted_at"]}
    person = _person(raw["answers"], fields, consents)
    origins = ("applied",) if job else ("talent_community",)
    yield Candidate.model_validate({"remote_id": token, "origins": origins, **person, **stamps})
    yield Application.model_validate({"remote_id": token, **_application(raw, hidden, job), **stamps})
    address = next((one["value"] for one in person.get("email_addresses", ())), None)
    for answer in raw["answers"]:
        if purpose := _purpose(answer, consents):
            yield _statement(raw, answer, purpose, address, stamps)


def _person(
    answers: Iterable[Json], fields: Mapping[str, str], consents: Mapping[str, Purpose | None]
) -> dict[str, Any]:
    person: dict[str, Any] = {}
    for answer in answers:
        value, field = answer["value"], _field(answer, fields)
        if field is None or value in (None, "", []) or _purpose(answer, consents):
            continue
        if field == "email":
            person.setdefault("email_addresses", []).append({"value": value})
        elif field == "phone":
            person.setdefault("phone_numbers", []).append({"value": value})
        elif field == "url":
            person.setdefault("urls", []).append(url_of(value) if isinstance(value, str) else value)
        elif field == "city":
            person.setdefault("location", {"city": value})
        elif field == "tags":
            person.setdefault("tags", value if is_list(value) else [value])
        elif field in ("first_name", "last_name", "full_name", "preferred_name", "company", "title", "language"):
            person.setdefault(field, value)
    return person


def _field(answer: Json, fields: Mapping[str, str]) -> str | None:
    """Return what a question asks for: as the settings say, by its type, its ref, and last by its wording."""
    question = answer["question"]
    if question["ref"] in fields:
        return fields[question["ref"]]
    if answer["type"] in _BY_TYPE:
        return _BY_TYPE[answer["type"]]
    if answer["type"] not in ("text", "choice") or question["type"] == "long_text":
        return None
    by_name = field_of(question["ref"]) or field_of(question["title"])
    if by_name or question["type"] != "short_text":
        return by_name
    return next((field for field, words in _BY_WORDING.items() if words.search(question["title"])), None)


def _application(raw: Json, hidden: Mapping[str, str], job: str | None) -> dict[str, Any]:
    utm = {name: value for name, value in hidden.items() if name.startswith("utm_") and value}
    source: dict[str, Any] = {"name": utm.get("utm_source", "Typeform"), "family": "portal"}
    if utm:
        source |= {"utm": utm, **({"campaign": utm["utm_campaign"]} if "utm_campaign" in utm else {})}
    told: dict[str, Any] = {
        "candidate_id": raw["token"],
        "kind": "application" if job else "talent_community",
        "applied_at": raw["submitted_at"],
        "source": source,
    }
    if job:
        told["job_id"] = job
    if hidden.get("ref"):
        told["referrer"] = {"link_token": hidden["ref"]}
    if files := [_attachment(raw["token"], answer) for answer in raw["answers"] if answer["type"] == "file_url"]:
        told["attachments"] = files
    return told


def _attachment(token: str, answer: Json) -> dict[str, Any]:
    question = answer["question"]
    words = f"{question['ref']} {question['title']}".casefold()
    is_resume = re.search(r"\b(?:cv|r[eé]sum[eé]|lebenslauf|curriculum)\b", words.replace("_", " "))
    kind = "resume" if is_resume else "other"
    return {"id": f"{token}:{question['id']}", "kind": kind, "file_name": answer["value"]}


def _purpose(answer: Json, consents: Mapping[str, Purpose | None]) -> Purpose | None:
    """Return what a tick is about: as the settings say, by a ref such as `consent_marketing`, or by its wording.

    A tick below a privacy notice or terms alone allows nothing, and is no statement.
    """
    question = answer["question"]
    ref, title = question["ref"], question["title"]
    if answer["type"] != "boolean":
        return None
    if ref in consents:
        return consents[ref]
    if ref.startswith("consent_") and ref.removeprefix("consent_") in set(Purpose):
        return Purpose(ref.removeprefix("consent_"))
    if question["type"] != "legal":
        return None
    if _FUTURE_JOBS.search(title):
        return Purpose.FUTURE_JOBS
    return Purpose.MARKETING if _MARKETING.search(title) else None


def _statement(
    raw: Json, answer: Json, purpose: Purpose, address: str | None, stamps: Mapping[str, str]
) -> ConsentStatement:  # fmt: skip
    question = answer["question"]
    evidence = {"kind": "form_tick", "form_id": raw["form_id"]}
    if question["title"]:
        evidence["wording_sha256"] = hashlib.sha256(question["title"].encode()).hexdigest()
    return ConsentStatement.model_validate(
        {
            "remote_id": f"{raw['token']}:{question['id']}",
            "candidate_id": raw["token"],
            "purpose": purpose,
            "channel": "email",
            "status": "given" if answer["value"] is True else "refused",
            "stated_by": "candidate",
            "stated_at": raw["submitted_at"],
            "evidence": evidence,
            **({"address": address} if address else {}),
            **stamps,
        }
    )
