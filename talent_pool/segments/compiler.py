"""Rules as SQL, the same on SQLite and PostgreSQL, and the instants at which they could come to say something else.

Each condition of a rule becomes a column (true or not), and the rule itself is put together in Python: some answers
(consent) are not to be had in SQL. What SQL does is leave out whoever cannot be in the segment now, nor by the mere
passing of time; for everybody else it also tells the times on which the conditions rest.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Row,
    Select,
    and_,
    case,
    exists,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    true,
)

from talent_pool.segments.calendar import NOW, Span, local_days_ahead, local_midnight
from talent_pool.segments.definition import SegmentDefinition
from talent_pool.segments.rules import Condition, Contactable, Group, Leaf, Node, Reference, Window, leaves, without
from talent_pool.segments.vocabulary import ENTITIES, WITHIN, Kind, Surroundings
from talent_pool.store.tables import applications, interviews, job_matches, people, person_records, users
from talent_pool.store.types import UtcDateTime

Scope = Callable[[ColumnElement[Any]], ColumnElement[bool]]
"""A restriction to some people, given the column that holds a person's id."""

WRITTEN = ("sending", "sent", "unknown")
"""States of a message that may have reached somebody."""


@dataclass(frozen=True, slots=True)
class _Question:
    """One condition in SQL: whether it holds, could hold by time alone, could fail by time alone."""

    holds: ColumnElement[bool]
    may_hold: ColumnElement[bool]
    may_fail: ColumnElement[bool]
    dues: tuple[tuple[ColumnElement[Any], Span], ...] = ()
    """(time, span): at `time` moved on by `span` the answer could change."""
    local: tuple[ColumnElement[Any], ColumnElement[Any], int] | None = None
    """(time, zone, days): holds on the day of `zone` that is so many days before `time`; Python answers it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one subject's row says: `truths` by condition (None: left to consent), `due` the next change by time.

    `possible`: the subject is in the segment, or time alone could bring it in.
    """

    subject_id: str
    person_id: str
    truths: tuple[bool | None, ...]
    due: datetime | None
    possible: bool


