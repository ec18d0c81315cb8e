"""A first load: whoever is new and meets nobody stored becomes a person, compared in columns with all that waits.

Whoever meets somebody stored, or was decided about, or changes meanwhile, goes on waiting for a turn. So do all other
kinds of records. The keys of all that waits are filed first (`filing`), new people are written then (`minting`), each
portion by a short transaction that counts as a turn. Killed in between, what was written stands, and what was not
still waits. As soon as anybody else resolves or decides, the load stops where it is.
"""

import tempfile
import time
from array import array
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select

from dedupe.columns import Columns
from talent_pool.epochs import stored as epochs
from talent_pool.epochs.stored import SAMPLE, Epoch
from talent_pool.installation import Installation
from talent_pool.resolution import decisions, survivorship_in_force, turns
from talent_pool.resolution.bulk import filing, minting
from talent_pool.resolution.bulk.groups import anchored, components, leave_out
from talent_pool.resolution.bulk.minting import Newcomers
from talent_pool.resolution.landed import Landed, by_ids
from talent_pool.resolution.turn_write import ResolveReport, attempted
from talent_pool.store.database import Store
from talent_pool.store.tables import person_records, work
from talent_pool.uncollected import uncollected

LEAST = 20_000
"""Records below which starting DuckDB and reading the pool is not worth it."""
_TRIES = 6
_PAUSE_SECONDS = 0.02
"""After the first try that met a landing, for that to come to its end; it doubles with each further one."""


def is_worth_it(store: Store) -> bool:
    """Say whether much waits, and no less than is stored."""
    with store.reading() as connection:
        waits = select(work.c.subject_id).where(work.c.stage == "resolve")
        if connection.execute(waits.offset(LEAST - 1).limit(1)).first() is None:
            return False
        waiting = connection.execute(select(func.count()).select_from(waits.subquery())).scalar_one()
        return connection.execute(select(func.count()).select_from(person_records)).scalar_one() <= waiting


def _unwatched(step: str) -> None:
    """Let a step begin without telling anybody."""


def load(
    store: Store, installation: Installation, now: datetime, begins: Callable[[str], object] = _unwatched
) -> ResolveReport:
    """Make people of what waits and meets nobody stored; the rest waits on. Raises ModelMisfit.

    `begins` is told each step's name as it begins, for whoever watches.
    """
    survivorship_in_force.wake(store, installation, now)
    with tempfile.TemporaryDirectory(prefix="catchment-", ignore_cleanup_errors=True) as folder, uncollected():
        columns = Columns(Path(folder))
        try:
            return _Load(store, installation, now, columns).run(begins)
        finally:
            columns.close()


class _Load:
    """One load, and what is kept of each record by its number: little, for there may be millions."""

    def __init__(self, store: Store, installation: Installation, now: datetime, columns: Columns) -> None:
        self._store = store
        self._installation = installation
        self._now = now
        self._columns = columns
        self._turn = 0
        self._landed = array("q")
        self._prints = array("q")
        self._left = array("i")

    def run(self, begins: Callable[[str], object]) -> ResolveReport:
        total = ResolveReport()
        begins("read, normalise and file")
        with self._store.reading() as connection:
            self._turn = turns.current(connection)
            decided = {name for one in decisions.standing(connection) for name in (one.record_a, one.record_b)}
        if not self._filed(decided):
            return total
        begins("count names")
        with self._store.reading() as connection:
            epoch = epochs.in_force(connection, lambda: self._columns.sample(SAMPLE))
        begins("compare")
        self._columns.compare(epoch.model)
        begins("cluster")
        component = components(len(self._columns), self._columns.pairs())
        leave_out(component, self._left)
        anchor = anchored(self._columns, component, self._landed, epoch.model)
        begins("make people")
        gone: set[int] = set()
        for newcomers in minting.portions(self._columns, anchor):
            report = self._minted(newcomers, epoch, component, gone)
            if report is None:
                return total
            total += report
        return total

    def _filed(self, decided: AbstractSet[str]) -> bool:
        for portion in filing.portions(self._store, self._installation):
            if not filing.file(self._store, portion, self._turn, self._store.moment(self._now)):
                return False
            self._turn += bool(portion.waiting)
            waits = [record.record_id in portion.waiting for record in portion.records]
            for_turns = portion.with_history | decided
            for number, record in enumerate(portion.records, len(self._columns)):
                landed = portion.waiting.get(record.record_id)
                self._landed.append(landed.landing_number if landed else 0)
                self._prints.append(filing.print_of(landed) if landed else 0)
                if landed is None or record.record_id in for_turns:
                    self._left.append(number)
            self._columns.add(portion.records, portion.held, waits)
        return True

    def _minted(
        self, newcomers: Newcomers, epoch: Epoch, component: Sequence[int], gone: set[int]
    ) -> ResolveReport | None:
        """Write newcomers, less components that are or will be `gone`; None where somebody else took a turn."""
        for attempt in range(_TRIES):
            own = newcomers.without(component, gone)
            with self._store.reading() as connection:
                landed = by_ids(connection, own.numbers)
            changed = {n for name, n in own.numbers.items() if not self._is_as_read(landed.get(name), n)}
            if changed:
                gone |= {component[number] for number in changed}
                continue
            if not own.records:
                return ResolveReport()
            plan = minting.plan(self._store, self._installation, self._now, own, landed, turn=self._turn, epoch=epoch)
            report = attempted(self._store, plan, self._now)
            if report is not None:
                self._turn += 1
                return report
            with self._store.reading() as connection:
                if turns.current(connection) != self._turn:
                    return None
            time.sleep(_PAUSE_SECONDS * 2**attempt)
        gone |= {component[number] for number in newcomers.numbers.values()}
        return ResolveReport()

    def _is_as_read(self, landed: Landed | None, number: int) -> bool:
        return landed is not None and filing.print_of(landed) == self._prints[number]
