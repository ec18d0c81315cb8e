"""The loop out: compare, pass the gate, send the difference in the largest batches, record what became of every row.

One run a destination, under its lease. What a batch did is committed right after it (for messages: right after each
one), so that a run cut off anywhere loses nothing and doubles nothing.
"""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from connectors.contract import Action, Cleared, Destination, Fate, Push, RowOutcome
from connectors.errors import ConnectorError, Misconfigured
from connectors.records import Channel
from talent_pool.delivery import (
    gate,
    holdings,
    jobs,
    outbox,
    push_ledger,
    recipients,
    retries,
    signals,
    tasks,
    vouchers,
)
from talent_pool.delivery.gate import Sending, Way
from talent_pool.delivery.push_ledger import Planned, PushRow
from talent_pool.delivery.recipients import Member
from talent_pool.delivery.signals import read_back
from talent_pool.installation import Installation
from talent_pool.segments.definition import SegmentDefinition
from talent_pool.segments.in_force import as_in_force
from talent_pool.store import leases, runs
from talent_pool.store.database import Store
from talent_pool.uncollected import uncollected

__all__ = ["PushReport", "deliver", "read_back"]

_ROWS_SHOWN = 1000
_AT_ONCE = 500
"""Rows written in one transaction."""


@dataclass(frozen=True, slots=True)
class PushReport:
    """What one run did at one destination. `fates` add up to `eligible`.

    `eligible`: the segments' members now, and those still held who are members no more. `rows`: of a dry run all
    that would change, with what would be sent; of a real one the first thousand that are not unchanged.
    """

    run_id: str
    destination: str
    eligible: int
    fates: dict[Fate, int]
    requests: int
    rows: list[PushRow] = field(default_factory=list[PushRow])


def deliver(
    store: Store,
    installation: Installation,
    destination: Destination,
    now: datetime,
    sending: Sending,
    *,
    dry_run: bool = False,
    approve: bool = False,
) -> PushReport:
    """Bring `destination` up to date with its segments and return what became of every row.

    `approve` says yes to a push that reaches more than `max_recipients` new people. A dry run writes nothing and
    sends nothing. Raises leases.Busy, and errors of connectors.errors once everything that happened is recorded.
    """
    errand = _Errand(store, installation, destination, now, sending, approve=approve)
    if dry_run:
        for push in errand.pushes:
            errand.plan(push)
        return errand.report("")
    name = destination.settings.name
    with leases.held(store, f"destination:{name}", f"push to {name}", now) as errand.lease:
        errand.follow_up()
        run_id = runs.start(store, "push", name, destination.settings.organisation, now)
        try:
            outbox.settle_cut_off(store, name)
            for push in errand.pushes:
                errand.run(push, run_id)
        except BaseException as error:
            runs.end(store, run_id, now, errand.counts(cut_off=True), _sentence(error))
            raise
        failure = errand.failure
        runs.end(store, run_id, now, errand.counts(), _sentence(failure) if failure else None)
    if failure:
        raise failure
    return errand.report(run_id)


