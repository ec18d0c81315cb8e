"""Commands about what goes out: pause, resume, refer."""

import os
from datetime import timedelta

import click

from dagster_project.cli.output import json_option, say, show_json, telling
from dagster_project.cli.pool import opened
from talent_pool.delivery import brake
from talent_pool.landing import referrals


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
