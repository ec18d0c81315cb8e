"""The one transaction that takes a person out of every table, and out of what other people's rows say of her."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

import orjson
from sqlalchemy import Connection, Table, delete, func, insert, or_, select, update

from connectors.records import Channel, ConsentStatus
from talent_pool.landing.arrivals import canonical, compressed, decompressed
from talent_pool.landing.erased import TAKEN_OUT, without
from talent_pool.privacy.extent import Extent, of_places
from talent_pool.privacy.mentions import Mentions
from talent_pool.resolution import turns
from talent_pool.resolution.golden import STUB
from talent_pool.store import changes, tombstones
from talent_pool.store.addresses import address_key
from talent_pool.store.changes import Change
from talent_pool.store.database import Store
from talent_pool.store.lookup import apply_to, delete_with, rows_with
from talent_pool.store.tables import (
    applications,
    consent_statements,
    decisions,
    deliveries,
    destination_jobs,
    edges,
    events,
    holdings,
    interviews,
    job_matches,
    landed_deliveries,
    memberships,
    payload_versions,
    payloads,
    people,
    person_addresses,
    person_records,
    push_rows,
    quarantine,
    record_forms,
    record_holds,
    record_keys,
    records,
    referral_links,
    retention_marks,
    retries,
    run_pages,
    runs,
    segment_due,
    tasks,
    work,
)
from talent_pool.store.tables import changes as change_table

_FEW = 50
"""Holders of a key up to which one name more or less may tell whether it is shared: these are compared again."""
_TELLING = 6
"""Letters from which on a remote id within a delivery's key is no chance."""
_REFUSALS = (ConsentStatus.REFUSED.value, ConsentStatus.WITHDRAWN.value)
_BODIES: dict[str, Table] = {table.name: table for table in (payloads, payload_versions, quarantine)}
_COUNTS = ("read", "new", "changed", "same", "stale", "deleted", "duplicate", "quarantined", "erased")


@dataclass
class Wiped:
    """Rows taken out or made anonymous, by table."""

    counts: dict[str, int] = field(default_factory=dict[str, int])

    def add(self, table: str, number: int) -> None:
        """Count rows of a table."""
        if number:
            name = str(table)  # SQLAlchemy's names are texts of a kind of their own
            self.counts[name] = self.counts.get(name, 0) + number


def wipe(connection: Connection, store: Store, extent: Extent, found: Mentions, now: datetime) -> Wiped:
    """Take everything of `extent` out, in this transaction, under the resolver's lock. Ids stay, and stand for nobody.

    Whoever was compared with her waits for resolution, for without her they may belong together otherwise.
    """
    wiped = Wiped()
    turns.begin(connection)
    _let_neighbours_wait(connection, store, extent, found, now)
    _keep_refusals(connection, store, extent, wiped)
    _delete_derived(connection, extent, wiped)
    _delete_landed(connection, extent, found, wiped)
    _scrub(connection, extent, found, wiped)
    _make_ledgers_anonymous(connection, extent, wiped)
    _say_that_she_is_gone(connection, extent, now)
    turns.end(connection)
    return wiped


def _let_neighbours_wait(connection: Connection, store: Store, extent: Extent, found: Mentions, now: datetime) -> None:
    own = extent.candidates
    waiting = set(found.records)
    for mine, other in ((edges.c.record_a, edges.c.record_b), (edges.c.record_b, edges.c.record_a)):
        waiting |= {row[0] for row in rows_with(connection, select(other), mine, own)}
    keys = {row.key for row in rows_with(connection, select(record_keys.c.key), record_keys.c.record_id, own)}
    holders: dict[int, list[str]] = {}
    together = select(record_keys.c.key, record_keys.c.record_id)
    for row in rows_with(connection, together, record_keys.c.key, keys):
        holders.setdefault(row.key, []).append(row.record_id)
    waiting |= {name for names in holders.values() if len(names) <= _FEW for name in names}
    rows = [{"stage": "resolve", "subject_id": name, "since": now} for name in sorted(waiting - extent.rows.keys())]
    if rows:
        connection.execute(store.insert(work).on_conflict_do_nothing(), rows)


def _keep_refusals(connection: Connection, store: Store, extent: Extent, wiped: Wiped) -> None:
    """Bind what she refused to the keyed hashes of her addresses; everything else that was said goes."""
    said = {
        row.id: row
        for column, values in (
            (consent_statements.c.record_id, set(extent.rows)),
            (consent_statements.c.address_key, extent.keys - extent.shared),
        )
        for row in rows_with(connection, select(consent_statements), column, values)
    }
    columns = [str(column.name) for column in consent_statements.c]
    kept: list[dict[str, Any]] = []
    for row in said.values():
        if row.status in _REFUSALS:
            whole = {name: getattr(row, name) for name in columns}
            evidence = {"kind": row.evidence["kind"]} if "kind" in row.evidence else {}
            for key in [row.address_key] if row.address_key else sorted(_keys_for(store, extent, row.channel)):
                name = "cst_" + store.hashed("survives", row.id, key)
                kept.append(whole | {"id": name, "record_id": None, "address_key": key, "evidence": evidence})
    delete_with(connection, consent_statements.c.id, set(said))
    if kept:
        connection.execute(store.insert(consent_statements).on_conflict_do_nothing(), kept)
    wiped.add("consent_statements", len(said))