class CompiledSegment:
    """A segment's rule in SQL at one instant. An event's own two conditions (its age) stand before the written ones."""

    def __init__(
        self,
        definition: SegmentDefinition,
        activated_at: datetime,
        now: datetime,
        surroundings: Surroundings,
        tree: Node | None = None,
    ) -> None:
        self.definition = definition
        self.now = now
        self._surroundings = surroundings
        self.tree: Node = tree or Group("all", (*_of_an_event(definition, activated_at), definition.rule))
        self.leaves = leaves(self.tree)
        self._questions = [self._question(leaf) for leaf in self.leaves]
        self.asks_consent = any(isinstance(leaf, Contactable) for leaf in self.leaves)

    def without(self, leaf: Leaf | Contactable) -> "CompiledSegment":
        """Return the same rule with one of its conditions left out."""
        tree = without(self.tree, leaf) or Group("all", ())
        return CompiledSegment(self.definition, self.now, self.now, self._surroundings, tree)

    @property
    def subject(self) -> FromClause:
        """The table of the segment's subjects."""
        return ENTITIES[self.definition.subject].table

    def candidates(self, scope: Scope) -> Select[Any]:
        """Return the query for those in `scope` who are in the segment or could be by time alone."""
        # An index leads from these: of several equal columns the one that the subject's table is found by.
        who = {"person": people.c.id, "user": users.c.id}.get(self.definition.subject, applications.c.person_id)
        return self._rows().where(scope(who), self._possible(self.tree, iter(self._questions), wanted=True))

    def named(self, subject_ids: Sequence[str]) -> Select[Any]:
        """Return the query for these subjects, whatever the rule says of them."""
        possible = self._possible(self.tree, iter(self._questions), wanted=True)
        columns = case((possible, 1), else_=0).label("possible")
        return self._rows().add_columns(columns).where(self.subject.c.id.in_(subject_ids))

    def answer(self, row: Row[Any]) -> Answer:
        """Read one row of either query."""
        found: dict[str, Any] = dict(row._asdict())  # pyright: ignore[reportPrivateUsage] - SQLAlchemy's public name
        truths: list[bool | None] = []
        dues: list[datetime] = []
        for index, (leaf, question) in enumerate(zip(self.leaves, self._questions, strict=True)):
            if question.local is not None:
                truths.append(self._local(found[f"moment_{index}"], found[f"zone_{index}"], question.local[2], dues))
                continue
            truths.append(None if isinstance(leaf, Contactable) else bool(found[f"leaf_{index}"]))
            for number, (_, span) in enumerate(question.dues):
                moment = found[f"due_{index}_{number}"]
                if moment is not None and (at := span.after(moment)) > self.now:
                    dues.append(at)
        possible = bool(found.get("possible", True))
        return Answer(found["subject_id"], found["person_id"], tuple(truths), min(dues, default=None), possible)

    def holds(self, truths: Sequence[bool | None]) -> bool:
        """Put the rule together from the answers to its conditions, all known."""
        return _together(self.tree, iter(truths))

    def _local(self, moment: datetime | None, zone: str | None, days: int, dues: list[datetime]) -> bool:
        """Answer which day it is where somebody is, and add the midnights at which that changes."""
        if moment is None:
            return False
        dues.extend(at for at in (local_midnight(moment, ahead, zone) for ahead in (days, days - 1)) if at > self.now)
        return local_days_ahead(moment, self.now, zone) == days

    def _rows(self) -> Select[Any]:
        definition, subject = self.definition, self.subject
        person_id = users.c.id if subject is users else people.c.id
        columns: list[ColumnElement[Any]] = [subject.c.id.label("subject_id"), person_id.label("person_id")]
        for index, question in enumerate(self._questions):
            columns.append(case((question.holds, 1), else_=0).label(f"leaf_{index}"))
            columns.extend(moment.label(f"due_{index}_{number}") for number, (moment, _) in enumerate(question.dues))
            if question.local is not None:
                moment, zone, _ = question.local
                columns += [moment.label(f"moment_{index}"), zone.label(f"zone_{index}")]
        if subject is users:
            return select(*columns).where(users.c.active, users.c.organisation == definition.organisation)
        query = select(*columns).where(people.c.state == "active", people.c.organisation == definition.organisation)
        if subject is people:
            return query
        joined: FromClause = applications.join(people, people.c.id == applications.c.person_id)
        if subject in (interviews, job_matches):
            joined = subject.join(joined, subject.c.application_id == applications.c.id)
        return query.select_from(joined).where(applications.c.organisation == definition.organisation)

    def _possible(self, node: Node, questions: Any, *, wanted: bool) -> ColumnElement[bool]:
        """Return whether `node` could be `wanted` (true or false), now or by the passing of time."""
        if not isinstance(node, Group):
            question = next(questions)
            return question.may_hold if wanted else question.may_fail
        inside = wanted if node.quantifier != "none" else not wanted
        parts = [self._possible(part, questions, wanted=inside) for part in node.parts]
        every = wanted if node.quantifier != "any" else not wanted
        return and_(true(), *parts) if every else or_(false(), *parts)

    def _question(self, leaf: Leaf | Contactable) -> _Question:
        if isinstance(leaf, Contactable):
            return _Question(false(), true(), true())
        if leaf.entity.name in WITHIN[self.definition.subject]:
            table = leaf.entity.table
            asked = [self._asked(condition, table) for condition in leaf.conditions]
            if asked[0].local:  # a question about a day stands by itself
                return asked[0]
            return _Question(
                and_(*(one.holds for one in asked)),
                and_(*(one.may_hold for one in asked)),
                or_(*(one.may_fail for one in asked)),
                tuple(due for one in asked for due in one.dues),
            )
        return self._related(leaf)

    def _related(self, leaf: Leaf) -> _Question:
        table = leaf.entity.table.alias()
        asked = [self._asked(condition, table) for condition in leaf.conditions]
        # One look for each way in which a thing may be tied to her: each is found by an index of its own.
        ways = self._belonging(leaf, table)
        holds = or_(*(exists().where(belongs, *(one.holds for one in asked)) for belongs in ways))
        may_hold = or_(*(exists().where(belongs, *(one.may_hold for one in asked)) for belongs in ways))
        timed = any(one.dues for one in asked)
        dues: list[tuple[ColumnElement[Any], Span]] = []
        for index, one in enumerate(asked):
            others = [other.may_hold for number, other in enumerate(asked) if number != index]
            for moment, span in one.dues:
                for belongs in ways:
                    first = select(func.min(moment)).where(belongs, *others, moment > span.before(self.now))
                    dues.append((first.scalar_subquery(), span))
        return _Question(holds, may_hold, true() if timed else not_(holds), tuple(dues))

    def _belonging(  # noqa: PLR0911 - one for each thing
        self, leaf: Leaf, table: FromClause
    ) -> list[ColumnElement[bool]]:
        """Return how a related thing is tied to the subject, or to the subject's person: one way, or several."""
        if self.definition.subject == "user":
            by = table.c.user_id if leaf.entity.name == "interview" else table.c.recruiter_id
            return [and_(table.c.connection == users.c.connection, by == users.c.remote_id)]
        organisation = self.definition.organisation
        match leaf.entity.name:
            case "application":
                return [and_(table.c.person_id == people.c.id, table.c.organisation == organisation)]
            case "other_application":
                mine = table.c.person_id == people.c.id
                return [and_(mine, table.c.organisation == organisation, table.c.id != applications.c.id)]
            case "event" | "interview":
                return self._around_applications(leaf, table)
            case "message":
                asked = {condition.field.name for condition in leaf.conditions}
                states = [] if "state" in asked else [table.c.state.in_(WRITTEN)]
                to_her = (table.c.person_id == people.c.id, _of_her_records(table.c.candidate_record_id))
                return [and_(way, table.c.organisation == organisation, *states) for way in to_her]
            case "source":
                return [
                    and_(_of_her_records(table.c.id), table.c.record_type == "candidate", table.c.removed_at.is_(None))
                ]
            case "consent":
                return [and_(_of_her_records(table.c.record_id), table.c.organisation == organisation)]
            case name:
                raise AssertionError(f"nothing ties {name} to a subject")

    def _around_applications(self, leaf: Leaf, table: FromClause) -> list[ColumnElement[bool]]:
        """Tie what happened around an application, or around a candidate, to the subject's one or to all of hers."""
        about_one = "application" in WITHIN[self.definition.subject]
        mine = applications.alias()
        of_them = and_(
            mine.c.person_id == people.c.id,
            mine.c.organisation == self.definition.organisation,
            table.c.application_id == mine.c.id,
        )
        of_it = table.c.application_id == applications.c.id
        if leaf.entity.name == "interview":
            return [of_it] if about_one else [of_them]
        if not about_one:
            return [of_them, _of_her_records(table.c.candidate_record_id)]
        of_the_candidate = table.c.candidate_record_id == applications.c.candidate_record_id
        return [of_it, and_(table.c.application_id.is_(None), of_the_candidate)]

    def _asked(self, condition: Condition, table: FromClause) -> _Question:
        field = condition.field
        column = field.column(table, self._surroundings)
        if condition.operator == "window":
            return self._timed(column, condition.value)
        if condition.operator == "local_day":
            zone = func.coalesce(people.c.time_zone, interviews.c.time_zone)
            ahead = and_(column.is_not(None), column > literal(self.now - timedelta(days=2), UtcDateTime()))
            return _Question(false(), ahead, true(), local=(column, zone, condition.value))
        holds = self._plain(condition, column)
        return _Question(holds, holds, not_(holds))

    def _plain(self, condition: Condition, column: ColumnElement[Any]) -> ColumnElement[bool]:
        """Return a condition that is never null: what is unknown meets nothing but `not` and `known: false`."""
        value = condition.value
        match condition.operator:
            case "known":
                return column.is_not(None) if value else column.is_(None)
            case "in" | "not_in":
                met = _met(condition, column)
                return met if condition.operator == "in" else not_(met)
            case "at_least":
                return and_(column.is_not(None), column >= value)
            case "at_most":
                return and_(column.is_not(None), column <= value)
            case operator:
                other = self._instant(value)
                compared = {"after": column > other, "before": column < other, "not_before": column >= other}
                return and_(column.is_not(None), other.is_not(None), compared[operator])

    def _instant(self, value: datetime | Reference) -> ColumnElement[Any]:
        if isinstance(value, Reference):
            return value.field.column(ENTITIES[value.entity].table, self._surroundings)
        return literal(value, UtcDateTime())

    def _timed(self, column: ColumnElement[Any], window: Window) -> _Question:
        known = column.is_not(None)
        edges = [edge for edge in (window.since, window.until) if edge is not None]
        begun = [column <= window.until.before(self.now)] if window.until else []
        # A moment ahead of its window comes into it; one that has left it never comes back.
        not_over = [column > window.since.before(self.now)] if window.since else []
        holds = and_(known, *begun, *not_over)
        may_fail = true() if window.since else not_(holds)
        return _Question(holds, and_(known, *not_over), may_fail, tuple((column, edge) for edge in edges))


