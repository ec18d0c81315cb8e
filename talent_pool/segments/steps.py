"""One step of an evaluation: some people, judged by many segments, and what changed is written, in one transaction."""

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete

from talent_pool.segments import ledger
from talent_pool.segments.compiler import CompiledSegment
from talent_pool.segments.inquiry import SUBJECT
from talent_pool.segments.judgement import Panel, panels
from talent_pool.segments.ledger import Changes
from talent_pool.segments.reading import Consents, Judged
from talent_pool.store.database import Store, take_lock
from talent_pool.store.lookup import apply_to
from talent_pool.store.tables import work

_LOCK = "segments"
_WAITED = delete(work).where(work.c.stage == "segments")
_ByName = MutableMapping[str, dict[str, Any]]
"""Rows by segment and subject."""


@dataclass(slots=True)
class Tally:
    """How many memberships of one segment began and ended."""

    entered: int = 0
    left: int = 0


class Steps:
    """The steps of one evaluation at `now`. `segments`: whatever judges, each with its version."""

    def __init__(
        self,
        store: Store,
        now: datetime,
        segments: Sequence[tuple[CompiledSegment, str]],
        tallies: Mapping[str, Tally],
    ) -> None:
        self._store, self._now, self._tallies = store, now, tallies
        self._versioned = {segment.definition.name: (segment.definition, version) for segment, version in segments}
        self._panels = panels(segment for segment, _ in segments)

    def take(self, person_ids: Sequence[str], *, waited: bool) -> None:
        """Judge some people in one transaction. `waited`: with this they wait for their segments no longer."""
        with self._store.writing() as connection:
            take_lock(connection, _LOCK)
            if waited:
                # Before anything is read: whoever is put back meanwhile waits for the next look.
                apply_to(connection, _WAITED, work.c.subject_id, person_ids)
            members = ledger.open_memberships(connection, person_ids)
            waits = ledger.waiting(connection, person_ids)
            consents = Consents(connection, self._store, self._now)
            found = Changes()
            for panel in self._panels:
                judged = _judged(connection, panel, person_ids, members, consents)
                if not panel.inquiry.is_of_people:
                    _add_moved(connection, judged, members, waits)
                for name, of_it in judged.items():
                    found.add(self._changes(name, of_it, members[name], waits[name]))
            ledger.write(connection, self._store, found)

    def _changes(
        self, name: str, judged: Mapping[str, Judged], members: ledger.BySubject, waits: ledger.BySubject
    ) -> Changes:
        definition, version = self._versioned[name]
        found = ledger.changes(self._store, definition, version, judged, members=members, waits=waits, now=self._now)
        self._tallies[name].entered += len(found.begin)
        self._tallies[name].left += len(found.end)
        return found


def _judged(
    connection: Connection, panel: Panel, person_ids: Sequence[str], members: _ByName, consents: Consents
) -> dict[str, dict[str, Judged]]:
    """Judge who is in a segment or could come in, and whoever is in it by now; by segment and subject."""
    rows = panel.inquiry.of_people(connection, person_ids)
    judged = panel.candidates(rows, consents)
    leaving = {name: members[name].keys() - judged[name].keys() for name in judged if name in members}
    at_hand = {row[SUBJECT]: row for row in rows}
    elsewhere = {subject for of_it in leaving.values() for subject in of_it} - at_hand.keys()
    at_hand |= {row[SUBJECT]: row for row in panel.inquiry.of_subjects(connection, elsewhere)}
    for name, of_it in leaving.items():
        theirs = [at_hand[subject] for subject in of_it if subject in at_hand]
        judged[name] |= panel.everybody(name, theirs, consents)
    return judged


def _add_moved(
    connection: Connection, judged: Mapping[str, Mapping[str, Judged]], members: _ByName, waits: _ByName
) -> None:
    """Add what is open of subjects that went over to another person, or came from one, since it was written."""
    unknown = {name: of_it.keys() - members[name].keys() - waits[name].keys() for name, of_it in judged.items()}
    names = [name for name, subjects in unknown.items() if subjects]
    subject_ids = {subject for subjects in unknown.values() for subject in subjects}
    for placed, found in (
        (members, ledger.open_memberships_of(connection, names, subject_ids)),
        (waits, ledger.waiting_of(connection, names, subject_ids)),
    ):
        for name in names:
            placed[name] |= found[name]
