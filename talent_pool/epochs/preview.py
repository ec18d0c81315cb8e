"""What an epoch would change, before it does: who would merge, who would split, and which segments that touches."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, func, select

from dedupe.scoring import edges
from talent_pool.epochs.difference import difference
from talent_pool.epochs.enacting import candidate, token_of
from talent_pool.epochs.examples import Example, examples
from talent_pool.epochs.rebuild import rebuilt
from talent_pool.installation import Installation
from talent_pool.resolution.neighbours import Score
from talent_pool.store.database import Store
from talent_pool.store.lookup import rows_with
from talent_pool.store.tables import memberships, work


@dataclass(frozen=True, slots=True)
class Preview:
    """What putting epoch `number` in force in place of `instead_of` would do to people as they are.

    `merges`: groups of people of whom one would have records of all. `splits`: people of whose records several would be
    somebody. Whoever gives a record to somebody else is in both. `segments`: how many present memberships of each are
    theirs; segments without any are left out. `waiting`: records that wait for resolution anyway; what they bring
    about is counted as well. `examples` are for the eyes of whoever decides alone. `token` stands for all this.
    """

    number: int
    instead_of: int
    made_from: str
    token: str
    records: int
    waiting: int
    people_before: int
    people_after: int
    merges: Sequence[tuple[str, ...]]
    splits: Sequence[str]
    segments: Mapping[str, int]
    examples: Sequence[Example] = field(default=(), repr=False)


def preview(store: Store, installation: Installation, number: int | None = None, score: Score = edges) -> Preview:
    """Say what epoch `number`, or else the newest draft, would change; nothing is written.

    Raises Refused for an epoch that is not there or in force already, and ModelMisfit for one that was made for
    other comparisons than this version's.
    """
    with store.reading() as connection:
        epoch, current = candidate(connection, number)
        found = rebuilt(connection, installation, epoch, score)
        would = difference(found)
        waits = select(func.count()).select_from(work).where(work.c.stage == "resolve")
        return Preview(
            number=epoch.number,
            instead_of=current,
            made_from=epoch.model.name,
            token=token_of(store, epoch, current, would),
            records=len(found.records),
            waiting=connection.execute(waits).scalar_one(),
            people_before=would.people_before,
            people_after=would.people_after,
            merges=sorted(would.merges.values()),
            splits=sorted(would.splits),
            segments=_segments(connection, would.people),
            examples=examples(connection, found, would),
        )


def _segments(connection: Connection, people: Collection[str]) -> dict[str, int]:
    present = select(memberships.c.segment).where(memberships.c.until.is_(None))
    counted = Counter(row.segment for row in rows_with(connection, present, memberships.c.person_id, people))
    return dict(sorted(counted.items()))
