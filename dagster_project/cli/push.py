"""The command that sends: push."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import click

from connectors.contract import DestinationSettings, Fate, SignalReceiver
from connectors.destination import open_destination
from connectors.errors import ConnectorError, Misconfigured
from dagster_project.cli.output import exit_code, json_option, say, show_failures, show_json, show_table, telling
from dagster_project.cli.pool import Pool, opened
from talent_pool.delivery import brake, signals
from talent_pool.delivery.deliver import PushReport, deliver, read_back
from talent_pool.delivery.gate import Sending
from talent_pool.delivery.push_ledger import PushRow
from talent_pool.installation import Installation
from talent_pool.landing import conservation
from talent_pool.store.leases import Busy

_SHORT = 60
"""Characters of a field that still stands well in a table."""


@click.command("push")
@click.argument("names", nargs=-1)
@click.option("--dry-run", is_flag=True, help="Show exactly what would be sent, and send nothing.")
@click.option("--yes", "approve", is_flag=True, help="Say yes to a push that reaches more people than max_recipients.")
@json_option
def push_command(names: tuple[str, ...], dry_run: bool, approve: bool, as_json: bool) -> None:  # noqa: FBT001
    """Send what changed, after reading back opt-outs.

    NAMES are destinations, or segments: then those alone go, to whichever destination has them (of those named).
    """
    with telling(), opened() as pool:
        chosen, segments = _chosen(pool.installation, names)
        reports: list[PushReport] = []
        failures: dict[str, Exception] = {} if dry_run else _heard(pool)
        for settings in chosen:
            try:
                report = _pushed(pool, settings, segments, dry_run=dry_run, approve=approve)
                reports.append(report)
                _must_balance(pool, report)
            except (ConnectorError, Busy) as error:
                failures[settings.name] = error
        sending = pool.home.sending
        with pool.store.reading() as connection:
            paused = brake.reason(connection)
    if as_json:
        _show_json(reports, failures, dry_run=dry_run)
    else:
        _show(reports, failures, dry_run=dry_run)
        if reports and not dry_run and sending != "on":
            say(f"Sending is {sending}. Set CATCHMENT_SENDING=on when you mean it.")
        if reports and paused:
            say(paused)
    show_failures(failures)
    refused = any(r.fates.get(Fate.REJECTED, 0) or r.fates.get(Fate.UNKNOWN, 0) for r in reports)
    raise SystemExit(exit_code(failures, others=bool(reports), look=refused))


def _heard(pool: Pool) -> dict[str, Exception]:
    """Write what destinations told us meanwhile, of all of them: an opt-out here may be heeded there."""
    failures: dict[str, Exception] = {}
    for name in signals.callers_waiting(pool.inbox):
        try:
            destination = open_destination(pool.installation.destination(name), pool.environ)
            if isinstance(destination, SignalReceiver):
                signals.take_calls(pool.store, pool.inbox, destination, pool.now)
        except ConnectorError as error:
            failures[name] = error
    return failures


def _chosen(installation: Installation, names: Collection[str]) -> tuple[list[DestinationSettings], set[str]]:
    """Return the destinations that are meant, and the segments; none: all of each. Raises Misconfigured."""
    segments = set(installation.segments) & set(names)
    destinations = [installation.destination(name) for name in dict.fromkeys(names) if name not in segments]
    chosen = destinations or list(installation.destinations.values())
    if not segments:
        return chosen, segments
    having = [one for one in chosen if segments & {push.segment for push in one.pushes}]
    homeless = segments - {push.segment for one in having for push in one.pushes}
    if homeless:
        where = ", ".join(one.name for one in destinations) or "any destination"
        raise Misconfigured(f"{', '.join(sorted(homeless))}: not among the `pushes` of {where}.")
    return having, segments


def _pushed(
    pool: Pool, settings: DestinationSettings, segments: Collection[str], *, dry_run: bool, approve: bool
) -> PushReport:
    destination = open_destination(settings, pool.environ)
    if not dry_run:
        read_back(pool.store, destination, pool.now)
    return deliver(
        pool.store, pool.installation, destination, pool.now,
        sending=Sending.of(pool.home), dry_run=dry_run, approve=approve, segments=segments,
    )  # fmt: skip


def _must_balance(pool: Pool, report: PushReport) -> None:
    """Raise ConnectorError where a row of a push is unaccounted for; a dry run has no ledger."""
    remainder = conservation.unbalanced(pool.store, report.run_id) if report.run_id else None
    if remainder:
        raise ConnectorError(f"{report.destination}: {remainder}")


def _numbers(report: PushReport) -> dict[str, Any]:
    return {
        "eligible": report.eligible,
        **{fate.value: report.fates.get(fate, 0) for fate in Fate},
        "requests": report.requests,
    }


def _show_json(reports: Sequence[PushReport], failures: Mapping[str, Exception], *, dry_run: bool) -> None:
    shown: dict[str, Any] = {report.destination: _numbers(report) for report in reports}
    for report in reports if dry_run else ():
        shown[report.destination]["rows"] = [asdict(row) for row in report.rows]
    for name, error in failures.items():
        shown.setdefault(name, {})["error"] = str(error)
    show_json(shown)


def _show(reports: Sequence[PushReport], failures: Mapping[str, Exception], *, dry_run: bool) -> None:
    fates = tuple(fate.value for fate in Fate)
    show_table(
        "", ("destination", "eligible", *fates, "requests"),
        [(report.destination, *_numbers(report).values()) for report in reports],
        empty="" if failures else "No destination is configured.", sparse=fates,
    )  # fmt: skip
    for report in reports if dry_run else ():
        show_table(
            f"\nWhat {report.destination} would be asked to do:",
            ("segment", "person", "action", "address", "fate", "with", "reason"),
            [
                (row.segment, row.person_id, row.action.value, row.address, row.fate.value, _content(row), row.reason)
                for row in report.rows
            ],
            empty=f"\nNothing would change at {report.destination}.", sparse=("address", "with", "reason"),
        )  # fmt: skip
    if dry_run and any(report.rows for report in reports):
        say("\n--json shows each row whole, messages with their text.")


def _content(row: PushRow) -> str:
    """Return what is short enough for a table of that which goes along: tag and fields."""
    short = {name: value for name, value in row.fields.items() if value and len(str(value)) <= _SHORT}
    return ", ".join([*([row.tag] if row.tag else []), *(f"{name}: {value}" for name, value in short.items())])
