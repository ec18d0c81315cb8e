"""What the applicant tracking system holds before any candidate: staff, jobs with stages and posts, sources, reasons.

Objects have the fields of Greenhouse Harvest v3 (flat, linked by ids).
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sandbox.people import agency

Object = dict[str, Any]

STAGES = (
    "Application Review",
    "Recruiter Screen",
    "Take Home Test",
    "Technical Interview",
    "Final Interview",
    "Offer",
)
_JOB_NAMES = (  # noqa: SIM905 - words read better than quotes
    "Software Engineer;Data Engineer;Product Manager;Account Manager;Nurse;Warehouse Operator;UX Designer;"
    "Financial Analyst;Customer Support Agent;DevOps Engineer;Marketing Manager;Quality Engineer;"
    "Office Manager;Recruiter;Electrician;Buyer"
).split(";")
_OFFICES = ("Berlin", "New York", "Madrid", "Remote")
_SOURCES = (
    (1, "LinkedIn", "Third-party boards"),
    (2, "Indeed", "Third-party boards"),
    (3, "Jobs page on your website", "Company marketing"),
    (4, "Referral", "Referrals"),
    (5, "Agency", "Agencies"),
    (6, "LinkedIn (Prospecting)", "Prospecting"),
    (7, "Career fair", "Attend events"),
)
_REASONS = (
    (1, "Lacking skills/qualifications", 1, "We rejected them"),
    (2, "Hired another candidate", 1, "We rejected them"),
    (3, "Position closed", 1, "We rejected them"),
    (4, "Took another offer", 2, "They rejected us"),
    (5, "Withdrew", 2, "They rejected us"),
    (6, "Other", 3, "None specified"),
)
_STAFF = (  # noqa: SIM905 - words read better than quotes
    "Ada Lund;Ben Okafor;Carla Ruiz;Deniz Aydin;Elif Brandt;Finn Jansen;Greta Moreau;Hugo Costa;Ines Novak;"
    "Jonas Weber;Kaya Singh;Lena Rossi;Milo Tran;Nora Haddad;Otto Kim;Priya Nair"
).split(";")
USER_COUNT = len(_STAFF)


def when(moment: datetime) -> str:
    """Return an instant as Greenhouse writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def stage_id(job_id: int, position: int) -> int:
    """Return the id of a job's step."""
    return job_id * 10 + position


def company(now: datetime, jobs: int = 24) -> dict[str, list[Object]]:
    """Return what exists before any candidate: users, jobs with stages and posts, sources, referrers, reasons."""
    start = now - timedelta(days=900)
    stamps = {"created_at": when(start), "updated_at": when(start)}
    made_jobs = [_job(number, now) for number in range(1, jobs + 1)]
    return {
        "users": [_user(number, name, stamps) for number, name in enumerate(_STAFF, 1)]
        + [_user(900, "Catchment Integration", stamps) | {"service_account": True}],
        "user_emails": [
            {
                "id": number,
                "user_id": number,
                "email": user_email(number),
                "verified": True,
                "verification_token_sent_at": None,
                **stamps,
            }
            for number in range(1, USER_COUNT + 1)
        ],
        "departments": [{"id": 1, "name": "Everybody", "parent_id": None, "external_id": None, **stamps}],
        "offices": [
            {"id": number, "name": name, "location": name, "parent_id": None, "external_id": None, **stamps}
            for number, name in enumerate(_OFFICES, 1)
        ],
        "jobs": made_jobs,
        "job_posts": [_job_post(job) for job in made_jobs],
        "job_interview_stages": [stage for job in made_jobs for stage in _job_stages(job)],
        "sources": [{"id": i, "name": name, "type": {"id": i, "name": kind}, **stamps} for i, name, kind in _SOURCES],
        "referrers": [
            {"id": 500 + number, "name": name, "user_id": number, **stamps} for number, name in enumerate(_STAFF, 1)
        ]
        + [{"id": 700 + number, "name": agency(number).name, "user_id": None, **stamps} for number in range(200)],
        "rejection_reasons": [
            {"id": i, "name": name, "type": {"id": t, "name": kind}, **stamps} for i, name, t, kind in _REASONS
        ],
    }


def user_name(number: int) -> str:
    """Return a member of staff's name."""
    return _STAFF[number - 1]


def user_email(number: int) -> str:
    """Return a member of staff's address."""
    return f"{_STAFF[number - 1].lower().replace(' ', '.')}@hiring-company.example"


def _user(number: int, name: str, stamps: Object) -> Object:
    first, last = name.split(" ", 1)
    return {
        "id": number,
        "first_name": first,
        "last_name": last,
        "job_title": "Recruiter" if number <= 6 else "Hiring Manager",
        "agency_id": None,
        **stamps,
        "primary_email": user_email(number) if number <= USER_COUNT else "integration@hiring-company.example",
        "name": name,
        "deactivated": number == USER_COUNT,
        "site_admin": number == 1,
        "employee_id": f"E{number:04d}",
        "linked_candidate_ids": [],
        "office_ids": [],
        "department_ids": [1],
        "interviewer_tags": [],
        "custom_fields": {},
    }


def _job(number: int, now: datetime) -> Object:
    opened = now - timedelta(days=760 - number * 7)
    closed = number % 6 == 0
    return {
        "id": 4000 + number,
        "name": _JOB_NAMES[(number - 1) % len(_JOB_NAMES)],
        "requisition_id": f"REQ-{number:03d}",
        "notes": None,
        "status": "closed" if closed else "open",
        "confidential": number % 11 == 0,
        "department_id": 1,
        "office_ids": [1 + number % len(_OFFICES)],
        "is_template": False,
        "copied_from_id": None,
        "opened_at": when(opened),
        "closed_at": when(now - timedelta(days=20)) if closed else None,
        "custom_fields": {
            "employment_type": {"name": "Employment Type", "type": "single_select", "value": "Full Time"}
        },
        "created_at": when(opened),
        "updated_at": when(now - timedelta(days=20) if closed else opened),
    }


def _job_post(job: Object) -> Object:
    live = job["status"] == "open" and not job["confidential"]
    return {
        "id": job["id"] + 50_000,
        "job_id": job["id"],
        "title": job["name"],
        "live": live,
        "active": job["status"] == "open",
        "internal": False,
        "external": True,
        "public_url": f"https://boards.hiring-company.example/jobs/{job['id'] + 50_000}" if live else None,
        "location": {"name": _OFFICES[job["office_ids"][0] - 1]},
        "content": f"<p>{job['name']}</p>",
        "questions": [],
        "created_at": job["created_at"],
        "updated_at": job["updated_at"],
        "first_published_at": job["opened_at"],
    }


def _job_stages(job: Object) -> Iterator[Object]:
    for position, name in enumerate(STAGES):
        yield {
            "id": stage_id(job["id"], position),
            "job_id": job["id"],
            "name": name,
            "sort_order": position,
            "active": True,
            "created_at": job["created_at"],
            "updated_at": job["created_at"],
        }
