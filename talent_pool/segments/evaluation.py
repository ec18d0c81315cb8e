"""The evaluation of segments: whoever was touched or has come due, all segments in one step.

A step is a few hundred people in one transaction: it takes them from the work list, judges them by every segment and
writes what changed. A segment that is new or means something else now is judged for the whole pool first.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, select, update

from talent_pool.installation import Installation
from talent_pool.segments import in_force, job_matches, ledger, scope
from talent_pool.segments.compiler import CompiledSegment
from talent_pool.segments.definition import SegmentDefinition
from talent_pool.segments.rule_tree import Contactable
from talent_pool.segments.steps import Steps, Tally
from talent_pool.store.database import Store
from talent_pool.store.tables import memberships, segment_due, segments

_NEVER = ""
"""The version of a segment that the whole pool has not yet been judged by."""


@dataclass(frozen=True, slots=True)
class SegmentCounts:
    """Open memberships after an evaluation, and how many began and ended in it."""

    members: int
    entered: int
    left: int


@dataclass(frozen=True, slots=True)
class SegmentsReport:
    """What an evaluation found, by segment.

    `people`: how many were touched or due; those of the whole pool, looked at when a segment is new, do not count.
    `held`: segments of which the old definition stays in force until the new one is applied.
    """

    segments: Mapping[str, SegmentCounts]
    people: int
    held: Sequence[str] = ()


def evaluate(
    store: Store, installation: Installation, now: datetime, person_ids: Collection[str] | None = None
) -> SegmentsReport:
    """Bring every segment's memberships up to `now`; a second time with the same `now` writes nothing.

    `person_ids`: look at these people alone, whoever else waits.
    """
    return _Evaluation(store, installation, now).run(person_ids)


def compiled(
    connection: Connection, definition: SegmentDefinition, installation: Installation, now: datetime
) -> CompiledSegment:
    """Return a segment's rule as it stands at `now`; one that was never evaluated begins now."""
    started = connection.execute(select(segments.c.activated_at).where(segments.c.name == definition.name)).scalar()
    return CompiledSegment(definition, definition.since_at or started or now, now, in_force.surroundings(installation))


