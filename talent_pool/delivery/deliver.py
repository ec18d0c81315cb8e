"""The loop out: compare, pass the gate, send the difference in the largest batches, record what became of every row.

One run a destination, under its lease. What a batch did is committed right after it (for messages: right after each
one), so that a run cut off anywhere loses nothing and doubles nothing.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from connectors.contract import Action, Destination, Fate, Push
from talent_pool.delivery import (
    comparison,
    gate,
    holdings,
    outbox,
    push_ledger,
    pushes,
    recipients,
    retries,
    tasks,
    vouchers,
)
from talent_pool.delivery.gate import Sending, Way
from talent_pool.delivery.handover import Handover, sentence
from talent_pool.delivery.member import Member
from talent_pool.delivery.push_ledger import Planned
from talent_pool.delivery.report import PushReport, fates_of
from talent_pool.delivery.report import shown as shown_row
from talent_pool.delivery.signals import read_back
from talent_pool.delivery.writing import Writer, writer
from talent_pool.installation import Installation
from talent_pool.privacy import notified
from talent_pool.segments.definition import SegmentDefinition
from talent_pool.segments.in_force import as_in_force
from talent_pool.store import leases, runs
from talent_pool.store.database import Store
from talent_pool.uncollected import uncollected

__all__ = ["PushReport", "deliver", "read_back"]

_ROWS_SHOWN = 1000


def deliver(
    store: Store,
    installation: Installation,
    destination: Destination,
    now: datetime,
    sending: Sending,
    *,
    dry_run: bool = False,
    approve: bool = False,
    segments: Collection[str] = (),
) -> PushReport:
    """Bring `destination` up to date with its segments and return what became of every row.

    `segments`: these alone, all where none is named; even then no service message overtakes an earlier one of another
    segment. `approve` says yes to a push that reaches more than `max_recipients` new people. A dry run writes nothing
    and sends nothing. Raises leases.Busy, and errors of connectors.errors once everything that happened is recorded.
    """
    errand = _Errand(store, installation, destination, now, sending, approve=approve, segments=segments)
    if dry_run:
        for push, is_asked_for in errand.pushes:
            (errand.plan if is_asked_for else errand.pass_over)(push)
        return errand.report("")
    name = destination.settings.name
    with leases.held(store, f"destination:{name}", f"push to {name}", now) as lease:
        errand.handover.lease = lease
        errand.follow_up()
        run_id = runs.start(store, "push", name, destination.settings.organisation, now)
        try:
            outbox.settle_cut_off(store, name)
            for push, is_asked_for in errand.pushes:
                if is_asked_for:
                    errand.run(push, run_id)
                else:
                    errand.pass_over(push)
        except BaseException as error:
            runs.end(store, run_id, now, errand.counts(cut_off=True), sentence(error))
            raise
        failure = errand.handover.failure
        runs.end(store, run_id, now, errand.counts(), sentence(failure) if failure else None)
        if failure is None and not segments:  # whoever is to be told of a correction is, once every push has looked
            notified.settle(store, notified.Push(destination.settings, destination.kind, errand.rows), now)
    if failure:
        raise failure
    return errand.report(run_id)


class _Errand:
    """One run over every push of one destination."""

    def __init__(
        self,
        store: Store,
        installation: Installation,
        destination: Destination,
        now: datetime,
        sending: Sending,
        *,
        approve: bool,
        segments: Collection[str],
    ) -> None:
        self.store, self.destination = store, destination
        self.installation = as_in_force(store, installation)
        self.now, self.sending, self.approve = now, sending, approve
        self.name = destination.settings.name
        self.way = Way(
            store,
            destination,
            sending,
            now,
            self.installation.policies,
            rivals=pushes.rivals(self.installation, self.name),
        )
        self.members: dict[str, Member] = {}
        self.overtaken: set[str] = set()
        self.rows: list[Planned] = []
        self.standing: dict[str, int] = {}
        self.eligible = 0
        self.resting = 0
        self.handover = Handover(store, destination, self.way, now)
        self._requests_before = destination.requests
        every = pushes.in_order(self.installation, destination)
        self.pushes = [(push, not segments or push.segment in segments) for push in every]

    def follow_up(self) -> None:
        """Settle what earlier runs left at the vendor; what that asks is not this run's."""
        self.handover.follow_up()
        self._requests_before = self.destination.requests

    def plan(self, push: Push) -> list[Planned]:
        """Plan one push on one view of the store; settle what waits for a person's yes."""
        segment = self.installation.segments[push.segment]
        with uncollected(), self.store.reading() as connection:
            members = recipients.members(connection, self.store, segment, self.name, self.now)
            counted = recipients.count(connection, segment)
            if self.destination.kind == "message":
                write = self._writer(segment)
                planned = outbox.plan(connection, self.way, push, segment, members, write=write)
                self.members = {member.subject_id: member for member in members}
                self._in_order(segment, planned)
            else:
                planned, resting = comparison.plan(connection, self.way, push, segment, members)
                self.resting += resting
                self.standing[Fate.UNCHANGED.value] = self.standing.get(Fate.UNCHANGED.value, 0) + resting
            retries.look_up(connection, self.name, push.segment, planned, self.now)
        self._hold(planned)
        # members as the database counts them, and those we hold beyond them: the side that the fates must add up to
        self.eligible += counted + sum(row.subject_id.startswith("left:") for row in planned)
        self.rows += planned
        return planned

    def pass_over(self, push: Push) -> None:
        """Keep the order: who would get a message of this push, were it asked for, gets none of a later one."""
        segment = self.installation.segments[push.segment]
        if self.destination.kind != "message" or segment.type != "service":
            return
        with uncollected(), self.store.reading() as connection:
            members = recipients.members(connection, self.store, segment, self.name, self.now)
            planned = outbox.plan(connection, self.way, push, segment, members, write=self._writer(segment))
        going = (row.leaving.candidate_record_id for row in planned if row.fate is None)
        self.overtaken |= {record for record in going if record}

    def _writer(self, segment: SegmentDefinition) -> Writer:
        return writer(self.store, self.installation, self.destination, segment, self.sending.public_url)

    def _in_order(self, segment: SegmentDefinition, planned: Sequence[Planned]) -> None:
        """Let no service message overtake an earlier one to the same candidate that could not go just now."""
        for row in planned if segment.type == "service" else ():
            if row.fate is None and row.leaving.candidate_record_id in self.overtaken:
                row.becomes(Fate.DEFERRED, "An earlier message to this candidate is still to go.")

    def _hold(self, planned: Sequence[Planned]) -> None:
        """Defer whoever a push would newly reach, if they are more than may be reached without a yes."""
        reaching = [row for row in planned if row.fate is None and row.reaches and row.leaving.action != Action.REMOVE]
        most = self.destination.settings.max_recipients
        if self.approve or len(reaching) <= most:
            return
        for row in reaching:
            row.becomes(
                Fate.DEFERRED,
                f"This push would reach more than {most} new people. Look at it with --dry-run, then run "
                f"`catchment push {self.name} --yes`.",
            )

    def run(self, push: Push, run_id: str) -> None:
        """Plan one push, send what differs, and record what became of every row."""
        planned = self.plan(push)
        segment = self.installation.segments[push.segment]
        self._give_vouchers(segment, planned)
        self._give_tasks(segment, planned)
        tag = push.tag or push.segment
        if self.destination.kind == "state" and planned and self.destination.lost(tag):
            with self.handover.writing() as connection:
                holdings.forget(connection, self.name, push.segment)
        for batch in _batches(planned, self.destination.batch):
            if self.handover.failure is None:
                self._send(batch, run_id)
            for row in batch:
                if row.fate is None:
                    row.becomes(
                        Fate.DEFERRED,
                        sentence(self.handover.failure) if self.handover.failure else "Not reached in this run.",
                    )
        self._keep_promises(planned)
        if segment.type == "service":
            self.overtaken |= {
                row.leaving.candidate_record_id
                for row in planned
                if row.attempted and row.fate is Fate.DEFERRED and row.leaving.candidate_record_id
            }
        self._record_quiet(push, planned, run_id)

    def _keep_promises(self, planned: Sequence[Planned]) -> None:
        """Forget what was promised and is sent, for it stands in the ledger now; keep what the vendor put off."""
        self.way.promised.clear()
        for row in planned:
            if row.attempted and row.fate is Fate.DEFERRED and row.person_id and row.leaving.type == "marketing":
                self.way.promised[row.person_id] = 1

    def _give_vouchers(self, segment: SegmentDefinition, planned: Sequence[Planned]) -> None:
        """Put a code of its own into each message that is about to go; without one it waits."""
        going = [row for row in planned if row.fate is None and row.leaving.action is Action.MESSAGE]
        if not segment.voucher or not going:
            return
        with self.handover.writing() as connection:
            codes = vouchers.hand_out(connection, segment.voucher, [row.leaving.row_id for row in going], self.now)
        write = self._writer(segment)
        for row in going:
            code = codes.get(row.leaving.row_id)
            if code is None:
                row.becomes(Fate.DEFERRED, vouchers.NONE_LEFT)
            else:
                told = write(row.template or "", self.members[row.subject_id], {"voucher_code": code})
                row.leaving = replace(row.leaving, fields=told)

    def _give_tasks(self, segment: SegmentDefinition, planned: Sequence[Planned]) -> None:
        """Turn what no machine may tell into tasks; those that are there already cost no write."""
        wanted = tasks.wanted(self.store, segment, planned)
        if not wanted:
            return
        with self.store.reading() as connection:
            new = tasks.missing(connection, list(wanted))
        if new:
            with self.handover.writing() as connection:
                rows = {task_id: row for task_id, row in wanted.items() if task_id in new}
                tasks.make(connection, self.store, segment, rows, self.now)

    def _send(self, batch: Sequence[Planned], run_id: str) -> None:
        by_id = {row.leaving.row_id: row for row in batch}
        with self.store.reading() as connection:
            cleared, refused = gate.clear(connection, self.way, [row.leaving for row in batch])
        for row_id, ruling in refused.items():
            by_id[row_id].becomes(ruling.fate or Fate.DEFERRED, ruling.reason)
        if not cleared:
            return
        if self.destination.kind == "message":
            self.handover.send_messages(cleared, by_id, run_id)
        else:
            self.handover.put(cleared, by_id, run_id)

    def _record_quiet(self, push: Push, planned: Sequence[Planned], run_id: str) -> None:
        """Write rows that were not attempted where they say something new; count the others as standing."""
        with self.store.reading() as connection:
            quiet = [row for row in planned if not row.attempted]
            said = push_ledger.last_said(connection, self.name, push.segment, [row.subject_id for row in quiet])
            stale = retries.stale(connection, self.name, push.segment, planned)
        if stale:
            with self.handover.writing() as connection:
                retries.forget(connection, self.name, push.segment, stale)
        news = [row for row in quiet if push_ledger.is_news(row, said.get(row.subject_id))]
        for start in range(0, len(news), 500):
            with self.handover.writing() as connection:
                push_ledger.write(connection, run_id, self.name, news[start : start + 500])
        written = {id(row) for row in news}
        for row in quiet:
            if id(row) not in written and row.fate:
                self.standing[row.fate.value] = self.standing.get(row.fate.value, 0) + 1

    def counts(self, *, cut_off: bool = False) -> dict[str, Any]:
        """Return what the run's own row keeps. Of a run that was cut off only what was done counts as done."""
        rows = [row for row in self.rows if row.attempted] if cut_off else self.rows
        fates = fates_of(rows, 0 if cut_off else self.resting)
        return {
            **{fate.value: number for fate, number in fates.items()},
            "eligible": self.eligible,
            "requests": self.destination.requests - self._requests_before,
            "standing": {} if cut_off else self.standing,
            **self.destination.receipt(),
        }

    def report(self, run_id: str) -> PushReport:
        """Return what the caller is told; in a dry run a row to be attempted has the fate it would have."""
        shown = [row for row in self.rows if row.fate is not Fate.UNCHANGED]
        return PushReport(
            run_id=run_id,
            destination=self.name,
            eligible=self.eligible,
            fates=fates_of(self.rows, self.resting),
            requests=self.destination.requests - self._requests_before,
            rows=[shown_row(row) for row in (shown[:_ROWS_SHOWN] if run_id else shown)],
        )


def _batches(planned: Sequence[Planned], size: int) -> Iterator[Sequence[Planned]]:
    """Yield the rows to be attempted: removals, then those the destination knows, then new ones, each kind in batches.

    Kinds are not mixed, for a vendor answers each with requests of its own.
    """
    kinds: dict[tuple[bool, bool], list[Planned]] = {}
    for row in planned:
        if row.fate is None:
            key = (row.leaving.action is not Action.REMOVE, not row.leaving.known)
            kinds.setdefault(key, []).append(row)
    for key in sorted(kinds):
        rows = kinds[key]
        for start in range(0, len(rows), size):
            yield rows[start : start + size]
