"""Who was given something of a person, and is told that she is to be forgotten (Art. 17(2) and 19 GDPR).

Each is asked under the destination's own lease, so that no push runs beside it, is read again afterwards, and has a
receipt: what it can do, what was done, when. A receipt names no address.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, insert, select, update

from connectors.contract import Destination, Eraser
from connectors.errors import ConnectorError
from connectors.records import Channel
from talent_pool.installation import Installation
from talent_pool.landing.inbox import Inbox
from talent_pool.privacy.cursors import without_her
from talent_pool.privacy.extent import Extent
from talent_pool.privacy.wiping import sweep
from talent_pool.store import leases
from talent_pool.store.database import Store
from talent_pool.store.leases import Busy
from talent_pool.store.lookup import rows_with
from talent_pool.store.tables import deliveries, holdings, privacy_recipients, privacy_requests, push_rows

INBOX = "inbox"
"""What waits unread is a recipient of its own: it is gone once a sync has read and dropped it."""

_GIVEN = ("sent", "removed", "unchanged", "pending", "unknown")
_MAILED = ("sent", "sending", "unknown")
NO_WAY = "This destination has no way for machines to forget somebody: do it there by hand, then close the request."
NOT_CONFIGURED = "This destination is not configured any more: do it there by hand, then close the request."


def given(connection: Connection, extent: Extent) -> set[str]:
    """Return the destinations that were ever given something of a person."""
    keys = extent.keys - extent.shared
    found: set[str] = set()
    for table, states in ((holdings, None), (deliveries, _MAILED)):
        columns = [table.c.destination, *([table.c.state] if states else [])]
        for column, values in ((table.c.person_id, extent.ids), (table.c.address_key, keys)):
            for row in rows_with(connection, select(*columns).distinct(), column, values):
                if states is None or row.state in states:
                    found.add(row.destination)
    pushed = select(push_rows.c.destination).where(push_rows.c.fate.in_(_GIVEN)).distinct()
    for column, values in (
        (push_rows.c.person_id, extent.ids),
        (push_rows.c.subject_id, extent.ids | extent.applications),
    ):
        found |= {row.destination for row in rows_with(connection, pushed, column, values)}
    return found


def ability(installation: Installation, abilities: Mapping[str, str], name: str) -> str:
    """Return what a destination can do (`connectors.contract.Erases`); `abilities` are those of connectors by name."""
    settings = installation.destinations.get(name)
    return abilities.get(settings.connector, "no") if settings else "no"


def write_down(connection: Connection, request_id: str, able: Mapping[str, str], now: datetime) -> None:
    """Write who has to be told; the inbox always is."""
    rows = [
        {"request_id": request_id, "name": name, "can": can, "state": "waiting", "asked": 0, "at": now}
        for name, can in {**able, INBOX: "delete"}.items()
    ]
    connection.execute(insert(privacy_recipients), rows)


def tell(
    store: Store,
    open_destination: Callable[[str], Destination],
    inbox: Inbox | None,
    request_id: str,
    known: Mapping[str, Any],
    now: datetime,
    configured: Collection[str],
) -> None:
    """Ask every recipient that still has to be asked, each on its own: one that fails keeps no other waiting.

    One that is not `configured` any more is left to a person.
    """
    with store.reading() as connection:
        query = select(privacy_recipients.c.name).where(
            privacy_recipients.c.request_id == request_id, privacy_recipients.c.state == "waiting"
        )
        names = sorted(connection.execute(query).scalars())
    for name in names:
        if name == INBOX:
            state, told, asked = _inbox_without_her(inbox, known)
        elif name not in configured:
            state, told, asked = "by_hand", NOT_CONFIGURED, 0
        else:
            state, told, asked = _asked(store, open_destination, name, known, now)
        with store.writing() as connection:
            here = (privacy_recipients.c.request_id == request_id, privacy_recipients.c.name == name)
            row = {"state": state, "told": told, "asked": asked, "at": now}
            connection.execute(update(privacy_recipients).where(*here).values(row))


def close_if_done(store: Store, request_id: str, now: datetime) -> None:
    """Close an erasure that no recipient is left of; what is left to a person keeps it open, the sealed part goes.

    A person who has to do it by hand looks the address up in the request they were sent, not here.
    """
    with store.writing() as connection:
        query = select(privacy_recipients.c.state).where(privacy_recipients.c.request_id == request_id)
        states = set(connection.execute(query).scalars())
        if "waiting" in states:
            return
        done = {"sealed": None}
        if "by_hand" not in states:
            done |= {"state": "closed", "closed_at": now, "outcome": "erased"}  # pyright: ignore[reportAssignmentType]
        connection.execute(update(privacy_requests).where(privacy_requests.c.id == request_id).values(done))


def _asked(
    store: Store, open_destination: Callable[[str], Destination], name: str, known: Mapping[str, Any], now: datetime
) -> tuple[str, str, int]:
    try:
        with leases.held(store, f"destination:{name}", "erasure", now):
            destination = open_destination(name)
            addresses = _addresses(destination, known)
            state, told = _forgotten(destination, addresses, now)
            with store.writing() as connection:
                sweep(connection, name, known["keys"], known["ids"])
                without_her(connection, name, known)
    except (ConnectorError, Busy) as error:
        return "waiting", f"Not now: {str(error).splitlines()[0][:300]}", 0
    return state, told, len(addresses)


def _addresses(destination: Destination, known: Mapping[str, Any]) -> list[str]:
    wanted = {Channel.PHONE.value: Channel.SMS.value}.get(destination.channel.value, destination.channel.value)
    anything = destination.channel is Channel.ANY
    # what somebody else is reached at as well is theirs too, and stays
    own = set(known["words"])
    return sorted({address for kind, address in known["addresses"] if (anything or kind == wanted) and address in own})


def _forgotten(destination: Destination, addresses: Sequence[str], now: datetime) -> tuple[str, str]:
    """Return the recipient's state and our sentence about it."""
    if not isinstance(destination, Eraser) or destination.erases == "no":
        return "by_hand", NO_WAY
    said = list(destination.erase(addresses, now))
    tells = destination.erases == "tell"
    still = set[str]() if tells else destination.still_holds(addresses)
    refused = [one for one in said if not one.gone]
    reasons = sorted({one.reason for one in said if one.reason})
    if still or refused:
        left = len(still | {one.address for one in refused})
        what = "were not taken" if tells else "are still there"
        return "waiting", f"{left} addresses {what}. {' '.join(reasons)}"
    if tells:
        return "done", f"{len(addresses)} addresses told, and it said yes to each. It cannot be read again."
    way = "deleted" if destination.erases == "delete" else "made anonymous"
    return "done", f"{len(addresses)} addresses {way}, and read again: not there. {' '.join(reasons)}".strip()


def _inbox_without_her(inbox: Inbox | None, known: Mapping[str, Any]) -> tuple[str, str, int]:
    if inbox is None:
        return "done", "There is no inbox.", 0
    forgotten = inbox.forget(known["remote"])
    words = [*known["words"], *known["names"]]
    waiting = inbox.naming([orjson.dumps(word).decode()[1:-1] for word in words])
    if waiting:
        named = ", ".join(sorted(set(waiting)))
        return (
            "waiting",
            f"{len(waiting)} unread deliveries name her: `catchment sync {named}` reads and drops them.",
            0,
        )
    return "done", f"Nothing unread names her; {forgotten} keys of read deliveries removed.", 0
