"""Commands about people's rights: erase, export, requests, notices, retention."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from connectors.contract import Destination
from connectors.destination import destination_types, open_destination
from dagster_project.cli.landing import derive
from dagster_project.cli.output import (
    CORRECT,
    DONE,
    LOOK,
    fail,
    json_option,
    say,
    show_json,
    show_mapping,
    show_table,
    telling,
)
from dagster_project.cli.pool import Pool, opened
from talent_pool.privacy import erasure, notices, portrait, requests, retention
from talent_pool.privacy.erasure import Desk, Preview
from talent_pool.privacy.requests import KINDS, How, Request

EXPORTS = "exports"
"""The folder in the home that exports go to."""


@contextmanager
def desk_of(pool: Pool) -> Iterator[Desk]:
    """Open the desk at which erasures are carried out."""

    def _open(name: str) -> Destination:
        return open_destination(pool.installation.destinations[name], pool.environ)

    abilities = {name: kind.erases for name, kind in destination_types().items()}
    yield Desk(pool.store, pool.installation, _open, pool.inbox, pool.home.folder / EXPORTS, abilities)


@click.command("erase")
@click.argument("person", required=False)
@click.option("--preview", "only_preview", is_flag=True, help="Show what would go, and give the token for it.")
@click.option("--token", help="The token that the preview gave.")
@click.option("--checked-by", help="Who made sure that the request comes from this person.")
@click.option("--channel", help="How it came: e-mail, letter, telephone, form.")
@json_option
def erase_command(
    person: str | None,
    only_preview: bool,  # noqa: FBT001
    token: str | None,
    checked_by: str | None,
    channel: str | None,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Take PERSON out of the pool and every destination, for good; without PERSON, go on with what was begun.

    Exit code 1 while a recipient is left: the receipt says which, and what stands in the way.
    """
    if person is None and (token or only_preview or checked_by or channel):
        raise click.UsageError("Name the PERSON; alone, `catchment erase` goes on with what was begun.")
    with telling(), opened() as pool, desk_of(pool) as desk:
        begun = person is not None and not only_preview and not token and not _is_begun(pool, person)
        if person and (only_preview or begun):
            _show_preview(erasure.preview(desk, person), person, as_json=as_json)
            return
        if person:
            done = [erasure.erase(desk, person, token, pool.now, How(channel, checked_by, os.environ.get("USER")))]
        else:
            done = erasure.carry_on_all(desk, pool.now)
        derive(pool)
    if as_json:
        show_json([asdict(one) for one in done])
    else:
        _show_receipts(done)
    raise SystemExit(LOOK if any(one.state != "closed" for one in done) else DONE)


def _is_begun(pool: Pool, person: str) -> bool:
    return erasure.begun(pool.store, person) is not None


def _show_preview(told: Preview, person: str, *, as_json: bool) -> None:
    if as_json:
        show_json(asdict(told))
        return
    show_mapping(
        {
            "person": told.person_id,
            "names": ", ".join(told.names),
            "also known as": ", ".join(one for one in told.ids if one != told.person_id) or "nothing else",
            "records": ", ".join(f"{kind} {number}" for kind, number in told.records.items()) or "none",
            "raw objects": told.payloads,
            "applications": told.applications,
            "addresses": told.addresses,
            "named elsewhere": f"in {told.mentions} rows of others, which lose her name and nothing else",
        }
    )
    words = {
        "delete": "deletes her",
        "anonymise": "makes her anonymous",
        "tell": "is told to forget her",
        "no": "cannot: a task for a person",
    }
    rows = [(name, words[can]) for name, can in told.recipients.items()]
    show_table(
        "\nWho was given something of her", ("destination", "can do"), rows, empty="\nNobody was given anything."
    )
    say(f"\nThere is no way back. To do it: `catchment erase {person} --token {told.token}`")


def _show_receipts(done: list[Request]) -> None:
    if not done:
        say("No erasure is under way.")
    for one in done:
        say(f"{one.id}: {'erased, and closed' if one.state == 'closed' else 'erased here; not yet everywhere'}.")
        show_table("", ("recipient", "can", "state", "what was done"), one.recipients, empty="")


@click.command("export")
@click.argument("person")
@click.option("--out", type=click.Path(path_type=Path), help="Where to write it; by default into the home's exports.")
@click.option("--portability", is_flag=True, help="Only what she gave herself, as JSON Resume.")
def export_command(person: str, out: Path | None, portability: bool) -> None:  # noqa: FBT001
    """Write everything that is held of PERSON: from where, sent to whom, why in which segment; JSON and a page."""
    with telling(), opened() as pool:
        told = portrait.of(pool.store, pool.installation, person, pool.now)
        folder = pool.home.folder / EXPORTS
        if out is None:
            folder.mkdir(mode=0o700, exist_ok=True)
        path = out or folder / f"{told['person']['id']}.json"
        written = portrait.write(pool.store, told, path, pool.now, portability=portability)
    for one in written:
        say(str(one))


@click.group("requests", invoke_without_command=True)
@click.option("--all", "everything", is_flag=True, help="Closed ones too.")
@json_option
@click.pass_context
def requests_command(context: click.Context, everything: bool, as_json: bool) -> None:  # noqa: FBT001
    """List what people asked for, with its clock; open or close a request."""
    if context.invoked_subcommand is not None:
        return
    with telling(), opened() as pool:
        found = requests.listed(pool.store, everything=everything)
        now = pool.now
    if as_json:
        show_json([asdict(one) for one in found])
        return
    rows = [
        (
            one.id, one.kind, one.person_id, one.state, f"{one.received_at:%Y-%m-%d}", _clock(one, now), _told(one),
            one.outcome,
        )
        for one in found
    ]  # fmt: skip
    columns = ("request", "kind", "person", "state", "came", "answer by", "told", "outcome")
    show_table("", columns, rows, empty="Nobody waits for an answer.", sparse=("told", "outcome"))
    late = [one for one in found if one.state != "closed" and one.answer_by < now]
    raise SystemExit(LOOK if late else DONE)


