"""Commands that look at people: people, person, explain."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import click

from dagster_project.cli.output import json_option, say, show_json, show_mapping, show_table, telling
from dagster_project.cli.pool import opened
from dagster_project.cli.tables import plain
from talent_pool.people import reading as people


@click.command("people")
@click.argument("search", required=False)
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many to list.")
@json_option
def people_command(search: str | None, limit: int, as_json: bool) -> None:  # noqa: FBT001
    """List people, or those whose name or address holds SEARCH."""
    with telling(), opened() as pool:
        rows = people.listed(pool.store, search, limit)
        total = people.statistics(pool.store).people
    if as_json:
        show_json([asdict(row) for row in rows])
        return
    show_table(
        "", ("id", "name", "e-mail", "sources", "applications"),
        [(row.id, row.full_name, row.primary_email, _counted(row.connections), row.applications) for row in rows],
        empty="Nobody yet: run `catchment sync`." if not search else "Nobody's name or address holds that.",
    )  # fmt: skip
    if rows and len(rows) < total and not search:
        say(f"{len(rows)} of {total:,} people; name a part of somebody's name to search.")


def _counted(connections: Sequence[str]) -> str:
    """Return each source once, with the number of its records where there are several."""
    found = Counter(connections)
    return ", ".join(name if number == 1 else f"{name} ×{number}" for name, number in found.items())  # noqa: RUF001


@click.command("person")
@click.argument("person_id")
@json_option
def person_command(person_id: str, as_json: bool) -> None:  # noqa: FBT001
    """Show one person: fields, where each came from, sources, applications, history. Former ids work for ever."""
    with telling(), opened() as pool:
        person = people.get(pool.store, person_id)
    if as_json:
        show_json(asdict(person))
        return
    shown = {name: _plain(value) for name, value in person.golden.items()}
    formerly = {"formerly": ", ".join(person.previous_ids)} if person.previous_ids else {}
    show_mapping({"id": person.id, **formerly, "state": person.state, **shown})
    show_table(
        "\nsources", ("connection", "remote id", "since", "record"),
        [(one.connection, one.remote_id, f"{one.landed_at:%Y-%m-%d}", one.record_id) for one in person.sources],
        empty="No source holds anything of this person any more.",
    )  # fmt: skip
    show_table(
        "\nwhere each field comes from", ("field", "source", "as of", "rule"),
        [
            (name, told["connection"], told["observed_at"][:10], told["rule"])
            for name, told in person.provenance.items() if name in person.golden
        ],
        empty="",
    )  # fmt: skip
    show_table(
        "\nwhat was told otherwise, and is superseded", ("field", "value", "source", "as of"),
        [
            (name, _plain(old["value"]), old["connection"], old["observed_at"][:10])
            for name, told in person.provenance.items() for old in told["superseded"]
        ],
        empty="",
    )  # fmt: skip
    show_table(
        "\napplications", ("applied", "job", "stage", "furthest", "outcome", "source"),
        [
            (f"{one['applied_at']:%Y-%m-%d}" if one["applied_at"] else None, one["job_id"], one["stage_name"],
             one["furthest_stage"], one["outcome"], one["source_name"])
            for one in person.applications
        ],
        empty="No applications.",
    )  # fmt: skip


def _plain(value: Any) -> str:
    """Return a field's value as one line for a person to read."""
    if isinstance(value, list):
        return ", ".join(one["value"] if isinstance(one, dict) else str(one) for one in value)
    if isinstance(value, dict):
        return ", ".join(str(part) for part in value.values() if isinstance(part, str | int | float))
    return str(value)


@click.command("explain")
@click.argument("a")
@click.argument("b")
@json_option
def explain_command(a: str, b: str, as_json: bool) -> None:  # noqa: FBT001
    """Say why A and B (ids of people or records) are one person, or are not."""
    with telling(), opened() as pool:
        explanation = people.explain(pool.store, a, b)
    if as_json:
        show_json(asdict(explanation))
        return
    say(plain(explanation.sentence))
    for link in explanation.links:
        chance = f", {link.probability:.1%} likely one person" if link.probability is not None else ""
        show_table(
            f"\n{link.record_a} and {link.record_b}{chance}", ("what was compared", "what was found", "weight (bits)"),
            [(step.comparison, step.finding, f"{step.weight:+.1f}") for step in link.steps],
            empty=f"Somebody decided this: {link.kind.replace('_', ' ')}.",
        )  # fmt: skip
