"""The `catchment` command: its subcommands are imported when they are asked for, so that each starts fast."""

import importlib
from typing import Any

import click

COMMANDS = {
    "demo": ("demo", "Play vendors on this machine and carry their candidates all the way."),
    "check": ("check", "Check settings, credentials and reachability, in plain words."),
    "migrate": ("check", "Bring the store's schema up to date."),
    "sync": ("landing", "Read connections, then resolve people and evaluate segments."),
    "import": ("landing", "Land the rows of a file: CSV, JSON Resume, JSONL."),
    "dedupe": ("dedupe", "Find the people in a CSV or Parquet file, with no store and no set-up."),
    "quarantine": ("unread", "List what could not be read, and why."),
    "replay": ("unread", "Parse again what could not be read, or all that was ever sent."),
    "people": ("people", "List people, or those whose name or address holds a text."),
    "person": ("people", "Show one person, and where each field came from."),
    "explain": ("people", "Say why two ids are one person, or are not."),
    "review": ("review", "Look at pairs that may be one person, and decide."),
    "merge": ("review", "Decide that two ids are one person."),
    "unmerge": ("review", "Take a record out of its person."),
    "train": ("epochs", "Make a new match model from this pool and what people decided."),
    "epochs": ("epochs", "List match models; preview one, or put one in force."),
    "segments": ("segments", "List segments; preview or apply a change; say why somebody is in one."),
    "consent": ("consent", "Say what somebody allowed, and what may be sent to them."),
    "suppress": ("consent", "Keep an address, or a person, from being written to; or lift that."),
    "tasks": ("tasks", "List what people must tell candidates themselves; mark it as done."),
    "vouchers": ("tasks", "Count voucher codes, or add some."),
    "destinations": ("destinations", "List destinations, what they hold, and how their last push ended."),
    "push": ("push", "Send what changed to destinations."),
    "pause": ("engagement", "Stop every push, at once."),
    "resume": ("engagement", "Let pushes go again."),
    "erase": ("privacy", "Take a person out of the pool and every destination, for good."),
    "export": ("privacy", "Write down everything that is held of a person."),
    "requests": ("privacy", "List what people asked for, with its clock; open or close a request."),
    "notices": ("privacy", "List who has to be told that we hold them (Art. 14)."),
    "retention": ("privacy", "Show who is due to be forgotten; erase whose grace is over."),
    "refer": ("engagement", "Make a referral link."),
}
"""Every command: the module of this package that holds it, and its line in the list, which imports none of them."""


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's contract
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module: Any = importlib.import_module(f"dagster_project.cli.{COMMANDS[cmd_name][0]}")
        return getattr(module, f"{cmd_name}_command")

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, told) for name, (_, told) in COMMANDS.items()])


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="catchment")
def main() -> None:
    """Candidate streams in, one talent pool, engagement segments out.

    State lives under CATCHMENT_HOME (by default .catchment). Exit codes: 0 done, 1 something needs a look,
    2 a setting or argument must be corrected, 3 not now, run it again later.
    """
