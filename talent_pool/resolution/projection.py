"""Applications, jobs, events, interviews and users, projected from landed records.

The parts of an application arrive in any order: whenever one of them waits, every application it concerns is
projected anew from all that is stored. A projection is computed without a lock; what differs is written later.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, select

from connectors.records import Interaction, Job
from talent_pool.installation import Installation
from talent_pool.resolution.applications import (
    PARTS,
    HoldersOf,
    Link,
    Surroundings,
    application_id,
    application_row,
    job_id,
    named_references,
    reference_ids,
    step_ids,
)
from talent_pool.resolution.interviews import interview_rows, user_row
from talent_pool.resolution.landed import Landed, Place, by_place, children, part_of
from talent_pool.store.database import Store, insert_mappings
from talent_pool.store.ids import record_id
from talent_pool.store.lookup import delete_with, mappings_with, rows_with
from talent_pool.store.tables import applications, events, interviews, jobs, records, referral_links, users

Rows = dict[str, dict[str, Any]]

TABLES = (applications, jobs, events, interviews, users)
_ROWS = {table.name: select(table) for table in TABLES}
_APPLIED = select(applications.c.connection, applications.c.remote_id)
_LINKS = select(referral_links)


@dataclass
class Difference:
    """What has to be written into one table: rows by id, wanted and stored."""

    wanted: Rows = field(default_factory=dict[str, dict[str, Any]])
    stored: Rows = field(default_factory=dict[str, dict[str, Any]])

    def __bool__(self) -> bool:
        """Whether there is anything to look at: neither wanted nor stored is nothing."""
        return bool(self.wanted or self.stored)

    @property
    def new(self) -> list[dict[str, Any]]:
        """Rows that are not there yet."""
        return [row for name, row in sorted(self.wanted.items()) if name not in self.stored]

    @property
    def changed(self) -> list[dict[str, Any]]:
        """Rows that are there and differ, apart from when they were last modified."""
        return [row for name, row in sorted(self.wanted.items()) if name in self.stored and self._differs(row)]

    @property
    def gone(self) -> list[str]:
        """Ids of rows whose record is gone."""
        return sorted(self.stored.keys() - self.wanted.keys())

    def values(self, column: str) -> set[str]:
        """Return the values of `column`, before and after, over all rows that are new, changed or gone."""
        if not self:
            return set()
        changed = self.changed
        rows = [*self.new, *changed, *(self.stored[name] for name in self.gone)]
        rows += [self.stored[row["id"]] for row in changed]
        return {row[column] for row in rows if row[column] is not None}

    def _differs(self, row: dict[str, Any]) -> bool:
        known = self.stored[row["id"]]
        return any(known[name] != value for name, value in row.items())


@dataclass
class Projection:
    """What is to become of applications, jobs, events, interviews and users."""

    applications: Difference = field(default_factory=Difference)
    jobs: Difference = field(default_factory=Difference)
    events: Difference = field(default_factory=Difference)
    interviews: Difference = field(default_factory=Difference)
    users: Difference = field(default_factory=Difference)

    @property
    def candidates(self) -> set[str]:
        """The candidate records whose applications or events differ from what was stored."""
        return self.applications.values("candidate_record_id") | self.events.values("candidate_record_id")


def project(
    connection: Connection,
    store: Store,
    installation: Installation,
    *,
    waiting: Collection[Landed],
    moved: Collection[Landed],
    holders_of: HoldersOf,
) -> Projection:
    """Project everything that the `waiting` records concern, and the applications of the `moved` candidate records."""
    places = _concerned(connection, store, installation, waiting, moved)
    own = {place: landed for place, landed in by_place(connection, places).items() if landed.live}
    parts: defaultdict[Place, list[Landed]] = defaultdict(list)
    for part in children(connection, places, PARTS):
        if part.parent:
            parts[part.parent].append(part)
    around = _surroundings(connection, store, installation, waiting=waiting, own=own, parts=parts)
    projection = Projection()
    ids = {landed.id for landed in waiting if landed.record_type == "application"}
    ids |= {landed.id for landed in own.values()}
    projection.applications.stored = _stored(connection, applications, applications.c.record_id, ids)
    rows = [application_row(landed, parts[place], around) for place, landed in own.items()]
    holders = holders_of({row["candidate_record_id"] for row in rows})
    for row in rows:
        row["person_id"] = holders.get(row["candidate_record_id"])
        _keep_learned(row, projection.applications.stored.get(row["id"]))
        projection.applications.wanted[row["id"]] = row
    hanging = [part for group in parts.values() for part in group]
    _project_events(connection, projection.events, [*waiting, *hanging], own, around)
    _project_jobs(connection, store, projection.jobs, waiting)
    _project_interviews(connection, projection.interviews, ids, own, parts=parts, store=store)
    _project_users(connection, store, projection.users, waiting)
    return projection


def write(connection: Connection, projection: Projection, now: datetime) -> None:
    """Store what differs."""
    differences = (
        projection.applications, projection.jobs, projection.events, projection.interviews, projection.users,
    )  # fmt: skip
    for table, difference in zip(TABLES, differences, strict=True):
        if not difference:
            continue
        stamp = {"modified_at": now} if "modified_at" in table.c else {}
        changed = difference.changed
        # A changed row is written anew: one statement for any set of columns, on both databases.
        delete_with(connection, table.c.id, [*difference.gone, *(row["id"] for row in changed)])
        insert_mappings(connection, table, [row | stamp for row in (*difference.new, *changed)])


def _concerned(
    connection: Connection,
    store: Store,
    installation: Installation,
    waiting: Collection[Landed],
    moved: Collection[Landed],
) -> set[Place]:
    """Return the applications that the waiting records are, hang on, belong to or are named by."""
    places = {landed.place for landed in waiting if landed.record_type == "application"}
    places |= {r.parent for r in waiting if r.record_type in PARTS and r.parent and r.parent[1] == "application"}
    candidates = {landed.place for landed in (*waiting, *moved) if landed.record_type == "candidate"}
    places |= {child.place for child in children(connection, candidates, ("application",))}
    names = Surroundings(store, installation.connections, {}, {})
    stepped = {names.job(r.connection, r.parent_remote_id) for r in waiting if r.record_type == "job_stage"}
    for row in rows_with(connection, _APPLIED, applications.c.job_id, {name for name in stepped if name}):
        places.add((row.connection, "application", row.remote_id))
    return places | _naming(connection, [landed for landed in waiting if landed.record_type == "reference"])


def _naming(connection: Connection, references: Collection[Landed]) -> set[Place]:
    """Return the applications projected before that name one of these references.

    There is no index for it: each connection's applications are looked through once. References change rarely.
    """
    named: defaultdict[str, set[str]] = defaultdict(set)
    for landed in references:
        named[landed.connection].add(landed.remote_id)
    places: set[Place] = set()
    columns = (records.c.record_type, records.c.remote_id, records.c.parent_remote_id, records.c.body)
    for source, ids in sorted(named.items()):
        if connection.execute(select(applications.c.id).where(applications.c.connection == source).limit(1)).first():
            speakers = select(*columns).where(
                records.c.connection == source,
                records.c.record_type.in_(("application", "disposition")),
                records.c.removed_at.is_(None),
            )
            for row in connection.execute(speakers):
                if not ids.isdisjoint(reference_ids(row.record_type, row.body)):
                    own = row.remote_id if row.record_type == "application" else row.parent_remote_id
                    places.add((source, "application", own))
    return places


def _surroundings(
    connection: Connection,
    store: Store,
    installation: Installation,
    *,
    waiting: Iterable[Landed],
    own: Mapping[Place, Landed],
    parts: Mapping[Place, list[Landed]],
) -> Surroundings:
    wanted: set[Place] = {r.parent for r in waiting if r.parent and r.parent[1] == "candidate"}
    tokens: set[str] = set()
    for place, landed in own.items():
        hanging = parts.get(place, [])
        wanted.add((landed.connection, "candidate", str(landed.body["candidate_id"])))
        wanted |= {(landed.connection, "job_stage", step) for step in step_ids(landed, hanging)}
        for speaker in (landed, *hanging):
            wanted |= {(landed.connection, "reference", name) for name in named_references(speaker)}
        token = part_of(landed.body, "referrer").get("link_token")
        tokens |= {token} if token else set()
    found = by_place(connection, wanted)
    return Surroundings(store, installation.connections, found, _links(connection, tokens))


def _links(connection: Connection, tokens: Collection[str]) -> dict[str, Link]:
    links: dict[str, Link] = {}
    for row in rows_with(connection, _LINKS, referral_links.c.token, tokens):
        job = (row.job_connection, row.job_remote_id) if row.job_connection and row.job_remote_id else None
        links[row.token] = Link(job, row.referrer_name, row.referrer_email, row.campaign)
    return links


def _project_events(
    connection: Connection,
    into: Difference,
    candidates: Iterable[Landed],
    own: Mapping[Place, Landed],
    around: Surroundings,
) -> None:
    interactions = {landed.id: landed for landed in candidates if landed.record_type == "interaction"}
    into.stored = _stored(connection, events, events.c.record_id, interactions)
    for landed in interactions.values():
        if landed.live:
            row = _event(landed, own, around)
            into.wanted[row["id"]] = row


def _event(landed: Landed, own: Mapping[Place, Landed], around: Surroundings) -> dict[str, Any]:
    record = landed.read_as(Interaction)
    application: str | None = None
    candidate = around.candidate(landed.connection, record.candidate_id) if record.candidate_id else None
    if record.application_id:
        place = (landed.connection, "application", record.application_id)
        application = own[place].id if place in own else record_id(around.store, *place)
        if place in own:
            candidate = around.candidate(landed.connection, str(own[place].body["candidate_id"]))
    return {
        "id": "evt_" + landed.id.removeprefix("rec_"),
        "connection": landed.connection,
        "record_id": landed.id,
        "application_id": application_id(application) if application else None,
        "candidate_record_id": candidate,
        "type": record.type,
        "at": record.at,
        "precision": record.precision,
        "actor": record.actor,
        "details": dict(record.details),
    }


def _project_jobs(connection: Connection, store: Store, into: Difference, waiting: Iterable[Landed]) -> None:
    places = {landed.place for landed in waiting if landed.record_type == "job"}
    ids = {job_id(store, source, remote_id) for source, _, remote_id in places}
    into.stored = _stored(connection, jobs, jobs.c.id, ids)
    for landed in by_place(connection, places).values():
        record = landed.record
        if landed.live and isinstance(record, Job):
            name = job_id(store, landed.connection, landed.remote_id)
            into.wanted[name] = {
                "id": name,
                "organisation": landed.organisation,
                "connection": landed.connection,
                "remote_id": landed.remote_id,
                "record_id": landed.id,
                "name": record.name,
                "status": record.status,
                "confidential": bool(record.confidential),
                "public_url": record.public_url,
                "body": dict(landed.body),
            }


def _project_interviews(
    connection: Connection,
    into: Difference,
    record_ids: Collection[str],
    own: Mapping[Place, Landed],
    *,
    parts: Mapping[Place, list[Landed]],
    store: Store,
) -> None:
    named = {application_id(name) for name in record_ids}
    into.stored = _stored(connection, interviews, interviews.c.application_id, named)
    for place, landed in own.items():
        for row in interview_rows(store, landed, parts.get(place, [])):
            into.wanted[row["id"]] = row


def _project_users(connection: Connection, store: Store, into: Difference, waiting: Iterable[Landed]) -> None:
    places = {landed.place for landed in waiting if landed.record_type == "user"}
    found = [(landed.live, user_row(store, landed)) for landed in by_place(connection, places).values()]
    into.wanted = {row["id"]: row for live, row in found if live}
    into.stored = _stored(connection, users, users.c.id, {row["id"] for _, row in found})


def _stored(connection: Connection, table: Table, column: ColumnElement[str], values: Collection[str]) -> Rows:
    return {row["id"]: row for row in mappings_with(connection, _ROWS[table.name], column, values)}


def _keep_learned(row: dict[str, Any], stored: dict[str, Any] | None) -> None:
    """Keep when an outcome was learned for as long as it is the same outcome."""
    if stored and stored["outcome"] == row["outcome"]:
        row["outcome_learned_at"] = stored["outcome_learned_at"]