class _Evaluation:
    """One evaluation: the installation's segments at one instant."""

    def __init__(self, store: Store, installation: Installation, now: datetime) -> None:
        self.store = store
        self.now = now
        standing = in_force.standing(store, installation)
        self.held = sorted(standing.held)
        self.definitions = dict(standing.definitions)
        self.versions = {name: in_force.version_of(one, installation) for name, one in self.definitions.items()}
        self._installation = installation
        self._of_users = [name for name, one in self.definitions.items() if one.subject == "user"]
        self._compiled: dict[str, CompiledSegment] = {}
        self._tallies = {name: Tally() for name in self.definitions}

    def run(self, person_ids: Collection[str] | None) -> SegmentsReport:
        if person_ids is None and any(one.subject == "match" for one in self.definitions.values()):
            job_matches.refresh(self.store, self.now)
        stale = self._activate()
        if person_ids is None:
            self._retire()
            if stale:
                self._whole_pool(stale)
            with self.store.reading() as connection:
                people = scope.touched(connection, self.now, self._messages_since(connection))
        else:
            people = sorted(set(person_ids))
        if people:
            steps = self._steps(name for name in self.definitions if name not in self._of_users)
            for part in scope.parts(people):
                steps.take(part, waited=True)
        if self._of_users:
            self._users()
        if people:
            self._looked_at(self.definitions)
        return SegmentsReport(self._counts(), len(people), self.held)

    def _activate(self) -> list[str]:
        """Write segments that are new or begin at another time; return the names of those that mean something new."""
        with self.store.reading() as connection:
            known = {row.name: row for row in connection.execute(select(segments))}
        begun = {
            name: one.since_at or (known[name].activated_at if name in known else self.now)
            for name, one in self.definitions.items()
        }
        stale = [name for name in self.definitions if name not in known or known[name].version != self.versions[name]]
        written = [name for name in stale if name not in known or known[name].version != _NEVER]
        if written:
            rows = [
                {
                    "name": name,
                    "organisation": self.definitions[name].organisation,
                    "version": _NEVER,
                    "definition": self.definitions[name].model_dump(mode="json"),
                    "activated_at": begun[name],
                    "evaluated_at": None,
                    "approved": None,
                }
                for name in written
            ]
            insert = self.store.insert(segments)
            anew = {name: insert.excluded[name] for name in ("organisation", "version", "definition", "activated_at")}
            with self.store.writing() as connection:
                connection.execute(insert.on_conflict_do_update(index_elements=["name"], set_=anew), rows)
        for name, one in self.definitions.items():
            around = in_force.surroundings(self._installation)
            self._compiled[name] = CompiledSegment(one, begun[name], self.now, around)
        return stale

    def _retire(self) -> None:
        """Close what is open in segments that the installation no longer has."""
        gone = memberships.c.segment.not_in(sorted(self.definitions))
        query = select(memberships.c.id, memberships.c.segment).where(memberships.c.until.is_(None), gone)
        with self.store.reading() as connection:
            rows = connection.execute(query).all()
        if not rows:
            return
        because = "the segment is no longer defined"
        with self.store.writing() as connection:
            ledger.end(connection, [{"key": row.id, "at": self.now, "because": because} for row in rows])
            names = sorted({row.segment for row in rows})
            connection.execute(delete(segment_due).where(segment_due.c.segment.in_(names)))
            # Should it come back, everybody is judged anew.
            connection.execute(
                update(segments).where(segments.c.name.in_(names)).values(version=_NEVER, evaluated_at=None)
            )

    def _whole_pool(self, names: Sequence[str]) -> None:
        of_people = [name for name in names if name not in self._of_users]
        steps = self._steps(of_people)
        for part in self._everybody(of_people) if of_people else ():
            steps.take(part, waited=len(names) == len(self.definitions))
        with self.store.writing() as connection:
            for name in names:
                connection.execute(
                    update(segments)
                    .where(segments.c.name == name)
                    .values(
                        version=self.versions[name],
                        definition=self.definitions[name].model_dump(mode="json"),
                        evaluated_at=self.now,
                        approved=None,
                    )
                )

    def _everybody(self, names: Sequence[str]) -> Iterator[Sequence[str]]:
        """Cut the pool, and whoever left it and is still in these segments, into steps."""
        last = ""
        while True:
            with self.store.reading() as connection:  # a view held open all the while would keep every old page alive
                part = scope.next_part(connection, last)
            if not part:
                break
            yield part
            last = part[-1]
        with self.store.reading() as connection:
            strays = scope.strays(connection, names)
        yield from scope.parts(strays)

    def _users(self) -> None:
        """Look at the company's users. They are few: all are looked at every time, and nothing new writes nothing."""
        with self.store.reading() as connection:
            users = scope.all_users(connection, self._of_users)
        steps = self._steps(self._of_users)
        for part in scope.parts(users):
            steps.take(part, waited=False)

    def _steps(self, names: Iterable[str]) -> Steps:
        versioned = [(self._compiled[name], self.versions[name]) for name in names]
        return Steps(self.store, self.now, versioned, self._tallies)

    def _messages_since(self, connection: Connection) -> datetime | None:
        """Return since when messages are news to a segment that asks about them."""
        asking = [
            name
            for name, segment in self._compiled.items()
            if any(not isinstance(leaf, Contactable) and leaf.entity.name == "message" for leaf in segment.leaves)
        ]
        if not asking:
            return None
        query = select(func.min(segments.c.evaluated_at)).where(segments.c.name.in_(asking))
        return connection.execute(query).scalar()

    def _looked_at(self, names: Iterable[str]) -> None:
        old = segments.c.evaluated_at.is_(None) | (segments.c.evaluated_at != self.now)
        condition = segments.c.name.in_(sorted(names)), segments.c.version != _NEVER, old
        with self.store.reading() as connection:
            if not connection.execute(select(segments.c.name).where(*condition)).first():
                return
        with self.store.writing() as connection:
            connection.execute(update(segments).where(*condition).values(evaluated_at=self.now))

    def _counts(self) -> dict[str, SegmentCounts]:
        query = (
            select(memberships.c.segment, func.count())
            .where(memberships.c.until.is_(None))
            .group_by(memberships.c.segment)
        )
        with self.store.reading() as connection:
            members = {row[0]: int(row[1]) for row in connection.execute(query)}
        return {
            name: SegmentCounts(members.get(name, 0), tally.entered, tally.left)
            for name, tally in self._tallies.items()
        }
