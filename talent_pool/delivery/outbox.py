"""Message destinations: each occasion is written about at most once.

A row is committed as `sending` at the moment the destination takes it, and its outcome right after. Whatever is found
`sending` by a later run was cut off between the two: it becomes `unknown`, and no machine ever sends it again.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, overload

from sqlalchemy import Connection, Row, select, update

from connectors.contract import Action, Cleared, Fate, Push
from talent_pool.delivery import occasions, policy, push_ledger, unsubscribe
from talent_pool.delivery.gate import Leaving, Way, rule
from talent_pool.delivery.letters import Stationery
from talent_pool.delivery.member import Member
from talent_pool.delivery.push_ledger import Planned
from talent_pool.people.person_ids import given_up
from talent_pool.segments.definition import SegmentDefinition
from talent_pool.store.database import Store, take_lock
from talent_pool.store.lookup import rows_with
from talent_pool.store.tables import applications, deliveries, job_matches

CUT_OFF = "A run was cut off while this was handed over; it may have arrived. It is not sent again by a machine."
TOO_EARLY = "It happened before this push began."
EXPIRED = "expired: it would come too late to be of use."
WRITTEN_TO = "This person or address has had this message already."
ONE_AT_A_TIME = "Another message of this segment to this person goes first."


def plan(
    connection: Connection,
    way: Way,
    push: Push,
    segment: SegmentDefinition,
    members: Sequence[Member],
    *,
    write: Callable[[str, Member], dict[str, Any]],
) -> list[Planned]:
    """Return one row for each member; those still to be sent carry their finished message."""
    name = way.destination.settings.name
    written = _written(connection, name, segment.name)
    done = {row.subject_id: row for row in written}
    said = push_ledger.last_said(connection, name, segment.name, [member.subject_id for member in members])
    reached = _reached(connection, written) if segment.subject == "person" else {}
    offered = _offered(connection, done) if segment.subject == "match" else set[tuple[str, str]]()
    template = push.template or push.segment
    about = occasions.of(connection, segment, (member.person_id for member in members if member.person_id))
    planned: list[Planned] = []
    for member in members:
        occasion = about.get(member.person_id or "", occasions.THE_ONE)
        named, delivery = occasions.current(occasion, done.get(member.subject_id))
        row = _row(way, push, segment, member, template, occasion=named)
        planned.append(row)
        heard = occasions.has_heard(reached, occasion, row.person_id, row.address_key)
        _settle_without_sending(row, member, push, delivery, said.get(row.subject_id), heard=heard, now=way.now)
        if segment.subject == "match":
            _settle_offered(row, member, offered)
    open_rows = [row for row in planned if row.fate is None]
    rulings = rule(connection, way, [row.leaving for row in open_rows])
    by_subject = {member.subject_id: member for member in members}
    taken: set[str] = set()
    promised_here: set[str] = set()
    for row in open_rows:
        ruling = rulings[row.leaving.row_id]
        if ruling.fate is not None:
            row.becomes(ruling.fate, ruling.reason)
            row.moment = ruling.moment
        elif segment.subject == "person" and row.address_key in taken:
            row.becomes(Fate.SUPPRESSED, WRITTEN_TO)
        elif segment.type == "marketing" and row.person_id in promised_here:
            row.becomes(Fate.DEFERRED, ONE_AT_A_TIME)
        else:
            taken.add(row.address_key or "")
            if segment.type == "marketing" and row.person_id:
                promised_here.add(row.person_id)
        if row.fate in (None, Fate.DEFERRED):
            row.leaving = replace(row.leaving, fields=write(template, by_subject[row.subject_id]))
    for person_id in promised_here:
        way.promised[person_id] = way.promised.get(person_id, 0) + 1
    return planned


def _row(
    way: Way, push: Push, segment: SegmentDefinition, member: Member, template: str, occasion: str = ""
) -> Planned:
    store = way.store
    more = (occasion,) if occasion else ()  # without one, ids are what they were before there were any
    leaving = Leaving(
        row_id="dlv_" + store.hashed("delivery", way.destination.settings.name, segment.name, member.subject_id, *more),
        action=Action.MESSAGE,
        organisation=member.organisation,
        # What is written to a colleague about her is no message to her.
        person_id=member.person_id if segment.recipient == "person" else None,
        candidate_record_id=member.candidate_record_id if segment.recipient == "person" else None,
        address=member.address,
        channel=segment.channel,
        purpose=segment.purpose,
        tag=push.tag or push.segment,
        type=segment.type,
        segment=segment.name,
        recipient=segment.recipient,
        application_id=member.application_id,
        priority=segment.priority,
        holdout=segment.holdout,
        unsubscribe_url=link(store, way.sending.public_url, segment, member),
    )
    return Planned(
        segment.name,
        member.subject_id,
        member.person_id,
        leaving,
        member.address_key,
        fingerprint=store.hashed("message", member.address or "", template, *more),
        reaches=True,
        occasion=occasion,
        template=template,
        useless_after=member.useless_after,
    )


def link(store: Store, public_url: str, segment: SegmentDefinition, member: Member) -> str | None:
    """Return the member's one-click way out of this kind of mail."""
    if not member.address_key:
        return None
    token = unsubscribe.token(store, member.address_key, member.organisation, segment.purpose, segment.channel)
    return unsubscribe.url(public_url, token)


