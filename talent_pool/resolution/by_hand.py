"""People brought together and taken apart by hand: decisions about their records, and the resolution of what they wake.

Whoever is named by a record's id is that record alone; whoever is named by a person's id is all records of theirs.
Nothing here evaluates a segment or sends anything.
"""

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from dedupe.scoring import edges
from talent_pool.installation import Installation
from talent_pool.people.person_ids import NoSuchPerson, resolved
from talent_pool.refused import Refused
from talent_pool.resolution import decisions
from talent_pool.resolution.decisions import Decision
from talent_pool.resolution.landed import by_ids
from talent_pool.resolution.neighbours import Score
from talent_pool.resolution.resolve import resolve_all
from talent_pool.store.database import Store
from talent_pool.store.lookup import rows_with
from talent_pool.store.tables import people, person_records


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody who holds records now; `records` are birth ids, first landed first."""

    id: str
    full_name: str | None
    primary_email: str | None
    records: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a decision: the pair of records that it names, and who holds the records it was about.

    `withdrawn` are ids of decisions that stood against it.
    """

    record_a: str
    record_b: str
    people: tuple[Holder, ...]
    withdrawn: tuple[str, ...] = ()


@dataclass(frozen=True)
class By:
    """Who decides, when, and what they noted."""

    who: str
    now: datetime
    note: str | None = None


def merge(
    store: Store, installation: Installation, a: str, b: str, by: By, *, anyway: bool = False, score: Score = edges
) -> Outcome:
    """Make one person of two, each named by a record's or a person's id.

    `anyway` withdraws what people decided to the contrary. Raises NoSuchPerson for an unknown id, and Refused where
    they are one already or, not `anyway`, were decided to be different.
    """
    with store.reading() as connection:
        one, other = _named(connection, a), _named(connection, b)
    return bring_together(store, installation, one, other, by, anyway=anyway, score=score)


def bring_together(
    store: Store,
    installation: Installation,
    one: Sequence[str],
    other: Sequence[str],
    by: By,
    *,
    anyway: bool = False,
    score: Score = edges,
) -> Outcome:
    """Make one person of two groups of records, each somebody's; the decision names the first of each. Raises Refused.

    Where a guard between others of the records would tear one of the groups apart, it is decided to be one as well.
    """
    named = {*one, *other}
    with store.reading() as connection:
        before = _holders(connection, named)
        holding = set(before.values())
        if one[0] == other[0] or (len(holding) == 1 and {one[0], other[0]} <= before.keys()):
            raise Refused(f"They are one person already: {before.get(one[0], one[0])}.")
        against = _against(connection, one, other)
        whole = named | _held_by(connection, holding)
    if against and not anyway:
        told = ", ".join(f"{decision.id} by {decision.decided_by}" for decision in against)
        raise Refused(f"They were decided to be different people: {told}. `catchment merge --anyway` withdraws that.")
    for decision in against:
        decisions.withdraw(store, decision.id, by.now)
    _decide(store, "same", one[0], other[0], by)
    resolve_all(store, installation, by.now, score=score)
    with store.reading() as connection:
        parted = len(set(_holders(connection, named).values())) > 1
    if parted:
        for side in (one, other):
            for record in side[1:]:
                _decide(store, "same", side[0], record, by)
        resolve_all(store, installation, by.now, score=score)
    with store.reading() as connection:
        return Outcome(one[0], other[0], _people(connection, whole), tuple(decision.id for decision in against))


def unmerge(store: Store, installation: Installation, a: str, b: str | None, by: By, score: Score = edges) -> Outcome:
    """Take a record out of its person: `a` from all the others, or from `b` alone where both are records.

    Where one of the two is a person's id, the other one is taken out of that person. A decision of somebody's that
    ties the two together is withdrawn. Raises NoSuchPerson for an unknown id, and Refused where nothing is to part.
    """
    with store.reading() as connection:
        record, others = _to_part(connection, a, b)
        before = set(_holders(connection, {record, *others}).values())
        whole = _held_by(connection, before)
    withdrawn: list[str] = []
    for other in others:
        withdrawn += _cut(store, other, record, by.now)
    for other in others:
        if not _opposed(store, other, record):
            _decide(store, "different", other, record, by)
    resolve_all(store, installation, by.now, score=score)
    with store.reading() as connection:
        return Outcome(others[0], record, _people(connection, whole), tuple(withdrawn))


def keep_apart(store: Store, installation: Installation, a: str, b: str, by: By, score: Score = edges) -> Outcome:
    """Write down that two records of two people are different people. Raises Refused."""
    _decide(store, "different", a, b, by)
    resolve_all(store, installation, by.now, score=score)
    with store.reading() as connection:
        return Outcome(a, b, _people(connection, {a, b}))


def _decide(store: Store, kind: decisions.Kind, a: str, b: str, by: By) -> str:
    return decisions.decide(store, kind, a, b, by=by.who, now=by.now, note=by.note)


