"""The command that finds the people in a file, with no store and no set-up: dedupe."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from connectors.columns import ColumnMapping
from connectors.errors import Misconfigured
from dagster_project.cli.files import file_settings
from dagster_project.cli.output import json_option, say, show_json, show_table, telling
from dagster_project.cli.progress import stepping

if TYPE_CHECKING:
    from dagster_project.cli.people_tables import PeopleTable

ADDED = ("person_id", "probability", "reason")
"""The columns that come behind those of the file."""
_TELLING = frozenset({"first_name", "last_name", "full_name", "email", "phone", "url", "person_number"})
"""Fields of which a file must have one: by the others alone, nobody is told from anybody."""
KNOWN = "person_id"
"""The column that says who a row is, unless another is named."""
_NOBODY_KNOWN = (
    "Nothing to learn from: no column says who any row is (person_id, or the one that --known names). The shipped "
    "weights stand; how often names are met is always counted in the file."
)
_COMPARED = _TELLING | {"street", "postal_code", "city", "location", "country", "company", "title"}


@click.command("dedupe")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Where to write: .csv, .tsv or .parquet.")
@click.option("--columns", "--column", "columns", multiple=True, metavar="COLUMN=FIELD",
              help="Say what a column holds, or `ignore`; else it is guessed. May be given often.")  # fmt: skip
@click.option("--region", metavar="XX", help="The country (as US or DE) of phone numbers without a country code.")
@click.option("--train", is_flag=True, help="Learn first from the rows of which a column says who they are.")
@click.option("--known", metavar="COLUMN", help=f"That column; an empty cell is not known. [default: {KNOWN}]")
@json_option
def dedupe_command(
    file: Path,
    out: Path,
    columns: Sequence[str],
    region: str | None,
    train: bool,  # noqa: FBT001
    known: str | None,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Find the people in FILE (CSV or Parquet): each row is written with its person, and why.

    Needs no store and no set-up. Every row of FILE stands in the output, in its order and as it was, with person_id,
    probability and reason behind it.
    """
    if known and not train:
        raise click.UsageError("--known says what --train learns from. Add --train, or leave it out.")
    learn_from = (known or KNOWN) if train else None
    with telling():
        told = _deduped(
            file, out, file_settings(columns, None).get("columns", {}), _known(region),
            learn_from=learn_from, or_not=known is None,
        )  # fmt: skip
    if as_json:
        show_json(told)
    else:
        _show(told)


def _known(region: str | None) -> str | None:
    """Return the region in capitals. Raises Misconfigured if there is none of that name."""
    from phonenumbers import SUPPORTED_REGIONS

    if region is not None and region.upper() not in SUPPORTED_REGIONS:
        raise Misconfigured("--region takes a country's two letters, as US or DE. Correct it, or leave it out.")
    return region.upper() if region else None


def _deduped(
    file: Path, out: Path, columns: Mapping[str, str], region: str | None, *, learn_from: str | None, or_not: bool
) -> dict[str, Any]:
    """Read, compare and write; return what came of it. Raises Misconfigured."""
    from connectors.delimited import each_once
    from connectors.records import Candidate
    from connectors.rows import Row, person_fields
    from dagster_project.cli import people_tables
    from dedupe.people import people_of

    people_tables.require_writable(out, file)
    with stepping() as step:
        step(f"reading {file.name}")
        table = people_tables.read(file, columns)
        read_as = {column: field for column, field in table.mapping.columns.items() if field in _COMPARED}
        _require_telling(file, read_as)
        rows = (Row(dict(zip(table.headers, cells, strict=True)), read_as) for cells in table.rows)
        candidates = [Candidate.model_validate({"remote_id": "", **person_fields(row)}) for row in rows]
        known = _told(file, table, learn_from, or_not=or_not) if learn_from else []
        step(f"comparing {len(candidates):,} rows")
        members = people_of(candidates, region=region, known=known)
        step(f"writing {out.name}")
        ids = [f"person_{member.person + 1}" for member in members]
        chances = [None if member.probability is None else round(member.probability, 6) for member in members]
        reasons = [
            member.reason if member.nearest is None else f"{member.reason} (row {member.nearest + 1})"
            for member in members
        ]
        names = each_once([*table.headers, *ADDED])[-len(ADDED) :]
        people_tables.write(table, dict(zip(names, (ids, chances, reasons), strict=True)), out)
    return {
        "rows": len(members),
        "people": len(set(ids)),
        "columns": read_as,
        "not_used": _not_used(table.headers, table.mapping, read_as),
        "phones_without_country": 0 if region else sum(map(_has_bare_phone, candidates)),
        "learned_from": sum(one is not None for one in known) if learn_from else None,
        "added": names,
        "out": str(out),
    }


def _told(file: Path, table: "PeopleTable", column: str, *, or_not: bool) -> list[str | None]:
    """Return who each row is by a column's word; where it may be missing (`or_not`), nobody. Raises Misconfigured."""
    if column in table.mapping.dropped:
        raise Misconfigured(f"{column} is protected, and nothing is learned from it. Name another with --known.")
    if column not in table.headers:
        if or_not:
            return []
        raise Misconfigured(f"{file.name} has no column {column}. Name one of its own with --known.")
    place = table.headers.index(column)
    return [row[place].strip() or None for row in table.rows]


def _has_bare_phone(candidate: Any) -> bool:
    """Say whether it takes a region to read a number of the candidate's."""
    place = candidate.location
    bare = any(not one.value.startswith("+") for one in candidate.phone_numbers)
    return bare and not (place and place.country_code)


def _require_telling(file: Path, read_as: Mapping[str, str]) -> None:
    if not _TELLING & set(read_as.values()):
        raise Misconfigured(
            f"{file.name}: no column holds names, e-mail addresses, phone numbers or profile pages that people can be "
            'told by. Say which does, as --columns "COLUMN=email".'
        )


def _not_used(headers: Sequence[str], mapping: ColumnMapping, read_as: Mapping[str, str]) -> dict[str, str]:
    """Return each column that nobody was told by, with why."""
    why = {
        **dict.fromkeys(headers, "not recognised"),
        **{column: f"{field} is not compared" for column, field in mapping.columns.items()},
        **dict.fromkeys(mapping.dropped, "protected, never compared"),
    }
    return {header: why[header] for header in headers if header not in read_as}


def _show(told: Mapping[str, Any]) -> None:
    show_table("", ("column", "is read as"), told["columns"].items(), empty="")
    show_table("", ("\nnot used", "because"), told["not_used"].items(), empty="")
    if bare := told["phones_without_country"]:
        numbers = f"the phone numbers of {bare:,} row{'s' if bare != 1 else ''}"
        say(f"\nNot compared, as they have no country code: {numbers}. Say of which country they are: --region.")
    if (learned := told["learned_from"]) is not None:
        say(f"\nLearned from {learned:,} rows of known people." if learned else f"\n{_NOBODY_KNOWN}")
    rows, people = told["rows"], told["people"]
    say(f"\n{rows:,} row{'s' if rows != 1 else ''}, {people:,} {'people' if people != 1 else 'person'}: {told['out']}")
