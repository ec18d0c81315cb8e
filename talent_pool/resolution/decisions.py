"""What people decided about pairs of records: "same" and "not the same" outrank the model, for good.

A decision names records by their birth ids, so that it outlives re-runs, retraining, and the record's deletion and
return. It reaches through others: who is the same as somebody is different from whoever that one is different from.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, func, select, update

from talent_pool.refused import Refused
from talent_pool.resolution import turns
from talent_pool.resolution.landed import by_ids
from talent_pool.store.database import Store
from talent_pool.store.lookup import rows_of, rows_with
from talent_pool.store.tables import decisions, work

Kind = Literal["same", "different"]
Pair = tuple[str, str]

_STANDING = (
    select(decisions.c.id, decisions.c.kind, decisions.c.record_a, decisions.c.record_b, decisions.c.decided_by)
    .where(decisions.c.withdrawn_at.is_(None))
    .order_by(decisions.c.id)
)
_ABOUT = (decisions.c.record_a, decisions.c.record_b)


@dataclass(frozen=True, slots=True)
class Decision:
    """One standing decision about two records, `record_a` < `record_b`."""

    id: str
    kind: Kind
    record_a: str
    record_b: str
    decided_by: str

    @property
    def by_vendor(self) -> bool:
        """Whether a source merged the two; landing writes such decisions, and any person overrules them."""
        return self.decided_by.startswith("vendor:")


@dataclass(frozen=True)
class Ties:
    """Standing decisions thought through: groups of records that are one person, and groups that are kept apart.

    `group` maps each record that a decision names to its group; `opposed` holds pairs of groups.
    """

    group: Mapping[str, frozenset[str]]
    opposed: frozenset[frozenset[frozenset[str]]]

    def peers(self, record: str) -> frozenset[str]:
        """Return the records that are the same person as `record` by decision."""
        return self.group.get(record, frozenset((record,)))

    def same(self, members: Iterable[str]) -> list[Pair]:
        """Return pairs that tie together the `members` of each group, though what tied them may be gone."""
        first: dict[frozenset[str], str] = {}
        pairs: list[Pair] = []
        for record in sorted(members):
            group = self.peers(record)
            if group in first:
                pairs.append((first[group], record))
            else:
                first[group] = record
        return pairs

    def different(self, members: Iterable[str]) -> list[Pair]:
        """Return every pair of `members` whose groups are kept apart."""
        present = frozenset(members)
        pairs: set[Pair] = set()
        for one, other in (tuple(pair) for pair in self.opposed):
            pairs |= {(min(a, b), max(a, b)) for a in one & present for b in other & present}
        return sorted(pairs)


NO_TIES = Ties({}, frozenset())


def standing(connection: Connection) -> list[Decision]:
    """Return every decision that was not withdrawn, in the order of their ids."""
    return [Decision(*row) for row in rows_of(connection, _STANDING)]


def around(connection: Connection, about: Collection[str]) -> list[Decision]:
    """Return every standing decision about these records, about those it leads to, and so on.

    Whatever decisions say of a record, these alone say.
    """
    found: dict[str, Decision] = {}
    seen: set[str] = set()
    reached = set(about)
    while reached:
        seen |= reached
        new = [Decision(*row) for row in rows_with(connection, _STANDING, _ABOUT, reached)]
        found |= {decision.id: decision for decision in new}
        reached = {record for decision in new for record in (decision.record_a, decision.record_b)} - seen
    return list(found.values())


def ties(decided: Iterable[Decision]) -> Ties:
    """Think the decisions through. A vendor's merge ranks lower: it holds where no person said otherwise."""
    decided = sorted(decided, key=lambda decision: (decision.by_vendor, decision.id))
    group: dict[str, frozenset[str]] = {}
    for decision in decided:
        for record in (decision.record_a, decision.record_b):
            group.setdefault(record, frozenset((record,)))
    apart = [decision for decision in decided if decision.kind == "different"]
    for decision in decided:
        both = {group[decision.record_a], group[decision.record_b]}
        overruled = decision.by_vendor and any({group[c.record_a], group[c.record_b]} == both for c in apart)
        if decision.kind == "same" and not overruled:
            _join(group, decision.record_a, decision.record_b)
    opposed = frozenset(frozenset((group[c.record_a], group[c.record_b])) for c in apart)
    return Ties(group, opposed)


