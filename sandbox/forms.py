"""The same appearances as Typeform, Indeed Apply, our own forms and a contacts export bring them."""

import base64
import csv
from collections.abc import Iterable
from datetime import timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any

from sandbox import hiring
from sandbox.appearances import Appearance

Object = dict[str, Any]

TYPEFORM_ID = "tLnt5pXq"
TYPEFORM_FIELDS: tuple[tuple[str, str, str, str], ...] = (
    ("fGn1First0a", "first_name", "short_text", "What is your first name?"),
    ("fGn2Last00b", "last_name", "short_text", "And your last name?"),
    ("fGn3Email0c", "email", "email", "Where can we write to you?"),
    ("fGn4Phone0d", "phone", "phone_number", "And call you?"),
    ("fGn5City00e", "city", "short_text", "Which city do you live in?"),
    ("fGn6Compan0", "company", "short_text", "Where do you work now?"),
    ("fGn7Title00", "title", "short_text", "What is your job title?"),
    ("fGn8Linked0", "linkedin", "website", "Do you have a LinkedIn profile?"),
    (
        "fGn9Legal00",
        "consent_future_jobs",
        "legal",
        "I agree that you keep my details and write to me about future jobs.",
    ),
    ("fGn0Market0", "consent_marketing", "yes_no", "May we send you our newsletter?"),
)
"""(field id, ref, type, title) of the one form."""

ARCHIVE_COLUMNS = (
    "id",
    "First Name",
    "Last Name",
    "E-mail Address",
    "Mobile Phone",
    "City",
    "Country/Region",
    "Company",
    "Job Title",
    "LinkedIn",
    "Notes",
)


def referral_links() -> list[Object]:
    """Return the links that staff share: token, who shares it, the job, and where it leads."""
    return [
        {
            "token": f"ref-{blake2b(str(number).encode(), digest_size=6).hexdigest()}",
            "name": hiring.user_name(number),
            "email": hiring.user_email(number),
            "user_id": str(number),
            "job_id": str(4000 + number),
            "target_url": f"https://careers.hiring-company.example/jobs/{4000 + number}",
        }
        for number in range(1, 9)
    ]


def typeform_form() -> Object:
    """Return the form's definition as GET /forms/{id} answers."""
    fields = [
        {"id": i, "ref": ref, "type": kind, "title": title, "properties": {}} for i, ref, kind, title in TYPEFORM_FIELDS
    ]
    return {
        "id": TYPEFORM_ID,
        "type": "form",
        "title": "Join our talent community",
        "hidden": ["ref", "utm_source"],
        "fields": fields,
    }


