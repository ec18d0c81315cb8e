"""Commands that bring candidates in: sync, import."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from connectors.contract import Connection
from connectors.errors import ConnectorError
from connectors.source import Source, open_source
from dagster_project.cli.files import KINDS, column_options, file_connection, file_settings
from dagster_project.cli.output import exit_code, json_option, say, show_failures, show_json, show_table, telling
from dagster_project.cli.pool import Pool, opened
from dagster_project.cli.progress import watched
from dedupe.errors import ModelMisfit
from talent_pool.landing import conservation
from talent_pool.landing.sync import SyncReport, sync
from talent_pool.resolution.resolve import resolve_all
from talent_pool.segments import evaluate
from talent_pool.store import runs
from talent_pool.store.leases import Busy
from talent_pool.store.tokens import StoreTokenKeeper
from talent_pool.store.unavailable import StoreUnavailable

COUNTS = ("read", "new", "changed", "same", "stale", "deleted", "duplicate", "erased", "quarantined")
SELDOM = ("stale", "deleted", "duplicate", "erased")
"""Counts that are shown where there is something to count."""

Failures = dict[str, Exception]


@click.command("sync")
@click.argument("connections", nargs=-1)
@click.option("--full-refresh", is_flag=True, help="Read everything again; what has not changed costs a look-up.")
@click.option("--resolve/--no-resolve", default=True, help="Make people and segments of what landed (default: do).")
@json_option
def sync_command(connections: Sequence[str], full_refresh: bool, resolve: bool, as_json: bool) -> None:  # noqa: FBT001
    """Read CONNECTIONS (all if none is named), then resolve people and evaluate segments."""
    with telling(), opened() as pool:
        configured = pool.installation.connections.items()
        names = dict.fromkeys(connections) or [name for name, c in configured if _runs_by_itself(pool, c)]
        chosen = [pool.installation.connection(name) for name in names]
        reports: list[SyncReport] = []
        failures: Failures = {}
        for connection in chosen:
            _sync_one(pool, connection, reports, failures, full_refresh=full_refresh)
            if isinstance(failures.get(connection.name), StoreUnavailable):
                break
        _finish(pool, reports, failures, resolve=resolve, as_json=as_json)


def _runs_by_itself(pool: Pool, connection: Connection) -> bool:
    """Say whether a plain `sync` reads it: a file connection without a path waits for `catchment import`."""
    outside = (f"{connection.name}_path".upper(), f"{connection.name}_path_file".upper())
    has_path = "path" in connection.settings or any(pool.environ.get(name) for name in outside)
    return connection.connector not in KINDS or has_path


def opened_source(pool: Pool, connection: Connection) -> Source:
    """Return a connection's source. Raises Misconfigured."""
    return open_source(connection, pool.environ, StoreTokenKeeper(pool.store))


def _sync_one(
    pool: Pool, connection: Connection, reports: list[SyncReport], failures: Failures, *, full_refresh: bool
) -> None:
    """Sync one connection; if it fails, say so in `failures`, so that the next is read all the same."""
    try:
        synced(pool, opened_source(pool, connection), reports, full_refresh=full_refresh)
    except (ConnectorError, Busy, StoreUnavailable) as error:
        failures[connection.name] = error


def synced(pool: Pool, source: Source, reports: list[SyncReport], *, full_refresh: bool = False) -> None:
    """Sync one source, and count again what the store holds of it. Raises what stopped it."""
    name = source.connection.name
    with watched(name) as page:
        report = sync(pool.store, pool.inbox, source, pool.now, full_refresh=full_refresh, on_page=page)
    reports.append(report)
    if remainder := conservation.unbalanced(pool.store, report.run_id):
        raise ConnectorError(f"{name}: {remainder}")


def _finish(pool: Pool, reports: list[SyncReport], failures: Failures, *, resolve: bool, as_json: bool) -> None:
    """Resolve what landed, also what landed before a failure; then tell, and leave with the exit code."""
    if resolve and _may_have_landed(reports, failures):
        try:
            derive(pool)
        except (StoreUnavailable, ModelMisfit) as error:
            failures["people"] = error
    rows = [(report.connection, *(getattr(report.counts, name) for name in COUNTS)) for report in reports]
    quarantined = any(row[-1] for row in rows)
    if as_json:
        shown: dict[str, Any] = {name: dict(zip(COUNTS, numbers, strict=True)) for name, *numbers in rows}
        for name, error in failures.items():
            shown.setdefault(name, {})["error"] = str(error)
        show_json(shown)
    else:
        empty = "" if failures else "There is nothing to read: no connection is configured, or named."
        show_table("", ("connection", *COUNTS), rows, empty=empty, sparse=SELDOM)
        if quarantined:
            say("Some objects could not be read: `catchment quarantine` says why.")
    show_failures(failures)
    raise SystemExit(exit_code(failures, others=bool(reports), look=quarantined))


def _may_have_landed(reports: Sequence[SyncReport], failures: Failures) -> bool:
    """Say whether there may be something to resolve, and a store to resolve it in."""
    away = any(isinstance(error, StoreUnavailable) for error in failures.values())
    return not away and (bool(reports) or not all(isinstance(error, Busy) for error in failures.values()))


def derive(pool: Pool) -> None:
    """Make people of what landed, and put them where they belong. Raises StoreUnavailable."""
    resolve_all(pool.store, pool.installation, pool.now)
    evaluate(pool.store, pool.installation, pool.now)


@click.command("import")
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@click.option("--as", "name", required=True, metavar="CONNECTION", help="The connection that the records belong to.")
@column_options
@json_option
def import_command(
    file: Path,
    name: str,
    columns: Sequence[str],
    key: str | None,
    connector: str | None,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Land the rows of FILE (CSV, JSON Resume, JSONL); a broken row lands every other row."""
    with telling(), opened() as pool:
        settings = {"path": str(file.resolve()), **file_settings(columns, key)}
        connection = file_connection(pool, name, settings, connector=connector, file=file)
        source = opened_source(pool, connection)
        if not as_json:
            _introduce(pool, source)
        reports: list[SyncReport] = []
        failures: Failures = {}
        try:
            synced(pool, source, reports)
        except (ConnectorError, Busy, StoreUnavailable) as error:
            failures[name] = error
        _finish(pool, reports, failures, resolve=True, as_json=as_json)


def _introduce(pool: Pool, source: Source) -> None:
    """Say how the file is read, and that its connection is a new one: a slip of the pen makes one too."""
    mapping = getattr(source, "mapping", None)
    if mapping:
        read_as: Mapping[str, str] = mapping()
        show_table("", ("column", "is read as"), read_as.items(), empty="No column was recognised.")
        say()
    name = source.connection.name
    if name not in pool.installation.connections and not runs.listed(pool.store, "sync", name, limit=1):
        known = ", ".join(n for n, c in pool.installation.connections.items() if c.connector in KINDS)
        say(f"{name!r} is a new connection{f' (configured for files: {known})' if known else ''}.")
