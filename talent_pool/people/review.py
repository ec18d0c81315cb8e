"""What people should look at: pairs that the model holds for likely, but not likely enough, and that nobody decided.

Two people are one line of the queue, however many of their records resemble each other: the likeliest pair stands
for them. Read from stored edges alone; nothing is compared anew, and nothing is written.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Row, Select, and_, func, select

from connectors.records import Candidate
from dedupe.comparisons import guard
from dedupe.explanation import Step, waterfall
from dedupe.normalise import phone
from talent_pool.epochs import stored as epochs
from talent_pool.installation import Installation
from talent_pool.resolution import decisions
from talent_pool.resolution.decisions import Ties
from talent_pool.resolution.landed import Landed, by_ids
from talent_pool.store.database import Store
from talent_pool.store.lookup import rows_with
from talent_pool.store.tables import edges, person_records


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two people: all that their records say, each value once, the record that was compared first.

    `phones` are E.164 where they can be read so. `records` are birth ids.
    """

    person_id: str
    record_id: str
    names: tuple[str, ...]
    emails: tuple[str, ...]
    phones: tuple[str, ...]
    employers: tuple[str, ...]
    cities: tuple[str, ...]
    sources: tuple[str, ...]
    records: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two people who may be one, by their likeliest records: `a.record_id` < `b.record_id`.

    `records`: how many would come together. `weight` in log2 odds is the sum of `steps`. `held_apart` says in words
    why they are two people so far.
    """

    a: Side
    b: Side
    records: int
    probability: float
    weight: float
    held_apart: str
    steps: tuple[Step, ...]


def queue(store: Store, installation: Installation, limit: int = 20) -> list[Pair]:
    """Return the pairs that wait for a decision; those first that bring most records together, then the likeliest."""
    with store.reading() as connection:
        found = _likeliest(connection.execute(_apart()), _settled(connection))
        sizes = _sizes(connection, {person for row in found for person in (row.person_a, row.person_b)})

        def _rank(row: Row[*tuple[object, ...]]) -> tuple[int, float, str, str]:
            return (-sizes[row.person_a] - sizes[row.person_b], -row.probability, row.record_a, row.record_b)

        return _pairs(connection, installation, sorted(found, key=_rank)[:limit])


def size(connection: Connection) -> int:
    """Return how many pairs of people wait for a decision."""
    return len(_likeliest(connection.execute(_apart()), _settled(connection)))


def still_open(store: Store, installation: Installation, pair: Pair) -> Pair | None:
    """Return a pair of the queue as it stands now; None where it was decided, or changed so that it waits no more."""
    same = and_(edges.c.record_a == pair.a.record_id, edges.c.record_b == pair.b.record_id)
    with store.reading() as connection:
        found = _likeliest(connection.execute(_apart().where(same)), _settled(connection))
        return next(iter(_pairs(connection, installation, found)), None)


def _apart() -> Select[*tuple[object, ...]]:
    """Every stored edge between two people; each reached the model's `review_at`, or it would not be stored."""
    one, other = person_records.alias(), person_records.alias()
    return (
        select(
            edges.c.record_a,
            edges.c.record_b,
            edges.c.probability,
            one.c.person_id.label("person_a"),
            other.c.person_id.label("person_b"),
        )
        .join(one, one.c.record_id == edges.c.record_a)
        .join(other, other.c.record_id == edges.c.record_b)
        .where(one.c.person_id != other.c.person_id)
    )


def _settled(connection: Connection) -> frozenset[frozenset[str]]:
    """Return every pair of people of whose records two were decided to be different."""
    ties = decisions.ties(decisions.standing(connection))
    named = {record for pair in ties.opposed for group in pair for record in group}
    columns = select(person_records.c.record_id, person_records.c.person_id)
    holder = {row.record_id: row.person_id for row in rows_with(connection, columns, person_records.c.record_id, named)}
    return frozenset(_opposed_people(ties, holder))