def typeform_response(record: Appearance) -> Object:
    """Return one response as the Responses API lists it."""
    submitted = record.at.strftime("%Y-%m-%dT%H:%M:%SZ")
    link = referral_links()[record.person % 8]["token"]
    return {
        "landing_id": record.remote_id,
        "token": record.remote_id,
        "response_id": record.remote_id,
        "response_type": "completed",
        "landed_at": (record.at - timedelta(minutes=4)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "submitted_at": submitted,
        "metadata": {
            "user_agent": "Mozilla/5.0",
            "platform": "other",
            "referer": "https://careers.hiring-company.example",
            "network_id": "",
        },
        "hidden": {"ref": link, "utm_source": "referral"} if record.person % 9 == 0 else {"utm_source": "careers"},
        "calculated": {"score": 0},
        "answers": _answers(record),
    }


def _answers(record: Appearance) -> list[Object]:
    given: dict[str, Any] = {
        "first_name": record.first_name,
        "last_name": record.last_name,
        "email": record.email,
        "phone": record.phone,
        "city": record.city,
        "company": record.company,
        "title": record.title,
        "linkedin": record.linkedin,
        "consent_future_jobs": record.future_jobs,
        "consent_marketing": record.marketing,
    }
    kinds = {
        "email": "email",
        "phone_number": "phone_number",
        "website": "url",
        "legal": "boolean",
        "yes_no": "boolean",
    }
    answers: list[Object] = []
    for field_id, ref, kind, _title in TYPEFORM_FIELDS:
        if given[ref] is not None:
            answer = kinds.get(kind, "text")
            answers.append({"field": {"id": field_id, "ref": ref, "type": kind}, "type": answer, answer: given[ref]})
    return answers


def indeed_application(record: Appearance) -> Object:
    """Return one application as Indeed Apply posts it, with a résumé file and answers that must never be kept."""
    job = 4001 + record.person % 24
    resume: Object = {
        "firstName": record.first_name,
        "lastName": record.last_name,
        "headline": record.title or "",
        "phoneNumber": record.phone or "",
        "location": {"city": record.city or "", "country": record.country or ""},
        "positions": {"_total": 0, "values": []},
        "links": {"_total": 0, "values": []},
    }
    if record.company or record.title:
        position = {
            "title": record.title or "",
            "company": record.company or "",
            "location": record.city or "",
            "endCurrent": True,
        }
        resume["positions"] = {"_total": 1, "values": [position]}
    if record.linkedin:
        resume["links"] = {"_total": 1, "values": [{"url": record.linkedin}]}
    applicant: Object = {"fullName": record.full_name, "verified": record.person % 3 == 0}
    if record.person % 5 < 3:
        applicant |= {"firstName": record.first_name, "lastName": record.last_name}
    if record.email:
        applicant["email"] = record.email
    if record.phone:
        applicant["phoneNumber"] = record.phone
    data = base64.b64encode(f"Resume of {record.full_name}".encode()).decode()
    applicant["resume"] = {
        "json": resume,
        "file": {"contentType": "text/plain", "data": data, "fileName": "resume.txt"},
    }
    return {
        "id": record.remote_id,
        "appliedOnMillis": int(record.at.timestamp() * 1000),
        "locale": "en_US",
        "job": {
            "jobId": str(job),
            "jobKey": blake2b(str(job).encode(), digest_size=8).hexdigest(),
            "jobTitle": "Position",
            "jobCompany": "Hiring Company",
            "jobLocation": "Berlin",
            "jobUrl": f"https://careers.hiring-company.example/jobs/{job}",
            "jobMeta": "",
        },
        "applicant": applicant,
        "analytics": {
            "ip": "192.0.2.1",
            "referer": "https://jobs.example",
            "device": "desktop",
            "userAgent": "Mozilla/5.0",
            "sponsored": "false",
        },
        "demographicQuestionsAndAnswers": _demographics(record),
    }


def _demographics(record: Appearance) -> Object:
    asked = (
        ("gender", "Gender", "Prefer not to say"),
        ("race", "Race/ethnicity", "Two or more"),
        ("veteran", "Veteran status", "No"),
    )
    return {
        "url": "https://jobs.example/demographic",
        "retrievedOnMillis": int(record.at.timestamp() * 1000),
        "schemaVersion": "1.0",
        "questionsAndAnswers": [
            {
                "question": {"id": i, "question": text, "type": "select", "options": []},
                "answer": {"label": answer, "value": answer},
            }
            for i, text, answer in asked
        ],
    }


def careers_form(record: Appearance) -> Object:
    """Return one submission of the careers-portal form."""
    body: Object = {
        "submission_id": record.remote_id,
        "first_name": record.first_name,
        "last_name": record.last_name,
        "email": record.email or "",
        "job": str(4001 + record.person % 24),
        "language": record.language,
        "notice_id": "careers-privacy",
        "notice_version": "2026-01",
        "consents": {"future_jobs": record.future_jobs, "marketing": record.marketing},
    }
    if record.phone:
        body["phone"] = record.phone
    return body


def referral_form(record: Appearance) -> Object:
    """Return one recommendation by a member of staff, made through their link."""
    link = referral_links()[record.person % 8]
    somebody: Object = {"first_name": record.first_name, "last_name": record.last_name}
    for name, value in (("email", record.email), ("phone", record.phone), ("linkedin", record.linkedin)):
        if value:
            somebody[name] = value
    return {
        "submission_id": record.remote_id,
        "token": link["token"],
        "job": link["job_id"],
        "referrer": {"name": link["name"], "email": link["email"]},
        "candidate": somebody,
    }


def write_archive(path: Path, records: Iterable[Appearance]) -> int:
    """Write a contacts export with one broken row in its middle; return the number of whole rows."""
    rows = [_archive_row(record) for record in records]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(ARCHIVE_COLUMNS)
        writer.writerows(rows[: len(rows) // 2])
        # a line broken off by whatever exported it: too few cells and no id
        file.write(",Broken\r\n")
        writer.writerows(rows[len(rows) // 2 :])
    return len(rows)


def _archive_row(record: Appearance) -> list[str]:
    values = (
        record.remote_id,
        record.first_name,
        record.last_name,
        record.email,
        record.phone,
        record.city,
        record.country,
        record.company,
        record.title,
        record.linkedin,
        f"via {record.agency}" if record.agency else None,
    )
    return [value or "" for value in values]
