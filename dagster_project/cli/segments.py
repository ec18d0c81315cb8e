"""Commands about segments: list, preview, apply, explain. None of them sends anything."""

from dataclasses import asdict
from pathlib import Path

import click

from connectors.destination import destination_types
from connectors.errors import Misconfigured
from dagster_project.cli.output import json_option, say, show_json, show_mapping, show_table, telling
from dagster_project.cli.pool import Pool, opened
from dagster_project.cli.tables import plain
from talent_pool import installation as installations
from talent_pool.delivery.policy import is_held_out
from talent_pool.segments import evaluate, explain, lint
from talent_pool.segments.in_force import standing
from talent_pool.segments.preview import SegmentPreview, apply, preview


class _OrListed(click.Group):
    """A group of which a segment's own name is as good as a command."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        named = next((one for one in args if not one.startswith("-")), None)
        if named is not None and named not in self.commands:
            args = ["list", *args]
        return super().parse_args(ctx, args)


@click.group("segments", cls=_OrListed, invoke_without_command=True)
@json_option
@click.pass_context
def segments_command(context: click.Context, as_json: bool) -> None:  # noqa: FBT001
    """Evaluate and list every segment with its members.

    `segments NAME` lists one, `segments NAME PERSON` explains, as `segments explain` does.
    """
    if context.invoked_subcommand is None:
        _listed(None, as_json=as_json)


@segments_command.command("list", hidden=True)
@click.argument("segment")
@click.argument("person", required=False)
@json_option
def list_command(segment: str, person: str | None, as_json: bool) -> None:  # noqa: FBT001
    """Evaluate and list one segment; with PERSON, say why somebody is in it, or is not."""
    if person is None:
        _listed(segment, as_json=as_json)
    else:
        _explained(segment, person, as_json=as_json)


def _listed(segment: str | None, *, as_json: bool) -> None:
    with telling(), opened() as pool:
        written = pool.installation.segments
        if segment and segment not in written:
            raise Misconfigured(f"There is no segment {segment!r}; there are {', '.join(sorted(written))}.")
        report = evaluate(pool.store, pool.installation, pool.now)
        found = standing(pool.store, pool.installation).definitions
        rows = [
            (
                name, found[name].type, found[name].subject, counts.members, counts.entered, counts.left,
                _held_out(pool, name, found[name].holdout), "changed, held" if name in report.held else "",
            )
            for name in written
            if segment in (None, name) and (counts := report.segments[name])
        ]  # fmt: skip
        warned = [_place(pool, name, one) for name in written if segment in (None, name) for one in _warned(pool, name)]
    columns = ("segment", "type", "about", "members", "entered", "left", "held out", "definition")
    if as_json:
        show_json([dict(zip(columns, row, strict=True)) for row in rows])
        return
    empty = "No segment is configured; add one to segments/defs.yaml."
    show_table("", columns, rows, empty=empty, sparse=("held out", "definition"))
    for name in report.held:
        say(f"{name} was changed and is held as it was: `catchment segments preview {name}` shows what would change.")
    for told in warned:
        say(f"Warning: {told}")


def _held_out(pool: Pool, name: str, share: float) -> int:
    if not share:
        return 0
    from sqlalchemy import select

    from talent_pool.store.tables import memberships

    query = select(memberships.c.person_id).where(memberships.c.segment == name, memberships.c.until.is_(None))
    with pool.store.reading() as connection:
        return sum(is_held_out(pool.store, name, one or "", share) for one in connection.execute(query).scalars())


def _warned(pool: Pool, name: str) -> list[lint.Warned]:
    return lint.warnings(pool.installation.segments[name])


def _place(pool: Pool, name: str, warned: lint.Warned) -> str:
    return f"{installations.place_of(pool.installation, name, warned.path)}: {warned.sentence}"


@segments_command.command("preview")
@click.argument("name")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@json_option
def preview_command(name: str, file: Path | None, as_json: bool) -> None:  # noqa: FBT001
    """Show what segment NAME would change, as its YAML (or else the YAML in FILE) says; nothing is written."""
    with telling(), opened() as pool:
        definition = installations.segment_in(file, name) if file else None
        told = preview(
            pool.store, pool.installation, name, pool.now, definition=definition, messages_by=_messengers(pool)
        )
    if as_json:
        show_json(asdict(told))
    else:
        _show_preview(told, installed=file is None)


def _messengers(pool: Pool) -> list[str]:
    """Return the destinations that send messages; an unknown connector is told by whoever pushes to it."""
    kinds = destination_types()
    return [
        one.name
        for one in pool.installation.destinations.values()
        if one.connector in kinds and kinds[one.connector].kind == "message"
    ]


def _show_preview(told: SegmentPreview, *, installed: bool) -> None:
    show_mapping(
        {
            "segment": told.name,
            "members": f"{told.members_now:,} now, {told.members_then:,} then",
            "would join": f"{told.joins:,}",
            "would leave": f"{told.leaves:,}",
        }
    )
    rows = [(name, fate, count) for name, fates in told.messages.items() for fate, count in fates.items()]
    show_table("\nMessages to those who join", ("destination", "fate", "messages"), rows, empty="")
    for sentence, alone in told.warnings:
        say(f"Warning: {sentence} It alone leaves out {alone:,}.")
    examples = [(one.change, one.who, one.subject_id, one.because) for one in told.examples]
    show_table("\nExamples", ("", "who", "subject", "because"), examples, empty="")
    if not installed:
        say("\nTo put it in force: write it into the installation's YAML, preview it there, and apply it.")
    elif told.is_new:
        say("\nIt is new, and in force from its first evaluation on.")
    elif told.changed:
        say(f"\nTo put it in force: `catchment segments apply {told.name} --token {told.token}`")
    else:
        say("\nIt is in force as it is written.")


@segments_command.command("apply")
@click.argument("name")
@click.option("--token", required=True, help="The token that the preview of this segment gave.")
@json_option
def apply_command(name: str, token: str, as_json: bool) -> None:  # noqa: FBT001
    """Put the changed definition of segment NAME in force, and evaluate it."""
    with telling(), opened() as pool:
        report = apply(pool.store, pool.installation, name, token, pool.now)
    counts = report.segments[name]
    if as_json:
        show_json({"segment": name, **asdict(counts)})
    else:
        say(f"{name} is in force: {counts.entered:,} joined, {counts.left:,} left, {counts.members:,} are in it.")


@segments_command.command("explain")
@click.argument("name")
@click.argument("person")
@json_option
def explain_command(name: str, person: str, as_json: bool) -> None:  # noqa: FBT001
    """Say why PERSON is in segment NAME, since when, and what would take them out; or why not."""
    _explained(name, person, as_json=as_json)


def _explained(segment: str, person: str, *, as_json: bool) -> None:
    with telling(), opened() as pool:
        explanation = explain(pool.store, pool.installation, segment, person, pool.now)
    if as_json:
        show_json(explanation)
        return
    for told in explanation:
        say(plain(told) if not told.startswith(" ") else f"  {plain(told.strip())}")
