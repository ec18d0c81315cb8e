"""Resolution: who is one person, worked out for what waits and for what it touches, and for nothing else.

A turn reads and computes without a lock and then writes in one short transaction (`turn_plan`, `turn_write`). Where
the store moved on in between, the turn is thought out anew. Resolvers may run side by side; they take turns.
"""

import time
from datetime import datetime

from dedupe.scoring import edges
from talent_pool.installation import Installation
from talent_pool.resolution import survivorship_in_force
from talent_pool.resolution.bulk.load import is_worth_it, load
from talent_pool.resolution.neighbours import Score
from talent_pool.resolution.turn_plan import plan
from talent_pool.resolution.turn_write import ResolveReport, attempted
from talent_pool.store.database import Store
from talent_pool.store.unavailable import StoreUnavailable
from talent_pool.uncollected import uncollected

__all__ = ["ResolveReport", "StoreMoves", "resolve", "resolve_all"]

_TRIES = 12
_PAUSE_SECONDS = 0.02
"""Before the second try; it doubles with each further one, up to a second, for a landing to come to its end."""


class StoreMoves(StoreUnavailable):
    """The store changed under every try. Nothing was written; what waits is still waiting."""


def resolve(
    store: Store, installation: Installation, now: datetime, limit: int = 10_000, score: Score = edges
) -> ResolveReport:
    """Resolve at most `limit` waiting records and people; writes nothing at all when none waits. Raises StoreMoves.

    People wait when the installation says otherwise than before what is believed of them (`survivorship_in_force`).
    `score` compares records; all of one store's life it has to be the same.
    """
    for attempt in range(_TRIES):
        with uncollected():
            with store.reading() as connection:
                is_in_force = survivorship_in_force.is_of(connection, installation)
                thought = plan(connection, store, installation, now, limit=limit, score=score) if is_in_force else None
            if not is_in_force:
                survivorship_in_force.wake(store, installation, now)
                continue
            if thought is None:
                return ResolveReport()
            report = attempted(store, thought, now)
        if report is not None:
            return report
        time.sleep(min(_PAUSE_SECONDS * 2**attempt, 1.0))
    raise StoreMoves(f"What waits changed under each of {_TRIES} tries to resolve it. Nothing is lost; run it again.")


def resolve_all(
    store: Store, installation: Installation, now: datetime, limit: int = 10_000, score: Score = edges
) -> ResolveReport:
    """Resolve all that waits, in turns of at most `limit` records and people. Raises StoreMoves.

    Where much waits beside little that is stored, what is new is compared at once before (`bulk.load`).
    """
    total = ResolveReport()
    if score is edges and is_worth_it(store):
        total += load(store, installation, now)
    while True:
        report = resolve(store, installation, now, limit, score)
        total += report
        if report.taken < limit:  # a turn that was not full left nothing behind
            return total
