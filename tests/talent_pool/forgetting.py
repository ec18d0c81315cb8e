"""A pool in which one person stands in every table, and a search for her through all of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import orjson
import zstandard
from sqlalchemy import MetaData, insert, select

from connectors.contract import Delivery, Forgotten
from connectors.errors import Unavailable
from connectors.records import Channel
from dedupe.blocking import keys
from dedupe.scoring import Edge
from talent_pool import consent
from talent_pool.installation import Installation
from talent_pool.landing import referrals
from talent_pool.landing.inbox import Inbox
from talent_pool.landing.sync import SyncReport, sync
from talent_pool.privacy.erasure import Desk
from talent_pool.resolution.resolve import resolve_all
from talent_pool.store.addresses import address_key
from talent_pool.store.database import Store
from talent_pool.store.tables import deliveries, holdings, memberships, person_records
from tests.talent_pool import small_world
from tests.talent_pool.outbound import SEGMENTS, Shelf, shelf_settings
from tests.talent_pool.sources import MemorySource

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)

NAME, EMAIL, WORK, PHONE = "Ottilie Quandtreuther", "ottilie.q@example.org", "o.quandt@firm.example", "+49 30 5550117"
PROFILE, SHARED_PHONE = "https://www.linkedin.example/in/ottilie-quandtreuther", "+49 30 5550199"
REMOTE = ("cand-7f3a91", "cand-old-553b", "board-99c1e2", "appl-2b6d77")
IDENTIFIERS = (NAME, EMAIL, WORK, PHONE, PROFILE, *REMOTE)


def same_mailbox(compared: Sequence[Any], focus: Any, shared: Any, model: Any) -> list[Edge]:
    """Score by e-mail alone, so that a family's telephone makes nobody one person."""
    return [
        edge
        for edge in small_world.same_address(compared, focus, shared, model)
        if _mails(compared, edge.record_a) & _mails(compared, edge.record_b)
    ]


def _mails(compared: Sequence[Any], name: str) -> set[Any]:
    (record,) = [one for one in compared if one.record_id == name]
    return {key for key in keys(record) if key.kind == "email"}


@dataclass
class Forgetful(Shelf):
    """A state destination in memory that can forget; `down` makes it fail, `stubborn` only says that it did."""

    erases: ClassVar[str] = "delete"
    down: bool = False
    stubborn: bool = False
    asked_to_forget: list[str] = field(default_factory=list)

    def erase(self, addresses: Sequence[str], now: datetime) -> Iterator[Forgotten]:
        if self.down:
            raise Unavailable("shelf: it does not answer. Try again later.")
        for address in addresses:
            self.asked_to_forget.append(address)
            if not self.stubborn:
                for key in [key for key in self.held if key[0] == address]:
                    del self.held[key]
            yield Forgotten(address, gone=True)

    def still_holds(self, addresses: Sequence[str]) -> set[str]:
        return {address for address, _ in self.held if address in addresses}


def email(value: str) -> dict[str, Any]:
    return {"value": value}


