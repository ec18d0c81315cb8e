"""Whom a record has to be compared with: the key index, and which of its values many people share.

Whether a value is shared follows from the records that hold it now, and from nothing else. So when a value crosses
the line, in either direction, every holder is compared anew.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from sqlalchemy import Connection, func, select

from connectors.records import Candidate
from dedupe.blocking import Key, is_shared, keys
from dedupe.model import MatchModel
from dedupe.normalise import Normalised, normalised
from dedupe.scoring import Edge
from talent_pool.installation import Installation
from talent_pool.resolution.landed import Landed, by_ids
from talent_pool.store.lookup import rows_with
from talent_pool.store.tables import record_keys, records

Score = Callable[[Sequence[Normalised], AbstractSet[str], AbstractSet[Key], MatchModel], list[Edge]]
"""Compares the records in focus with all: see `dedupe.scoring.edges`."""


@dataclass
class Compared:
    """Records compared anew, and what came of it.

    `focus`: every record whose keys and edges are replaced; those that a source removed are left without any.
    `normalised`: the live ones among them. `edges`: all edges that touch them.
    """

    focus: dict[str, Landed] = field(default_factory=dict[str, Landed])
    normalised: dict[str, Normalised] = field(default_factory=dict[str, Normalised])
    edges: list[Edge] = field(default_factory=list[Edge])


def normal(installation: Installation, landed: Landed) -> Normalised:
    """Return a candidate record in its comparable form, numbers read by the region of its connection."""
    setting = installation.connections.get(landed.connection)
    return normalised(
        landed.id, landed.read_as(Candidate), setting.default_region if setting else None, landed.organisation
    )


def compare(
    connection: Connection,
    installation: Installation,
    candidates: Mapping[str, Landed],
    model: MatchModel,
    score: Score,
) -> Compared:
    """Compare these candidate records with the pool, organisation by organisation."""
    compared = Compared()
    groups: defaultdict[str, dict[str, Landed]] = defaultdict(dict)
    for record_id, landed in candidates.items():
        groups[landed.organisation][record_id] = landed
    for organisation, group in sorted(groups.items()):
        _Organisation(connection, installation, organisation).compare(group, model, score, compared)
    return compared


class _Organisation:
    """The key index as seen by one organisation; pools of two organisations never meet."""

    def __init__(self, connection: Connection, installation: Installation, organisation: str) -> None:
        self._connection = connection
        self._installation = installation
        self._organisation = organisation

    def compare(self, group: Mapping[str, Landed], model: MatchModel, score: Score, into: Compared) -> None:
        focus = dict(group)
        while True:
            live = {name: normal(self._installation, landed) for name, landed in focus.items() if landed.live}
            held = {name: frozenset(keys(record)) for name, record in live.items()}
            before, left = self._names(self._stored_keys(focus) | _all(held)), self._own_names(focus)
            after = _after(before, left, live, held)
            flipped = {key for key in before.keys() | after.keys() if _shared(key, before) != _shared(key, after)}
            pulled = by_ids(self._connection, self._holders(flipped) - focus.keys())
            if not pulled:
                break
            focus |= pulled
        personal = {key for key in _all(held) if not _shared(key, after)}
        others = by_ids(self._connection, self._holders(personal) - focus.keys())
        around = {name: normal(self._installation, landed) for name, landed in others.items() if landed.live}
        further = _all({name: frozenset(keys(record)) for name, record in around.items()}) - after.keys()
        after |= _after(self._names(further), {}, {}, {})
        shared = {key for key in after if _shared(key, after)}
        into.focus |= focus
        into.normalised |= live
        if live:
            into.edges += score([*live.values(), *around.values()], frozenset(live), shared, model)

    def _names(self, wanted: Collection[Key]) -> dict[Key, Counter[str]]:
        """Return for each key how often each name stands among its stored holders."""
        found: dict[Key, Counter[str]] = {}
        columns = (record_keys.c.kind, record_keys.c.value, record_keys.c.name_key)
        for kind, values in _by_kind(wanted).items():
            statement = (
                select(*columns, func.count())
                .join(records, records.c.id == record_keys.c.record_id)
                .where(record_keys.c.kind == kind, records.c.organisation == self._organisation)
                .group_by(*columns)
            )
            for _, value, name, count in rows_with(self._connection, statement, record_keys.c.value, values):
                found.setdefault(Key(kind, value), Counter())[name] = count
        return found

    def _own_names(self, focus: Collection[str]) -> dict[Key, Counter[str]]:
        """Return what the records in focus themselves contribute to the stored names."""
        found: dict[Key, Counter[str]] = {}
        statement = select(record_keys.c.kind, record_keys.c.value, record_keys.c.name_key)
        for kind, value, name in rows_with(self._connection, statement, record_keys.c.record_id, focus):
            found.setdefault(Key(kind, value), Counter())[name] += 1
        return found

    def _stored_keys(self, focus: Collection[str]) -> set[Key]:
        return set(self._own_names(focus))

    def _holders(self, wanted: Collection[Key]) -> set[str]:
        found: set[str] = set()
        for kind, values in _by_kind(wanted).items():
            statement = (
                select(record_keys.c.record_id)
                .join(records, records.c.id == record_keys.c.record_id)
                .where(record_keys.c.kind == kind, records.c.organisation == self._organisation)
            )
            found.update(row.record_id for row in rows_with(self._connection, statement, record_keys.c.value, values))
        return found


def _after(
    before: Mapping[Key, Counter[str]],
    left: Mapping[Key, Counter[str]],
    live: Mapping[str, Normalised],
    held: Mapping[str, frozenset[Key]],
) -> dict[Key, Counter[str]]:
    after = {key: names - left.get(key, Counter()) for key, names in before.items()}
    for name, own in held.items():
        for key in own:
            after.setdefault(key, Counter())[live[name].name_key] += 1
    return after


def _shared(key: Key, names: Mapping[Key, Counter[str]]) -> bool:
    return is_shared(key.kind, names.get(key, Counter()))


def _all(held: Mapping[str, Iterable[Key]]) -> set[Key]:
    return {key for own in held.values() for key in own}


def _by_kind(wanted: Iterable[Key]) -> dict[str, set[str]]:
    kinds: defaultdict[str, set[str]] = defaultdict(set)
    for key in wanted:
        kinds[key.kind].add(key.value)
    return dict(sorted(kinds.items()))
