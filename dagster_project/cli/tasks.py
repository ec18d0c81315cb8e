"""Commands about what machines do not do alone: tasks, vouchers."""

import os
from dataclasses import asdict
from pathlib import Path

import click

from dagster_project.cli.output import json_option, say, show_json, show_table, telling
from dagster_project.cli.pool import opened
from talent_pool.delivery import tasks, vouchers


@click.group("tasks", invoke_without_command=True)
@click.option("--all", "every", is_flag=True, help="Those that are done as well.")
@json_option
@click.pass_context
def tasks_command(context: click.Context, every: bool, as_json: bool) -> None:  # noqa: FBT001
    """List what a person must tell a candidate: offers, and rejections after an interview."""
    if context.invoked_subcommand is not None:
        return
    with telling(), opened() as pool:
        found = tasks.listed(pool.store) + (tasks.listed(pool.store, done=True) if every else [])
    if as_json:
        show_json([asdict(one) for one in found])
        return
    show_table(
        "", ("task", "what", "by whom", "candidate", "job", "since", "done"),
        [
            (one.id, one.kind, one.assignee, f"{one.person or 'no name'} ({one.person_id})", one.job,
             f"{one.created_at:%Y-%m-%d}", f"{one.done_at:%Y-%m-%d} {one.done_by}" if one.done_at else "")
            for one in found
        ],
        empty="Nothing waits for a person.", sparse=("done",),
    )  # fmt: skip


@tasks_command.command("done")
@click.argument("task_id")
@click.option("--by", default=lambda: os.environ.get("USER", "somebody"), help="Who told the candidate.")
def done_command(task_id: str, by: str) -> None:
    """Say that a task is done."""
    with telling(), opened() as pool:
        tasks.complete(pool.store, task_id, by, pool.now)
    say("Done.")


@click.group("vouchers", invoke_without_command=True)
@json_option
@click.pass_context
def vouchers_command(context: click.Context, as_json: bool) -> None:  # noqa: FBT001
    """Count the voucher codes of each kind that are left, and that were handed out."""
    if context.invoked_subcommand is not None:
        return
    with telling(), opened() as pool:
        found = vouchers.counts(pool.store)
    rows = [(kind, left, taken) for kind, (left, taken) in found.items()]
    columns = ("kind", "left", "handed out")
    if as_json:
        show_json([dict(zip(columns, row, strict=True)) for row in rows])
    else:
        show_table("", columns, rows, empty="No voucher codes yet: `catchment vouchers add KIND FILE`.")


@vouchers_command.command("add")
@click.argument("kind")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def add_command(kind: str, file: Path) -> None:
    """Add the codes in FILE, one a line, to those of KIND."""
    with telling(), opened() as pool:
        codes = [line.strip() for line in file.read_text(encoding="utf-8").splitlines()]
        added = vouchers.add(pool.store, kind, codes, pool.now)
    say(f"Added {added} codes to {kind}.")
