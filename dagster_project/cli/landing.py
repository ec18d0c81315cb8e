"""Commands that bring candidates in: sync, import, quarantine, replay."""

import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from connectors.contract import Connection
from connectors.errors import ConnectorError, Misconfigured
from connectors.source import Source, open_source
from dagster_project.cli.output import LOOK, console, errors, json_option, show_json, show_table, telling
from dagster_project.cli.pool import Pool, opened
from talent_pool import conservation, quarantine, replay
from talent_pool.resolution import resolve_all
from talent_pool.segments import evaluate
from talent_pool.sync import SyncReport, sync
from talent_pool.tokens import StoreTokenKeeper

COUNTS = ("read", "new", "changed", "same", "stale", "deleted", "duplicate", "quarantined")
_BY_ENDING = {".csv": "csv_file", ".tsv": "csv_file", ".txt": "csv_file", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json_resume"}


@click.command("sync")
@click.argument("connections", nargs=-1)
@click.option("--full-refresh", is_flag=True, help="Read everything again; what has not changed costs a look-up.")
@click.option("--resolve/--no-resolve", default=True, help="Make people and segments of what landed (default: do).")
@json_option
def sync_command(connections: Sequence[str], full_refresh: bool, resolve: bool, as_json: bool) -> None:  # noqa: FBT001
    """Read CONNECTIONS (all if none is named), then resolve people and evaluate segments."""
    with telling(), opened() as pool:
        names = list(connections) or [name for name, c in pool.installation.connections.items() if _runs_by_itself(c)]
        sources = [_open(pool, pool.installation.connection(name)) for name in names]
        reports, failures = _synced(pool, sources, full_refresh=full_refresh)
        if resolve:
            resolve_all(pool.store, pool.installation, pool.now)
            evaluate(pool.store, pool.installation, pool.now)
        _told(reports, failures, as_json=as_json)


def _runs_by_itself(connection: Connection) -> bool:
    """A file connection without a path waits for `catchment import`."""
    return connection.connector not in set(_BY_ENDING.values()) or "path" in connection.settings


def _open(pool: Pool, connection: Connection) -> Source:
    return open_source(connection, pool.environ, StoreTokenKeeper(pool.store))


def _synced(
    pool: Pool, sources: Sequence[Source], *, full_refresh: bool = False
) -> tuple[list[SyncReport], dict[str, ConnectorError]]:
    """Sync each source; one that fails does not keep the next from being read."""
    reports: list[SyncReport] = []
    failures: dict[str, ConnectorError] = {}
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=errors, transient=True) as progress:
        for source in sources:
            name = source.connection.name
            task = progress.add_task(name, total=None)

            def _page(stream: str, counts: Any, task: Any = task, name: str = name) -> None:
                progress.update(task, description=f"{name}: {stream}", advance=counts.read)

            try:
                reports.append(
                    sync(pool.store, pool.inbox, source, pool.now, full_refresh=full_refresh, on_page=_page)
                )
            except ConnectorError as error:
                failures[name] = error
            progress.remove_task(task)
    for report in reports:
        if remainder := conservation.unbalanced(pool.store, report.run_id):
            failures[report.connection] = ConnectorError(f"{report.connection}: {remainder}")
    return reports, failures


def _told(reports: Sequence[SyncReport], failures: dict[str, ConnectorError], *, as_json: bool) -> None:
    rows = [[report.connection, *(getattr(report.counts, name) for name in COUNTS)] for report in reports]
    if as_json:
        shown: dict[str, Any] = {row[0]: dict(zip(COUNTS, row[1:], strict=True)) for row in rows}
        shown |= {name: {"error": str(error)} for name, error in failures.items()}
        show_json(shown)
    else:
        show_table("", ("connection", *COUNTS), rows, empty="Nothing was read.")
        for name, error in failures.items():
            errors.print(f"[red]✗[/red] {name}: {str(error).removeprefix(f'{name}: ')}", highlight=False, soft_wrap=True)
        if any(row[-1] for row in rows):
            console.print("Some objects could not be read: `catchment quarantine` says why.", highlight=False)
    if failures and len(failures) == 1 and not reports:
        with telling():
            raise next(iter(failures.values()))
    if failures or any(row[-1] for row in rows):
        raise SystemExit(LOOK)


