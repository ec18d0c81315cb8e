"""Who would be one person under another model: every live candidate record compared and clustered, nothing written."""

from collections import defaultdict
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from sqlalchemy import Connection, select

from dedupe.blocking import Key, shared_keys
from dedupe.clustering import clusters
from dedupe.normalise import Normalised, form_of
from dedupe.scoring import Edge
from talent_pool.epochs.stored import CANDIDATES, Epoch
from talent_pool.installation import Installation
from talent_pool.resolution import decisions, turns
from talent_pool.resolution.landed import by_ids
from talent_pool.resolution.neighbours import Score, held_by, normal
from talent_pool.store.lookup import portions, rows_with
from talent_pool.store.tables import person_records, record_forms, record_keys, records

_KEYS = select(record_keys.c.record_id, record_keys.c.key, record_keys.c.kind, record_keys.c.name_key)
_FORMS = select(record_forms.c.record_id, record_forms.c.form)


@dataclass(frozen=True)
class Rebuilt:
    """The pool as it would be in `epoch`, and as it is.

    `turn`: the turn of resolution that this rests on. `records`: every live candidate record, by id. `shared`: by
    organisation, keys that say nothing of one person. `clusters` are all people that would be. `holder`: who has each
    record now; one that waits for its first resolution has nobody. `misfiled`: records that stand in the key index
    otherwise than this version makes of what they say by now.
    """

    turn: int
    epoch: Epoch
    records: Mapping[str, Normalised]
    shared: Mapping[str, AbstractSet[Key]]
    edges: list[Edge]
    clusters: list[frozenset[str]]
    holder: Mapping[str, str]
    misfiled: AbstractSet[str]


def rebuilt(connection: Connection, installation: Installation, epoch: Epoch, score: Score) -> Rebuilt:
    """Compare every live candidate record in one consistent view. Raises ModelMisfit for a model of other comparisons.

    Records that wait are taken as they have landed; a record's keys follow from it alone, and from this version.
    """
    turn = turns.current(connection)
    ties = decisions.ties(decisions.standing(connection))
    ids = list(connection.execute(select(records.c.id).where(*CANDIDATES)).scalars())
    pools: defaultdict[str, dict[str, Normalised]] = defaultdict(dict)
    misfiled = set(connection.execute(select(record_forms.c.record_id)).scalars()) - set(ids)
    for portion in portions(ids):
        live = {name: normal(installation, one) for name, one in by_ids(connection, portion).items()}
        misfiled |= _misfiled(connection, live)
        for name, record in live.items():
            pools[record.organisation][name] = record
    shared = {organisation: shared_keys(pool.values()) for organisation, pool in sorted(pools.items())}
    edges: list[Edge] = []
    found: list[frozenset[str]] = []
    for organisation, pool in sorted(pools.items()):
        own = score(list(pool.values()), pool.keys(), shared[organisation], epoch.model)
        found += clusters(pool, own, ties.same(pool), ties.different(pool), epoch.model)
        edges += own
    holder = {row.record_id: row.person_id for row in connection.execute(select(person_records))}
    everybody = {name: record for pool in pools.values() for name, record in pool.items()}
    return Rebuilt(turn, epoch, everybody, shared, edges, found, holder, misfiled)


def _misfiled(connection: Connection, live: Mapping[str, Normalised]) -> set[str]:
    stored: defaultdict[str, set[tuple[int, str, str]]] = defaultdict(set)
    for name, *key in rows_with(connection, _KEYS, record_keys.c.record_id, live):
        stored[name].add((key[0], key[1], key[2]))
    forms = {row.record_id: row.form for row in rows_with(connection, _FORMS, record_forms.c.record_id, live)}
    return {
        name
        for name, record in live.items()
        if forms.get(name) != form_of(record)
        or stored[name] != {(number, key.kind, record.name_key) for number, key in held_by(record).items()}
    }
