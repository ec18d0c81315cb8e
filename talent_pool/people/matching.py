"""Figures of the matching: what is compared, what is sure, what waits for a person, and how right it is."""

from dataclasses import dataclass

from sqlalchemy import Connection, Select, func, select

from talent_pool.epochs import stored as epochs
from talent_pool.people import review
from talent_pool.resolution import decisions
from talent_pool.store.database import Store
from talent_pool.store.lookup import rows_with
from talent_pool.store.tables import edges, record_forms, record_keys

_CHANCES = select(edges.c.record_a, edges.c.record_b, edges.c.probability)
OUTGROWN = 4
"""So many times the size that an epoch was made for is too large for it: names have more namesakes than it knows."""


@dataclass(frozen=True, slots=True)
class Matching:
    """Counts. `made_for`: records that the epoch in force reckons namesakes among; `records`: those there are now.

    `labelled`: pairs that people decided and the model has an opinion on; `labelled_right`: those of them that the
    model would merge by itself and people said are the same; `labelled_merged`: all that it would merge.
    """

    epoch: int
    made_for: int
    records: int
    keys: int
    edges: int
    sure: int
    review: int
    labelled: int
    labelled_merged: int
    labelled_right: int

    @property
    def has_outgrown_its_epoch(self) -> bool:
        """Whether a new epoch is due."""
        return self.records > OUTGROWN * self.made_for

    @property
    def labelled_precision(self) -> float | None:
        """How many of the decided pairs that the model would merge are the same; None where there is none."""
        return self.labelled_right / self.labelled_merged if self.labelled_merged else None


def figures(store: Store) -> Matching:
    """Count how the matching stands."""
    with store.reading() as connection:
        epoch = epochs.in_force(connection)
        sure = edges.c.probability >= epoch.model.merge_at
        labelled, merged, right = _labelled(connection, epoch.model.merge_at)
        return Matching(
            epoch=epoch.number,
            made_for=epoch.model.population.people,
            records=_count(connection, select(func.count()).select_from(record_forms)),
            keys=_count(connection, select(func.count()).select_from(record_keys)),
            edges=_count(connection, select(func.count()).select_from(edges)),
            sure=_count(connection, select(func.count()).select_from(edges).where(sure)),
            review=review.size(connection),
            labelled=labelled,
            labelled_merged=merged,
            labelled_right=right,
        )


def _count(connection: Connection, query: Select[int]) -> int:
    return connection.execute(query).scalar_one()


def _labelled(connection: Connection, merge_at: float) -> tuple[int, int, int]:
    """Return how many pairs people decided that were compared, the model would merge, and are the same of those."""
    said = {(one.record_a, one.record_b): one.kind for one in decisions.standing(connection) if not one.by_vendor}
    compared = merged = right = 0
    for record_a, record_b, chance in rows_with(connection, _CHANCES, edges.c.record_a, {a for a, _ in said}):
        if (record_a, record_b) in said:
            compared += 1
            merged += chance >= merge_at
            right += chance >= merge_at and said[record_a, record_b] == "same"
    return compared, merged, right