def candidate(remote_id: str, name: str, emails: Sequence[str] = (), **more: Any) -> dict[str, Any]:
    first, _, last = name.partition(" ")
    body = {
        "remote_id": remote_id, "full_name": name, "first_name": first, "last_name": last,
        "email_addresses": [email(one) for one in emails],
        "remote_created_at": "2025-11-03T10:00:00Z", "remote_updated_at": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    phones = more.pop("phones", ())
    if phones:
        body["phone_numbers"] = [{"value": one} for one in phones]
    return body | more


def ats_listing() -> dict[str, list[object]]:
    """What the ATS holds: her, an older record of hers, a relation at the same telephone, and whom she referred."""
    her = candidate(
        REMOTE[0], NAME, (EMAIL,), phones=(PHONE, SHARED_PHONE), urls=[{"value": PROFILE}], custom_fields={"note": NAME}
    )
    application = {
        "remote_id": REMOTE[3], "candidate_id": REMOTE[0], "job_id": "j1", "applied_at": "2025-11-03T10:00:00Z",
        "outcome": "rejected", "outcome_at": "2025-12-01T10:00:00Z",
    }  # fmt: skip
    said = {
        "remote_id": "cons-1", "candidate_id": REMOTE[0], "purpose": "future_jobs", "channel": "email",
        "status": "withdrawn", "stated_by": "candidate", "stated_at": "2026-01-05T10:00:00Z",
        "evidence": {"kind": "one_click", "message_id": f"<{EMAIL}>"},
    }  # fmt: skip
    referred = {
        "remote_id": "appl-bruno", "candidate_id": "cand-bruno", "job_id": "j1", "kind": "referral",
        "referrer": {"name": NAME, "email": EMAIL}, "applied_at": "2026-01-03T10:00:00Z",
    }  # fmt: skip
    hagen = candidate("cand-hagen", "Hagen Quandt", ("hagen@example.org",), phones=(SHARED_PHONE,))
    return {
        "candidates": [
            {"id": REMOTE[0], "candidate": her, "application": [application], "consent": [said]},
            {"id": REMOTE[1], "candidate": candidate(REMOTE[1], NAME, (EMAIL, WORK))},
            {"id": "cand-hagen", "candidate": hagen},
            {"id": "cand-bruno", "candidate": candidate("cand-bruno", "Bruno Keller", ("bruno@example.org",)),
             "application": [referred], "thanks": f"to {NAME} <{EMAIL}>"},
            {"id": "broken-1", "broken": True, "email": EMAIL},
        ]
    }  # fmt: skip


def board_listing() -> dict[str, list[object]]:
    return {"people": [{"id": REMOTE[2], "candidate": candidate(REMOTE[2], NAME, (EMAIL,))}]}


@dataclass
class World:
    """The pool, its sources, one destination that can forget, and the desk at which erasures are carried out."""

    store: Store
    inbox: Inbox
    folder: Path
    shelf: Forgetful = field(default_factory=lambda: Forgetful(settings=shelf_settings()))
    ats: dict[str, list[object]] = field(default_factory=ats_listing)
    board: dict[str, list[object]] = field(default_factory=board_listing)
    now: datetime = NOW

    @property
    def installation(self) -> Installation:
        known = small_world.INSTALLATION
        return Installation(known.connections, SEGMENTS, {"shelf": self.shelf.settings}, {})

    @property
    def desk(self) -> Desk:
        return Desk(
            self.store, self.installation, self._open, self.inbox, self.folder / "exports",
            {"shelf": "delete"},
        )  # fmt: skip

    def _open(self, name: str) -> Any:
        return {"shelf": self.shelf}[name]

    def read_all(self, *, full: bool = True) -> list[SyncReport]:
        sources = (MemorySource(self.ats, name="ats"), MemorySource(self.board, name="board"))
        done = [sync(self.store, self.inbox, source, self.now, full_refresh=full) for source in sources]
        self.resolve()
        return done

    def resolve(self) -> None:
        resolve_all(self.store, self.installation, self.now, score=same_mailbox)

    def person_of(self, remote_id: str, connection: str = "ats") -> str | None:
        record = small_world.birth_id(self.store, connection, remote_id)
        with self.store.reading() as connection_:
            query = select(person_records.c.person_id).where(person_records.c.record_id == record)
            return connection_.execute(query).scalar()

    def furnish(self) -> str:
        """Put her into every table there is, and return her id."""
        self.read_all()
        her = self.person_of(REMOTE[0])
        assert her is not None
        assert her == self.person_of(REMOTE[2], "board")
        self.shelf.held[EMAIL, "silver_medallists"] = {"first_name": "Ottilie"}
        referrals.create(
            self.store, target_url="https://jobs.example/1", now=self.now, referrer_name=NAME, referrer_email=EMAIL
        )
        self.inbox.put(
            Delivery("ats", f"delivery {REMOTE[0]}", self.now, {"X-From": EMAIL}, orjson.dumps([])), "default"
        )
        self.inbox.take([one.id for one in self.inbox.waiting("ats", 10)], self.now)
        key = address_key(self.store, Channel.EMAIL, EMAIL)
        row = {"destination": "shelf", "segment": "silver_medallists", "person_id": her}
        with self.store.writing() as connection:
            connection.execute(insert(holdings).values(row | {
                "address": EMAIL, "address_key": key, "fingerprint": "f", "since": self.now, "modified_at": self.now,
            }))  # fmt: skip
            connection.execute(insert(deliveries).values(row | {
                "id": "dlv_1", "organisation": "default", "subject_id": her, "channel": "email", "purpose": "marketing",
                "address_key": key, "state": "sent", "vendor_reason": f"250 ok {EMAIL}", "planned_at": self.now,
                "run_id": "run_1",
            }))  # fmt: skip
            connection.execute(insert(memberships).values(
                id="mem_1", organisation="default", segment="silver_medallists", segment_version="1",
                subject_type="person", subject_id=her, person_id=her, since=self.now, entered_because=NAME,
            ))  # fmt: skip
        consent.suppress(
            self.store, organisation="default", channel=Channel.EMAIL, address=WORK, reason="bounced", source="shelf",
            at=self.now,
        )  # fmt: skip
        self.inbox.put(Delivery("ats", f"hook {REMOTE[0]}", self.now, {}, orjson.dumps([])), "default")
        sync(self.store, self.inbox, MemorySource({}, name="ats"), self.now)
        exports = self.folder / "exports"
        exports.mkdir(exist_ok=True)
        (exports / f"{her}.json").write_text(NAME)
        return her

    def hits(self) -> list[str]:
        """Return where any of her identifiers stands: every column of every table, raw objects unpacked, and files."""
        found: list[str] = []
        for engine in (self.store.engine, self.inbox._engine):
            metadata = MetaData()
            metadata.reflect(engine)
            with engine.connect() as connection:
                for table in metadata.sorted_tables:
                    for row in connection.execute(select(table)).mappings():
                        for name, value in row.items():
                            found += [f"{table.name}.{name}: {one}" for one in _in(value)]
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        for path in files:
            found += [f"{path.name}: {one}" for one in _in(path.read_bytes())]
        return found


def _in(value: Any) -> list[str]:
    if isinstance(value, memoryview):
        value = bytes(value)
    if isinstance(value, bytes):
        texts = [value]
        if value.startswith(b"\x28\xb5\x2f\xfd"):
            texts.append(zstandard.ZstdDecompressor().decompress(value))
        text = b"\n".join(texts).decode(errors="replace")
    else:
        text = str(value)
    text = text.casefold()
    return [one for one in IDENTIFIERS if one.casefold() in text]
