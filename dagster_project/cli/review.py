"""Commands that decide who is one person: merge, unmerge, review. None of them sends anything."""

import getpass
import sys
from collections.abc import Sequence
from dataclasses import asdict

import click

from dagster_project.cli.output import json_option, say, show_json, show_table, telling
from dagster_project.cli.pool import Pool, clock, opened
from dagster_project.cli.tables import plain
from talent_pool.people import review as reviewing
from talent_pool.people.review import Pair, Side
from talent_pool.refused import Refused
from talent_pool.resolution import by_hand
from talent_pool.resolution.by_hand import By, Holder

_KEYS = "y same, n different, k skip, s score, q quit"
_ENDS = frozenset({"", "\x03", "\x04"})
"""What comes where nothing more comes: the end of the input, or of somebody's patience."""


@click.command("merge")
@click.argument("a")
@click.argument("b")
@click.option("--note", help="Why, for whoever asks later.")
@click.option("--anyway", is_flag=True, help="Withdraw what was decided to the contrary.")
@json_option
def merge_command(a: str, b: str, note: str | None, anyway: bool, as_json: bool) -> None:  # noqa: FBT001
    """Decide that A and B (ids of people or records) are one person. It outranks the model, for good."""
    with telling(), opened() as pool:
        done = by_hand.merge(pool.store, pool.installation, a, b, By(_who(), pool.now, note), anyway=anyway)
    if as_json:
        show_json(asdict(done))
        return
    for decision in done.withdrawn:
        say(f"Withdrawn: {decision}, which kept them apart.")
    _show_people(done.people)
    say(f"`catchment unmerge {done.record_a} {done.record_b}` takes it back.")


@click.command("unmerge")
@click.argument("a", metavar="RECORD_OR_PERSON")
@click.argument("b", metavar="[RECORD]", required=False)
@click.option("--note", help="Why, for whoever asks later.")
@json_option
def unmerge_command(a: str, b: str | None, note: str | None, as_json: bool) -> None:  # noqa: FBT001
    """Take a record out of its person, for good: from all the others, or from one other RECORD alone.

    After a person's id, RECORD is taken out of that person. What somebody decided to the contrary is withdrawn.
    """
    with telling(), opened() as pool:
        done = by_hand.unmerge(pool.store, pool.installation, a, b, By(_who(), pool.now, note))
    if as_json:
        show_json(asdict(done))
        return
    for decision in done.withdrawn:
        say(f"Withdrawn: {decision}, which made them one person.")
    _show_people(done.people)


@click.command("review")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many pairs to look at.")
@json_option
def review_command(limit: int, as_json: bool) -> None:  # noqa: FBT001
    """Look at pairs that may be one person, and decide: those first that bring most records together.

    Without a terminal, answers are read from standard input, a letter each.
    """
    with telling(), opened() as pool:
        pairs = reviewing.queue(pool.store, pool.installation, limit)
        if as_json:
            show_json([asdict(pair) for pair in pairs])
            return
        if not pairs:
            say("Nothing waits for a decision.")
            return
        say(f"Keys: {_KEYS}.")
        decided = _reviewed(pool, pairs)
    say(f"{decided} decided. `catchment review` goes on with what is left.")


def _reviewed(pool: Pool, pairs: Sequence[Pair]) -> int:
    decided = 0
    for number, waiting in enumerate(pairs, 1):
        pair = reviewing.still_open(pool.store, pool.installation, waiting) if decided else waiting
        if pair is None:  # an answer before this one settled it
            continue
        _show_pair(f"{number} of {len(pairs)}", pair)
        answer = _answer(pair)
        if answer == "q":
            break
        if answer in {"y", "n"}:
            decided += _decided(pool, pair, same=answer == "y")
    return decided


def _answer(pair: Pair) -> str:
    while True:
        click.echo(f"One person? [{'/'.join(part[0] for part in _KEYS.split(', '))}] ", nl=False)
        key = _key()
        say("q" if key == "q" else plain(key))
        if key == "s":
            _show_score(pair)
        elif key in {"y", "n", "k", "q"}:
            return key
        else:
            say(f"Type one of: {_KEYS}.")


def _key() -> str:
    """Return one key, lower-case; the end of the input is to quit."""
    typed = " "
    try:
        while typed.isspace():
            typed = click.getchar() if sys.stdin.isatty() else sys.stdin.read(1)
    except (EOFError, KeyboardInterrupt):
        return "q"
    return "q" if typed in _ENDS else typed.lower()


def _decided(pool: Pool, pair: Pair, *, same: bool) -> bool:
    """Write an answer down and say what came of it; where somebody else was faster, say that."""
    by = By(_who(), clock())
    try:
        if same:
            done = by_hand.bring_together(pool.store, pool.installation, pair.a.records, pair.b.records, by)
        else:
            done = by_hand.keep_apart(pool.store, pool.installation, pair.a.record_id, pair.b.record_id, by)
    except Refused as refused:
        say(str(refused))
        return False
    if same:
        _show_people(done.people)
    else:
        say("They stay two people.")
    return True


def _show_pair(title: str, pair: Pair) -> None:
    rows: list[tuple[str, Sequence[str], Sequence[str]]] = [
        (name, getattr(pair.a, field), getattr(pair.b, field))
        for name, field in (
            ("name", "names"), ("e-mail", "emails"), ("phone", "phones"),
            ("employer", "employers"), ("city", "cities"), ("source", "sources"),
        )
    ]  # fmt: skip
    show_table(
        f"\n{title}", ("", _titled(pair.a), _titled(pair.b)),
        [(name, ", ".join(left), ", ".join(right)) for name, left, right in rows], empty="",
    )  # fmt: skip


def _titled(side: Side) -> str:
    count = len(side.records)
    return f"{side.person_id} ({count} record{'s' if count > 1 else ''})"


def _show_score(pair: Pair) -> None:
    say(f"{pair.probability:.1%} likely one person; two so far, because: {pair.held_apart}.")
    show_table(
        "", ("what was compared", "what was found", "weight (bits)"),
        [(step.comparison, step.finding, f"{step.weight:+.1f}") for step in pair.steps], empty="",
    )  # fmt: skip


def _show_people(people: Sequence[Holder]) -> None:
    say("One person now:" if len(people) == 1 else f"{len(people)} people now:")
    show_table(
        "", ("id", "name", "e-mail", "records"),
        [(one.id, one.full_name, one.primary_email, ", ".join(one.records)) for one in people], empty="",
    )  # fmt: skip


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user often has no name
        return "somebody"