def _keys_for(store: Store, extent: Extent, channel: str) -> set[str]:
    wanted = {Channel.ANY.value: None, Channel.PHONE.value: Channel.SMS.value}.get(channel, channel)
    return {address_key(store, Channel(one), address) for one, address in extent.addresses if wanted in (None, one)}


def _delete_derived(connection: Connection, extent: Extent, wiped: Wiped) -> None:
    mine, ids, subjects = set(extent.rows), extent.ids, extent.ids | extent.applications
    for column, values in (
        (record_keys.c.record_id, mine),
        (record_forms.c.record_id, mine),
        (edges.c.record_a, mine),
        (edges.c.record_b, mine),
        (decisions.c.record_a, mine),
        (decisions.c.record_b, mine),
        (record_holds.c.record_id, mine),
        (person_records.c.record_id, mine),
        (person_records.c.person_id, ids),
        (person_addresses.c.person_id, ids),
        (events.c.record_id, mine),
        (events.c.candidate_record_id, extent.candidates),
        (events.c.application_id, extent.applications),
        (applications.c.id, extent.applications),
        (interviews.c.application_id, extent.applications),
        (job_matches.c.application_id, extent.applications),
        (tasks.c.application_id, extent.applications),
        (tasks.c.candidate_record_id, extent.candidates),
        (retries.c.subject_id, subjects | {f"left:{key}" for key in extent.keys - extent.shared}),
        (memberships.c.subject_id, subjects),
        (memberships.c.person_id, ids),
        (segment_due.c.subject_id, subjects),
        (segment_due.c.person_id, ids),
        (retention_marks.c.person_id, ids),
        (work.c.subject_id, mine | subjects),
    ):
        _delete(connection, column, values, wiped)


def _delete(connection: Connection, column: Any, values: Collection[str], wiped: Wiped) -> None:
    counted = select(func.count().label("number"))
    wiped.add(column.table.name, sum(row.number for row in rows_with(connection, counted, column, values)))
    delete_with(connection, column, values)


def _delete_landed(connection: Connection, extent: Extent, found: Mentions, wiped: Wiped) -> None:
    _delete(connection, records.c.id, set(extent.rows), wiped)
    gone: list[str] = []
    for table in _BODIES.values():
        ids = set(found.about.get(table.name, ()))
        for here in of_places(table, extent.payloads):
            ids |= set(connection.execute(select(table.c.id).where(here)).scalars())
        if table is payloads:
            runs_of = rows_with(connection, select(payloads.c.id, payloads.c.last_run_id), payloads.c.id, ids)
            gone = [row.last_run_id for row in runs_of]
        delete_with(connection, table.c.id, ids)
        wiped.add(table.name, len(ids))
    _correct_runs(connection, gone)
    _forget_keys(connection, extent, wiped)


def _forget_keys(connection: Connection, extent: Extent, wiped: Wiped) -> None:
    """Forget the keys of deliveries that are made of her remote ids: the tombstones know a repeat as well."""
    for source in sorted({row["connection"] for row in extent.rows.values()}):
        names = {str(row["remote_id"]) for row in extent.rows.values() if row["connection"] == source}
        long = sorted(name for name in names if len(name) >= _TELLING)
        here = [landed_deliveries.c.key.in_(sorted(names))]
        here += [landed_deliveries.c.key.contains(name, autoescape=True) for name in long]
        for start in range(0, len(here), 100):
            gone = delete(landed_deliveries).where(landed_deliveries.c.connection == source)
            wiped.add("landed_deliveries", connection.execute(gone.where(or_(*here[start : start + 100]))).rowcount)


def _correct_runs(connection: Connection, run_ids: Iterable[str]) -> None:
    """Write into the ledger of each run that so many of its new objects were erased since, so that it still adds up."""
    numbers: dict[str, int] = {}
    for name in run_ids:
        numbers[name] = numbers.get(name, 0) + 1
    for name, number in sorted(numbers.items()):
        if connection.execute(select(runs.c.id).where(runs.c.id == name)).first() is None:
            continue
        lowest = connection.execute(select(func.min(run_pages.c.number)).where(run_pages.c.run_id == name)).scalar()
        row = dict.fromkeys(_COUNTS, 0) | {"new": -number, "erased": number}
        place = {"run_id": name, "number": min(lowest or 0, 0) - 1, "stream": "erasure"}
        connection.execute(insert(run_pages).values(place | row))


