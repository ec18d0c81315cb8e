"""A segment's rule as it is read from the rows of an inquiry: SQL's answers, consent's answers, reasons in words.

What a row's answers mean for the rule is worked out once for each combination of answers, not for each subject.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection

from connectors.records import Channel, Purpose
from talent_pool import consent
from talent_pool.segments.calendar import local_days_ahead, local_midnight
from talent_pool.segments.compiler import HOLDS, MAY_FAIL, MAY_HOLD, CompiledSegment
from talent_pool.segments.inquiry import PERSON, SUBJECT, Place, Row
from talent_pool.segments.rule_tree import Contactable
from talent_pool.store.database import Store

Answers = tuple[int, ...]
"""The bits of the answers to a rule's conditions."""
Asked = tuple[str, Purpose, Channel]
"""What consent is asked for: organisation, purpose, channel."""


class Judged(NamedTuple):
    """What a rule says of one subject. `because`: why it is in, or why it is not; `due`: when time could change it."""

    subject_id: str
    person_id: str
    holds: bool
    because: str
    due: datetime | None


class _Decision(NamedTuple):
    """What one combination of answers means. `possible`: it holds, or time alone could make it hold."""

    possible: bool
    holds: bool
    because: str


class Consents:
    """What consent says of people, each asked about once."""

    def __init__(self, connection: Connection, store: Store, now: datetime) -> None:
        self._connection, self._store, self._now = connection, store, now
        self._verdicts: dict[Asked, dict[str, consent.Verdict | None]] = {}

    def ask(self, wanted: Mapping[Asked, Collection[str]]) -> None:
        """Find out about people what is not known of them yet."""
        for (organisation, purpose, channel), person_ids in wanted.items():
            known = self._verdicts.setdefault((organisation, purpose, channel), {})
            unknown = {one for one in person_ids if one not in known}
            asked: Any = {"organisation": organisation, "purpose": purpose, "channel": channel}
            # Most people never said anything, and of them there is nothing to join.
            spoken = consent.with_a_yes(self._connection, unknown, **asked)
            found = consent.reachable(self._connection, self._store, spoken, **asked, now=self._now)
            known.update({one: found.get(one) for one in unknown})

    def verdict(self, asked: Asked, person_id: str) -> consent.Verdict | None:
        """Return what was found out; None for somebody who may not be reached, and whom time alone cannot change."""
        return self._verdicts[asked][person_id]


class Reading:
    """One segment's rule as it is read from the rows of an inquiry."""

    def __init__(self, segment: CompiledSegment, places: Sequence[Place]) -> None:
        self.segment = segment
        self._answers = _answers_at([place.answer for place in places])
        self._dues = [due for place in places for due in place.dues]
        self._local = [(index, place.local) for index, place in enumerate(places) if place.local]
        definition = segment.definition
        self.asked: list[tuple[int, Asked]] = [
            (index, (definition.organisation, leaf.purpose, definition.channel))
            for index, leaf in enumerate(segment.leaves)
            if isinstance(leaf, Contactable)
        ]
        self._is_settled = not self.asked and not self._local
        self._decisions: dict[Answers, _Decision] = {}

    def possible(self, rows: Iterable[Row]) -> list[tuple[Row, Answers]]:
        """Return the rows of those who are in the segment or could come in by time, with the answers about them."""
        found: list[tuple[Row, Answers]] = []
        answers_in, decisions = self._answers, self._decisions
        for row in rows:
            answers = answers_in(row)
            decision = decisions.get(answers) or self._decided(answers)
            if decision.possible:
                found.append((row, answers))
        return found

    def all(self, rows: Iterable[Row]) -> list[tuple[Row, Answers]]:
        """Return all rows, with the answers about them."""
        return [(row, self._answers(row)) for row in rows]

    def judged(self, row: Row, answers: Answers, consents: Consents) -> Judged:
        """Return what the rule says of one subject."""
        decision = self._decided(answers)
        possible = decision.possible
        if not self._is_settled:
            answers = self._settled(row, answers, consents)
            decision = self._decided(answers)
        due = self.due(row, consents) if possible else None
        return Judged(row[SUBJECT], row[PERSON], decision.holds, decision.because, due)

    def known(self, row: Row, answers: Answers, consents: Consents) -> list[bool]:
        """Return for one subject whether each of the conditions holds."""
        return [bool(answer & HOLDS) for answer in self._settled(row, answers, consents)]

    def due(self, row: Row, consents: Consents) -> datetime | None:
        """Return the next instant at which the answer to one of the conditions could change."""
        now = self.segment.now
        dues = [span.after(moment) for place, span in self._dues if (moment := row[place]) is not None]
        for _, (moment, zone, days) in self._local:
            if row[moment] is not None:
                dues.extend(local_midnight(row[moment], ahead, row[zone]) for ahead in (days, days - 1))
        for _, asked in self.asked:
            verdict = consents.verdict(asked, row[PERSON])
            if verdict and verdict.until:
                dues.append(verdict.until)
        return min((at for at in dues if at > now), default=None)

    def _settled(self, row: Row, answers: Answers, consents: Consents) -> Answers:
        """Fill in what SQL left open."""
        settled = list(answers)
        for index, asked in self.asked:
            verdict = consents.verdict(asked, row[PERSON])
            settled[index] = _open(holds=verdict is not None and verdict.allowed)
        for index, (moment, zone, days) in self._local:
            at = row[moment]
            settled[index] = _open(holds=at is not None and local_days_ahead(at, self.segment.now, row[zone]) == days)
        return tuple(settled)

    def _decided(self, answers: Answers) -> _Decision:
        decision = self._decisions.get(answers)
        if decision is None:
            known = [bool(answer & HOLDS) for answer in answers]
            holds = self.segment.holds(known)
            because = "; ".join(self.segment.reasons(known, holds=holds))
            decision = _Decision(self.segment.possible(answers), holds, because)
            self._decisions[answers] = decision
        return decision


def _answers_at(places: Sequence[int]) -> Callable[[Row], Answers]:
    # Given one place alone, itemgetter would return no tuple.
    return itemgetter(*places) if len(places) > 1 else lambda row: tuple(row[place] for place in places)


def _open(*, holds: bool) -> int:
    return MAY_HOLD | MAY_FAIL | (HOLDS if holds else 0)
