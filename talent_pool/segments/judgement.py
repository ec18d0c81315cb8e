"""What the rules of segments say of people and their subjects, all segments of a kind together."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection

from talent_pool.segments.compiler import CompiledSegment
from talent_pool.segments.inquiry import PERSON, SUBJECT, Inquiry, Row, inquiries
from talent_pool.segments.reading import Asked, Consents, Judged, Reading
from talent_pool.store.database import Store


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
        wanted: dict[Asked, set[str]] = {}
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