def _sentence(error: BaseException) -> str:
    """Return an error's first line where it is ours and so free of people's data, else its kind alone."""
    return str(error).partition("\n")[0] if isinstance(error, ConnectorError) else type(error).__name__


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
    ) -> None:
        self.store, self.destination = store, destination
        self.installation = as_in_force(store, installation)
        self.now, self.sending, self.approve = now, sending, approve
        self.name = destination.settings.name
        self.way = Way(
            store, destination, sending, now, self.installation.policies, rivals=rivals(self.installation, self.name)
        )
        self.members: dict[str, Member] = {}
        self.overtaken: set[str] = set()
        self.rows: list[Planned] = []
        self.standing: dict[str, int] = {}
        self.eligible = 0
        self.failure: ConnectorError | None = None
        self.lease: leases.Lease | None = None
        self._requests_before = destination.requests
        for push in destination.settings.pushes:
            self._must_make_sense(push)

    @property
    def pushes(self) -> list[Push]:
        """Service first, in the order written; then marketing, the highest priority first."""
        segments = self.installation.segments
        return sorted(
            self.destination.settings.pushes,
            key=lambda push: (segments[push.segment].type == "marketing", -segments[push.segment].priority),
        )

    @contextmanager
    def _writing(self) -> Generator[Connection]:
        """Open a write transaction that fails if another process has taken this destination over."""
        with self.store.writing() as connection:
            if self.lease:
                self.lease.renew(connection)
            yield connection

    def _must_make_sense(self, push: Push) -> None:
        if push.segment not in self.installation.segments:
            raise Misconfigured(f"{self.name}: there is no segment {push.segment!r}. Correct `pushes`.")
        segment = self.installation.segments[push.segment]
        if segment.channel is not self.destination.channel:
            raise Misconfigured(
                f"{self.name} reaches people by {self.destination.channel.value}, and {push.segment} "
                f"by {segment.channel.value}. Choose another destination."
            )
        if self.destination.kind == "state" and segment.recipient != "person":
            raise Misconfigured(
                f"{self.name} holds candidates, and {push.segment} is for {segment.recipient}s. Push it as a message."
            )
        if self.destination.kind == "message" and push.since is None:
            raise Misconfigured(
                f"{self.name}: the push of {push.segment} sends messages and has no `since`. Set it to the moment from "
                f"which occasions count, so that nobody is written to about the past."
            )

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
                planned = holdings.plan(connection, self.way, push, segment, members)
            retries.look_up(connection, self.name, push.segment, planned, self.now)
        self._hold(planned)
        # members as the database counts them, and those we hold beyond them: the side that the fates must add up to
        self.eligible += counted + sum(row.subject_id.startswith("left:") for row in planned)
        self.rows += planned
        return planned

    def _in_order(self, segment: SegmentDefinition, planned: Sequence[Planned]) -> None:
        """Let no service message overtake an earlier one to the same candidate that could not go just now."""
        for row in planned if segment.type == "service" else ():
            if row.fate is None and row.leaving.candidate_record_id in self.overtaken:
                row.becomes(Fate.DEFERRED, "An earlier message to this candidate is still to go.")

    def _writer(self, segment: SegmentDefinition) -> Callable[..., dict[str, Any]]:
        stationery = outbox.stationery(self.installation.lines.get(self.name))
        settings = self.destination.settings
        sender = settings.settings.get("from_name") or settings.organisation

        def write(template: str, member: Member, more: Mapping[str, Any] | None = None) -> dict[str, Any]:
            link = outbox.link(self.store, self.sending.public_url, segment, member)
            told = {
                "answer_by": None,
                "voucher_code": vouchers.SHOWN if segment.voucher else None,
                **member.fields,
                **(more or {}),
            }
            fields = {**told, "sender": sender, "unsubscribe_url": link}
            if segment.channel is Channel.SMS:
                return dict(stationery.write_short(template, fields, marketing=segment.type == "marketing").fields)
            return dict(stationery.write(template, fields).fields)

        return write

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
            with self._writing() as connection:
                holdings.forget(connection, self.name, push.segment)
        for batch in _batches(planned, self.destination.batch):
            if self.failure is None:
                self._send(batch, run_id)
            for row in batch:
                if row.fate is None:
                    row.becomes(Fate.DEFERRED, _sentence(self.failure) if self.failure else "Not reached in this run.")
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
        with self._writing() as connection:
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
            with self._writing() as connection:
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
            self._send_messages(cleared, by_id, run_id)
        else:
            self._put(cleared, by_id, run_id)

    def _put(self, cleared: Sequence[Cleared], by_id: dict[str, Planned], run_id: str) -> None:
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
            with self._writing() as connection:
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
            with self._writing() as connection:
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
        run_id = runs.start(self.store, "push", self.name, self.destination.settings.organisation, self.now)
        try:
            for job, some in left.items():
                self._follow(job, some, run_id, again=True)
        except BaseException as error:
            runs.end(self.store, run_id, self.now, self._followed(rows, cut_off=True), _sentence(error))
            raise
        runs.end(self.store, run_id, self.now, self._followed(rows), _sentence(self.failure) if self.failure else None)
        self._requests_before = self.destination.requests
        if self.failure:
            raise self.failure

    def _followed(self, rows: Sequence[Planned], *, cut_off: bool = False) -> dict[str, Any]:
        """Return the counts of a run that only followed jobs; what is still in hand was said when it began."""
        settled = [row for row in rows if row.attempted]
        waiting = 0 if cut_off else len(rows) - len(settled)
        fates = {fate.value: number for fate, number in _fates(settled).items()}
        return {
            **fates,
            "pending": waiting,
            "eligible": len(settled) + waiting,
            "requests": self.destination.requests - self._requests_before,
            "standing": {"pending": waiting} if waiting else {},
        }

    def _send_messages(self, cleared: Sequence[Cleared], by_id: dict[str, Planned], run_id: str) -> None:
        """Hand over messages one by one; each is announced before, and its outcome committed right after."""
        in_hand: dict[str, Planned] = {}

        def announce(row: Cleared) -> None:
            with self._writing() as connection:
                outbox.announce(connection, self.way, by_id[row.row_id], run_id)
            in_hand[row.row_id] = by_id[row.row_id]

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
        with self._writing() as connection:
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

    def _record_quiet(self, push: Push, planned: Sequence[Planned], run_id: str) -> None:
        """Write rows that were not attempted where they say something new; count the others as standing."""
        with self.store.reading() as connection:
            said = push_ledger.last_said(connection, self.name, push.segment)
            stale = retries.stale(connection, self.name, push.segment, planned)
        if stale:
            with self._writing() as connection:
                retries.forget(connection, self.name, push.segment, stale)
        quiet = [row for row in planned if not row.attempted]
        news = [row for row in quiet if push_ledger.is_news(row, said.get(row.subject_id))]
        for start in range(0, len(news), 500):
            with self._writing() as connection:
                push_ledger.write(connection, run_id, self.name, news[start : start + 500])
        written = {id(row) for row in news}
        for row in quiet:
            if id(row) not in written and row.fate:
                self.standing[row.fate.value] = self.standing.get(row.fate.value, 0) + 1

    def counts(self, *, cut_off: bool = False) -> dict[str, Any]:
        """Return what the run's own row keeps. Of a run that was cut off only what was done counts as done."""
        rows = [row for row in self.rows if row.attempted] if cut_off else self.rows
        return {
            **{fate.value: number for fate, number in _fates(rows).items()},
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
            fates=_fates(self.rows),
            requests=self.destination.requests - self._requests_before,
            rows=[_shown(row) for row in (shown[:_ROWS_SHOWN] if run_id else shown)],
        )