def _opposed_people(ties: Ties, holder: Mapping[str, str]) -> Iterable[frozenset[str]]:
    for pair in ties.opposed:
        sides = [{holder[record] for record in group if record in holder} for group in pair]
        yield from (frozenset((a, b)) for a in sides[0] for b in sides[-1])


def _likeliest(
    rows: Iterable[Row[*tuple[object, ...]]], settled: Collection[frozenset[str]]
) -> list[Row[*tuple[object, ...]]]:
    """Return the likeliest pair of records of each two people whom nobody decided about."""
    best: dict[frozenset[str], Row[*tuple[object, ...]]] = {}
    for row in rows:
        two = frozenset((row.person_a, row.person_b))
        if two not in settled and (two not in best or _before(row) < _before(best[two])):
            best[two] = row
    return list(best.values())


def _before(row: Row[*tuple[object, ...]]) -> tuple[float, str, str]:
    return (-row.probability, row.record_a, row.record_b)


def _sizes(connection: Connection, people: Collection[str]) -> Counter[str]:
    counted = select(person_records.c.person_id, func.count().label("records")).group_by(person_records.c.person_id)
    return Counter(dict(tuple(row) for row in rows_with(connection, counted, person_records.c.person_id, people)))


def _pairs(connection: Connection, installation: Installation, rows: Sequence[Row[*tuple[object, ...]]]) -> list[Pair]:
    model = epochs.in_force(connection).model
    people = {person for row in rows for person in (row.person_a, row.person_b)}
    columns = select(person_records.c.person_id, person_records.c.record_id)
    held: dict[str, list[str]] = {person: [] for person in people}
    for person, record in rows_with(connection, columns, person_records.c.person_id, people):
        held[person].append(record)
    landed = by_ids(connection, [record for own in held.values() for record in own])
    found: list[Pair] = []
    for row in rows:
        this_edge = and_(edges.c.record_a == row.record_a, edges.c.record_b == row.record_b)
        weight, levels = connection.execute(select(edges.c.weight, edges.c.levels).where(this_edge)).one()
        a = _side(installation, row.person_a, row.record_a, [landed[name] for name in held[row.person_a]])
        b = _side(installation, row.person_b, row.record_b, [landed[name] for name in held[row.person_b]])
        if row.probability >= model.merge_at:
            held_apart = guard(levels) or "other records of the two speak against it"
        else:
            held_apart = guard(levels) or "what they share is not enough by itself"
        steps = tuple(waterfall(levels, model))
        found.append(Pair(a, b, len(a.records) + len(b.records), row.probability, weight, held_apart, steps))
    return found


def _side(installation: Installation, person: str, compared: str, own: Iterable[Landed]) -> Side:
    ordered = sorted(own, key=lambda one: (one.id != compared, one.landing_number))
    told = [(one, one.read_as(Candidate)) for one in ordered]
    return Side(
        person_id=person,
        record_id=compared,
        names=_each_once(name_of(candidate) for _, candidate in told),
        emails=_each_once(one.value.lower() for _, candidate in told for one in candidate.email_addresses),
        phones=_each_once(
            phone(number.value, _region(installation, landed, candidate)) or number.value
            for landed, candidate in told
            for number in candidate.phone_numbers
        ),
        employers=_each_once(candidate.company for _, candidate in told),
        cities=_each_once(candidate.location.city for _, candidate in told if candidate.location),
        sources=_each_once(landed.connection for landed in ordered),
        records=tuple(landed.id for landed in ordered),
    )


def _region(installation: Installation, landed: Landed, candidate: Candidate) -> str | None:
    """Return the region by which numbers without a country were read when the records were compared."""
    setting = installation.connections.get(landed.connection)
    own = candidate.location.country_code if candidate.location else None
    return (setting.default_region if setting else None) or own


def name_of(candidate: Candidate) -> str | None:
    """Return what a record calls somebody."""
    parts = " ".join(filter(None, (candidate.first_name, candidate.last_name)))
    return candidate.full_name or parts or None


def _each_once(values: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value))
