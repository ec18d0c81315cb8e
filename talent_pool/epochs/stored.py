"""Epochs: the numbered match models of this pool, one of them in force.

The first resolution writes the shipped model down as epoch 1; from then on the store's own is used, so that an
upgrade of the code never changes who is one person. Where a large pool is loaded at once, its first epoch knows how
often names are met in it: nobody's id can change by that yet. `training` makes further ones, which are drafts until
`enacting` puts one of them in force.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from pydantic import ValidationError
from sqlalchemy import Connection, Text, func, select, type_coerce

from connectors.records import Candidate
from dedupe.errors import ModelMisfit
from dedupe.model import MatchModel, shipped
from dedupe.normalise import Normalised, normalised
from dedupe.population import counted
from talent_pool.refused import Refused
from talent_pool.store.database import Store
from talent_pool.store.lookup import rows_of
from talent_pool.store.tables import epochs, records

SAMPLE = 200_000
"""Records whose names are counted for a large pool: those of the smallest ids, which are as good as drawn by lot."""

CANDIDATES = (records.c.record_type == "candidate", records.c.removed_at.is_(None))
"""What makes a row of `records` a live candidate record."""


_IN_FORCE = select(epochs.c.number, epochs.c.created_at).where(epochs.c.in_force)
_KEPT = "epoch in force"
"""Where a connection keeps the epoch it read last, whose model is long and never changes."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """A model and its number. `is_stored` is False only for the first one, before the first resolution."""

    number: int
    model: MatchModel
    is_stored: bool


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of the list of epochs. `made_from` says in words what the model was made from."""

    number: int
    made_from: str
    created_at: datetime
    in_force: bool


def in_force(connection: Connection, sample: Callable[[], Iterator[Normalised]] | None = None) -> Epoch:
    """Return the epoch that the store says is in force, or what the first resolution would make the first.

    `sample`: for whoever has them in hand, the first SAMPLE live candidate records by their ids. Raises ModelMisfit
    for a model that this version cannot even read.
    """
    found = rows_of(connection, _IN_FORCE)
    if not found:
        return Epoch(1, _first(connection, sample), is_stored=False)
    named = (found[0].number, found[0].created_at)
    kept = connection.info.get(_KEPT)
    if kept is None or kept[0] != named:
        kept = connection.info[_KEPT] = (named, numbered(connection, found[0].number))
    return kept[1]


def number_in_force(connection: Connection) -> int:
    """Return the number of the epoch in force, or of what the first resolution would make the first."""
    return connection.execute(select(epochs.c.number).where(epochs.c.in_force)).scalar() or 1


def numbered(connection: Connection, number: int | None = None) -> Epoch:
    """Return one epoch, or else the newest draft. Raises Refused, or ModelMisfit as `in_force` does."""
    columns = (epochs.c.number, type_coerce(epochs.c.model, Text).label("model"), epochs.c.in_force)
    newest = select(*columns).order_by(epochs.c.number.desc())
    row = connection.execute(newest if number is None else newest.where(epochs.c.number == number)).first()
    if row is None and number is not None:
        raise Refused(f"There is no epoch {number}. `catchment epochs` lists those there are.")
    if row is None or (number is None and row.in_force):
        raise Refused("There is no draft of an epoch. `catchment train` makes one.")
    return Epoch(row.number, _read(row.model), is_stored=True)


def listed(store: Store) -> list[Listed]:
    """Return every epoch, the newest first."""
    with store.reading() as connection:
        rows = connection.execute(select(epochs).order_by(epochs.c.number.desc())).all()
    return [Listed(row.number, row.model["name"], row.created_at, row.in_force) for row in rows]


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


def among_the_pool(
    connection: Connection, model: MatchModel, sample: Callable[[], Iterator[Normalised]] | None = None
) -> MatchModel:
    """Return `model` with names as frequent as they are in this pool now; `sample` as for `in_force`."""
    size = connection.execute(select(func.count()).select_from(records).where(*CANDIDATES)).scalar_one()
    population = counted(sample() if sample else _sample(connection), model.population, of=size)
    return model.model_copy(update={"population": population})


_COUNTED = ("full_name", "first_name", "last_name", "location", "company", "title")


@lru_cache(maxsize=4)
def _read(text: str) -> MatchModel:
    """Return the model in a text; reading one takes longer than resolving a record does."""
    try:
        return MatchModel.model_validate_json(text)
    except ValidationError:
        raise ModelMisfit from None


def _first(connection: Connection, sample: Callable[[], Iterator[Normalised]] | None) -> MatchModel:
    model = shipped()
    beyond = select(records.c.id).where(*CANDIDATES).offset(model.population.people).limit(1)
    return model if connection.execute(beyond).first() is None else among_the_pool(connection, model, sample)


def _sample(connection: Connection) -> Iterator[Normalised]:
    columns = (records.c.id, records.c.organisation, records.c.body)
    rows = connection.execute(select(*columns).where(*CANDIDATES).order_by(records.c.id).limit(SAMPLE))
    for record_id, organisation, body in rows:
        told = {name: body[name] for name in _COUNTED if name in body}
        yield normalised(record_id, Candidate.model_validate({"remote_id": "1", **told}), None, organisation)
