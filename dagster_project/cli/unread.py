"""Commands about what could not be read: quarantine, replay."""

from collections.abc import Sequence

import click

from dagster_project.cli.files import column_options, file_connection, file_settings
from dagster_project.cli.landing import COUNTS, SELDOM, derive, opened_source
from dagster_project.cli.output import LOOK, json_option, say, show_json, show_table, telling
from dagster_project.cli.pool import Pool, opened
from talent_pool.landing import quarantine, replay
from talent_pool.store import runs


@click.command("quarantine")
@click.argument("connection", required=False)
@json_option
def quarantine_command(connection: str | None, as_json: bool) -> None:  # noqa: FBT001
    """List what could not be read, and why. `catchment replay` tries again."""
    with telling(), opened() as pool:
        rows = quarantine.listed(pool.store, connection)
        if connection and not rows:
            _must_be_known(pool, connection)
    if as_json:
        shown = ("id", "connection", "stream", "remote_id", "reason")
        show_json([{name: getattr(row, name) for name in shown} | {"at": row.quarantined_at} for row in rows])
    else:
        show_table(
            "", ("id", "connection", "stream", "since", "reason"),
            [(r.id, r.connection, r.stream, f"{r.quarantined_at:%Y-%m-%d %H:%M}", r.reason) for r in rows],
            empty="The quarantine is empty.",
        )  # fmt: skip


def _must_be_known(pool: Pool, connection: str) -> None:
    """Raise Misconfigured for a name under which nothing was ever read."""
    if not runs.listed(pool.store, "sync", connection, limit=1):
        pool.installation.connection(connection)


@click.command("replay")
@click.argument("connection")
@click.option("--all", "everything", is_flag=True, help="Parse every stored payload again, not the quarantine alone.")
@column_options
@json_option
def replay_command(
    connection: str,
    everything: bool,  # noqa: FBT001
    columns: Sequence[str],
    key: str | None,
    connector: str | None,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Parse again what CONNECTION has in quarantine, or all it ever sent, without asking the vendor.

    For a file's rows, --column and --key say how to read them this time; to keep it, write it into the
    connection's defs.yaml.
    """
    with telling(), opened() as pool:
        _must_be_known(pool, connection)
        known = file_connection(pool, connection, file_settings(columns, key), connector=connector)
        source = opened_source(pool, known)
        again = replay if everything else quarantine
        report = again.replay(pool.store, source, pool.now)
        derive(pool)
        left = quarantine.listed(pool.store, connection)
    numbers = {name: getattr(report.counts, name) for name in COUNTS}
    if as_json:
        show_json(numbers)
    elif not numbers["read"]:
        say(f"There was nothing of {connection} to parse again.")
    else:
        show_table("", COUNTS, [list(numbers.values())], empty="", sparse=SELDOM)
    if left:
        if not as_json:
            say(f"{len(left)} still cannot be read: `catchment quarantine {connection}` says why.")
        raise SystemExit(LOOK)
