"""Who has been kept for long enough: by rules, counted from the latest relevant event over all of a person's sources.

Relevant is what the person or a recruiter did: applications, their outcomes and stages, interactions, consents given by
the person, records created. Our own mails do not count, nor does anything that a machine did, nor that a source touched
a record. Whoever is in process is not due. Nothing goes before the grace is over, which counts from when the person was
first seen as due; an event in between takes the mark away.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Connection, Row, Select, func, select

from talent_pool.privacy import erasure
from talent_pool.privacy.erasure import Desk
from talent_pool.privacy.requests import How, month_later
from talent_pool.privacy.retention_rules import RetentionRule, RetentionRules
from talent_pool.refused import Refused
from talent_pool.store import holds
from talent_pool.store.database import Store
from talent_pool.store.lookup import delete_with
from talent_pool.store.tables import (
    applications,
    consent_statements,
    events,
    holdings,
    memberships,
    people,
    person_addresses,
    person_records,
    record_holds,
    records,
    retention_marks,
)

_STRONGEST = ("legal_obligation", "contract", "consent", "legitimate_interest")
"""Lawful bases, the one that is asked for first in front."""
_STANDING = ("active", "restricted", "archived")
_BELONGING = (
    person_records.c.person_id,
    person_addresses.c.person_id,
    memberships.c.person_id,
    applications.c.person_id,
    holdings.c.person_id,
)
_MACHINE = "machine"
_IN_PROCESS = ("application", "referral")
"""Kinds of applications that are a process; a prospect who never applied is none."""


@dataclass(frozen=True, slots=True)
class Due:
    """One person who has been kept long enough. `goes_at`: when the grace is over."""

    person_id: str
    rule: str
    then: str
    basis: str
    latest_at: datetime
    due_at: datetime
    goes_at: datetime
    is_ready: bool
    hold_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """Who is due. `token` is good for exactly those whose grace is over now."""

    due: tuple[Due, ...]
    token: str


@dataclass(frozen=True, slots=True)
class Applied:
    """What was done; `waiting`: erasures of which a recipient is left."""

    erased: int = 0
    archived: int = 0
    waiting: int = 0


def preview(store: Store, rules: RetentionRules, now: datetime) -> Preview:
    """Return who is due, and mark those seen for the first time: their grace begins now."""
    with store.reading() as connection:
        found = list(_due(connection, rules, now))
        marked = {row.person_id: row for row in connection.execute(select(retention_marks))}
    new = [one for one in found if _is_new(one, marked.get(one.person_id))]
    gone = marked.keys() - {one.person_id for one in found} | {one.person_id for one in new if one.person_id in marked}
    if new or gone:
        with store.writing() as connection:
            delete_with(connection, retention_marks.c.person_id, gone)
            rows = [
                {"person_id": one.person_id, "rule": one.rule, "due_at": one.due_at, "marked_at": now} for one in new
            ]
            if rows:
                connection.execute(store.insert(retention_marks).on_conflict_do_nothing(), rows)
    at = {name: row.marked_at for name, row in marked.items() if name not in gone}
    due = [_with_grace(one, at.get(one.person_id, now), rules, now) for one in found]
    ready = sorted(f"{one.person_id}:{one.then}" for one in due if one.is_ready)
    return Preview(tuple(due), store.hashed("retention", *ready)[:12])


def apply(desk: Desk, rules: RetentionRules, token: str, now: datetime) -> Applied:
    """Erase or archive whose grace is over. Raises Refused for a token that is not the preview's."""
    told = preview(desk.store, rules, now)
    if token != told.token:
        raise Refused("Look first: `catchment retention` shows who would go, and gives a token for exactly those.")
    erased = archived = waiting = 0
    for one in told.due:
        if not one.is_ready:
            continue
        if one.then == "archive":
            rule = next(each for each in rules.rules if each.name == one.rule)
            until = month_later(one.latest_at, rule.hold_months or 0)
            with desk.store.writing() as connection:
                holds.put(connection, desk.store, one.person_id, "archived", f"retention:{one.rule}", now, until)
            archived += 1
            continue
        seen = erasure.preview(desk, one.person_id).token
        request = erasure.erase(desk, one.person_id, seen, now, How(channel=f"retention: {one.rule}"))
        erased += 1
        waiting += request.state != "closed"
    return Applied(erased, archived, waiting)


def held_of_erased(store: Store) -> int:
    """Count rows that belong to people who were erased: none, or a promise is broken."""
    total = 0
    with store.reading() as connection:
        for column in _BELONGING:
            counted = select(func.count()).select_from(column.table).join(people, people.c.id == column)
            total += int(connection.execute(counted.where(people.c.state == "erased")).scalar_one())
    return total


def _is_new(one: Due, mark: Row[Any] | None) -> bool:
    return mark is None or (mark.rule, mark.due_at) != (one.rule, one.due_at)


def _with_grace(one: Due, marked_at: datetime, rules: RetentionRules, now: datetime) -> Due:
    goes_at = marked_at + timedelta(days=rules.grace_days)
    return Due(
        one.person_id, one.rule, one.then, one.basis, one.latest_at, one.due_at, goes_at,
        is_ready=goes_at <= now and one.hold_until is None, hold_until=one.hold_until,
    )  # fmt: skip


