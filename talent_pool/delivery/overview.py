"""What each destination holds and waits for, as the store knows it: no vendor is asked."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, Table, func, select

from connectors.contract import DestinationSettings
from talent_pool.store import runs
from talent_pool.store.database import Store
from talent_pool.store.runs import Run
from talent_pool.store.tables import deliveries, destination_jobs, holdings, retries


@dataclass(frozen=True, slots=True)
class DestinationState:
    """One configured destination, and what stands between it and us.

    `held`: addresses that it holds because we put them there. `messages`: those it has taken for good. `pending`: rows
    that it took an order for and has not yet told the end of. `retrying`: rows that it put off, to be tried again.
    `last`: the newest push, None before the first.
    """

    settings: DestinationSettings
    held: int
    messages: int
    pending: int
    retrying: int
    last: Run | None


def states(store: Store, destinations: Iterable[DestinationSettings]) -> list[DestinationState]:
    """Return the state of each of `destinations`, in their order."""
    with store.reading() as connection:
        held = _counted(connection, holdings, "address")
        pending = _counted(connection, destination_jobs, "row_id")
        retrying = _counted(connection, retries, "subject_id")
        sent = select(deliveries.c.destination, func.count()).where(deliveries.c.state == "sent")
        messages = {row[0]: row[1] for row in connection.execute(sent.group_by(deliveries.c.destination))}
    return [
        DestinationState(
            one,
            held=held.get(one.name, 0),
            messages=messages.get(one.name, 0),
            pending=pending.get(one.name, 0),
            retrying=retrying.get(one.name, 0),
            last=runs.latest(store, "push", one.name),
        )
        for one in destinations
    ]


def _counted(connection: Connection, table: Table, column: str) -> Mapping[str, int]:
    """Return how many different values of a column each destination has."""
    query = select(table.c.destination, func.count(table.c[column].distinct())).group_by(table.c.destination)
    return {row[0]: row[1] for row in connection.execute(query)}
