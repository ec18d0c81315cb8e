"""The answer to an access request: everything held of a person, from where, sent to whom, why in which segment.

One JSON document, and a page for people beside it. What others said of her in confidence is in it too: whoever answers
the request reads it first (Art. 15(4) GDPR). An export is written into the ledger of runs, without its content.
"""

import os
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any, cast

import orjson
from sqlalchemy import Connection, Table, select

from connectors.errors import Misconfigured
from talent_pool.consent.facts import people_facts
from talent_pool.consent.statements import statements_of
from talent_pool.installation import Installation
from talent_pool.landing.arrivals import decompressed
from talent_pool.people import reading
from talent_pool.privacy import requests
from talent_pool.privacy.consent_terms import CONTEXT, record_of
from talent_pool.privacy.extent import Extent, extent_of, of_places
from talent_pool.segments import explain
from talent_pool.store import runs
from talent_pool.store.changes import of as changes_of
from talent_pool.store.database import Store
from talent_pool.store.lookup import mappings_with
from talent_pool.store.tables import (
    applications,
    decisions,
    deliveries,
    events,
    holdings,
    memberships,
    payload_versions,
    payloads,
    push_rows,
    quarantine,
)

Json = dict[str, Any]

_HELD_ELSEWHERE = (
    "Sources and destinations keep data of their own, under their own names; this names what was read from and given "
    "to them. Server logs of vendors are not seen from here."
)
_LOGIC = (
    "Records of several sources are taken for one person when their names, addresses and other fields agree strongly "
    "enough; a person can be asked to look at it. Nothing here decides about an application."
)


def of(store: Store, installation: Installation, name: str, now: datetime) -> Json:
    """Return everything that is held of a person. Raises NoSuchPerson."""
    person = reading.get(store, name)
    with store.reading() as connection:
        extent = extent_of(connection, store, name)
        told: Json = {
            "as_of": now,
            "person": {
                "id": person.id,
                "previous_ids": person.previous_ids,
                "state": person.state,
                "first_seen_at": person.first_seen_at,
                "last_activity_at": person.last_activity_at,
                "fields": person.golden,
                "where_each_field_comes_from": person.provenance,
            },
            "records": [_record(row) for row in extent.rows.values()],
            "as_sources_sent_it": list(_raw(connection, extent)),
            "applications": _rows(connection, applications, applications.c.id, extent.applications),
            "events": _rows(connection, events, events.c.record_id, set(extent.rows)),
            "segments": _rows(connection, memberships, memberships.c.person_id, extent.ids),
            "decisions_about_who_is_one_person": _distinct(
                _rows(connection, decisions, decisions.c.record_a, extent.candidates),
                _rows(connection, decisions, decisions.c.record_b, extent.candidates),
            ),
            "recipients": _recipients(connection, extent),
            "requests": [_request(one) for one in requests.of_person(connection, sorted(extent.ids))],
            "history": [
                {"at": one.at, "kind": one.kind, "cause": one.cause}
                for subject in sorted(extent.ids)
                for one in changes_of(connection, subject)
            ],
        }
        facts = people_facts(connection, {person.id})
    suppressed = facts[person.id].suppressed if person.id in facts else []
    told["may_not_be_written_to"] = [
        {"channel": row.channel, "reason": row.reason, "destination": row.destination, "since": row.since}
        for row in suppressed
    ]
    said = statements_of(store, person.id)
    told["consent"] = {"@context": CONTEXT, "records": [record_of(one, person.id) for one in said]}
    for one in told["segments"]:
        if one["until"] is None and one["segment"] in installation.segments:
            one["why"] = explain(store, installation, one["segment"], person.id, now)
    told["portable"] = json_resume(person.golden)
    told["logic"], told["not_in_here"] = _LOGIC, _HELD_ELSEWHERE
    return told


def write(store: Store, told: Json, path: Path, now: datetime, *, portability: bool = False) -> list[Path]:
    """Write the document at `path`, mode 0600, and a page beside it; `portability` writes the JSON Resume alone.

    Raises Misconfigured where the folder cannot be written.
    """
    person = told["person"]["id"]
    kind = "portability" if portability else "access"
    run_id = runs.start(store, "export", person, "default", now)
    document = told["portable"] if portability else told
    texts = {path: orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS, default=_plain)}
    if not portability:
        texts[path.with_suffix(".html")] = page(told).encode()
    try:
        for place, text in texts.items():
            _put(place, text)
    except OSError as error:
        runs.end(store, run_id, now, {"kind": kind}, "The file cannot be written.")
        raise Misconfigured(f"{path} cannot be written ({error.strerror}). Name another with --out.") from error
    runs.end(store, run_id, now, {"kind": kind, "files": len(texts)})
    return list(texts)


