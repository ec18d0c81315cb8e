"""Commands about the match model in force: train, epochs, epochs preview, epochs apply. None of them sends anything."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click

from dagster_project.cli.output import json_option, say, show_json, show_mapping, show_table, telling
from dagster_project.cli.pool import opened
from dagster_project.cli.progress import stepping
from talent_pool.epochs import enacting
from talent_pool.epochs import stored as epochs
from talent_pool.epochs.examples import Example
from talent_pool.epochs.preview import Preview, preview
from talent_pool.epochs.training import Trained, train
from talent_pool.resolution.resolve import resolve_all


@click.command("train")
@json_option
def train_command(as_json: bool) -> None:  # noqa: FBT001
    """Make a draft of an epoch from the shipped model, this pool's names and what people decided.

    Nobody is resolved by a draft: `catchment epochs` previews it and puts it in force.
    """
    with telling(), opened() as pool, stepping("learning from the pool"):
        done = train(pool.store, pool.installation, pool.now)
    if as_json:
        show_json(asdict(done))
    else:
        _show_trained(done)


def _show_trained(done: Trained) -> None:
    decided = done.same + done.different
    say(f"Counted the names of {_many(done.records, 'record')}.")
    say(f"Learned from {_many(decided, 'decision')}: {done.same:,} same, {done.different:,} different.")
    if done.unused:
        say(f"{_many(done.unused, 'decision')} had nothing to teach: records are gone, or have nothing in common.")
    say(f"Draft: epoch {done.number}{'' if done.is_new else ', made before: nothing is new since'}.")
    say(f"`catchment epochs preview {done.number}` shows whom it would merge and split.")


@click.group("epochs", invoke_without_command=True)
@json_option
@click.pass_context
def epochs_command(context: click.Context, as_json: bool) -> None:  # noqa: FBT001
    """List the match models of this pool; preview one, or put one in force."""
    if context.invoked_subcommand is not None:
        return
    with telling(), opened() as pool:
        found = epochs.listed(pool.store)
    if as_json:
        show_json([asdict(one) for one in found])
        return
    rows = [
        (one.number, f"{one.created_at:%Y-%m-%d %H:%M}", "yes" if one.in_force else "", one.made_from) for one in found
    ]
    show_table("", ("epoch", "made", "in force", "made from"), rows, empty="None yet: the first resolution makes it.")


@epochs_command.command("preview")
@click.argument("number", required=False, type=click.IntRange(min=1))
@json_option
def preview_command(number: int | None, as_json: bool) -> None:  # noqa: FBT001
    """Show whom epoch NUMBER (else the newest draft) would merge and split; nothing is written."""
    with telling(), opened() as pool, stepping("comparing every record"):
        told = preview(pool.store, pool.installation, number)
    if as_json:
        show_json(asdict(told))
    else:
        _show_preview(told)


def _show_preview(told: Preview) -> None:
    say(f"Epoch {told.number} ({told.made_from}) in place of epoch {told.instead_of}.")
    merging = sum(len(people) for people in told.merges)
    show_mapping(
        {
            "records": f"{told.records:,}",
            "people": f"{told.people_before:,} now, {told.people_after:,} then",
            "would merge": f"{_many(merging, 'person', 'people')}, into {len(told.merges):,}" if merging else "nobody",
            "would split": _many(len(told.splits), "person", "people") if told.splits else "nobody",
        }
    )
    if told.waiting:
        say(f"{_many(told.waiting, 'record')} wait for resolution; what they bring about is counted as well.")
    show_table("\nMembers of segments among them", ("segment", "members"), list(told.segments.items()), empty="")
    rows = [_row(one) for one in told.examples]
    show_table("\nExamples, the most doubtful first", ("", "who", "records", "likely one", "because"), rows, empty="")
    say(f"\nTo put it in force: `catchment epochs apply {told.number} --token {told.token}`")


def _row(one: Example) -> Sequence[Any]:
    chance = "" if one.probability is None else f"{one.probability:.1%}"
    names = " / ".join(dict.fromkeys(name or "no name" for name in one.names))
    return (one.kind, names, ", ".join(one.records), chance, "; ".join(one.findings) or "nothing in common")


@epochs_command.command("apply")
@click.argument("number", type=click.IntRange(min=1))
@click.option("--token", required=True, help="The token that the preview of this epoch gave.")
@json_option
def apply_command(number: int, token: str, as_json: bool) -> None:  # noqa: FBT001
    """Put epoch NUMBER in force, and resolve whom it merges and splits. Ids and decisions last.

    Cut off, it has done all or nothing; `catchment sync` goes on with whoever waits for resolution.
    """
    with telling(), opened() as pool, stepping("comparing every record") as step:
        enacting.apply(pool.store, pool.installation, number, token, pool.now)
        step("resolving whom it touches")
        report = resolve_all(pool.store, pool.installation, pool.now)
    if as_json:
        show_json({"in_force": number, **asdict(report)})
        return
    say(
        f"Epoch {number} is in force: {report.merged:,} merged, {report.split:,} split off, {report.changed:,} changed."
    )


def _many(count: int, one: str, more: str | None = None) -> str:
    return f"{count:,} {one if count == 1 else more or f'{one}s'}"
