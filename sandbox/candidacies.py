"""What happens to candidates in the applicant tracking system: applications, stages, interviews, offers, outcomes.

Objects have the fields of Greenhouse Harvest v3. Everything about one candidate follows from its id, so that candidates
can be made in a stream.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from sandbox.appearances import Appearance
from sandbox.hiring import STAGES, USER_COUNT, Object, stage_id, when
from sandbox.people import agency

_DEPTHS = (0.38, 0.22, 0.12, 0.13, 0.09, 0.06)


@dataclass(slots=True)
class Candidacies:
    """All that hangs on one candidate."""

    applications: list[Object] = field(default_factory=list)
    application_stages: list[Object] = field(default_factory=list)
    rejection_details: list[Object] = field(default_factory=list)
    interviews: list[Object] = field(default_factory=list)
    scorecards: list[Object] = field(default_factory=list)
    offers: list[Object] = field(default_factory=list)


def candidate(record: Appearance) -> Object:
    """Return one candidate as Harvest v3 lists it."""
    emails = [{"value": record.email, "type": "personal"}] if record.email else []
    if record.second_email:
        emails.append({"value": record.second_email, "type": "other"})
    place = ", ".join(part for part in (record.city, record.country) if part)
    return {
        "id": int(record.remote_id),
        "first_name": record.first_name,
        "last_name": record.last_name,
        "preferred_name": None,
        "company": record.company,
        "title": record.title,
        "private": False,
        "can_email": record.can_email,
        "email_addresses": emails,
        "phone_numbers": [{"value": record.phone, "type": "mobile"}] if record.phone else [],
        "addresses": [{"value": place, "type": "home"}] if place else [],
        "website_addresses": [{"value": record.github, "type": "portfolio"}] if record.github else [],
        "social_media_addresses": [{"value": record.linkedin}] if record.linkedin else [],
        "tags": ["agency"] if record.agency else [],
        "time_zone": record.time_zone,
        "linked_user_ids": [],
        "custom_fields": {},
        "created_at": when(record.at),
        "updated_at": when(record.at),
        "last_activity_at": when(record.at),
    }


def candidacies(record: Appearance, now: datetime, jobs: int = 24) -> Candidacies:
    """Return one candidate's applications with all that follows from them; nothing is dated after `now`."""
    rng = Random(f"hiring {record.remote_id} {record.at.isoformat()}")
    made = Candidacies()
    count = rng.choices((1, 2, 3), (0.77, 0.17, 0.06))[0]
    applied, taken = record.at, rng.sample(range(1, jobs + 1), 3)
    for number in range(count):
        if applied >= now:
            break
        _apply(
            rng,
            made,
            record,
            number=int(record.remote_id) * 4 + number,
            job_id=4000 + taken[number],
            applied=applied,
            now=now,
        )
        applied += timedelta(days=20 + rng.random() * 200)
    return made


def _apply(
    rng: Random, made: Candidacies, record: Appearance, *, number: int, job_id: int, applied: datetime, now: datetime
) -> None:
    prospect = rng.random() < 0.1 and not record.agency
    source, referrer = _source(rng, record, prospect=prospect)
    depth = 0 if prospect else rng.choices(range(6), _DEPTHS)[0]
    moments = [applied]
    for _ in range(depth):
        moments.append(moments[-1] + timedelta(days=1 + rng.random() * 12))
    moments = [moment for moment in moments if moment < now]
    depth = len(moments) - 1
    decided = moments[-1] + timedelta(days=1 + rng.random() * 20)
    status = "in_process"
    if decided < now and not prospect and rng.random() < 0.86:
        status = "hired" if depth == 5 and rng.random() < 0.6 else "rejected"
    last = decided if status != "in_process" else moments[-1]
    application: Object = {
        "id": number,
        "referrer_id": referrer,
        "source_id": source,
        "agency_note_id": None,
        "recruiter_id": 1 + number % 6,
        "coordinator_id": None,
        "needs_decision": False,
        "prospect": prospect,
        "rejected_at": when(decided) if status == "rejected" else None,
        "created_at": when(applied),
        "updated_at": when(last),
        "last_activity_at": when(last),
        "stage_id": None if prospect else stage_id(job_id, depth),
        "candidate_id": int(record.remote_id),
        "job_id": None if prospect else job_id,
        "job_post_id": None if prospect else job_id + 50_000,
        "status": status,
        "stage_name": None if prospect else STAGES[depth],
        "custom_fields": {},
        "location_address": record.city,
        "answers": [] if prospect else [{"question": "How did you hear about us?", "answer": "A friend"}],
        "prospective_job_ids": [job_id] if prospect else [],
    }
    made.applications.append(application)
    if not prospect:
        _history(made, application, moments, now)
        _steps(rng, made, application, moments, decided=decided, now=now)
    if status == "rejected":
        made.rejection_details.append(_rejection(rng, application, decided, depth))