@click.command("import")
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@click.option("--as", "name", required=True, metavar="CONNECTION", help="The connection that the file's records belong to.")
@click.option("--column", "columns", multiple=True, metavar="COLUMN=FIELD", help="Say what a column holds; else it is guessed.")
@click.option("--key", metavar="COLUMN", help="The column that identifies a row for ever.")
@click.option("--connector", type=click.Choice(sorted(set(_BY_ENDING.values()))), help="The file's format; else by its ending.")
@json_option
def import_command(
    file: Path, name: str, columns: Sequence[str], key: str | None, connector: str | None, as_json: bool  # noqa: FBT001
) -> None:
    """Land the rows of FILE (CSV, JSON Resume, JSONL); a broken row lands every other row."""
    with telling(), opened() as pool:
        settings: dict[str, Any] = {"path": str(file.resolve())}
        if columns:
            settings["columns"] = dict(_pair(column) for column in columns)
        if key:
            settings["key"] = key
        source = _open(pool, _file_connection(pool, file, name, connector, settings))
        if (mapping := getattr(source, "mapping", None)) and not as_json:
            show_table("", ("column", "is read as"), mapping().items(), empty="No column was recognised.")
        reports, failures = _synced(pool, [source])
        resolve_all(pool.store, pool.installation, pool.now)
        evaluate(pool.store, pool.installation, pool.now)
        _told(reports, failures, as_json=as_json)


def _pair(column: str) -> tuple[str, str]:
    name, found, field = column.partition("=")
    if not found or not name or not field:
        raise Misconfigured(f"--column takes COLUMN=FIELD, not {column!r}.")
    return name, field


def _file_connection(pool: Pool, file: Path, name: str, connector: str | None, settings: dict[str, Any]) -> Connection:
    """Return the configured connection with this file in it, or a new one of the file's format."""
    if known := pool.installation.connections.get(name):
        if known.connector not in set(_BY_ENDING.values()):
            raise Misconfigured(f"{name} reads {known.connector}, not files. Choose another name for --as.")
        return known.model_copy(update={"settings": {**known.settings, **settings}})
    kind = connector or ("json_resume" if file.is_dir() else _BY_ENDING.get(file.suffix.lower()))
    if kind is None:
        raise Misconfigured(f"{file.name}: its ending does not tell its format. Name it with --connector.")
    return Connection(name=name, connector=kind, settings=settings)


@click.command("quarantine")
@click.argument("connection", required=False)
@json_option
def quarantine_command(connection: str | None, as_json: bool) -> None:  # noqa: FBT001
    """List what could not be read, and why. `catchment replay` tries again."""
    with telling(), opened() as pool:
        rows = quarantine.listed(pool.store, connection)
    if as_json:
        show_json([{"id": r.id, "connection": r.connection, "stream": r.stream, "reason": r.reason, "at": r.quarantined_at} for r in rows])
    else:
        show_table(
            "", ("id", "connection", "stream", "since", "reason"),
            [(r.id, r.connection, r.stream, f"{r.quarantined_at:%Y-%m-%d %H:%M}", r.reason) for r in rows],
            empty="The quarantine is empty.",
        )  # fmt: skip


@click.command("replay")
@click.argument("connection")
@click.option("--all", "everything", is_flag=True, help="Parse every stored payload again, not the quarantine alone.")
@json_option
def replay_command(connection: str, everything: bool, as_json: bool) -> None:  # noqa: FBT001
    """Parse again what CONNECTION has in quarantine, or all it ever sent, without asking the vendor."""
    with telling(), opened() as pool:
        source = _open(pool, pool.installation.connection(connection))
        report = (
            replay.replay(pool.store, source, pool.now)
            if everything
            else quarantine.replay(pool.store, source, pool.now)
        )
        resolve_all(pool.store, pool.installation, pool.now)
        evaluate(pool.store, pool.installation, pool.now)
    numbers = {name: getattr(report.counts, name) for name in COUNTS}
    if as_json:
        show_json(numbers)
    else:
        show_table("", COUNTS, [list(numbers.values())], empty="")


def holder() -> str:
    """Name this process for those who find its lease."""
    return f"catchment {os.getpid()} on {socket.gethostname()}"
