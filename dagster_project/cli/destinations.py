"""The command that lists destinations: what they are sent, what they hold, how the last push ended."""

from typing import Any

import click

from connectors.destination import destination_types
from dagster_project.cli.output import json_option, say, show_json, show_table, telling
from dagster_project.cli.pool import Pool, opened
from talent_pool.delivery import brake
from talent_pool.delivery.overview import DestinationState, states


@click.command("destinations")
@json_option
def destinations_command(as_json: bool) -> None:  # noqa: FBT001
    """List destinations: their segments, what they hold, what waits, and how the last push ended."""
    with telling(), opened() as pool:
        found = [_told(pool, one) for one in states(pool.store, pool.installation.destinations.values())]
        with pool.store.reading() as connection:
            paused = brake.reason(connection)
        sending = pool.home.sending
    if as_json:
        show_json({"sending": sending, "paused": paused, "destinations": found})
        return
    columns = ("destination", "connector", "channel", "holds", "sent", "pending", "retrying", "last push", "segments")
    show_table(
        "", columns, [[_cell(one, name) for name in columns] for one in found],
        empty="No destination is configured.", sparse=("pending", "retrying"),
    )  # fmt: skip
    if paused:
        say(paused)
    elif sending != "on":
        say(f"Sending is {sending}. Set CATCHMENT_SENDING=on when you mean it.")


def _told(pool: Pool, state: DestinationState) -> dict[str, Any]:
    settings, last = state.settings, state.last
    kind = destination_types().get(settings.connector)  # an unknown connector is told by whoever pushes to it
    is_state = kind is not None and kind.kind == "state"
    return {
        "destination": settings.name,
        "connector": settings.connector,
        "channel": kind.channel.value if kind else "",
        "holds": state.held if is_state else None,
        "sent": None if is_state else state.messages,
        "pending": state.pending,
        "retrying": state.retrying,
        "last_push": None if last is None else {"at": last.started_at, "state": last.state, "error": last.error},
        "schedule": settings.schedule,
        "segments": [
            {"segment": push.segment, "mode": push.mode if is_state else "message", "tag": push.tag}
            for push in settings.pushes
        ],
        "defined": pool.installation.lines[settings.name],
    }


def _cell(told: dict[str, Any], column: str) -> Any:
    value = told[column.replace(" ", "_")]
    if column == "segments":
        return ", ".join(
            push["segment"] if push["mode"] in ("mirror", "message") else f"{push['segment']} ({push['mode']})"
            for push in value
        )
    if column == "last push":
        return "never" if value is None else f"{value['at']:%Y-%m-%d %H:%M} {value['error'] or value['state']}"
    return "" if value is None else value