def _clock(one: Request, now: datetime) -> str:
    day = f"{one.answer_by:%Y-%m-%d}"
    return f"{day}, late" if one.state != "closed" and one.answer_by < now else day


def _told(one: Request) -> str:
    """Return how many of its recipients have been told; nothing where there is none."""
    done = sum(state == "done" for _, _, state, _ in one.recipients)
    return f"{done} of {len(one.recipients)}" if one.recipients else ""


@requests_command.command("show")
@click.argument("request_id")
def show_command(request_id: str) -> None:
    """Show who has to be told of a request, and what came of it."""
    with telling(), opened() as pool:
        one = requests.get(pool.store, request_id)
        now = pool.now
    say(f"{one.id}: {one.kind}, {one.state}, to be answered by {_clock(one, now)}.")
    columns = ("recipient", "can", "state", "what was done")
    show_table("", columns, one.recipients, empty="Nobody was given anything of this person.")


@requests_command.command("open")
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("person")
@click.option("--received", metavar="DATE", help="When it came, as 2026-01-31; by default now.")
@click.option("--checked-by", help="Who made sure that it comes from this person.")
@click.option("--channel", help="How it came: e-mail, letter, telephone, form.")
def open_command(kind: str, person: str, received: str | None, checked_by: str | None, channel: str | None) -> None:
    """Write a request down; restriction, objection and withdrawal take effect at once."""
    with telling(), opened() as pool:
        how = How(channel, checked_by, os.environ.get("USER"))
        name = requests.open_request(
            pool.store, kind, person, pool.now, how, _day(received), pool.installation.destinations
        )
        told = requests.get(pool.store, name)
        if kind in ("restriction", "objection", "withdrawal"):
            derive(pool)
    say(f"{name}: to be answered by {told.answer_by:%Y-%m-%d}.")


def _day(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None
    except ValueError:
        fail(f"{text!r} is no day as in 2026-01-31.", CORRECT)


@requests_command.command("extend")
@click.argument("request_id")
@click.option("--reason", required=True, help="Why a month is not enough; the person is told it too.")
def extend_command(request_id: str, reason: str) -> None:
    """Give a request two months more."""
    with telling(), opened() as pool:
        until = requests.extend(pool.store, request_id, reason)
    say(f"{request_id}: to be answered by {until:%Y-%m-%d}. Tell the person why, within the first month.")


@requests_command.command("close")
@click.argument("request_id")
@click.option("--outcome", default="granted", show_default=True, help="granted, refused, or a word of your own.")
def close_command(request_id: str, outcome: str) -> None:
    """Close a request; closing a restriction lifts it."""
    with telling(), opened() as pool:
        requests.close(pool.store, request_id, outcome, pool.now)
    say(f"{request_id} is closed.")


@click.command("notices")
@json_option
def notices_command(as_json: bool) -> None:  # noqa: FBT001
    """List people who came from somebody else and have to be told so (Art. 14), those due first at the top."""
    with telling(), opened() as pool:
        found = notices.due(pool.store, pool.now)
    if as_json:
        show_json([asdict(one) for one in found])
        return
    rows = [(one.person_id, one.origin, one.source, f"{one.since:%Y-%m-%d}", f"{one.due_at:%Y-%m-%d}") for one in found]
    show_table(
        "", ("person", "came as", "from", "since", "tell by"), rows, empty="Everybody gave us their data themselves."
    )


@click.group("retention", invoke_without_command=True)
@json_option
@click.pass_context
def retention_command(context: click.Context, as_json: bool) -> None:  # noqa: FBT001
    """Show who is due to be forgotten, by which rule, and when; nothing goes before the grace is over."""
    if context.invoked_subcommand is None:
        _retention_preview(as_json=as_json)


@retention_command.command("preview")
@json_option
def retention_preview_command(as_json: bool) -> None:  # noqa: FBT001
    """Show who is due, and give the token for those whose grace is over."""
    _retention_preview(as_json=as_json)


def _retention_preview(*, as_json: bool) -> None:
    with telling(), opened() as pool:
        told = retention.preview(pool.store, pool.installation.retention, pool.now)
    if as_json:
        show_json(asdict(told))
        return
    rows = [_due_row(one) for one in told.due]
    columns = ("person", "rule", "latest event", "due", "may go", "then")
    show_table("", columns, rows, empty="Nobody is due.")
    ready = sum(one.is_ready for one in told.due)
    if ready:
        say(f"\nFor {ready} the grace is over. To do it: `catchment retention apply --token {told.token}`")


def _due_row(one: retention.Due) -> tuple[Any, ...]:
    go = "on hold" if one.hold_until else ("now" if one.is_ready else f"{one.goes_at:%Y-%m-%d}")
    return (one.person_id, one.rule, f"{one.latest_at:%Y-%m-%d}", f"{one.due_at:%Y-%m-%d}", go, one.then)


@retention_command.command("apply")
@click.option("--token", required=True, help="The token that the preview gave.")
def retention_apply_command(token: str) -> None:
    """Erase or archive whose grace is over; the same way as `catchment erase`."""
    with telling(), opened() as pool, desk_of(pool) as desk:
        done = retention.apply(desk, pool.installation.retention, token, pool.now)
        derive(pool)
    say(f"{done.erased} erased, {done.archived} archived.")
    raise SystemExit(LOOK if done.waiting else DONE)
