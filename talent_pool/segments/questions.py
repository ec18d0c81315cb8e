"""Conditions of rules as SQL, the same on SQLite and PostgreSQL: what holds now, and what time alone could change."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, exists, false, func, literal, not_, or_, select, true

from talent_pool.segments.calendar import Span
from talent_pool.segments.relations import ways
from talent_pool.segments.rule_tree import Condition, Contactable, Leaf, Reference, Window
from talent_pool.segments.vocabulary import ENTITIES, WITHIN, Kind, Surroundings
from talent_pool.store.tables import interviews, people
from talent_pool.store.types import UtcDateTime


@dataclass(frozen=True, slots=True)
class LocalDay:
    """Holds on the day of `zone` that is `days` before `moment`; Python answers it."""

    moment: ColumnElement[Any]
    zone: ColumnElement[Any]
    days: int


@dataclass(frozen=True, slots=True)
class Question:
    """One condition in SQL: whether it holds, could hold by time alone, could fail by time alone."""

    holds: ColumnElement[bool]
    may_hold: ColumnElement[bool]
    may_fail: ColumnElement[bool]
    dues: tuple[tuple[ColumnElement[Any], Span], ...] = ()
    """(time, span): at `time` moved on by `span` the answer could change."""
    local: LocalDay | None = None


class Questions:
    """The questions to one kind of subject of one organisation at one instant; the same asked twice is one."""

    def __init__(self, subject: str, organisation: str, now: datetime, surroundings: Surroundings) -> None:
        self.subject, self.organisation, self.now = subject, organisation, now
        self._surroundings = surroundings
        self._asked: dict[tuple[Any, ...], Question] = {}

    def about(self, leaf: Leaf | Contactable) -> Question:
        """Return a condition's question."""
        key = _meaning(leaf)
        if key not in self._asked:
            self._asked[key] = self._question(leaf)
        return self._asked[key]

    def _question(self, leaf: Leaf | Contactable) -> Question:
        if isinstance(leaf, Contactable):  # consent is asked when the rest is known
            return Question(false(), true(), true())
        if leaf.entity.name not in WITHIN[self.subject]:
            return self._related(leaf)
        asked = [self._of_a_field(condition, leaf.entity.table) for condition in leaf.conditions]
        if len(asked) == 1:
            return asked[0]
        return Question(
            and_(*(one.holds for one in asked)),
            and_(*(one.may_hold for one in asked)),
            or_(*(one.may_fail for one in asked)),
            tuple(due for one in asked for due in one.dues),
        )

    def _related(self, leaf: Leaf) -> Question:
        table = leaf.entity.table.alias()
        asked = [self._of_a_field(condition, table) for condition in leaf.conditions]
        any_state = any(condition.field.name == "state" for condition in leaf.conditions)
        # One look for each way in which a thing may be tied to her: each is found by an index of its own.
        tied = ways(leaf.entity.name, table, self.subject, self.organisation, any_state=any_state)
        holds = or_(*(exists().where(way, *(one.holds for one in asked)) for way in tied))
        if not any(one.dues for one in asked):
            return Question(holds, holds, not_(holds))
        may_hold = or_(*(exists().where(way, *(one.may_hold for one in asked)) for way in tied))
        return Question(holds, may_hold, true(), tuple(self._first_dues(asked, tied)))

    def _first_dues(
        self, asked: Sequence[Question], tied: Sequence[ColumnElement[bool]]
    ) -> list[tuple[ColumnElement[Any], Span]]:
        """Return the earliest time ahead at which one of the related things could come to answer otherwise."""
        dues: list[tuple[ColumnElement[Any], Span]] = []
        for index, one in enumerate(asked):
            others = [other.may_hold for number, other in enumerate(asked) if number != index]
            for moment, span in one.dues:
                for way in tied:
                    first = select(func.min(moment)).where(way, *others, moment > span.before(self.now))
                    dues.append((first.scalar_subquery(), span))
        return dues

    def _of_a_field(self, condition: Condition, table: FromClause) -> Question:
        column = condition.field.column(table, self._surroundings)
        if condition.operator == "window":
            return self._timed(column, condition.value)
        if condition.operator == "local_day":
            zone = func.coalesce(people.c.time_zone, interviews.c.time_zone)
            ahead = and_(column.is_not(None), column > literal(self.now - timedelta(days=2), UtcDateTime()))
            return Question(false(), ahead, true(), local=LocalDay(column, zone, condition.value))
        holds = self._plain(condition, column)
        return Question(holds, holds, not_(holds))

    def _timed(self, column: ColumnElement[Any], window: Window) -> Question:
        known = column.is_not(None)
        edges = [edge for edge in (window.since, window.until) if edge is not None]
        begun = [column <= window.until.before(self.now)] if window.until else []
        # A moment ahead of its window comes into it; one that has left it never comes back.
        not_over = [column > window.since.before(self.now)] if window.since else []
        holds = and_(known, *begun, *not_over)
        may_fail = true() if window.since else not_(holds)
        return Question(holds, and_(known, *not_over), may_fail, tuple((column, edge) for edge in edges))

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


def _meaning(leaf: Leaf | Contactable) -> tuple[Any, ...]:
    if isinstance(leaf, Contactable):
        return ("may_be_contacted",)
    asked = ((one.field.name, one.operator, repr(one.value)) for one in leaf.conditions)
    return (leaf.entity.name, *asked)


def _met(condition: Condition, column: ColumnElement[Any]) -> ColumnElement[bool]:
    values: list[Any] = condition.value
    if condition.field.kind is Kind.LIST:
        if condition.field.folded:
            values = [value.lower() for value in values]
        # Of a list that is not known this is null. To look into a document costs more than all else: it is done once.
        return func.coalesce(or_(*(column.contains(f'"{value}"', autoescape=True) for value in values)), false())
    if condition.field.kind is Kind.FLAG:
        # An unknown flag is an unset one.
        on = and_(column.is_not(None), column)
        return or_(*(on if value else not_(on) for value in values))
    return and_(column.is_not(None), column.in_(values))
