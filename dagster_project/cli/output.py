"""How the command line speaks: tables for people, JSON for programs, errors with an exit code that means something.

    0  done
    1  done, but something needs a look (objects in quarantine, rows refused)
    2  a setting, an argument or a file must be corrected first
    3  not now (vendor unreachable, another process at work, store busy or full): run it again later
"""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import click
import orjson
from rich.console import Console
from rich.table import Table

from connectors.errors import ConnectorError, Unavailable
from talent_pool.leases import Busy
from talent_pool.person_ids import NoSuchPerson
from talent_pool.store import StoreUnavailable

DONE, LOOK, CORRECT, LATER = 0, 1, 2, 3

console = Console()
errors = Console(stderr=True)


def json_option(command: Any) -> Any:
    """Give a command `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")(command)


def show_json(value: Any) -> None:
    """Print `value` as JSON on standard output."""
    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode() + "\n")


def show_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str) -> None:
    """Print rows as a table, or the sentence `empty` if there are none. Numbers stand on the right."""
    listed = [list(row) for row in rows]
    if not listed:
        console.print(empty, highlight=False)
        return
    table = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for index, column in enumerate(columns):
        numeric = all(isinstance(row[index], int | float) for row in listed)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in listed:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    console.print(table)


def show_mapping(values: Mapping[str, Any]) -> None:
    """Print names and values, one pair a line."""
    width = max((len(name) for name in values), default=0)
    for name, value in values.items():
        console.print(f"[bold]{name.ljust(width)}[/bold]  {'' if value is None else value}", highlight=False)


@contextmanager
def telling() -> Iterator[None]:
    """Turn errors of ours into one sentence and an exit code."""
    try:
        yield
    except (Unavailable, Busy, StoreUnavailable) as error:
        fail(str(error), LATER)
    except (ConnectorError, NoSuchPerson) as error:
        fail(str(error), CORRECT)


def fail(sentence: str, code: int) -> None:
    """Print one sentence on standard error and leave with `code`."""
    errors.print(f"[red]✗[/red] {sentence}", highlight=False, soft_wrap=True)
    raise SystemExit(code)
