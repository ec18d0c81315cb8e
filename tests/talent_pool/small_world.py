"""A small world for tests of resolution: records landed by hand, and looks at what became of them."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any

from sqlalchemy import insert, select, update

from connectors.contract import Connection
from connectors.records import Candidate, EmailAddress, PhoneNumber, Record
from dedupe.blocking import Key, keys
from dedupe.model import MatchModel
from dedupe.normalise import Normalised
from dedupe.scoring import Edge
from talent_pool.installation import Installation
from talent_pool.store.database import Store, allocate
from talent_pool.store.ids import record_id
from talent_pool.store.tables import metadata, person_records, records, work

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)

INSTALLATION = Installation(
    {
        name: Connection(name=name, connector="csv", trust=trust, organisation=organisation, default_region="GB")
        for name, trust, organisation in (
            ("ats", 80, "default"),
            ("board", 50, "default"),
            ("portal", 60, "default"),
            ("sister", 50, "sister_company"),
        )
    },
    {},
    {},
    {},
)


def later(minutes: float) -> datetime:
    """Return a moment after NOW."""
    return NOW + timedelta(minutes=minutes)


def candidate(remote_id: str, name: str | None = None, emails: Sequence[str] = (), **fields: Any) -> Candidate:
    """Return a candidate record; names are split at the last space."""
    first, _, last = (name or "").rpartition(" ")
    told: dict[str, Any] = {"full_name": name, "first_name": first, "last_name": last} if name else {}
    if emails:
        told["email_addresses"] = tuple(EmailAddress(value=one) for one in emails)
    phones = fields.pop("phones", ())
    if phones:
        told["phone_numbers"] = tuple(PhoneNumber(value=one) for one in phones)
    return Candidate(remote_id=remote_id, **(told | fields))


def birth_id(store: Store, connection: str, remote_id: str, record_type: str = "candidate") -> str:
    """Return the birth id of a record."""
    return record_id(store, connection, record_type, remote_id)


def land(store: Store, connection: str, *arriving: Record, now: datetime = NOW) -> list[str]:
    """Land records, new or changed, and let them wait for resolution; returns their birth ids."""
    ids: list[str] = []
    with store.writing() as transaction:
        for record in arriving:
            name = birth_id(store, connection, record.remote_id, record.record_type)
            parent_type, parent_id = record.parent or (None, None)
            values = {
                "parent_type": parent_type,
                "parent_remote_id": parent_id,
                "body": record.model_dump(mode="json", exclude_unset=True),
                "remote_created_at": record.remote_created_at,
                "remote_updated_at": record.remote_updated_at,
                "modified_at": now,
                "removed_at": None,
                "removal_cause": None,
            }
            if transaction.execute(select(records.c.id).where(records.c.id == name)).first():
                transaction.execute(update(records).where(records.c.id == name).values(values))
            else:
                born = {
                    "id": name,
                    "organisation": INSTALLATION.connections[connection].organisation,
                    "connection": connection,
                    "record_type": record.record_type,
                    "remote_id": record.remote_id,
                    "generation": 0,
                    "stream": record.record_type,
                    "payload_remote_id": record.remote_id,
                    "landing_number": allocate(transaction, "landing", 1),
                    "landed_at": now,
                }
                transaction.execute(insert(records).values(born | values))
            ids.append(name)
        _wait(store, transaction, ids, now)
    return ids


def remove(store: Store, *ids: str, now: datetime = NOW) -> None:
    """Let the source of these records hold them no longer."""
    with store.writing() as transaction:
        gone = update(records).where(records.c.id.in_(ids))
        transaction.execute(gone.values(removed_at=now, removal_cause="deleted", modified_at=now))
        _wait(store, transaction, ids, now)


def _wait(store: Store, transaction: Any, ids: Collection[str], now: datetime) -> None:
    rows = [{"stage": "resolve", "subject_id": name, "since": now} for name in ids]
    if rows:
        transaction.execute(store.insert(work).on_conflict_do_nothing(), rows)


def partition(store: Store) -> set[frozenset[str]]:
    """Return the records of each person, without the people's ids."""
    return set(held(store).values())


def held(store: Store) -> dict[str, frozenset[str]]:
    """Return the records of each person."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    with store.reading() as connection:
        for row in connection.execute(select(person_records)):
            found[row.person_id].add(row.record_id)
    return {person: frozenset(own) for person, own in found.items()}


def dump(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table, in an order of its own."""
    with store.reading() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for table in metadata.sorted_tables
        }


def same_address(
    compared: Sequence[Normalised], focus: AbstractSet[str], shared: AbstractSet[Key], model: MatchModel
) -> list[Edge]:
    """Score as plainly as can be: whoever has a personal e-mail or telephone key in common is one person."""
    holders: defaultdict[Key, list[str]] = defaultdict(list)
    for record in compared:
        for key in set(keys(record)) - shared:
            if key.kind in {"email", "phone"}:
                holders[key].append(record.record_id)
    del model
    pairs = {pair for names in holders.values() for pair in combinations(sorted(names), 2) if focus & set(pair)}
    return [Edge(a, b, 12.0, 0.999, {"email": 1}) for a, b in sorted(pairs)]
