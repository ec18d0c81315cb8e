"""What a person is kept for: each application, and each lawful basis that stands beside them, with its own clock.

A clock starts at the latest relevant event. Relevant is what the person or a recruiter did: an application's own dates
and events count for it, and what is about no application (records created, interactions, consents that she gave)
counts for everything. Our own mails do not count, nor does anything that a machine did, nor that a source touched a
record.

The law that counts is that of an application's job, else of the organisation, else of the person; of what is about no
application that of the statement, else of the person, else of the organisation.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Connection, Select, func, select

from connectors.records import Purpose
from talent_pool.people import activity
from talent_pool.privacy.retention_rules import RetentionRules
from talent_pool.store.tables import applications, consent_statements, events, jobs, people, person_records, records

_STRONGEST = ("legal_obligation", "contract", "consent", "legitimate_interest")
"""Lawful bases, the one that is asked for first in front."""
_OF_AN_APPLICATION = (Purpose.THIS_APPLICATION.value, Purpose.SMS_REMINDER.value)
"""Purposes that end with the application itself."""
_IN_PROCESS = ("application", "referral")
"""Kinds of applications that are a process; a prospect who never applied is none."""
_STANDING = ("active", "restricted", "archived")


@dataclass(frozen=True, slots=True)
class Ground:
    """One reason to keep somebody. `countries`: whose law may count, None for an unknown one; seldom more than one."""

    basis: str
    countries: tuple[str | None, ...]
    latest_at: datetime


@dataclass(frozen=True, slots=True)
class _Person:
    organisation: str
    country: str | None
    created_at: datetime


def grounds(connection: Connection, rules: RetentionRules, now: datetime) -> Iterator[tuple[str, list[Ground]]]:
    """Yield everybody who is not in process, in the order of their ids, with what they are kept for."""
    known = {row.id: _Person(row.organisation, row.country_code, row.created_at) for row in _people(connection)}
    general, ahead = _general(connection, now)
    stated, countries = _stated(connection, now), _countries_of_jobs(connection, rules)
    applied, in_process = _applied(connection, rules, now)
    for name, person in known.items():
        if name in in_process or name in ahead:
            continue
        since = general.get(name)
        home = rules.jurisdictions.get(person.organisation)
        bases = stated.get(name, {})
        strongest = next((one for one in _STRONGEST if one in bases), "unknown")
        found = [
            Ground(
                "contract" if row.kind == "application" else strongest,
                countries.get(row.job_id) or (home or person.country,),
                max((at for at in (*activity.moments(row), since) if at is not None), default=row.landed_at),
            )
            for row in applied.get(name, ())
        ]
        found += [
            Ground(basis, (country or person.country or home,), max(at, since or at))
            for basis, (at, country) in sorted(bases.items())
        ]
        yield name, found or [Ground("unknown", (person.country or home,), since or person.created_at)]


def _people(connection: Connection) -> Iterable[Any]:
    query = select(people.c.id, people.c.organisation, people.c.country_code, people.c.created_at)
    return connection.execute(query.where(people.c.state.in_(_STANDING)).order_by(people.c.id))


def _countries_of_jobs(connection: Connection, rules: RetentionRules) -> dict[str, tuple[str, ...]]:
    """Return the countries that each job names, by its places or its offices; jobs that name none are left out."""
    found: dict[str, tuple[str, ...]] = {}
    for row in connection.execute(select(jobs.c.id, jobs.c.body)):
        body = cast("Mapping[str, Any]", row.body)
        named = {place.get("country_code") for place in body.get("locations") or ()}
        named |= {rules.offices.get(office) for office in body.get("offices") or ()}
        if countries := sorted(one for one in named if one):
            found[row.id] = tuple(countries)
    return found


def _applied(connection: Connection, rules: RetentionRules, now: datetime) -> tuple[dict[str, list[Any]], set[str]]:
    """Return each person's applications, and who is in process: has an open one, or something of one ahead."""
    query = select(
        applications.c.person_id, applications.c.job_id, applications.c.kind, applications.c.outcome,
        applications.c.landed_at, *activity.DATES, activity.latest_event().label("latest_event"),
    ).where(applications.c.person_id.is_not(None))  # fmt: skip
    found: defaultdict[str, list[Any]] = defaultdict(list)
    in_process: set[str] = set()
    forgotten_after = timedelta(days=rules.in_process_days) if rules.in_process_days else None
    for row in connection.execute(query):
        found[row.person_id].append(row)
        latest = max(activity.moments(row), default=row.landed_at)
        is_open = row.outcome == "pending" and row.kind in _IN_PROCESS
        if latest > now or (is_open and (forgotten_after is None or latest + forgotten_after > now)):
            in_process.add(row.person_id)
    return found, in_process


def _general(connection: Connection, now: datetime) -> tuple[dict[str, datetime], set[str]]:
    """Return each person's latest event that is about no application until now, and who has one ahead."""
    found: dict[str, datetime] = {}
    ahead: set[str] = set()
    for person, at in _moments(connection):
        if at is None or person is None:
            continue
        if at > now:
            ahead.add(person)
        elif person not in found or at > found[person]:
            found[person] = at
    return found, ahead


def _moments(connection: Connection) -> Iterator[tuple[str | None, datetime | None]]:
    by_person = person_records.c.person_id
    queries: list[Select[*tuple[Any, ...]]] = [
        select(by_person, func.max(records.c.remote_created_at))
        .join(records, records.c.id == person_records.c.record_id)
        .group_by(by_person),
        select(by_person, func.max(consent_statements.c.stated_at))
        .join(consent_statements, consent_statements.c.record_id == person_records.c.record_id)
        .where(consent_statements.c.stated_by.startswith("candidate"), consent_statements.c.status == "given")
        .group_by(by_person),
        select(by_person, func.max(events.c.at))
        .join(events, events.c.candidate_record_id == person_records.c.record_id)
        .where(events.c.application_id.is_(None), func.coalesce(events.c.actor, "") != activity.MACHINE)
        .group_by(by_person),
    ]
    for query in queries:
        for row in connection.execute(query):
            yield cast("tuple[str | None, datetime | None]", tuple(row))


def _stated(connection: Connection, now: datetime) -> dict[str, dict[str, tuple[datetime, str | None]]]:
    """Return by person and lawful basis what stands: when it was stated last, and the law it names.

    What was withdrawn or refused later at the same record, for the same purpose and channel, stands no more.
    """
    query = (
        select(person_records.c.person_id, consent_statements)
        .join(consent_statements, consent_statements.c.record_id == person_records.c.record_id)
        .order_by(consent_statements.c.stated_at, consent_statements.c.id)
    )
    latest = {
        (row.record_id, row.purpose, row.channel, row.address_key): row
        for row in connection.execute(query)
        if row.lawful_basis == "legal_obligation" or row.purpose not in _OF_AN_APPLICATION
    }
    found: defaultdict[str, dict[str, tuple[datetime, str | None]]] = defaultdict(dict)
    for row in latest.values():
        if row.status == "given" and (row.expires_at is None or row.expires_at > now):
            before = found[row.person_id].get(row.lawful_basis)
            if before is None or row.stated_at > before[0]:
                found[row.person_id][row.lawful_basis] = (row.stated_at, row.jurisdiction)
    return found
