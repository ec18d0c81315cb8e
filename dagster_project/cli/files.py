"""What `import` and `replay` know of files: formats by their endings, and connections that no YAML names."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError

from connectors.contract import Connection
from connectors.errors import Misconfigured
from dagster_project.cli.pool import Pool

_BY_ENDING: Mapping[str, str] = {
    ".csv": "csv_file",
    ".tsv": "csv_file",
    ".txt": "csv_file",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json_resume",
}
KINDS = frozenset(_BY_ENDING.values())
"""The connectors that read files."""


def column_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say how a file is read."""
    options = (
        click.option("--column", "columns", multiple=True, metavar="COLUMN=FIELD",
                     help="Say what a column holds, or `ignore`; else it is guessed. May be given often."),
        click.option("--key", metavar="COLUMN", help="The column that identifies a row for ever."),
        click.option("--connector", type=click.Choice(sorted(KINDS)), help="The file's format; else by its ending."),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def file_settings(columns: Sequence[str], key: str | None) -> dict[str, Any]:
    """Return the settings that the options make. Raises Misconfigured."""
    settings: dict[str, Any] = {}
    if columns:
        settings["columns"] = dict(_pair(column) for column in columns)
    if key:
        settings["key"] = key
    return settings


def _pair(column: str) -> tuple[str, str]:
    name, found, field = column.rpartition("=")
    if not found or not name or not field:
        raise Misconfigured(f"--column takes COLUMN=FIELD, not {column!r}.")
    return name, field


def file_connection(
    pool: Pool, name: str, settings: Mapping[str, Any], *, connector: str | None, file: Path | None = None
) -> Connection:
    """Return the configured connection with these settings in it, or one of the file's format. Raises Misconfigured."""
    known = pool.installation.connections.get(name)
    if known is not None:
        if settings and known.connector not in KINDS:
            raise Misconfigured(f"{name} reads {known.connector}, not files. Choose another name for the file's.")
        if connector not in (None, known.connector):
            raise Misconfigured(f"{name} reads {known.connector}, not {connector}. Leave out --connector.")
        return known.model_copy(update={"settings": {**known.settings, **settings}})
    kind = connector or (_kind(file) if file else None)
    if kind is None:
        what = f"{file.name}: its ending does not tell its format" if file else f"{name} is in no defs.yaml"
        raise Misconfigured(f"{what}. Name it with --connector: {', '.join(sorted(KINDS))}.")
    try:
        return Connection(name=name, connector=kind, settings=settings)
    except ValidationError:
        told = f"{name!r} is no name of a connection: small letters, digits and _, beginning with a letter."
    raise Misconfigured(told)


def _kind(file: Path) -> str | None:
    return "json_resume" if file.is_dir() else _BY_ENDING.get(file.suffix.lower())
