"""The first half of a first load: every waiting record's keys and form are filed before anybody is decided about.

So whether a value is shared is, from then on, the same for the bulk and for any turn, however much of the bulk is done:
it follows from the index, and a record that still waits stands in it already.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from sqlalchemy import Connection, select

from dedupe.normalise import Normalised, read_form
from talent_pool.epochs.stored import CANDIDATES
from talent_pool.installation import Installation
from talent_pool.resolution import match_index, turns
from talent_pool.resolution.identity import anchor_of, person_id
from talent_pool.resolution.landed import Landed, by_ids
from talent_pool.resolution.neighbours import Held, crossing, held_by, normal
from talent_pool.store.database import Store, insert_rows
from talent_pool.store.lookup import rows_with
from talent_pool.store.tables import people, person_aliases, person_records, record_forms, records, work

AT_ONCE = 5_000
_WAITING = select(work.c.subject_id).where(work.c.stage == "resolve")
_WAITING_STILL = _WAITING.with_for_update(skip_locked=True)
_HELD = select(person_records.c.record_id)
_MINTED = select(people.c.id)
_ALIASES = select(person_aliases.c.id)
_FORMS = select(record_forms.c.record_id, record_forms.c.form)


@dataclass(frozen=True)
class Portion:
    """Live candidate records in order of ids; `waiting`, as they have landed, those that wait.

    `with_history`: those of the waiting that somebody is or was, so that lasting ids have a say in them.
    """

    records: Sequence[Normalised]
    held: Mapping[str, Held]
    waiting: Mapping[str, Landed]
    with_history: AbstractSet[str]


def portions(store: Store, installation: Installation) -> Iterator[Portion]:
    """Yield every live candidate record, those that do not wait as they are filed; some thousands at a time."""
    last = ""
    while True:
        with store.reading() as connection:
            after = select(records.c.id).where(*CANDIDATES, records.c.id > last)
            ids = list(connection.execute(after.order_by(records.c.id).limit(AT_ONCE)).scalars())
            if not ids:
                return
            portion = _portion(connection, installation, ids)
        yield portion
        last = ids[-1]


def file(store: Store, portion: Portion, turn: int, now_text: object) -> bool:
    """File the waiting ones as a turn of its own; False, with nothing written, when the store moved on since `turn`.

    Where a value crosses the line of what many share, its holders who do not wait are told to.
    """
    if not portion.waiting:
        return True
    live = {record.record_id: record for record in portion.records if record.record_id in portion.waiting}
    with store.writing() as connection:
        turns.begin(connection)
        if turns.current(connection) != turn or not still_wait(connection, live):
            return False
        held = {name: portion.held[name] for name in live}
        if connection.execute(_HELD.limit(1)).first():  # else all of them wait
            woken = crossing(connection, {name: (record.name_key, held[name]) for name, record in live.items()})
            rows = [("resolve", name, now_text) for name in sorted(woken - live.keys())]
            insert_rows(connection, work, ("stage", "subject_id", "since"), rows, "ON CONFLICT DO NOTHING")
        match_index.refile(connection, live, live, held)
        turns.end(connection)
    return True


def still_wait(connection: Connection, names: Collection[str]) -> bool:
    """Say whether all these records wait for resolution, and nobody is landing them at this moment."""
    return {row.subject_id for row in rows_with(connection, _WAITING_STILL, work.c.subject_id, names)} == set(names)


def print_of(landed: Landed) -> int:
    """Return what differs, in this process, as soon as a record does."""
    return hash((landed.modified_at, landed.removed_at, landed.connection, landed.text))


def _portion(connection: Connection, installation: Installation, ids: Sequence[str]) -> Portion:
    waits = {row.subject_id for row in rows_with(connection, _WAITING, work.c.subject_id, ids)}
    waiting = by_ids(connection, waits)
    found = {name: normal(installation, landed) for name, landed in waiting.items()}
    stored = rows_with(connection, _FORMS, record_forms.c.record_id, set(ids) - waits)
    found |= {row.record_id: read_form(row.form) for row in stored}
    ordered = [found[name] for name in sorted(found)]
    return Portion(
        ordered, {record.record_id: held_by(record) for record in ordered}, waiting, _with_history(connection, waits)
    )


def _with_history(connection: Connection, names: Collection[str]) -> set[str]:
    if connection.execute(_MINTED.limit(1)).first() is None:
        return set()
    found = {row.record_id for row in rows_with(connection, _HELD, person_records.c.record_id, names)}
    minted = [person_id(name) for name in names]
    for statement, column in ((_MINTED, people.c.id), (_ALIASES, person_aliases.c.id)):
        found |= {anchor_of(row.id) for row in rows_with(connection, statement, column, minted)}
    return found
