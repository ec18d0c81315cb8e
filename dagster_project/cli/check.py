"""Commands that look at the installation itself: check, migrate."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import click

from connectors.destination import open_destination
from connectors.errors import ConnectorError
from connectors.source import open_source
from dagster_project.cli.output import exit_code, json_option, mark, say, show_json, telling
from dagster_project.cli.pool import Pool, opened
from dedupe.survivorship_rules import DEFAULTS, SurvivorshipRules
from talent_pool.home import Home
from talent_pool.installation import SURVIVORSHIP, Installation
from talent_pool.store import migrate
from talent_pool.store.tokens import StoreTokenKeeper


@dataclass(frozen=True, slots=True)
class _Finding:
    """What was looked at, and a sentence about it; `error` where it is not well."""

    what: str
    sentence: str
    error: ConnectorError | None = None


@click.command("check")
@click.option("--offline", is_flag=True, help="Check settings and store alone; ask no vendor.")
@json_option
def check_command(offline: bool, as_json: bool) -> None:  # noqa: FBT001
    """Check settings, credentials and reachability, in plain words."""
    with telling(), opened() as pool:
        found = list(_findings(pool, offline=offline))
    if as_json:
        show_json([{"what": one.what, "ok": one.error is None, "finding": one.sentence} for one in found])
    else:
        for one in found:
            say(f"{mark(ok=one.error is None)} {click.style(one.what, bold=True)}  {one.sentence}")
    failures = {one.what: one.error for one in found if one.error}
    raise SystemExit(exit_code(failures, others=False))


def _findings(pool: Pool, *, offline: bool) -> Iterator[_Finding]:
    """Look at every part of the installation."""
    installation = pool.installation
    kind = "SQLite in the home folder" if not pool.home.store_url else pool.store.url.get_backend_name()
    yield _Finding("store", f"{kind}, schema up to date.")
    yield _Finding("sending", f"{pool.home.sending}{'' if pool.home.sending == 'on' else ': nothing real leaves'}.")
    yield _Finding("survivorship", _rules_in_words(installation))
    keeper = StoreTokenKeeper(pool.store)
    sources = {
        name: lambda c=connection: open_source(c, pool.environ, keeper)
        for name, connection in installation.connections.items()
    }
    destinations = {
        name: lambda s=settings: open_destination(s, pool.environ)
        for name, settings in installation.destinations.items()
    }
    for role, openers in (("source", sources), ("destination", destinations)):
        for name, open_it in openers.items():
            yield _tried(role, name, open_it, installation.lines[name], offline=offline)


def _rules_in_words(installation: Installation) -> str:
    rules = installation.survivorship
    own = [name for name in SurvivorshipRules.model_fields if rules.of(name) != DEFAULTS.of(name)]
    if not own:
        return "Every field is decided by its default."
    return f"Decided by rules of your own: {', '.join(own)} ({os.path.relpath(installation.lines[SURVIVORSHIP])})."


def _tried(role: str, name: str, open_it: Callable[[], object], line: str, *, offline: bool) -> _Finding:
    what = f"{role} {name}"
    try:
        one = open_it()
        return _Finding(what, "Its settings are complete." if offline else getattr(one, "check")())  # noqa: B009
    except ConnectorError as error:
        return _Finding(what, f"{str(error).removeprefix(f'{name}: ')} ({os.path.relpath(line)})", error)


@click.command("migrate")
def migrate_command() -> None:
    """Bring the store's schema up to date; other processes refuse an older one."""
    with telling():
        store = Home().open()
        migrate.upgrade(store)
        store.close()
    say("The store's schema is up to date.")
