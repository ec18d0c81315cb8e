"""Handing over: what goes to a destination, and what it says of every row, committed as soon as it is known."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from connectors.contract import Cleared, Destination, Fate, RowOutcome
from connectors.errors import ConnectorError
from talent_pool.delivery import holdings, jobs, outbox, push_ledger, retries, signals
from talent_pool.delivery.gate import Way
from talent_pool.delivery.push_ledger import Planned
from talent_pool.delivery.report import fates_of
from talent_pool.store import leases, runs
from talent_pool.store.database import Store

_AT_ONCE = 500
"""Rows written in one transaction."""


def sentence(error: BaseException) -> str:
    """Return an error's first line where it is ours and so free of people's data, else its kind alone."""
    return str(error).partition("\n")[0] if isinstance(error, ConnectorError) else type(error).__name__


@dataclass
class Handover:
    """One run's way to one destination. `failure`: why nothing more is handed over. `lease`: held meanwhile."""

    store: Store
    destination: Destination
    way: Way
    now: datetime
    failure: ConnectorError | None = None
    lease: leases.Lease | None = None

    @property
    def name(self) -> str:
        """The destination's."""
        return self.destination.settings.name

    @contextmanager
    def writing(self) -> Generator[Connection]:
        """Open a write transaction that fails if another process has taken this destination over."""
        with self.store.writing() as connection:
            if self.lease:
                self.lease.renew(connection)
            yield connection

    def put(self, cleared: Sequence[Cleared], by_id: dict[str, Planned], run_id: str) -> None:
        """Hand over a batch of state, then commit all that is known of it; what the vendor works on is followed."""
        outcomes: list[RowOutcome] = []
        try:
            # what was yielded before an error is kept
            outcomes.extend(self.destination.apply(cleared, self.now))
        except ConnectorError as error:
            self.failure = error
        started: dict[str, list[Planned]] = {}
        for outcome in outcomes:
            if outcome.fate is Fate.PENDING and outcome.job:
                started.setdefault(outcome.job, []).append(by_id[outcome.row_id])
        if started:
            with self.writing() as connection:
                jobs.remember(connection, self.name, started, self.now)
        self._record([one for one in outcomes if not (one.fate is Fate.PENDING and one.job)], by_id, run_id)
        for job, rows in started.items():
            self._follow(job, rows, run_id)

    def _record(
        self, outcomes: Sequence[RowOutcome], by_id: Mapping[str, Planned], run_id: str, job: str | None = None
    ) -> None:
        """Commit what became of rows, and let go of those that `job` had in hand and is done with."""
        for start in range(0, len(outcomes), _AT_ONCE):
            some = outcomes[start : start + _AT_ONCE]
            touched = [self._judge(by_id[outcome.row_id], outcome) for outcome in some]
            with self.writing() as connection:
                holdings.record(connection, self.store, self.name, touched, self.now)
                push_ledger.write(connection, run_id, self.name, touched)
                if job:
                    done = [row for row in touched if row.fate is not Fate.PENDING]
                    jobs.forget(connection, self.name, job, done)
                for outcome in some:
                    self._keep(connection, by_id[outcome.row_id], outcome)

    def _follow(self, job: str, rows: Sequence[Planned], run_id: str, *, again: bool = False) -> None:
        """Ask what became of a job's rows. One still in hand is said to be so once: not when asked `again`."""
        by_id = {row.leaving.row_id: row for row in rows}
        told: dict[str, RowOutcome] = {}
        try:
            for outcome in self.destination.followed(job, [jobs.awaited(row) for row in rows], self.now):
                told[outcome.row_id] = outcome
        except ConnectorError as error:
            self.failure = self.failure or error
        waiting = [
            RowOutcome(row_id, Fate.PENDING, jobs.WORKED_ON, job=job)
            for row_id in by_id
            if row_id not in told or told[row_id].fate is Fate.PENDING
        ]
        self._record([one for one in told.values() if one.fate is not Fate.PENDING], by_id, run_id, job)
        if not again:
            self._record(waiting, by_id, run_id, job)
        for outcome in waiting:
            by_id[outcome.row_id].becomes(Fate.PENDING, outcome.reason)

    def follow_up(self) -> None:
        """Ask after the jobs that earlier runs left behind, in a run of its own, before anything new is planned."""
        with self.store.reading() as connection:
            left = jobs.started(connection, self.destination)
        if not left:
            return
        rows = [row for some in left.values() for row in some]
        before = self.destination.requests
        run_id = runs.start(self.store, "push", self.name, self.destination.settings.organisation, self.now)
        try:
            for job, some in left.items():
                self._follow(job, some, run_id, again=True)
        except BaseException as error:
            runs.end(self.store, run_id, self.now, self._followed(rows, before, cut_off=True), sentence(error))
            raise
        runs.end(
            self.store, run_id, self.now, self._followed(rows, before), sentence(self.failure) if self.failure else None
        )
        if self.failure:
            raise self.failure

    def _followed(self, rows: Sequence[Planned], before: int, *, cut_off: bool = False) -> dict[str, Any]:
        """Return the counts of a run that only followed jobs; what is still in hand was said when it began."""
        settled = [row for row in rows if row.attempted]
        waiting = 0 if cut_off else len(rows) - len(settled)
        fates = {fate.value: number for fate, number in fates_of(settled).items()}
        return {
            **fates,
            "pending": waiting,
            "eligible": len(settled) + waiting,
            "requests": self.destination.requests - before,
            "standing": {"pending": waiting} if waiting else {},
        }

    def send_messages(self, cleared: Sequence[Cleared], by_id: dict[str, Planned], run_id: str) -> None:
        """Hand over messages one by one; each is announced before, and its outcome committed right after."""
        in_hand: dict[str, Planned] = {}

        def announce(row: Cleared) -> bool:
            with self.writing() as connection:
                goes = outbox.announce(connection, self.way, by_id[row.row_id], run_id)
            if goes:
                in_hand[row.row_id] = by_id[row.row_id]
            return goes

        try:
            for outcome in self.destination.apply(outbox.Handing(cleared, announce), self.now):
                self._record_message(by_id[outcome.row_id], outcome, run_id)
                in_hand.pop(outcome.row_id, None)
        except ConnectorError as error:
            self.failure = error
        for row_id in in_hand:
            self._record_message(by_id[row_id], RowOutcome(row_id, Fate.UNKNOWN, outbox.CUT_OFF), run_id)

    def _record_message(self, row: Planned, outcome: RowOutcome, run_id: str) -> None:
        self._judge(row, outcome)
        with self.writing() as connection:
            outbox.record(connection, row, self.now)
            push_ledger.write(connection, run_id, self.name, [row])
            self._keep(connection, row, outcome)

    def _keep(self, connection: Connection, row: Planned, outcome: RowOutcome) -> None:
        """Keep what an outcome says beyond the row: an address to leave alone, the moment of the next attempt."""
        signals.heed(connection, self.way, row, outcome)
        retries.record(connection, self.store, self.name, row, outcome, self.now)

    def _judge(self, row: Planned, outcome: RowOutcome) -> Planned:
        row.attempted = True
        reason = retries.told(outcome)
        if outcome.fate is Fate.REMOVED and row.reason:
            reason = row.reason
        row.becomes(outcome.fate, reason, outcome.vendor_reason)
        row.remote_id = outcome.remote_id
        return row
