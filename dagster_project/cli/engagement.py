"""Commands about what goes out: segments, pause, resume, refer."""

import os
from datetime import timedelta

import click

from connectors.errors import Misconfigured
from dagster_project.cli.output import json_option, say, show_json, show_table, telling
from dagster_project.cli.pool import Pool, opened
from dagster_project.cli.tables import plain
from talent_pool.delivery import brake
from talent_pool.landing import referrals
from talent_pool.segments import evaluate, explain


@click.command("segments")
@click.argument("segment", required=False)
@click.argument("person", required=False)
@json_option
def segments_command(segment: str | None, person: str | None, as_json: bool) -> None:  # noqa: FBT001
    """Evaluate and list every segment; with SEGMENT and PERSON, say why somebody is in it, or is not."""
    with telling(), opened() as pool:
        segments = pool.installation.segments
        if segment and segment not in segments:
            raise Misconfigured(f"There is no segment {segment!r}; there are {', '.join(sorted(segments))}.")
        if segment and person:
            _explained(pool, segment, person, as_json=as_json)
            return
        report = evaluate(pool.store, pool.installation, pool.now)
        rows = [
            (name, segments[name].type, segments[name].subject, counts.members, counts.entered, counts.left)
            for name in segments
            if segment in (None, name) and (counts := report.segments[name])
        ]
    columns = ("segment", "type", "about", "members", "entered", "left")
    if as_json:
        show_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        show_table("", columns, rows, empty="No segment is configured; add one to segments/defs.yaml.")


def _explained(pool: Pool, segment: str, person: str, *, as_json: bool) -> None:
    explanation = explain(pool.store, pool.installation, segment, person, pool.now)
    if as_json:
        show_json(explanation)
    else:
        for told in explanation:
            say(plain(told) if not told.startswith(" ") else f"  {plain(told.strip())}")


@click.command("pause")
def pause_command() -> None:
    """Stop every push, at once, until `catchment resume`."""
    with telling(), opened() as pool:
        brake.pull(pool.store, now=pool.now, by=os.environ.get("USER", "somebody"))
    say("Every push is stopped until `catchment resume`.")


@click.command("resume")
def resume_command() -> None:
    """Let pushes go again."""
    with telling(), opened() as pool:
        brake.release(pool.store)
    say("Pushes go again.")


@click.command("refer")
@click.argument("target_url")
@click.option("--name", help="Who refers.")
@click.option("--email", help="Their address.")
@click.option("--job", metavar="CONNECTION:ID", help="The job that the link is for.")
@click.option("--campaign", help="What to count the clicks under.")
@click.option("--days", type=click.IntRange(min=1), default=180, show_default=True, help="How long the link lives.")
@json_option
def refer_command(
    target_url: str,
    name: str | None,
    email: str | None,
    job: str | None,
    campaign: str | None,
    days: int,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Make a referral link that leads to TARGET_URL and remembers who shared it."""
    with telling(), opened() as pool:
        token = referrals.create(
            pool.store, target_url=target_url, now=pool.now, expires_at=pool.now + timedelta(days=days),
            referrer_name=name, referrer_email=email, job=job, campaign=campaign,
        )  # fmt: skip
        url = f"{pool.home.public_url.rstrip('/')}/r/{token}"
    show_json({"token": token, "url": url}) if as_json else say(url)
