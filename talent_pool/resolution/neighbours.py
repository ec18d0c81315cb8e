"""Whom a record has to be compared with: the key index, and which of its values many people share.

Whether a value is shared follows from the records that hold it now, and from nothing else. So when a value crosses
the line, in either direction, every holder is compared anew.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from hashlib import blake2b

from sqlalchemy import Connection, func, select

from connectors.records import Candidate
from dedupe.blocking import Key, contacts, is_shared, keys
from dedupe.model import MatchModel
from dedupe.normalise import Normalised, normalised, read_form
from dedupe.scoring import Edge
from talent_pool.installation import Installation
from talent_pool.resolution.landed import Landed, by_ids
from talent_pool.store.lookup import rows_with
from talent_pool.store.tables import record_forms, record_keys

Score = Callable[[Sequence[Normalised], AbstractSet[str], AbstractSet[Key], MatchModel], list[Edge]]
"""Compares the records in focus with all: see `dedupe.scoring.edges`."""


Held = Mapping[int, Key]
"""A record's keys by their numbers."""

_Names = Mapping[str, int]
"""{name key: records that hold a value under it}."""

_NOBODY: _Names = {}

_BY_NAME = (record_keys.c.key, record_keys.c.name_key)
_COUNTED = select(*_BY_NAME, func.count().label("holders")).group_by(*_BY_NAME)
_HELD = select(record_keys.c.key, record_keys.c.kind, record_keys.c.name_key)
_HOLDERS = select(record_keys.c.record_id)
_FORMS = select(record_forms.c.form)


@dataclass
class Compared:
    """Records compared anew, and what came of it.

    `focus`: every record whose keys and edges are replaced; those that a source removed are left without any.
    `normalised`: the live ones among them; `keys`: their keys. `edges`: all edges that touch them.
    """

    focus: dict[str, Landed] = field(default_factory=dict[str, Landed])
    normalised: dict[str, Normalised] = field(default_factory=dict[str, Normalised])
    keys: dict[str, Held] = field(default_factory=dict[str, Held])
    edges: list[Edge] = field(default_factory=list[Edge])


def normal(installation: Installation, landed: Landed) -> Normalised:
    """Return a candidate record in its comparable form, numbers read by the region of its connection."""
    setting = installation.connections.get(landed.connection)
    return normalised(
        landed.id, landed.read_as(Candidate), setting.default_region if setting else None, landed.organisation
    )


def held_by(record: Normalised, told: Callable[[Normalised], Iterable[Key]] = keys) -> Held:
    """Return a record's keys, or those that `told` returns, by the numbers that stand for them in the index."""
    return {_number(record.organisation, key.kind, key.value): key for key in told(record)}


def shared_among(connection: Connection, held: Held) -> set[Key]:
    """Return those of these values, of one organisation, that say nothing of one person by who holds them now."""
    holders = _Holders(connection)
    holders.look_up(held)
    return {key for number, key in held.items() if holders.is_shared(number, key.kind)}


def crossing(connection: Connection, filed: Mapping[str, tuple[str, Held]]) -> set[str]:
    """Return who holds a value that crosses the line once these records hold their values: {id: (name key, keys)}."""
    return _holding(connection, _Holders(connection).exchange(filed, filed))


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
    for _, group in sorted(groups.items()):
        _compare_within(connection, installation, group, model, score, compared)
    return compared


def _compare_within(
    connection: Connection,
    installation: Installation,
    group: Mapping[str, Landed],
    model: MatchModel,
    score: Score,
    into: Compared,
) -> None:
    """Compare records of one organisation; the numbers of keys are the organisation's own, so that pools never meet."""
    names = _Holders(connection)
    fresh, focus = dict(group), dict[str, Landed]()
    live: dict[str, Normalised] = {}
    held: dict[str, Held] = {}
    while fresh:
        focus |= fresh
        new = {name: normal(installation, landed) for name, landed in fresh.items() if landed.live}
        live |= new
        held |= {name: held_by(record) for name, record in new.items()}
        flipped = names.exchange(fresh, {name: (live[name].name_key, held[name]) for name in new})
        fresh = by_ids(connection, _holding(connection, flipped) - focus.keys())
    others = _holding(connection, names.telling()) - focus.keys()
    around = [read_form(row.form) for row in rows_with(connection, _FORMS, record_forms.c.record_id, others)]
    reached = {number: key for record in around for number, key in held_by(record, contacts).items()}
    names.look_up(reached)
    known = {number: key for own in (*held.values(), reached) for number, key in own.items()}
    into.focus |= focus
    into.normalised |= live
    into.keys |= held
    if live:
        shared = {key for number, key in known.items() if names.is_shared(number, key.kind)}
        into.edges += score([*live.values(), *around], frozenset(live), shared, model)


def _holding(connection: Connection, numbers: Collection[int]) -> set[str]:
    """Return the stored records that hold one of these values."""
    return {row.record_id for row in rows_with(connection, _HOLDERS, record_keys.c.key, numbers)}


class _Holders:
    """How many records hold each value, by their names: as stored, and as it will be after this turn."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._kinds: dict[int, str] = {}
        self._before: dict[int, dict[str, int]] = {}
        self._after: dict[int, dict[str, int]] = {}

    def exchange(self, left: Collection[str], come: Mapping[str, tuple[str, Held]]) -> set[int]:
        """Replace these records' stored values by those of now, and return the values that cross the line."""
        gone = list(rows_with(self._connection, _HELD, record_keys.c.record_id, left))
        told = {number: key.kind for _, held in come.values() for number, key in held.items()}
        told |= {row.key: row.kind for row in gone}
        self.look_up(told)
        self._kinds |= told
        for row in gone:
            self._add(row.key, row.name_key, -1)
        for name_key, held in come.values():
            for number in held:
                self._add(number, name_key, 1)
        return {number for number, kind in told.items() if self._crossed(number, kind)}

    def look_up(self, numbers: Collection[int]) -> None:
        """Read how the values that are not known yet are held."""
        unknown = [number for number in numbers if number not in self._before]
        if not unknown:
            return
        for number in unknown:
            self._before[number] = {}
        for number, name_key, count in rows_with(self._connection, _COUNTED, record_keys.c.key, unknown):
            self._before[number][name_key] = count
        self._after |= {number: dict(self._before[number]) for number in unknown}

    def is_shared(self, number: int, kind: str) -> bool:
        """Say whether a value tells nobody apart, after this turn."""
        return is_shared(kind, self._after.get(number, _NOBODY))

    def telling(self) -> set[int]:
        """Return the values that are stored already, and say something of one person after this turn."""
        return {n for n, kind in self._kinds.items() if self._before.get(n) and not self.is_shared(n, kind)}

    def _add(self, number: int, name_key: str, count: int) -> None:
        names = self._after[number]
        left = names.get(name_key, 0) + count
        if left:
            names[name_key] = left
        else:
            names.pop(name_key, None)

    def _crossed(self, number: int, kind: str) -> bool:
        before = self._before[number]
        return bool(before) and is_shared(kind, before) != self.is_shared(number, kind)


def _number(organisation: str, kind: str, value: str) -> int:
    """Return the number that stands for a value in the index: 63 bits of its hash, so that two never meet."""
    text = f"{organisation}\x1f{kind}\x1f{value}".encode()
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big") >> 1