def rivals(installation: Installation, destination: str) -> dict[str, tuple[str, int]]:
    """Return marketing of some priority that other destinations send: {segment: (destination, priority)}."""
    return {
        push.segment: (other.name, installation.segments[push.segment].priority)
        for other in installation.destinations.values()
        if other.name != destination
        for push in other.pushes
        if push.since  # only pushes of messages must say since when
        and installation.segments[push.segment].type == "marketing"
        and installation.segments[push.segment].priority > 0
    }


def _fates(rows: Sequence[Planned]) -> dict[Fate, int]:
    fates = dict.fromkeys(Fate, 0)
    for row in rows:
        fates[_expected(row)] += 1
    return fates


def _expected(row: Planned) -> Fate:
    """Return a row's fate, or the one it is about to have."""
    return row.fate or (Fate.REMOVED if row.leaving.action is Action.REMOVE else Fate.SENT)


def _shown(row: Planned) -> PushRow:
    leaving = row.leaving
    return PushRow(
        segment=row.segment,
        subject_id=row.subject_id,
        person_id=row.person_id,
        action=leaving.action,
        address=leaving.address,
        fate=_expected(row),
        reason=row.reason,
        vendor_reason=row.vendor_reason,
        tag=leaving.tag,
        fields=leaving.fields,
        unsubscribe_url=leaving.unsubscribe_url,
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