def decide(store: Store, kind: Kind, a: str, b: str, *, by: str, now: datetime, note: str | None = None) -> str:
    """Write down that two records are, or are not, the same person, and return the decision's id.

    Said twice, it is one decision. Raises Refused when it contradicts standing ones, naming them, or when the two
    are no records of one organisation.
    """
    record_a, record_b = sorted((a, b))
    with store.writing() as connection:
        turns.begin(connection)
        _require_candidates(connection, record_a, record_b)
        already = [decision for decision in standing(connection) if not decision.by_vendor]
        for decision in already:
            if (decision.kind, decision.record_a, decision.record_b) == (kind, record_a, record_b):
                return decision.id
        _require_no_contradiction(already, kind, record_a, record_b)
        count = connection.execute(select(func.count()).select_from(decisions)).scalar_one()
        decision_id = f"dec_{store.hashed('decision', str(count + 1))[:20]}"
        connection.execute(
            decisions.insert().values(
                id=decision_id,
                kind=kind,
                record_a=record_a,
                record_b=record_b,
                decided_by=by,
                decided_at=now,
                note=note,
            )
        )
        _wake(store, connection, (record_a, record_b), now)
    return decision_id


def withdraw(store: Store, decision_id: str, now: datetime) -> None:
    """Take a decision back; from the next resolution on the model speaks again. Raises Refused for an unknown id."""
    with store.writing() as connection:
        turns.begin(connection)
        row = connection.execute(select(decisions).where(decisions.c.id == decision_id)).first()
        if row is None:
            raise Refused(f"There is no decision {decision_id}. See `catchment explain` for those that stand.")
        if row.withdrawn_at is None:
            connection.execute(update(decisions).where(decisions.c.id == decision_id).values(withdrawn_at=now))
            _wake(store, connection, (row.record_a, row.record_b), now)


def _join(group: dict[str, frozenset[str]], a: str, b: str) -> None:
    both = group[a] | group[b]
    for record in both:
        group[record] = both


def _require_candidates(connection: Connection, a: str, b: str) -> None:
    if a == b:
        raise Refused("A decision is about two records; these are one and the same.")
    found = by_ids(connection, (a, b))
    for record in (a, b):
        if record not in found or found[record].record_type != "candidate":
            raise Refused(f"There is no candidate record {record}. `catchment people` shows the records of a person.")
    if found[a].organisation != found[b].organisation:
        raise Refused("The two records belong to different organisations, whose pools are kept apart.")


def _require_no_contradiction(already: list[Decision], kind: Kind, a: str, b: str) -> None:
    known = ties(already)
    one, other = known.peers(a), known.peers(b)
    if kind == "different" and one == other:
        in_the_way = [decision.id for decision in already if decision.kind == "same" and decision.record_a in one]
        raise Refused(f"These two were decided to be the same person by {', '.join(in_the_way)}. Withdraw that first.")
    if kind == "same" and frozenset((one, other)) in known.opposed:
        in_the_way = [
            decision.id
            for decision in already
            if decision.kind == "different"
            and {known.peers(decision.record_a), known.peers(decision.record_b)} == {one, other}
        ]
        raise Refused(f"These two were decided to be different people by {', '.join(in_the_way)}. Withdraw that first.")


def _wake(store: Store, connection: Connection, records: tuple[str, str], now: datetime) -> None:
    rows = [{"stage": "resolve", "subject_id": record, "since": now} for record in records]
    connection.execute(store.insert(work).on_conflict_do_nothing(), rows)
    turns.end(connection)
