"""What the rules of segments say of their subjects: SQL's answers, consent's answers, and the reasons in words."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from connectors.records import Channel, Purpose
from talent_pool import consent
from talent_pool.segments.calendar import local_days_ahead, local_midnight
from talent_pool.segments.compiler import HOLDS, MAY_FAIL, MAY_HOLD, CompiledSegment
from talent_pool.segments.inquiry import PERSON, SUBJECT, Inquiry, Place, Row, inquiries
from talent_pool.segments.rules import Contactable
from talent_pool.store.database import Store

_Answers = tuple[int, ...]
_Asked = tuple[str, Purpose, Channel]


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
        self._verdicts: dict[_Asked, dict[str, consent.Verdict | None]] = {}

    def ask(self, wanted: Mapping[_Asked, Collection[str]]) -> None:
        """Find out about people what is not known of them yet."""
        for asked, person_ids in wanted.items():
            known = self._verdicts.setdefault(asked, {})
            unknown = {one for one in person_ids if one not in known}
            organisation, purpose, channel = asked
            found = consent.reachable(
                self._connection,
                self._store,
                unknown,
                organisation=organisation,
                purpose=purpose,
                channel=channel,
                now=self._now,
            )
            known.update({one: found.get(one) for one in unknown})

    def verdict(self, asked: _Asked, person_id: str) -> consent.Verdict | None:
        """Return what was found out; None for somebody who is not in the pool."""
        return self._verdicts[asked][person_id]


class Reading:
    """One segment's rule as it is read from the rows of an inquiry."""

    def __init__(self, segment: CompiledSegment, places: Sequence[Place]) -> None:
        self.segment = segment
        self._answers = [place.answer for place in places]
        self._dues = [due for place in places for due in place.dues]
        self._local = [(index, place.local) for index, place in enumerate(places) if place.local]
        definition = segment.definition
        self.asked: list[tuple[int, _Asked]] = [
            (index, (definition.organisation, leaf.purpose, definition.channel))
            for index, leaf in enumerate(segment.leaves)
            if isinstance(leaf, Contactable)
        ]
        self._is_settled = not self.asked and not self._local
        self._decisions: dict[_Answers, _Decision] = {}

    def possible(self, rows: Iterable[Row]) -> list[tuple[Row, _Answers]]:
        """Return the rows of those who are in the segment or could come in by time, with the answers about them."""
        return [(row, answers) for row, answers in self.all(rows) if self._decided(answers).possible]

    def all(self, rows: Iterable[Row]) -> list[tuple[Row, _Answers]]:
        """Return all rows, with the answers about them."""
        places = self._answers
        return [(row, tuple([row[place] for place in places])) for row in rows]

    def judged(self, row: Row, answers: _Answers, consents: Consents) -> Judged:
        """Return what the rule says of one subject."""
        decision = self._decided(answers)
        possible = decision.possible
        if not self._is_settled:
            answers = self._settled(row, answers, consents)
            decision = self._decided(answers)
        due = self.due(row, consents) if possible else None
        return Judged(row[SUBJECT], row[PERSON], decision.holds, decision.because, due)

    def known(self, row: Row, answers: _Answers, consents: Consents) -> list[bool]:
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

    def _settled(self, row: Row, answers: _Answers, consents: Consents) -> _Answers:
        """Fill in what SQL left open."""
        settled = list(answers)
        for index, asked in self.asked:
            verdict = consents.verdict(asked, row[PERSON])
            settled[index] = _open(holds=verdict is not None and verdict.allowed)
        for index, (moment, zone, days) in self._local:
            at = row[moment]
            settled[index] = _open(holds=at is not None and local_days_ahead(at, self.segment.now, row[zone]) == days)
        return tuple(settled)

    def _decided(self, answers: _Answers) -> _Decision:
        decision = self._decisions.get(answers)
        if decision is None:
            known = [bool(answer & HOLDS) for answer in answers]
            holds = self.segment.holds(known)
            because = "; ".join(self.segment.reasons(known, holds=holds))
            decision = _Decision(self.segment.possible(answers), holds, because)
            self._decisions[answers] = decision
        return decision


def _open(*, holds: bool) -> int:
    return MAY_HOLD | MAY_FAIL | (HOLDS if holds else 0)


class Panel:
    """All the segments of one inquiry, judged together."""

    def __init__(self, inquiry: Inquiry) -> None:
        self.inquiry = inquiry
        pairs = zip(inquiry.segments, inquiry.places, strict=True)
        self.readings = {segment.definition.name: Reading(segment, places) for segment, places in pairs}

    def candidates(self, rows: Sequence[Row], consents: Consents) -> dict[str, dict[str, Judged]]:
        """Judge those who are in a segment, or whom time alone could bring in; by segment and subject."""
        found = {name: reading.possible(rows) for name, reading in self.readings.items()}
        # Consent is asked about those alone whom the other conditions leave in doubt, and about all of them at once.
        wanted: dict[_Asked, set[str]] = {}
        for name, reading in self.readings.items():
            for _, asked in reading.asked:
                wanted.setdefault(asked, set()).update([row[PERSON] for row, _ in found[name]])
        consents.ask(wanted)
        return {
            name: {row[SUBJECT]: reading.judged(row, answers, consents) for row, answers in found[name]}
            for name, reading in self.readings.items()
        }

    def everybody(self, name: str, rows: Sequence[Row], consents: Consents) -> dict[str, Judged]:
        """Judge all the rows' subjects by one segment."""
        reading = self.readings[name]
        consents.ask({asked: {row[PERSON] for row in rows} for _, asked in reading.asked})
        return {row[SUBJECT]: reading.judged(row, answers, consents) for row, answers in reading.all(rows)}


def panels(segments: Iterable[CompiledSegment]) -> list[Panel]:
    """Put segments together that are judged together."""
    return [Panel(inquiry) for inquiry in inquiries(segments)]


def candidates(connection: Connection, store: Store, panel: Panel, person_ids: Collection[str]) -> dict[str, Judged]:
    """Judge those of these people who are in the one segment of `panel`, or whom time alone could bring in."""
    (name,) = panel.readings
    consents = Consents(connection, store, panel.readings[name].segment.now)
    return panel.candidates(panel.inquiry.of_people(connection, person_ids), consents)[name]


def subjects(connection: Connection, store: Store, panel: Panel, subject_ids: Collection[str]) -> dict[str, Judged]:
    """Judge these subjects, so far as they are in the pool, by the one segment of `panel`."""
    (name,) = panel.readings
    consents = Consents(connection, store, panel.readings[name].segment.now)
    return panel.everybody(name, panel.inquiry.of_subjects(connection, subject_ids), consents)


def truths(
    connection: Connection, store: Store, segment: CompiledSegment, subject_ids: Collection[str]
) -> dict[str, tuple[list[bool], datetime | None]]:
    """Return for these subjects each condition's answer, and the next instant at which one could change."""
    (panel,) = panels([segment])
    (reading,) = panel.readings.values()
    consents = Consents(connection, store, segment.now)
    rows = panel.inquiry.of_subjects(connection, subject_ids)
    consents.ask({asked: {row[PERSON] for row in rows} for _, asked in reading.asked})
    return {
        row[SUBJECT]: (reading.known(row, answers, consents), reading.due(row, consents))
        for row, answers in reading.all(rows)
    }