def _settle_without_sending(
    row: Planned,
    member: Member,
    push: Push,
    delivery: Row[Any] | None,
    said: push_ledger.Said | None,
    *,
    heard: bool,
    now: datetime,
) -> None:
    """Settle rows that were sent, are in doubt, were refused for good, came too early or would come too late."""
    state = delivery.state if delivery else None
    if state == "sent":
        row.becomes(Fate.UNCHANGED)
    elif state in ("unknown", "sending"):
        row.becomes(Fate.UNKNOWN, delivery.reason if delivery and delivery.reason else CUT_OFF)
    elif said and said.fate is Fate.REJECTED and said.fingerprint == row.fingerprint:
        row.becomes(Fate.REJECTED, said.reason)
    elif state is None and heard:
        row.becomes(Fate.SUPPRESSED, WRITTEN_TO)
    elif push.since_at and member.occurred_at < push.since_at:
        row.becomes(Fate.SUPPRESSED, TOO_EARLY)
    elif row.useless_after and row.useless_after < now:
        row.becomes(Fate.SUPPRESSED, EXPIRED)


def _settle_offered(row: Planned, member: Member, offered: set[tuple[str, str]]) -> None:
    """Settle a job that this person was told of, by another application of hers; one that is told now counts too."""
    pair = (member.person_id or "", member.job_id or "")
    if row.fate is None and all(pair):
        if pair in offered:
            row.becomes(Fate.SUPPRESSED, WRITTEN_TO)
        offered.add(pair)


def _offered(connection: Connection, done: dict[str, Row[Any]]) -> set[tuple[str, str]]:
    """Return (person, job) of what was told about matches, through every merge."""
    written = [row.subject_id for row in done.values() if row.state in ("sent", "sending", "unknown")]
    query = select(job_matches.c.job_id, applications.c.person_id).join(
        applications, applications.c.id == job_matches.c.application_id
    )
    return {(row.person_id, row.job_id) for row in rows_with(connection, query, job_matches.c.id, written)}


def _written(connection: Connection, destination: str, segment: str) -> list[Row[Any]]:
    """Return what one push has written or tried to, the oldest first."""
    query = select(deliveries).where(deliveries.c.destination == destination, deliveries.c.segment == segment)
    return sorted(connection.execute(query), key=lambda row: (row.planned_at, row.occasion, row.id))


def _reached(connection: Connection, written: Sequence[Row[Any]]) -> dict[str, tuple[datetime, str]]:
    """Return who has had a message about a person, and of what: people, through every merge, and addresses."""
    arrived = [row for row in written if row.state in ("sent", "sending", "unknown")]
    now_called = given_up(connection, (row.subject_id for row in arrived))
    found: dict[str, tuple[datetime, str]] = {}
    for row in arrived:
        person = str(row.subject_id)
        for name in (now_called.get(person, person), str(row.address_key)):
            told_at, told_of = found.get(name, (row.planned_at, row.occasion))
            found[name] = max(told_at, row.planned_at), max(told_of, row.occasion)
    return found