def _scrub(connection: Connection, extent: Extent, found: Mentions, wiped: Wiped) -> None:
    """Take her out of what stays: rows of other people that name her."""
    words = {*extent.words, *(name for name in extent.names if " " in name.strip())}
    for name, ids in found.naming.items():
        table = _BODIES[name]
        for row in rows_with(connection, select(table.c.id, table.c.body), table.c.id, ids):
            body = compressed(canonical(_without_delivery(orjson.loads(decompressed(row.body)), words)))
            connection.execute(update(table).where(table.c.id == row.id).values(body=body))
        wiped.add(name, len(ids))
    told = select(records.c.id, records.c.record_type, records.c.body)
    for row in list(rows_with(connection, told, records.c.id, found.records)):
        body = {name: value for name, value in row.body.items() if name != "referrer"}
        body = without(body, words)
        connection.execute(update(records).where(records.c.id == row.id).values(body=body))
    apply_to(connection, update(applications).values(referrer=None), applications.c.record_id, found.records)
    for row in list(rows_with(connection, select(events.c.id, events.c.details), events.c.record_id, found.records)):
        connection.execute(update(events).where(events.c.id == row.id).values(details=without(row.details, words)))
    wiped.add("records", len(found.records))
    anonymous = update(referral_links).values(referrer_name=None, referrer_email=None)
    apply_to(connection, anonymous, referral_links.c.token, found.links)
    wiped.add("referral_links", len(found.links))


def _without_delivery(raw: Any, words: Iterable[str]) -> Any:
    """Return a raw object without her; a delivery that could not be read loses its body whole."""
    whole = cast("dict[str, Any]", raw) if isinstance(raw, dict) else {}
    if "headers" in whole and isinstance(whole.get("body"), str):
        return {**whole, "headers": {}, "body": TAKEN_OUT.encode().hex()}
    return without(raw, words)


def _make_ledgers_anonymous(connection: Connection, extent: Extent, wiped: Wiped) -> None:
    keys = extent.keys - extent.shared
    _delete(connection, holdings.c.person_id, extent.ids, wiped)
    _delete(connection, holdings.c.address_key, keys, wiped)
    _delete(connection, destination_jobs.c.person_id, extent.ids, wiped)
    _delete(connection, destination_jobs.c.address_key, keys, wiped)
    sent = update(deliveries).values(vendor_reason=None, reason=None)
    for column, values in (
        (deliveries.c.person_id, extent.ids),
        (deliveries.c.address_key, keys),
        (deliveries.c.candidate_record_id, extent.candidates),
    ):
        apply_to(connection, sent, column, values)
    pushed = update(push_rows).values(vendor_reason=None)
    apply_to(connection, pushed, push_rows.c.person_id, extent.ids)
    apply_to(connection, pushed, push_rows.c.subject_id, extent.ids | extent.applications)
    subjects = extent.ids | extent.applications
    told = update(change_table).where(change_table.c.kind != "merged").values(cause={"erased": True})
    apply_to(connection, told, change_table.c.subject_id, subjects)


def _say_that_she_is_gone(connection: Connection, extent: Extent, now: datetime) -> None:
    entries = [Change("person", extent.person_id, "ended", {"erased": True})]
    entries += [Change("application", name, "ended", {"erased": True}) for name in sorted(extent.applications)]
    numbers = changes.append(connection, entries, now)
    stub = dict(STUB) | {"state": "erased", "modified_at": now, "sequence": numbers[0]}
    connection.execute(update(people).where(people.c.id == extent.person_id).values(stub))


def sweep(connection: Connection, destination: str, keys: Collection[str], ids: Collection[str]) -> None:
    """Take out what a push that was under way wrote of her after the erasure, at one destination."""
    for table in (holdings, destination_jobs):
        for column, values in ((table.c.address_key, keys), (table.c.person_id, ids)):
            apply_to(connection, delete(table).where(table.c.destination == destination), column, values)
    for table in (deliveries, push_rows):
        plain = update(table).where(table.c.destination == destination).values(vendor_reason=None)
        apply_to(connection, plain, table.c.person_id, ids)


def bury(connection: Connection, store: Store, extent: Extent, request_id: str, now: datetime) -> None:
    """Set up the tombstones of everything that is hers, and let nobody use what is still there."""
    tombstones.hold(connection, shared=False)
    tombstones.set_up(connection, store, extent.stones, request_id, now)
    pending = update(people).where(people.c.id == extent.person_id, people.c.state != "erased")
    connection.execute(pending.values(state="erasure_pending"))
