"""How well people are found in a labelled file (CSV), by the shipped defaults, beside Splink alone.

    uv run python -m benchmarks.labelled FILE --truth COLUMN [--columns COLUMN=FIELD ...] [--region US]

A file is read as `catchment dedupe` reads it. `benchmarks.published` writes some of others' making.
"""

import argparse
from pathlib import Path

from benchmarks.agreement import agreement, shown
from benchmarks.splink_alone import splink_alone
from connectors.delimited import layout_of, rows_of
from connectors.records import Candidate
from connectors.rows import Row, person_fields
from dedupe.normalise import normalised
from dedupe.people import people_of


def read(path: Path, truth: str, given: dict[str, str]) -> tuple[list[Candidate], list[str]]:
    """Return the candidates of a file, and who each is by its column `truth`, which is told to nobody."""
    layout = layout_of(path, {**given, truth: "ignore"}, storing=False)
    place = layout.headers.index(truth)
    candidates: list[Candidate] = []
    known: list[str] = []
    for line in rows_of(path, layout):
        row = Row(dict(zip(layout.headers, line.cells, strict=True)), layout.mapping.columns)
        candidates.append(Candidate.model_validate({"remote_id": "", **person_fields(row)}))
        known.append(line.cells[place])
    return candidates, known


def main() -> None:
    """Print both, pair by pair."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("file", type=Path)
    options.add_argument("--truth", required=True)
    options.add_argument("--columns", nargs="*", default=[], metavar="COLUMN=FIELD")
    options.add_argument("--region")
    given = options.parse_args()
    candidates, known = read(given.file, given.truth, dict(one.split("=", 1) for one in given.columns))
    truth = {str(number): who for number, who in enumerate(known)}
    members = people_of(candidates, region=given.region)
    ours = agreement({str(number): member.person for number, member in enumerate(members)}, truth)
    print(f"{len(truth):,} records of {len(set(known)):,} people")
    print(f"catchment          {shown(ours)}")
    comparable = [normalised(str(number), one, given.region, "file") for number, one in enumerate(candidates)]
    for threshold, agreed in splink_alone(comparable, truth)[1]:
        print(f"splink at {threshold:<8} {shown(agreed)}")


if __name__ == "__main__":
    main()