def settle_cut_off(store: Store, destination: str) -> int:
    """Turn what an earlier run left `sending` into `unknown`; return how many."""
    with store.reading() as connection:
        left = deliveries.c.destination == destination, deliveries.c.state == "sending"
        if connection.execute(select(deliveries.c.id).where(*left).limit(1)).first() is None:
            return 0
    with store.writing() as connection:
        return connection.execute(update(deliveries).where(*left).values(state="unknown", reason=CUT_OFF)).rowcount


class Handing(Sequence[Cleared]):
    """A batch that commits each row as `sending` at the moment the destination takes it, and not before.

    So a run that is cut off leaves in doubt what the destination had in hand, and no more. A row that `announce` says
    no to is passed over, which is why one cannot be had by its place.
    """

    def __init__(self, rows: Sequence[Cleared], announce: Callable[[Cleared], bool]) -> None:
        self._rows, self._announce = rows, announce

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> Cleared: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Cleared]: ...

    def __getitem__(self, index: int | slice) -> Cleared | Sequence[Cleared]:
        if isinstance(index, int):
            raise TypeError("Messages are taken in order: go through the batch, or take a slice of it.")
        return [row for row in self._rows[index] if self._announce(row)]

    def __iter__(self) -> Iterator[Cleared]:
        return (row for row in self._rows if self._announce(row))


def announce(connection: Connection, way: Way, row: Planned, run_id: str) -> bool:
    """Commit that a row is being handed over and return True. One that was sent or is in doubt stays so, and raises.

    False, and the row has its fate, where the policy holds it back by now: another destination may have written to the
    same person since the batch was cleared. Under one lock, so that of two at the same moment the second sees the
    first.
    """
    if row.leaving.type == "marketing":
        take_lock(connection, "contact")
        held = policy.held(connection, replace(way, promised={}), [row.leaving]).get(row.leaving.row_id)
        if held is not None:
            row.becomes(held.fate, held.reason)
            return False
    leaving = row.leaving
    values = {
        "id": leaving.row_id,
        "organisation": leaving.organisation,
        "destination": way.destination.settings.name,
        "segment": row.segment,
        "subject_id": row.subject_id,
        "occasion": row.occasion,
        "candidate_record_id": leaving.candidate_record_id,
        "person_id": leaving.person_id,
        "channel": leaving.channel.value,
        "purpose": leaving.purpose.value,
        "address_key": row.address_key,
        "state": "sending",
        "template": row.template,
        "planned_at": way.now,
        "useless_after": row.useless_after,
        "run_id": run_id,
        "type": leaving.type,
        "reason": None,
        "vendor_reason": None,
    }
    statement = way.store.insert(deliveries).values(values)
    again = statement.on_conflict_do_update(
        index_elements=["destination", "segment", "subject_id", "occasion"],
        set_={name: statement.excluded[name] for name in values if name not in ("id", "planned_at")},
        where=deliveries.c.state.in_(("rejected", "deferred", "suppressed")),
    )
    if connection.execute(again.returning(deliveries.c.id)).first() is None:
        raise RuntimeError("a message that was sent or is in doubt was about to be sent again")
    return True


def record(connection: Connection, row: Planned, now: datetime) -> None:
    """Commit what became of a row that was handed over."""
    assert row.fate is not None  # noqa: S101 - called with outcomes alone
    values = {"state": row.fate.value, "reason": row.reason, "vendor_reason": row.vendor_reason}
    connection.execute(
        update(deliveries)
        .where(deliveries.c.id == row.leaving.row_id)
        .values(**values, sent_at=now if row.fate is Fate.SENT else None)
    )


def stationery(place: str | None) -> Stationery:
    """Return the templates for a destination that stands at `place` ("file:line") in YAML."""
    folder = Path(place.rpartition(":")[0]).parent / "templates" if place else None
    return Stationery([folder] if folder and folder.is_dir() else [])
