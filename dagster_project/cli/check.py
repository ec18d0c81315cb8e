"""Commands that look at the installation itself: check, migrate."""

import os
from collections.abc import Callable, Iterator

import click

from connectors.destination import open_destination
from connectors.errors import ConnectorError
from connectors.source import open_source
from dagster_project.cli.output import CORRECT, console, json_option, show_json, telling
from dagster_project.cli.pool import Pool, opened
from talent_pool import migrate
from talent_pool.home import Home
from talent_pool.tokens import StoreTokenKeeper


@click.command("check")
@click.option("--offline", is_flag=True, help="Check settings and store alone; ask no vendor.")
@json_option
def check_command(offline: bool, as_json: bool) -> None:  # noqa: FBT001
    """Check settings, credentials and reachability, in plain words."""
    with telling(), opened() as pool:
        found = list(_findings(pool, offline=offline))
    if as_json:
        show_json([{"what": what, "ok": ok, "finding": sentence} for what, ok, sentence in found])
    else:
        for what, ok, sentence in found:
            mark = "[green]✓[/green]" if ok else "[red]✗[/red]"
            console.print(f"{mark} [bold]{what}[/bold]  {sentence}", highlight=False, soft_wrap=True)
    if not all(ok for _, ok, _ in found):
        raise SystemExit(CORRECT)


def _findings(pool: Pool, *, offline: bool) -> Iterator[tuple[str, bool, str]]:
    """Yield (what, whether it is well, a sentence) for every part of the installation."""
    kind = "SQLite in the home folder" if pool.store.is_sqlite else "PostgreSQL"
    yield "store", True, f"{kind}, schema up to date."
    yield "sending", True, f"{pool.home.sending}{'' if pool.home.sending == 'on' else ': nothing real leaves'}."
    keeper = StoreTokenKeeper(pool.store)
    for name, connection in pool.installation.connections.items():
        yield _tried(
            f"source {name}", offline, lambda c=connection: open_source(c, pool.environ, keeper), pool.installation.lines[name]
        )
    for name, settings in pool.installation.destinations.items():
        yield _tried(
            f"destination {name}", offline, lambda s=settings: open_destination(s, os.environ), pool.installation.lines[name]
        )


def _tried(what: str, offline: bool, open_it: Callable[[], object], line: str) -> tuple[str, bool, str]:  # noqa: FBT001
    try:
        opened_one = open_it()
        return what, True, "settings are complete." if offline else getattr(opened_one, "check")()  # noqa: B009
    except ConnectorError as error:
        return what, False, f"{error} ({os.path.relpath(line)})"


@click.command("migrate")
def migrate_command() -> None:
    """Bring the store's schema up to date; other processes refuse an older one."""
    with telling():
        store = Home().open()
        migrate.upgrade(store)
        store.close()
    console.print("The store's schema is up to date.")
