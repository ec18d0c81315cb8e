"""The policy that the gate asks beside consent: marketing at a decent hour, not too often, not while in process.

Service messages pass it, but for human moments: an offer, or a final rejection after an interview, is never sent by a
machine; whoever looks after the application is given a task instead (`talent_pool.delivery.tasks`).
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import Connection, case, func, select

from connectors.contract import Action, Fate
from connectors.records import Stage
from talent_pool.delivery.contact_policy import ContactPolicy
from talent_pool.people import activity
from talent_pool.segments.calendar import zone_of
from talent_pool.segments.definition import SegmentDefinition
from talent_pool.store.database import Store
from talent_pool.store.lookup import rows_with
from talent_pool.store.tables import (
    applications,
    deliveries,
    events,
    memberships,
    people,
    person_addresses,
    person_aliases,
    push_rows,
)

if TYPE_CHECKING:
    from talent_pool.delivery.gate import Leaving

HELD_OUT = "Held out: a share of people, always the same, is never reached, so that an effect can be told."
IN_PROCESS = "In process: no marketing until the application has ended, or nothing has happened to it for long."
HUMAN_MOMENT = "A human moment: {} is told by a person. It is a task for whoever looks after the application."
MOMENTS = {"rejection": "a rejection after an interview", "offer": "an offer"}
"""Human moments by the kind of the task that each becomes."""
RIVAL = "A segment of higher priority waits to write to this person first."

_WRITTEN = ("sending", "sent", "unknown")
_COUNTS_FOR = timedelta(days=400)
_CHUNK = 500
_OWN = ("application", "referral")
_PENDING = select(applications.c.person_id).where(applications.c.outcome == "pending", applications.c.kind.in_(_OWN))


class Passage(Protocol):
    """What the policy knows of a way out."""

    @property
    def store(self) -> Store: ...
    @property
    def now(self) -> datetime: ...
    @property
    def policies(self) -> Mapping[str, ContactPolicy]: ...
    @property
    def promised(self) -> dict[str, int]: ...
    @property
    def rivals(self) -> Mapping[str, tuple[str, int]]: ...


@dataclass(frozen=True, slots=True)
class Held:
    """That a row may not go: what becomes of it, why in one sentence, and when it may go if that is known.

    `moment`: the kind of human moment that it is, which becomes a task.
    """

    fate: Fate
    reason: str
    may_go: datetime | None = None
    moment: str | None = None


@dataclass(slots=True)
class Contact:
    """What the policy rests on about one person. `sent`: when marketing reached her.

    `active_at`: when something last happened to an application of hers that is open; None if none is.
    """

    time_zone: str | None = None
    active_at: datetime | None = None
    rejected_at: datetime | None = None
    sent: list[datetime] = field(default_factory=list[datetime])
    waiting: set[str] = field(default_factory=set[str])
    """Segments that were deferred for her at other destinations, and that she is still in."""


def is_held_out(store: Store, segment: str, person_id: str, share: float) -> bool:
    """Say whether a person is of the share that a segment never reaches: by lot, and the same for ever."""
    return share > 0 and int(store.hashed("holdout", segment, person_id)[:8], 16) < share * 2**32


def held(connection: Connection, way: Passage, rows: Sequence["Leaving"]) -> dict[str, Held]:
    """Return which rows the policy holds back, by row id."""
    found: dict[str, Held] = {}
    marketing = [row for row in rows if row.type == "marketing" and row.action is not Action.REMOVE and row.person_id]
    known = contacts(connection, {row.person_id or "" for row in marketing}, way.now, way.rivals)
    for row in marketing:
        judged = _marketing(way, row, known.get(row.person_id or "", Contact()))
        if judged is not None:
            found[row.row_id] = judged
    service = [
        row for row in rows if row.type == "service" and row.action is Action.MESSAGE and row.recipient == "person"
    ]
    for row_id, moment in _human_moments(connection, service).items():
        found[row_id] = Held(Fate.SUPPRESSED, HUMAN_MOMENT.format(MOMENTS[moment]), moment=moment)
    return found


def kept_out(connection: Connection, way: Passage, segment: SegmentDefinition, person_ids: Collection[str]) -> set[str]:
    """Return whom marketing of a segment is kept from altogether, and not only for a while."""
    if segment.type != "marketing":
        return set()
    policy = way.policies.get(segment.organisation) or ContactPolicy(organisation=segment.organisation)
    share = segment.holdout
    found = {one for one in person_ids if is_held_out(way.store, segment.name, one, share)} if share else set[str]()
    if policy.in_process == "no_marketing":
        found |= {row.person_id for row in rows_with(connection, _PENDING, applications.c.person_id, person_ids)}
    return found


def _marketing(way: Passage, row: "Leaving", contact: Contact) -> Held | None:
    policy = way.policies.get(row.organisation) or ContactPolicy(organisation=row.organisation)
    if is_held_out(way.store, row.segment, row.person_id or "", row.holdout):
        return Held(Fate.SUPPRESSED, HELD_OUT)
    if is_in_process(contact, policy, way.now):
        return Held(Fate.SUPPRESSED, IN_PROCESS)
    return _later(way, row, contact, policy)


def is_in_process(contact: Contact, policy: ContactPolicy, now: datetime) -> bool:
    """Say whether an application of hers is open that is not forgotten."""
    until = policy.in_process_until(contact.active_at)
    return until is not None and until > now


def _later(way: Passage, row: "Leaving", contact: Contact, policy: ContactPolicy) -> Held | None:
    begin = way.now
    why: list[str] = []
    if policy.cool_off_days and contact.rejected_at:
        end = contact.rejected_at + timedelta(days=policy.cool_off_days)
        if end > begin:
            begin = end
            why.append(f"{policy.cool_off_days} days after a rejection are left quiet")
    if row.action is Action.MESSAGE:
        for name, (_, priority) in way.rivals.items():
            if name in contact.waiting and priority > row.priority:
                return Held(Fate.DEFERRED, RIVAL)
        sent = contact.sent + [way.now] * way.promised.get(row.person_id or "", 0)
        may_go = policy.may_go(begin, zone_in(contact.time_zone, policy), sent)
        if may_go > begin:
            begin = may_go
            why.append("quiet hours, and the most messages that one person may have, are kept to")
    if not why:
        return None
    return Held(Fate.DEFERRED, f"Later: {' and '.join(why)}. It may go from {begin:%Y-%m-%d %H:%M} UTC.", begin)


def next_moment(contact: Contact, policy: ContactPolicy, now: datetime) -> datetime | None:
    """Return the first moment from `now` on at which one more message of marketing may go; None while in process."""
    if is_in_process(contact, policy, now):
        return None
    begin = now
    if policy.cool_off_days and contact.rejected_at:
        begin = max(begin, contact.rejected_at + timedelta(days=policy.cool_off_days))
    return policy.may_go(begin, zone_in(contact.time_zone, policy), contact.sent)


def zone_in(time_zone: str | None, policy: ContactPolicy) -> str:
    """Return the person's own zone where it is known and exists, else the organisation's."""
    known = time_zone and getattr(zone_of(time_zone), "key", None)
    return known or policy.time_zone


def contacts(
    connection: Connection, person_ids: Iterable[str], now: datetime, rivals: Mapping[str, Any] | None = None
) -> dict[str, Contact]:
    """Read what the policy rests on for many people."""
    ordered = sorted(set(person_ids))
    found: dict[str, Contact] = {}
    for start in range(0, len(ordered), _CHUNK):
        part = ordered[start : start + _CHUNK]
        some = {
            row.id: Contact(row.time_zone)
            for row in connection.execute(select(people.c.id, people.c.time_zone).where(people.c.id.in_(part)))
        }
        _add_processes(connection, some)
        _add_messages(connection, some, now)
        if rivals:
            _add_waiting(connection, some, rivals)
        found |= some
    return found


def _add_processes(connection: Connection, found: dict[str, Contact]) -> None:
    query = select(
        applications.c.person_id, applications.c.kind, applications.c.outcome, applications.c.outcome_learned_at,
        applications.c.landed_at, *activity.DATES,
        case((applications.c.outcome == "pending", activity.latest_event())).label("latest_event"),
    ).where(applications.c.person_id.in_(found))  # fmt: skip
    for row in connection.execute(query):
        contact = found[row.person_id]
        if row.outcome == "pending" and row.kind in _OWN:
            active_at = max(activity.moments(row), default=row.landed_at)
            contact.active_at = max(contact.active_at or active_at, active_at)
        at = row.outcome_at or row.outcome_learned_at
        if row.outcome == "rejected" and at and (contact.rejected_at is None or at > contact.rejected_at):
            contact.rejected_at = at


def _add_messages(connection: Connection, found: dict[str, Contact], now: datetime) -> None:
    """Add when marketing reached each person: under this id, a former one, or at an address of hers."""
    owner: defaultdict[str, set[str]] = defaultdict(set)
    for name in found:
        owner[name].add(name)
    aliases = select(person_aliases.c.id, person_aliases.c.person_id).where(person_aliases.c.person_id.in_(found))
    for row in connection.execute(aliases):
        owner[row.id].add(row.person_id)
    keys = select(person_addresses.c.address_key, person_addresses.c.person_id)
    for row in connection.execute(keys.where(person_addresses.c.person_id.in_(found)).distinct()):
        owner[row.address_key].add(row.person_id)
    seen: set[tuple[str, str]] = set()
    names = sorted(owner)
    for start in range(0, len(names), _CHUNK):
        part = names[start : start + _CHUNK]
        recent = (
            deliveries.c.type == "marketing",
            deliveries.c.state.in_(_WRITTEN),
            deliveries.c.planned_at > now - _COUNTS_FOR,
        )
        columns = (
            deliveries.c.id,
            deliveries.c.person_id,
            deliveries.c.address_key,
            deliveries.c.sent_at,
            deliveries.c.planned_at,
        )
        for column in (deliveries.c.person_id, deliveries.c.address_key):
            for row in connection.execute(select(*columns).where(column.in_(part), *recent)):
                for person in owner.get(row.person_id, set()) | owner.get(row.address_key, set()):
                    if (row.id, person) not in seen:
                        seen.add((row.id, person))
                        found[person].sent.append(row.sent_at or row.planned_at)


def _add_waiting(connection: Connection, found: dict[str, Contact], rivals: Mapping[str, Any]) -> None:
    newest = (
        select(func.max(push_rows.c.id).label("id"))
        .where(push_rows.c.person_id.in_(found), push_rows.c.segment.in_(sorted(rivals)))
        .group_by(push_rows.c.destination, push_rows.c.segment, push_rows.c.subject_id)
        .subquery()
    )
    query = (
        select(push_rows.c.person_id, push_rows.c.segment, push_rows.c.destination)
        .join(newest, newest.c.id == push_rows.c.id)
        .join(
            memberships,
            (memberships.c.segment == push_rows.c.segment) & (memberships.c.subject_id == push_rows.c.subject_id),
        )
        .where(push_rows.c.fate == Fate.DEFERRED.value, memberships.c.until.is_(None))
    )
    for row in connection.execute(query):
        if rivals[row.segment][0] == row.destination and row.person_id in found:
            found[row.person_id].waiting.add(row.segment)


def _human_moments(connection: Connection, rows: Sequence["Leaving"]) -> dict[str, str]:
    """Return which messages are of what human moment, whatever their segment says."""
    asked = {row.row_id: row.application_id for row in rows if row.application_id}
    moments: dict[str, str] = {}
    ids = sorted(set(asked.values()))
    for start in range(0, len(ids), _CHUNK):
        part = ids[start : start + _CHUNK]
        met = set(
            connection.execute(
                select(events.c.application_id).where(
                    events.c.application_id.in_(part), events.c.type == "interview_held"
                )
            ).scalars()
        )
        query = select(
            applications.c.id, applications.c.stage, applications.c.outcome, applications.c.furthest_rank
        ).where(applications.c.id.in_(part))
        for row in connection.execute(query):
            spoken = row.id in met or (row.furthest_rank or 0) >= Stage.INTERVIEW.rank
            if row.outcome == "rejected" and spoken:
                moments[row.id] = "rejection"
            elif row.outcome in ("pending", "hired") and row.stage == Stage.OFFER.value:
                moments[row.id] = "offer"
    return {row_id: moments[name] for row_id, name in asked.items() if name in moments}
