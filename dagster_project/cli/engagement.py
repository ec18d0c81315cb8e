"""Commands for what goes out: segments, push, pause, resume, refer."""

import os
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import click

from connectors.contract import Fate
from connectors.destination import open_destination
from connectors.errors import Misconfigured
from dagster_project.cli.output import LOOK, console, json_option, show_json, show_table, telling
from dagster_project.cli.pool import Pool, opened
from talent_pool import brake, conservation, referrals
from talent_pool.delivery import PushReport, deliver, read_back
from talent_pool.gate import Sending
from talent_pool.segments import evaluate, explain


@click.command("segments")
@click.argument("segment", required=False)
@click.argument("person", required=False)
@json_option
def segments_command(segment: str | None, person: str | None, as_json: bool) -> None:  # noqa: FBT001
    """Evaluate and list every segment; with SEGMENT and PERSON, say why somebody is in it, or is not."""
    with telling(), opened() as pool:
        if segment and person:
            _explained(pool, segment, person, as_json=as_json)
            return
        report = evaluate(pool.store, pool.installation, pool.now)
        rows = [
            (name, definition.type, definition.subject, counts.members, counts.entered, counts.left)
            for name, definition in pool.installation.segments.items()
            if (counts := report.segments[name]) and (segment in (None, name))
        ]  # fmt: skip
    columns = ("segment", "type", "about", "members", "entered", "left")
    if as_json:
        show_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        show_table("", columns, rows, empty="No segment of that name; add one to segments/defs.yaml.")


def _explained(pool: Pool, segment: str, person: str, *, as_json: bool) -> None:
    if segment not in pool.installation.segments:
        known = ", ".join(sorted(pool.installation.segments))
        raise Misconfigured(f"There is no segment {segment!r}; there are {known}.")
    explanation = explain(pool.store, pool.installation, segment, person, pool.now)
    if as_json:
        show_json(explanation)
    else:
        for sentence in explanation:
            console.print(sentence, highlight=False)


@click.command("push")
@click.argument("destinations", nargs=-1)
@click.option("--dry-run", is_flag=True, help="Show exactly what would be sent, and send nothing.")
@click.option("--yes", "approve", is_flag=True, help="Say yes to a push that reaches more people than max_recipients.")
@json_option
def push_command(destinations: tuple[str, ...], dry_run: bool, approve: bool, as_json: bool) -> None:  # noqa: FBT001
    """Send what changed to DESTINATIONS (all if none is named), after reading back their opt-outs."""
    with telling(), opened() as pool:
        reports = [
            _pushed(pool, name, dry_run=dry_run, approve=approve)
            for name in (destinations or tuple(pool.installation.destinations))
        ]
        remainders = [] if dry_run else [conservation.unbalanced(pool.store, report.run_id) for report in reports]
    if as_json:
        show_json({report.destination: _numbers(report) | ({"rows": [asdict(row) for row in report.rows]} if dry_run else {}) for report in reports})
    else:
        columns = ("destination", "eligible", *(fate.value for fate in Fate), "requests")
        show_table("", columns, [(r.destination, *_numbers(r).values()) for r in reports], empty="No destination is configured.")
        if dry_run:
            _show_rows(reports)
        elif pool.home.sending != "on":
            console.print(f"Sending is {pool.home.sending}. Set CATCHMENT_SENDING=on when you mean it.", highlight=False)
    for remainder in filter(None, remainders):
        raise SystemExit(remainder)
    if any(r.fates.get(Fate.REJECTED, 0) or r.fates.get(Fate.UNKNOWN, 0) for r in reports):
        raise SystemExit(LOOK)


def _pushed(pool: Pool, name: str, *, dry_run: bool, approve: bool) -> PushReport:
    destination = open_destination(pool.installation.destination(name), os.environ)
    if not dry_run:
        read_back(pool.store, destination, pool.now)
    return deliver(
        pool.store, pool.installation, destination, pool.now,
        sending=Sending.of(pool.home), dry_run=dry_run, approve=approve,
    )  # fmt: skip


def _numbers(report: PushReport) -> dict[str, Any]:
    return {
        "eligible": report.eligible,
        **{fate.value: report.fates.get(fate, 0) for fate in Fate},
        "requests": report.requests,
    }


def _show_rows(reports: list[PushReport]) -> None:
    for report in reports:
        show_table(
            f"what {report.destination} would be asked to do",
            ("segment", "person", "action", "address", "fate", "reason"),
            [(row.segment, row.person_id, row.action.value, row.address, row.fate.value, row.reason) for row in report.rows],
            empty="Nothing.",
        )  # fmt: skip


@click.command("pause")
def pause_command() -> None:
    """Stop every push, at once, until `catchment resume`."""
    with telling(), opened() as pool:
        brake.pull(pool.store, now=pool.now, by=os.environ.get("USER", "somebody"))
    console.print("Every push is stopped until `catchment resume`.")


@click.command("resume")
def resume_command() -> None:
    """Let pushes go again."""
    with telling(), opened() as pool:
        brake.release(pool.store)
    console.print("Pushes go again.")


@click.command("refer")
@click.argument("target_url")
@click.option("--name", help="Who refers.")
@click.option("--email", help="Their address.")
@click.option("--job", metavar="CONNECTION:ID", help="The job that the link is for.")
@click.option("--campaign", help="What to count the clicks under.")
@click.option("--days", type=int, default=180, show_default=True, help="How long the link lives.")
@json_option
def refer_command(
    target_url: str, name: str | None, email: str | None, job: str | None, campaign: str | None, days: int, as_json: bool  # noqa: FBT001
) -> None:
    """Make a referral link that leads to TARGET_URL and remembers who shared it."""
    with telling(), opened() as pool:
        token = referrals.create(
            pool.store, target_url=target_url, now=pool.now, expires_at=pool.now + timedelta(days=days),
            referrer_name=name, referrer_email=email, job=job, campaign=campaign,
        )  # fmt: skip
        url = f"{pool.home.public_url.rstrip('/')}/r/{token}"
    show_json({"token": token, "url": url}) if as_json else console.print(url, highlight=False)
