"""How the command line speaks: tables for people, JSON for programs, errors with an exit code that means something.

    0  done
    1  done, but something needs a look (objects in quarantine, rows refused, one connection of several failed)
    2  a setting, an argument or a file must be corrected first
    3  not now (vendor unreachable, another process at work, store busy or full): run it again later

Tables and sentences for people go to standard output, errors to standard error. With `--json` standard output holds
one JSON document and nothing else.
"""

import os
import re
import shutil
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

import click
import orjson

from connectors.errors import ConnectorError, Unavailable
from dagster_project.cli.tables import laid_out, plain
from talent_pool.refused import Refused
from talent_pool.store.leases import Busy
from talent_pool.store.unavailable import StoreUnavailable

DONE, LOOK, CORRECT, LATER = 0, 1, 2, 3

PASSING = (Unavailable, Busy, StoreUnavailable)
"""What ends by itself: the same command may succeed later."""


def json_option(command: Any) -> Any:
    """Give a command `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")(command)


def say(text: str = "", *, err: bool = False) -> None:
    """Print one line; colours are left out where there is no terminal, or NO_COLOR is set."""
    click.echo(text, err=err, color=False if os.environ.get("NO_COLOR") else None)


def show_json(value: Any) -> None:
    """Print `value` as JSON on standard output."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS
    click.echo(orjson.dumps(value, option=options, default=str).decode())


def show_table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str, sparse: Collection[str] = ()
) -> None:
    """Print rows as a table, or the sentence `empty` if there are none. Numbers stand on the right.

    Columns in `sparse` are left out where they say nothing: 0 or nothing in every row.
    """
    listed = [list(row) for row in rows]
    if not listed:
        if empty:
            say(empty)
        return
    kept = [i for i, name in enumerate(columns) if name not in sparse or any(row[i] for row in listed)]
    header, lines = laid_out([columns[i] for i in kept], [[row[i] for i in kept] for row in listed], terminal_width())
    if title:
        say(title)
    for line in header:
        say(click.style(line, bold=True))
    for line in lines:
        say(line)


def show_mapping(values: Mapping[str, Any]) -> None:
    """Print names and values, one pair a line."""
    width = max((len(name) for name in values), default=0)
    for name, value in values.items():
        say(f"{click.style(name.ljust(width), bold=True)}  {plain(value)}".rstrip())


def terminal_width() -> int | None:
    """Return how wide the terminal is; None where standard output is none, and nothing needs to be broken."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def mark(*, ok: bool) -> str:
    """Return a tick or a cross."""
    return click.style("✓", fg="green") if ok else click.style("✗", fg="red")


def sentence(name: str, error: Exception) -> str:
    """Return an error's text so that it names what failed, once."""
    told = str(error)
    named = re.search(rf"\b{re.escape(name)}\b", told, re.IGNORECASE)
    return told if named else f"{name}: {told}"


def show_failures(failures: Mapping[str, Exception]) -> None:
    """Print on standard error what failed, one sentence each."""
    for name, error in failures.items():
        say(f"{mark(ok=False)} {sentence(name, error)}", err=True)


def exit_code(failures: Mapping[str, Exception], *, others: bool, look: bool = False) -> int:
    """Return what a command over several subjects ends with; `others`: some succeeded, `look`: not with everything."""
    if failures and all(isinstance(error, PASSING) for error in failures.values()) and not look:
        return LATER
    if failures and not others:
        return CORRECT
    return LOOK if failures or look else DONE


@contextmanager
def telling() -> Iterator[None]:
    """Turn errors of ours into one sentence and an exit code."""
    try:
        yield
    except PASSING as error:
        fail(str(error), LATER)
    except (ConnectorError, Refused) as error:
        fail(str(error), CORRECT)


def fail(told: str, code: int) -> NoReturn:
    """Print a sentence on standard error and leave with `code`."""
    say(f"{mark(ok=False)} {told}", err=True)
    raise SystemExit(code)