def _of_her_records(column: ColumnElement[Any]) -> ColumnElement[bool]:
    """Tie a column to the person's records. Joined, not IN: the database then begins with her few records."""
    held = person_records.alias()
    return and_(held.c.person_id == people.c.id, column == held.c.record_id)


def _met(condition: Condition, column: ColumnElement[Any]) -> ColumnElement[bool]:
    values: list[Any] = condition.value
    if condition.field.kind is Kind.LIST:
        if condition.field.folded:
            values = [value.lower() for value in values]
        listed = or_(*(column.contains(f'"{value}"', autoescape=True) for value in values))
        return and_(column.is_not(None), listed)
    if condition.field.kind is Kind.FLAG:
        # An unknown flag is an unset one.
        on = and_(column.is_not(None), column)
        return or_(*(on if value else not_(on) for value in values))
    return and_(column.is_not(None), column.in_(values))


def _of_an_event(definition: SegmentDefinition, activated_at: datetime) -> tuple[Leaf, ...]:
    """Return the conditions that every event segment has: a fact after its activation, and of use still."""
    if not definition.event:
        return ()
    entity = ENTITIES[definition.subject]
    field = entity.fields[definition.counted_by]
    name = f"{entity.name} {field.name}"
    begun = Leaf(
        entity,
        (Condition(field, "not_before", activated_at, ""),),
        f"{name} is not before the segment's beginning",
    )
    ends: list[Leaf] = []
    if definition.useless_after_days:
        days = Span(definition.useless_after_days, "days")
        window = Condition(field, "window", Window(days, NOW), "")
        ends.append(Leaf(entity, (window,), f"{name} is not more than {days} ago (useless after)"))
    if definition.useless_after:
        end = entity.fields[definition.useless_after]
        ahead = Condition(end, "window", Window(NOW, None), "")
        ends.append(Leaf(entity, (ahead,), f"{entity.name} {end.name} is still ahead (useless after)"))
    return (begun, *ends)


def _together(node: Node, truths: Any) -> bool:
    if not isinstance(node, Group):
        return bool(next(truths))
    answers = [_together(part, truths) for part in node.parts]
    if node.quantifier == "none":
        return not any(answers)
    return all(answers) if node.quantifier == "all" else any(answers)
