"""The `catchment` command: its subcommands are imported when they are asked for, so that each starts fast."""

import importlib
from typing import Any

import click

_COMMANDS = {
    "demo": "demo",
    "check": "check",
    "migrate": "check",
    "sync": "landing",
    "import": "landing",
    "quarantine": "landing",
    "replay": "landing",
    "people": "people",
    "person": "people",
    "explain": "people",
    "segments": "engagement",
    "push": "engagement",
    "pause": "engagement",
    "resume": "engagement",
    "refer": "engagement",
}
"""Every command, and the module of this package that holds it."""


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's contract
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        module: Any = importlib.import_module(f"dagster_project.cli.{_COMMANDS[cmd_name]}")
        return getattr(module, f"{cmd_name}_command")


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="catchment")
def main() -> None:
    """Candidate streams in, one talent pool, engagement segments out.

    State lives under CATCHMENT_HOME (by default .catchment). Exit codes: 0 done, 1 something needs a look,
    2 a setting or argument must be corrected, 3 not now, run it again later.
    """
