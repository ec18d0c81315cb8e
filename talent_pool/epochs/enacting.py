"""Putting an epoch in force: all edges replaced in one transaction, so that edges of two epochs never meet.

The key index is brought to what this version makes of every live record, for the edges rest on that.

Whoever would merge or split then waits for resolution like anybody else, which gives lasting ids, tells the feed and
lets memberships follow. Until its turn comes a person stays as before. Killed before the transaction ends, nothing
has happened; killed after it, resolution goes on with what waits.
"""

from datetime import datetime

from sqlalchemy import Connection, update

from dedupe.scoring import edges
from talent_pool import preview_tokens
from talent_pool.epochs import stored as epochs
from talent_pool.epochs.difference import Difference, difference
from talent_pool.epochs.rebuild import Rebuilt, rebuilt
from talent_pool.epochs.stored import Epoch
from talent_pool.installation import Installation
from talent_pool.refused import Refused
from talent_pool.resolution import match_index, turns
from talent_pool.resolution.neighbours import Score, held_by
from talent_pool.resolution.resolve import StoreMoves
from talent_pool.store.database import Store
from talent_pool.store.tables import edges as edges_table
from talent_pool.store.tables import epochs as epochs_table
from talent_pool.store.tables import work

_TRIES = 5


def apply(
    store: Store, installation: Installation, number: int, token: str, now: datetime, score: Score = edges
) -> Difference:
    """Put epoch `number` in force, if it still does what the preview with this token showed; return what it will do.

    What landed since the preview is no hindrance where it changes nobody who would merge or split. Raises
    Refused, with nothing done, for another token; ModelMisfit; and StoreMoves.
    """
    for _ in range(_TRIES):
        with store.reading() as connection:
            epoch, current = candidate(connection, number)
            found = rebuilt(connection, installation, epoch, score)
        would = difference(found)
        preview_tokens.must_match(
            token, token_of(store, epoch, current, would), f"epoch {number}", f"catchment epochs preview {number}"
        )
        if _written(store, found, would, now):
            return would
    raise StoreMoves(f"People were resolved or decided about during each of {_TRIES} tries. Run it again in a while.")


def candidate(connection: Connection, number: int | None) -> tuple[Epoch, int]:
    """Return epoch `number`, or else the newest draft, and the number in force. Raises Refused if they are one."""
    epoch, current = epochs.numbered(connection, number), epochs.number_in_force(connection)
    if epoch.number == current:
        raise Refused(f"Epoch {epoch.number} is in force already. `catchment epochs` lists the others.")
    return epoch, current


def token_of(store: Store, epoch: Epoch, current: int, would: Difference) -> str:
    """Return what stands for all that `epoch` would do to people in place of `current`."""
    return preview_tokens.token(
        store, "epoch", str(epoch.number), str(current), epoch.model.model_dump_json(), *would.told
    )


def _written(store: Store, found: Rebuilt, would: Difference, now: datetime) -> bool:
    """Write it, unless somebody resolved or decided since it was thought out; what landed since waits by itself."""
    with store.writing() as connection:
        turns.begin(connection)
        if turns.current(connection) != found.turn:
            return False
        live = {name: found.records[name] for name in found.misfiled if name in found.records}
        match_index.refile(connection, found.misfiled, live, {name: held_by(record) for name, record in live.items()})
        connection.execute(edges_table.delete())
        match_index.add_edges(connection, found.edges, found.epoch.number)
        connection.execute(update(epochs_table).values(in_force=epochs_table.c.number == found.epoch.number))
        waits = [{"stage": "resolve", "subject_id": name, "since": now} for name in sorted(would.records)]
        if waits:
            connection.execute(store.insert(work).on_conflict_do_nothing(), waits)
        turns.end(connection)
    return True