def _source(rng: Random, record: Appearance, *, prospect: bool) -> tuple[int, int | None]:
    if record.agency:
        return 5, next((700 + number for number in range(200) if agency(number).name == record.agency), None)
    if prospect:
        return 6, 501 + int(rng.random() * 6)
    if rng.random() < 0.12:
        return 4, 501 + int(rng.random() * USER_COUNT)
    return rng.choice((1, 1, 2, 3, 3, 7)), None


def _history(made: Candidacies, application: Object, moments: list[datetime], now: datetime) -> None:
    """Write one row for every step of the job, entered or not, as Greenhouse does."""
    for position in range(len(STAGES)):
        entered = moments[position] if position < len(moments) else None
        left = moments[position + 1] if position + 1 < len(moments) else None
        current = position == len(moments) - 1
        changed = left or entered or moments[0]
        made.application_stages.append(
            {
                "id": application["id"] * 10 + position,
                "application_id": application["id"],
                "created_at": application["created_at"],
                "updated_at": when(changed),
                "job_interview_stage_id": stage_id(application["job_id"], position),
                "entered_at": when(entered) if entered else None,
                "exited_at": when(left) if left else None,
                "days_in_stage": ((left or now) - entered).days if entered else 0,
                "current": current,
            }
        )


def _steps(
    rng: Random, made: Candidacies, application: Object, moments: list[datetime], *, decided: datetime, now: datetime
) -> None:
    for position in (3, 4):
        if position >= len(moments):
            continue
        starts = moments[position] + timedelta(days=2 + rng.random() * 5, minutes=0)
        number = application["id"] * 10 + position
        held = starts < min(now, decided)
        made.interviews.append(_interview(application, number, position, moments[position], starts, held=held))
        if held:
            made.scorecards.append(_scorecard(rng, application, number, starts))
    if len(moments) == len(STAGES):
        status = (
            "Accepted"
            if application["status"] == "hired"
            else "Rejected"
            if application["status"] == "rejected"
            else "Created"
        )
        made.offers.append(
            {
                "id": application["id"] * 10,
                "application_id": application["id"],
                "candidate_id": application["candidate_id"],
                "job_id": application["job_id"],
                "opening_id": None,
                "version": 1,
                "status": status,
                "sent_on": moments[-1].date().isoformat(),
                "resolved_at": when(decided) if status != "Created" else None,
                "starts_on": (decided + timedelta(days=45)).date().isoformat(),
                "custom_fields": {},
                "created_at": when(moments[-1]),
                "updated_at": application["updated_at"],
            }
        )


def _interview(
    application: Object, number: int, position: int, scheduled: datetime, starts: datetime, *, held: bool
) -> Object:
    return {
        "id": number,
        "application_id": application["id"],
        "job_id": application["job_id"],
        "job_interview_id": stage_id(application["job_id"], position),
        "status": "complete" if held else "scheduled",
        "scheduled_at": when(scheduled),
        "availability_received_at": None,
        "starts_at": when(starts),
        "ends_at": when(starts + timedelta(minutes=45)),
        "all_day_start_on": None,
        "all_day_end_on": None,
        "location": "Northwind, 12 Harbour Street, second floor" if number % 2 else None,
        "video_conferencing_url": None if number % 2 else f"https://meet.hiring-company.example/{number}",
        "organizer_id": application["recruiter_id"],
        "external_event_id": f"event-{number}",
        "created_at": when(scheduled),
        "updated_at": when(starts + timedelta(hours=1)) if held else when(scheduled),
    }


def _scorecard(rng: Random, application: Object, number: int, at: datetime) -> Object:
    done = when(at + timedelta(hours=1))
    interviewer = 7 + number % (USER_COUNT - 7)
    return {
        "id": number,
        "interview_kit_id": application["job_id"],
        "interviewer_id": interviewer,
        "submitter_id": interviewer,
        "application_id": application["id"],
        "notes": None,
        "notes_with_tags": None,
        "private_notes": None,
        "private_notes_with_tags": None,
        "public_notes": None,
        "public_notes_with_tags": None,
        "status": "complete",
        "interviewed_at": when(at),
        "submitted_at": done,
        "created_at": when(at),
        "updated_at": done,
        "candidate_rating": rng.choice(("definitely_not", "no", "mixed", "yes", "strong_yes")),
    }


def _rejection(rng: Random, application: Object, decided: datetime, depth: int) -> Object:
    reason = rng.choice((4, 5)) if rng.random() < 0.12 else rng.choice((1, 1, 2, 3) if depth < 4 else (2, 2, 2, 1))
    return {
        "id": application["id"],
        "application_id": application["id"],
        "rejection_reason_id": reason,
        "rejection_note_id": None,
        "rejected_at": when(decided),
        "rejected_by_id": application["recruiter_id"],
        "question_custom_fields": {},
        "created_at": when(decided),
        "updated_at": when(decided),
    }