def _due(connection: Connection, rules: RetentionRules, now: datetime) -> Iterator[Due]:
    if not rules.rules:
        return
    latest, in_process = _latest(connection, now)
    bases, held, restricted = _bases(connection, now), _archived(connection), _asked_to_keep(connection)
    known = select(people.c.id, people.c.country_code, people.c.state, people.c.created_at).where(
        people.c.state.in_(_STANDING)
    )
    for row in connection.execute(known.order_by(people.c.id)):
        basis = next((one for one in _STRONGEST if one in bases.get(row.id, ())), "unknown")
        rule = rules.of(row.country_code, basis)
        if rule is None or row.id in in_process:
            continue
        at: datetime = latest.get(row.id) or row.created_at
        due = _of_rule(row.id, rule, basis, at, now, held.get(row.id), is_kept=row.id in restricted)
        if due is not None:
            yield due


def _of_rule(
    person: str, rule: RetentionRule, basis: str, at: datetime, now: datetime, held: datetime | None, *, is_kept: bool
) -> Due | None:
    due_at, then = month_later(at, rule.months), rule.then
    if rule.then == "archive" and held is not None:
        due_at, then = month_later(at, rule.hold_months or 0), "erase"
    if due_at > now:
        return None
    hold_until = held if held is not None and held > now else None
    if is_kept:  # Art. 18: she asked that it be kept, for a claim of hers
        hold_until = datetime.max.replace(tzinfo=now.tzinfo)
    return Due(person, rule.name, then, basis, at, due_at, due_at, is_ready=False, hold_until=hold_until)


def _latest(connection: Connection, now: datetime) -> tuple[dict[str, datetime], set[str]]:
    """Return each person's latest relevant event until now, and who is in process or has something ahead."""
    found: dict[str, datetime] = {}
    ahead: set[str] = set()
    for person, at in _moments(connection):
        if at is None or person is None:
            continue
        if at > now:
            ahead.add(person)
        elif person not in found or at > found[person]:
            found[person] = at
    pending = select(applications.c.person_id).where(
        applications.c.outcome == "pending", applications.c.kind.in_(_IN_PROCESS), applications.c.person_id.is_not(None)
    )
    return found, ahead | set(connection.execute(pending.distinct()).scalars())


def _moments(connection: Connection) -> Iterable[tuple[str | None, datetime | None]]:
    by_person = person_records.c.person_id
    queries: list[Select[*tuple[Any, ...]]] = [
        select(applications.c.person_id, func.max(applications.c[name])).group_by(applications.c.person_id)
        for name in ("applied_at", "outcome_at", "stage_entered_at")
    ]
    queries.append(
        select(by_person, func.max(records.c.remote_created_at))
        .join(records, records.c.id == person_records.c.record_id)
        .group_by(by_person)
    )
    queries.append(
        select(by_person, func.max(consent_statements.c.stated_at))
        .join(consent_statements, consent_statements.c.record_id == person_records.c.record_id)
        .where(consent_statements.c.stated_by.startswith("candidate"), consent_statements.c.status == "given")
        .group_by(by_person)
    )
    queries.append(
        select(by_person, func.max(events.c.at))
        .join(events, events.c.candidate_record_id == person_records.c.record_id)
        .where(func.coalesce(events.c.actor, "") != _MACHINE)
        .group_by(by_person)
    )
    for query in queries:
        for row in connection.execute(query):
            yield cast("tuple[str | None, datetime | None]", tuple(row))


def _bases(connection: Connection, now: datetime) -> dict[str, set[str]]:
    """Return the lawful bases that stand for each person; an application that was hers stands for a contract."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    said = (
        select(person_records.c.person_id, consent_statements.c.lawful_basis, consent_statements.c.expires_at)
        .join(consent_statements, consent_statements.c.record_id == person_records.c.record_id)
        .where(consent_statements.c.status == "given")
    )
    for row in connection.execute(said):
        if row.expires_at is None or row.expires_at > now:
            found[row.person_id].add(row.lawful_basis)
    applied = select(applications.c.person_id).where(applications.c.kind == "application").distinct()
    for person in connection.execute(applied).scalars():
        if person:
            found[person].add("contract")
    return found


def _archived(connection: Connection) -> dict[str, datetime]:
    query = (
        select(person_records.c.person_id, func.max(record_holds.c.until).label("until"))
        .join(record_holds, record_holds.c.record_id == person_records.c.record_id)
        .where(record_holds.c.state == "archived", record_holds.c.until.is_not(None))
        .group_by(person_records.c.person_id)
    )
    return {row.person_id: row.until for row in connection.execute(query)}


def _asked_to_keep(connection: Connection) -> set[str]:
    query = select(person_records.c.person_id).join(
        record_holds, record_holds.c.record_id == person_records.c.record_id
    )
    return set(connection.execute(query.where(record_holds.c.state == "restricted")).scalars())
