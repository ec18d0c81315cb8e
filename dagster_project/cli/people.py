"""Commands that look at people: people, person, explain."""

import click

from dagster_project.cli.output import CORRECT, console, fail, json_option, show_json, show_mapping, show_table, telling
from dagster_project.cli.pool import opened
from talent_pool import people


@click.command("people")
@click.argument("search", required=False)
@click.option("--limit", default=20, show_default=True, help="How many to list.")
@json_option
def people_command(search: str | None, limit: int, as_json: bool) -> None:  # noqa: FBT001
    """List people, or those whose name or address holds SEARCH."""
    with telling(), opened() as pool:
        rows = people.listed(pool.store, search, limit)
        total = people.statistics(pool.store).people
    if as_json:
        show_json([row.__dict__ if hasattr(row, "__dict__") else row._asdict() for row in rows])
        return
    show_table(
        "", ("id", "name", "e-mail", "sources", "applications"),
        [(row.id, row.full_name, row.primary_email, ", ".join(row.connections), row.applications) for row in rows],
        empty="Nobody yet: run `catchment sync`." if not search else "Nobody's name or address holds that.",
    )  # fmt: skip
    if rows and len(rows) < total and not search:
        console.print(f"{len(rows)} of {total:,} people; name a part of somebody's name to search.", highlight=False)


@click.command("person")
@click.argument("person_id")
@json_option
def person_command(person_id: str, as_json: bool) -> None:  # noqa: FBT001
    """Show one person: fields, where each came from, sources, applications, history. Former ids work for ever."""
    with telling(), opened() as pool:
        person = people.get(pool.store, person_id)
    if person is None:
        fail(f"There is nobody with the id {person_id}. `catchment people` lists those there are.", CORRECT)
        return
    if as_json:
        show_json(person)
        return
    show_mapping({"id": person["id"], "formerly": ", ".join(person["previous_ids"]), **person["fields"]})
    show_table("sources", ("connection", "remote id", "since"), person["sources"], empty="No sources.")
    show_table("applications", ("job", "stage", "furthest", "outcome"), person["applications"], empty="No applications.")


@click.command("explain")
@click.argument("a")
@click.argument("b")
@json_option
def explain_command(a: str, b: str, as_json: bool) -> None:  # noqa: FBT001
    """Say why A and B (ids of people or records) are one person, or are not."""
    with telling(), opened() as pool:
        explanation = people.explain(pool.store, a, b)
    if as_json:
        show_json(explanation)
        return
    console.print(explanation["sentence"], highlight=False)
    show_table(
        "", ("what was compared", "what was found", "weight"), explanation["steps"], empty="They were not compared."
    )
