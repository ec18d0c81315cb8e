"""A new epoch from this pool: how often names are met in it, and what people decided about its records.

It starts from the shipped model of this version, never from the epoch in force: every decision is learned from anew,
so that none counts twice, and the same pool gives the same epoch.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, select

from dedupe.errors import ModelMisfit
from dedupe.learning import counts, learned
from dedupe.model import MatchModel, shipped
from dedupe.population import Population
from dedupe.scoring import compared
from talent_pool.epochs import stored as epochs
from talent_pool.epochs.stored import CANDIDATES, Epoch
from talent_pool.installation import Installation
from talent_pool.refused import Refused
from talent_pool.resolution import decisions, turns
from talent_pool.resolution.landed import by_ids
from talent_pool.resolution.neighbours import held_by, normal, shared_among
from talent_pool.store.database import Store
from talent_pool.store.tables import epochs as epochs_table
from talent_pool.store.tables import records

Labelled = list[tuple[Mapping[str, int], bool]]


@dataclass(frozen=True, slots=True)
class Trained:
    """A draft, and what it was made from.

    `same` and `different`: people's decisions that were learned from; `unused`: those about records that are gone, or
    that have nothing in common by which they would be compared. `records`: live candidate records whose names were
    counted. `is_new`: False where a draft with the very same model was there already.
    """

    number: int
    same: int
    different: int
    unused: int
    records: int
    is_new: bool


def train(store: Store, installation: Installation, now: datetime) -> Trained:
    """Write down a draft of an epoch, by which nobody is resolved yet.

    Raises Refused where there is nothing to learn from, or nothing that differs from the epoch in force.
    """
    with store.reading() as connection:
        size = connection.execute(select(func.count()).select_from(records).where(*CANDIDATES)).scalar_one()
        if not size:
            raise Refused("There are no candidate records to learn from yet. Run `catchment sync` first.")
        number, current = epochs.number_in_force(connection), _read(lambda: epochs.in_force(connection))
        start = epochs.among_the_pool(connection, shipped())
        labelled, unused = _labelled(connection, installation, start.population)
    same = sum(is_same for _, is_same in labelled)
    model = learned(start, *counts(labelled))
    if current and _alike(model, current.model):
        raise Refused(
            f"There is nothing to learn: no decision and no name changes epoch {number}, which is in force. "
            "`catchment review` and `catchment merge` make decisions."
        )
    told = f"{start.name}, names of {size:,} records, {len(labelled):,} decisions"
    number, is_new = _draft(store, current, model.model_copy(update={"name": told}), now)
    return Trained(number, same, len(labelled) - same, unused, size, is_new)


def _labelled(connection: Connection, installation: Installation, population: Population) -> tuple[Labelled, int]:
    """Return the levels of every pair that people decided about, with what they decided; and how many have none."""
    decided = {
        (one.record_a, one.record_b): one.kind == "same" for one in decisions.standing(connection) if not one.by_vendor
    }
    landed = by_ids(connection, {name for pair in decided for name in pair})
    live = [normal(installation, one) for one in landed.values() if one.live]
    named = {record.record_id: record for record in live}
    found: Labelled = []
    for (a, b), is_same in sorted(decided.items()):
        if a in named and b in named:
            shared = shared_among(connection, {**held_by(named[a]), **held_by(named[b])})
            pairs = compared([named[a], named[b]], {a}, shared, population)
            found += [(levels, is_same) for _, _, levels in pairs]
    return found, len(decided) - len(found)


def _draft(store: Store, current: Epoch | None, model: MatchModel, now: datetime) -> tuple[int, bool]:
    """Write the draft down, and return its number and whether it is a new one."""
    with store.writing() as connection:
        turns.begin(connection)
        if current:
            epochs.keep(store, connection, current, now)
        number = connection.execute(select(func.max(epochs_table.c.number))).scalar_one()
        newest = _read(lambda: epochs.numbered(connection, number))
        if newest and _alike(newest.model, model):
            return number, False
        row = {"number": number + 1, "model": model.model_dump(mode="json"), "created_at": now, "in_force": False}
        connection.execute(insert(epochs_table).values(row))
    return number + 1, True


def _read(read: Callable[[], Epoch]) -> Epoch | None:
    """Return an epoch; None where this version cannot read its model, which is what a draft is made for."""
    try:
        return read()
    except ModelMisfit:
        return None


def _alike(one: MatchModel, other: MatchModel) -> bool:
    return one.model_copy(update={"name": other.name}) == other
