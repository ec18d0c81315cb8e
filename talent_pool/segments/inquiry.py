"""Many segments asked about many people at once: one statement for each kind of subject.

A row answers every condition of every segment for one subject; what several segments ask is answered once. Whoever has
the answers in hand puts the rules together in Python, for some of them (consent, calendars) are not to be had in SQL.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Integer, Select, case, literal_column, select

from talent_pool.segments.calendar import Span
from talent_pool.segments.compiler import HOLDS, MAY_FAIL, MAY_HOLD, CompiledSegment
from talent_pool.segments.questions import Question, Questions
from talent_pool.segments.vocabulary import ENTITIES
from talent_pool.store.lookup import rows_with
from talent_pool.store.tables import applications, interviews, job_matches, people, users

_SEGMENTS = 50
"""Segments that one statement asks for: PostgreSQL gives 1664 columns, and a condition may need several."""

SUBJECT, PERSON = 0, 1
"""Where the ids of the subject and of its person stand in every row."""

Row = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row answers one condition: the bits of the answer, and times with the spans that are counted from them.

    `local`: where the time and the zone stand, and how many days before it, if Python has to look at a calendar.
    """

    answer: int
    dues: tuple[tuple[int, Span], ...]
    local: tuple[int, int, int] | None


class Inquiry:
    """The conditions of segments that are alike in subject and organisation. `places`: by segment, by condition."""

    def __init__(self, segments: Sequence[CompiledSegment]) -> None:
        first = segments[0]
        definition = first.definition
        questions = Questions(definition.subject, definition.organisation, first.now, first.surroundings)
        self.segments = segments
        self._subject = ENTITIES[definition.subject].table
        self.is_of_people = definition.subject in ("person", "user")
        """The subjects are people themselves, and so nobody else's."""
        # An index leads from these: of several equal columns the one that the subject's table is found by.
        self._who = {"person": people.c.id, "user": users.c.id}.get(definition.subject, applications.c.person_id)
        person_id = users.c.id if self._subject is users else people.c.id
        columns = _Columns(self._subject.c.id, person_id)
        self.places = [[columns.place(questions.about(leaf)) for leaf in segment.leaves] for segment in segments]
        self._statement = _of_subjects(self._subject, definition.organisation, columns.selected)

    def of_people(self, connection: Connection, person_ids: Collection[str]) -> list[Row]:
        """Return a row for each subject of these people."""
        return self._rows(connection, self._who, person_ids)

    def of_subjects(self, connection: Connection, subject_ids: Collection[str]) -> list[Row]:
        """Return a row for each of these subjects, so far as they are in the pool."""
        return self._rows(connection, self._subject.c.id, subject_ids)

    def _rows(self, connection: Connection, column: ColumnElement[str], ids: Collection[str]) -> list[Row]:
        if not ids:
            return []
        if connection.dialect.name == "postgresql":
            # So many columns look like work enough to be compiled to machine code, which takes far longer than they do.
            connection.exec_driver_sql("SET LOCAL jit = off")
        return list(rows_with(connection, self._statement, column, ids))


def inquiries(segments: Iterable[CompiledSegment]) -> list[Inquiry]:
    """Put segments together that one statement can ask for."""
    ordered = sorted(segments, key=_kind)
    alike = [list(group) for _, group in groupby(ordered, key=_kind)]
    return [Inquiry(group[start : start + _SEGMENTS]) for group in alike for start in range(0, len(group), _SEGMENTS)]


def _kind(segment: CompiledSegment) -> tuple[str, str]:
    return segment.definition.subject, segment.definition.organisation


def _of_subjects(
    subject: FromClause, organisation: str, columns: Sequence[ColumnElement[Any]]
) -> Select[*tuple[Any, ...]]:
    query = select(*columns)
    if subject is users:
        return query.where(users.c.active, users.c.organisation == organisation)
    query = query.where(people.c.state == "active", people.c.organisation == organisation)
    if subject is people:
        return query
    joined: FromClause = applications.join(people, people.c.id == applications.c.person_id)
    if subject in (interviews, job_matches):
        joined = subject.join(joined, subject.c.application_id == applications.c.id)
    return query.select_from(joined).where(applications.c.organisation == organisation)


class _Columns:
    """The columns of a statement, each of them once."""

    def __init__(self, *first: ColumnElement[Any]) -> None:
        self.selected = [column.label(f"c{number}") for number, column in enumerate(first)]
        self._numbers: dict[int, int] = {}
        self._placed: dict[int, Place] = {}
        self._kept: list[Any] = []
        """Whatever is known by its identity, so that nothing else takes that over."""

    def place(self, question: Question) -> Place:
        if id(question) not in self._placed:
            self._kept.append(question)
            local = question.local
            self._placed[id(question)] = Place(
                self._number(_bits(question)),
                tuple((self._number(moment), span) for moment, span in question.dues),
                (self._number(local.moment), self._number(local.zone), local.days) if local else None,
            )
        return self._placed[id(question)]

    def _number(self, column: ColumnElement[Any]) -> int:
        if id(column) not in self._numbers:
            self._kept.append(column)
            self._numbers[id(column)] = len(self.selected)
            self.selected.append(column.label(f"c{len(self.selected)}"))
        return self._numbers[id(column)]


def _bits(question: Question) -> ColumnElement[int]:
    """Return the answer's bits as one number."""
    if question.may_hold is question.holds:  # time changes nothing
        return case((question.holds, _constant(HOLDS | MAY_HOLD)), else_=_constant(MAY_FAIL))
    bits = ((question.holds, HOLDS), (question.may_hold, MAY_HOLD), (question.may_fail, MAY_FAIL))
    first, second, third = (case((holds, _constant(bit)), else_=_constant(0)) for holds, bit in bits)
    return first + second + third


def _constant(number: int) -> ColumnElement[int]:
    return literal_column(str(number), Integer)