def json_resume(golden: Mapping[str, Any]) -> Json:
    """Return the profile as JSON Resume 1.3.1: what the person gave, in a form that other tools read."""
    profile = dict(cast("Json", golden.get("profile") or {}))
    basics = dict(cast("Json", profile.get("basics") or {}))
    basics["name"] = golden.get("full_name")
    basics["label"] = golden.get("title")
    basics["email"] = _first(golden.get("email_addresses"))
    basics["phone"] = _first(golden.get("phone_numbers"))
    place = cast("Json", golden.get("location") or {})
    names = {"city": "city", "region": "region", "countryCode": "country_code", "postalCode": "postal_code"}
    basics["location"] = {theirs: place[ours] for theirs, ours in names.items() if place.get(ours)} or None
    basics["profiles"] = [{"url": one["value"]} for one in golden.get("urls") or ()] or None
    told = {name: value for name, value in basics.items() if value is not None}
    return {**profile, "basics": told, "meta": {"version": "v1.3.1"}}


def page(told: Json) -> str:
    """Return the document as one page of HTML, without scripts or anything from elsewhere."""
    name = told["person"]["fields"].get("full_name") or told["person"]["id"]
    parts = [
        f"<section><h2>{escape(title.replace('_', ' '))}</h2>{_html(value)}</section>"
        for title, value in told.items()
        if title != "as_sources_sent_it"
    ]
    raw = len(told["as_sources_sent_it"])
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        f"<title>{escape(str(name))}</title><style>{_STYLE}</style><h1>What is held of {escape(str(name))}</h1>"
        f"<p>{raw} objects as sources sent them are in the JSON file beside this page.</p>{''.join(parts)}</html>"
    )


_STYLE = "body{font:16px/1.5 sans-serif;max-width:60rem;margin:2rem auto}dt{font-weight:bold}dd{margin-left:1.5rem}"


def _html(value: Any) -> str:
    if isinstance(value, Mapping):
        told = cast("Mapping[str, Any]", value)
        pairs = ((str(name).replace("_", " "), each) for name, each in told.items() if each not in (None, "", [], {}))
        return f"<dl>{''.join(f'<dt>{escape(n)}</dt><dd>{_html(each)}</dd>' for n, each in pairs)}</dl>"
    if isinstance(value, list | tuple):
        each = cast("Sequence[Any]", value)
        return f"<ol>{''.join(f'<li>{_html(one)}</li>' for one in each)}</ol>" if each else "<p>Nothing.</p>"
    return escape(f"{value:%Y-%m-%d %H:%M} UTC" if isinstance(value, datetime) else str(value))


def _record(row: Mapping[str, Any]) -> Json:
    kept = ("id", "connection", "record_type", "remote_id", "landed_at", "modified_at", "removed_at", "removal_cause")
    return {name: row[name] for name in kept} | {"fields": row["body"]}


def _raw(connection: Connection, extent: Extent) -> Iterable[Json]:
    for table in (payloads, payload_versions, quarantine):
        for here in of_places(table, extent.payloads):
            for row in connection.execute(select(table).where(here)).mappings():
                at = row.get("fetched_at") or row.get("quarantined_at")
                place = {"connection": row["connection"], "stream": row["stream"], "at": at, "kept_as": table.name}
                yield place | {"object": orjson.loads(decompressed(row["body"]))}


def _rows(connection: Connection, table: Table, column: Any, values: Iterable[str]) -> list[Json]:
    return list(mappings_with(connection, select(table), column, set(values)))


def _distinct(*lists: list[Json]) -> list[Json]:
    return list({row["id"]: row for rows in lists for row in rows}.values())


def _recipients(connection: Connection, extent: Extent) -> Json:
    own = extent.keys - extent.shared
    held = _rows(connection, holdings, holdings.c.person_id, extent.ids)
    sent = _distinct(
        _rows(connection, deliveries, deliveries.c.person_id, extent.ids),
        _rows(connection, deliveries, deliveries.c.address_key, own),
    )
    pushed = _rows(connection, push_rows, push_rows.c.person_id, extent.ids)
    names = {row["destination"] for row in (*held, *sent, *pushed)}
    hidden = ("address_key", "fingerprint")
    return {
        "names": sorted(names),
        "holding_now": [{n: v for n, v in row.items() if n not in hidden} for row in held],
        "messages": [{n: v for n, v in row.items() if n not in hidden} for row in sent],
        "every_push": [{n: v for n, v in row.items() if n not in hidden} for row in pushed],
    }


def _request(one: requests.Request) -> Json:
    return {"id": one.id, "kind": one.kind, "state": one.state, "received_at": one.received_at, "outcome": one.outcome}


def _first(told: Any) -> str | None:
    return told[0]["value"] if told else None


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset | set):
        return sorted(cast("Iterable[str]", value))
    return str(value)


def _put(path: Path, text: bytes) -> None:
    """Write a file that nobody else may read, whole or not at all."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(text)
    draft.replace(path)
