"""Epochs: the numbered match models of this pool, one of them in force.

The first resolution writes the shipped model down as epoch 1; from then on the store's own is used, so that an
upgrade of the code never changes who is one person.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from dedupe.model import MatchModel, shipped
from talent_pool.store.database import Store
from talent_pool.store.tables import epochs


@dataclass(frozen=True, slots=True)
class Epoch:
    """The model in force. `is_stored` is False only before the first resolution."""

    number: int
    model: MatchModel
    is_stored: bool


def in_force(connection: Connection) -> Epoch:
    """Return the epoch that the store says is in force, or the shipped model as the first."""
    row = connection.execute(select(epochs.c.number, epochs.c.model).where(epochs.c.in_force)).first()
    if row is None:
        return Epoch(1, shipped(), is_stored=False)
    return Epoch(row.number, MatchModel.model_validate(row.model), is_stored=True)


def keep(store: Store, connection: Connection, epoch: Epoch, now: datetime) -> None:
    """Write the first epoch down, if it is not there yet."""
    if not epoch.is_stored:
        row = {
            "number": epoch.number,
            "model": epoch.model.model_dump(mode="json"),
            "created_at": now,
            "in_force": True,
        }
        connection.execute(store.insert(epochs).values(row).on_conflict_do_nothing())