def _named(connection: Connection, name: str) -> list[str]:
    """Return the live candidate records that an id stands for, first landed first."""
    found = by_ids(connection, [name]).get(name)
    if found is not None:
        if found.record_type != "candidate":
            raise Refused(f"{name} is no candidate's record; only candidates are people of the pool.")
        if not found.live:
            raise Refused(f"The source of {name} no longer holds it, so it is a record of nobody.")
        return [name]
    person = resolved(connection, name)
    if person is None:
        raise NoSuchPerson(f"There is no record and nobody with the id {name}. `catchment people` lists everybody.")
    own = _in_order(connection, _held_by(connection, [person]))
    if not own:
        raise Refused(f"No source holds a record of {name} any more.")
    return own


def _to_part(connection: Connection, a: str, b: str | None) -> tuple[str, list[str]]:
    """Return the record to be taken out, and those that it is taken from."""
    one = _named(connection, a)
    if b is None:
        if len(one) > 2:
            raise Refused(f"{a} has {len(one)} records; name the one to take out: {', '.join(one)}.")
        record = one[-1]
        own = _held_by(connection, _holders(connection, [record]).values())
        rest = _in_order(connection, own - {record})
        if not rest:
            raise Refused(f"{record} is the only record of its person; there is nothing to take it from.")
        return record, rest
    other = _named(connection, b)
    wholes = [not _is_record(connection, name) for name in (a, b)]
    if all(wholes):
        raise Refused("Of two ids one has to be a record's, the one to take out. `catchment person` shows them.")
    (record,), rest = (other, one) if not wholes[1] else (one, other)
    holders = _holders(connection, {record, *rest})
    if record not in holders or any(holders.get(name) != holders[record] for name in rest):
        raise Refused("They are two people already.")
    rest = [name for name in rest if name != record]
    if not rest:
        raise Refused(f"{record} cannot be taken from itself; name another record.")
    return record, rest


def _is_record(connection: Connection, name: str) -> bool:
    return name in by_ids(connection, [name])


def _against(connection: Connection, one: Iterable[str], other: Iterable[str]) -> list[Decision]:
    """Return what people decided by which any record of one side is different from any of the other's."""
    standing = [decision for decision in decisions.standing(connection) if not decision.by_vendor]
    known = decisions.ties(standing)
    sides = [{known.peers(record) for record in side} for side in (one, other)]
    crossing = {frozenset((left, right)) for left in sides[0] for right in sides[1]} & known.opposed
    return [
        decision
        for decision in standing
        if decision.kind == "different"
        and frozenset((known.peers(decision.record_a), known.peers(decision.record_b))) in crossing
    ]


def _opposed(store: Store, a: str, b: str) -> bool:
    with store.reading() as connection:
        known = decisions.ties(one for one in decisions.standing(connection) if not one.by_vendor)
    return frozenset((known.peers(a), known.peers(b))) in known.opposed


def _cut(store: Store, stays: str, leaves: str, now: datetime) -> list[str]:
    """Withdraw what people decided that ties `leaves` to `stays`, at the end of the one that leaves."""
    withdrawn: list[str] = []
    while True:
        with store.reading() as connection:
            same = [one for one in decisions.standing(connection) if one.kind == "same" and not one.by_vendor]
        last = _last_tie(same, stays, leaves)
        if last is None:
            return withdrawn
        decisions.withdraw(store, last.id, now)
        withdrawn.append(last.id)


def _last_tie(same: Iterable[Decision], start: str, end: str) -> Decision | None:
    """Return the last decision of the shortest way from `start` to `end`; None where there is no way."""
    around: defaultdict[str, list[tuple[str, Decision]]] = defaultdict(list)
    for decision in same:
        around[decision.record_a].append((decision.record_b, decision))
        around[decision.record_b].append((decision.record_a, decision))
    seen, waiting = {start}, deque([start])
    while waiting:
        for name, decision in around[waiting.popleft()]:
            if name == end:
                return decision
            if name not in seen:
                seen.add(name)
                waiting.append(name)
    return None


def _holders(connection: Connection, names: Collection[str]) -> dict[str, str]:
    columns = select(person_records.c.record_id, person_records.c.person_id)
    return {row.record_id: row.person_id for row in rows_with(connection, columns, person_records.c.record_id, names)}


def _held_by(connection: Connection, persons: Iterable[str]) -> set[str]:
    columns = select(person_records.c.record_id)
    return {row.record_id for row in rows_with(connection, columns, person_records.c.person_id, set(persons))}


def _in_order(connection: Connection, names: Collection[str]) -> list[str]:
    landed = by_ids(connection, names)
    return sorted(landed, key=lambda name: landed[name].landing_number)


def _people(connection: Connection, names: Collection[str]) -> tuple[Holder, ...]:
    """Return who holds these records now, whole, in the order of their first records."""
    persons = set(_holders(connection, names).values())
    columns = select(people.c.id, people.c.full_name, people.c.primary_email)
    found: Mapping[str, tuple[str | None, str | None]] = {
        row.id: (row.full_name, row.primary_email) for row in rows_with(connection, columns, people.c.id, persons)
    }
    whole = _in_order(connection, _held_by(connection, persons))
    holders = _holders(connection, whole)
    own: defaultdict[str, list[str]] = defaultdict(list)
    for record in whole:
        own[holders[record]].append(record)
    return tuple(Holder(person, *found[person], tuple(held)) for person, held in own.items())
