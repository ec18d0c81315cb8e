"""Who has been kept for long enough: by rules, for everything that she is kept for (`retention_grounds`).

Each ground has a rule of its own, by the law and the lawful basis that count for it, and its own clock. She goes when
the last of them lets her go. Whoever is in process is not due. Nothing goes before the grace is over, which counts from
when the person was first seen as due; an event in between takes the mark away.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, func, select

from talent_pool.privacy import erasure
from talent_pool.privacy.erasure import Desk
from talent_pool.privacy.requests import How, month_later
from talent_pool.privacy.retention_grounds import Ground, grounds
from talent_pool.privacy.retention_rules import RetentionRule, RetentionRules
from talent_pool.refused import Refused
from talent_pool.store import holds
from talent_pool.store.database import Store
from talent_pool.store.lookup import delete_with
from talent_pool.store.tables import (
    applications,
    holdings,
    memberships,
    people,
    person_addresses,
    person_records,
    record_holds,
    retention_marks,
)

_BELONGING = (
    person_records.c.person_id,
    person_addresses.c.person_id,
    memberships.c.person_id,
    applications.c.person_id,
    holdings.c.person_id,
)


@dataclass(frozen=True, slots=True)
class Due:
    """One person who has been kept long enough. `goes_at`: when the grace is over.

    `rule`, `basis` and `latest_at` are of what kept her longest; `kept_until`: when she goes if she is archived now.
    """

    person_id: str
    rule: str
    then: str
    basis: str
    latest_at: datetime
    due_at: datetime
    goes_at: datetime
    is_ready: bool
    hold_until: datetime | None = None
    kept_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Term:
    """How long one ground holds: in use, and after that out of use."""

    rule: RetentionRule
    ground: Ground
    used_until: datetime
    kept_until: datetime


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
            cause = f"retention:{one.rule}"
            with desk.store.writing() as connection:
                holds.put(connection, desk.store, one.person_id, "archived", cause, now, one.kept_until)
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
    return replace(one, goes_at=goes_at, is_ready=goes_at <= now and one.hold_until is None)


def _due(connection: Connection, rules: RetentionRules, now: datetime) -> Iterator[Due]:
    if not rules.rules:
        return
    held, restricted = _archived(connection), _asked_to_keep(connection)
    for person, found in grounds(connection, rules, now):
        terms = [_term(ground, rules) for ground in found]
        standing = [one for one in terms if one is not None]
        if len(standing) < len(terms):
            continue  # no rule speaks of one of them: it keeps her for as long as it stands
        due = _of_terms(person, standing, now, held.get(person), is_kept=person in restricted)
        if due is not None:
            yield due


def _term(ground: Ground, rules: RetentionRules) -> _Term | None:
    """Return how long one ground holds; None where no rule speaks of it.

    Where the laws of several countries count, she is out of use as soon as one of them says so, and kept for as long
    as one of them wants records kept.
    """
    fitting = [rule for rule in (rules.of(country, ground.basis) for country in ground.countries) if rule is not None]
    if not fitting:
        return None
    first = min(fitting, key=lambda rule: rule.months)
    longest = max(fitting, key=lambda rule: rule.hold_months or 0)
    used_until = month_later(ground.latest_at, first.months)
    if longest.hold_months is None:
        return _Term(first, ground, used_until, used_until)
    return _Term(longest, ground, used_until, month_later(ground.latest_at, longest.hold_months))


def _of_terms(
    person: str, terms: Sequence[_Term], now: datetime, held: datetime | None, *, is_kept: bool
) -> Due | None:
    last = max(terms, key=lambda one: (one.kept_until, one.used_until, one.rule.name))
    used_until = max(one.used_until for one in terms)
    if last.kept_until <= now:
        then, due_at = "erase", last.kept_until
    elif used_until <= now and held is None:
        then, due_at = "archive", used_until
    else:
        return None
    hold_until = held if held is not None and held > now else None
    if is_kept:  # Art. 18: she asked that it be kept, for a claim of hers
        hold_until = datetime.max.replace(tzinfo=now.tzinfo)
    return Due(
        person, last.rule.name, then, last.ground.basis, last.ground.latest_at, due_at, due_at, is_ready=False,
        hold_until=hold_until, kept_until=last.kept_until,
    )  # fmt: skip


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
