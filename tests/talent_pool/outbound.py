"""A small pool to send from, and two destinations in memory that keep the contract, for the tests of the way out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import func, insert, select, update

from connectors.contract import Action, Cleared, DestinationSettings, Fate, Push, RowOutcome, Signal, SignalPage
from connectors.records import Channel, Purpose
from talent_pool.delivery import deliver as delivery
from talent_pool.delivery import push_ledger
from talent_pool.delivery.contact_policy import FREE, ContactPolicy
from talent_pool.delivery.gate import Sending
from talent_pool.installation import Installation
from talent_pool.segments.definition import SegmentDefinition
from talent_pool.store.addresses import address_key
from talent_pool.store.database import Store
from talent_pool.store.tables import (
    applications,
    consent_statements,
    deliveries,
    holdings,
    jobs,
    memberships,
    people,
    person_addresses,
    person_records,
    push_rows,
    runs,
)

NOW = datetime(2026, 10, 5, 9, tzinfo=UTC)
ON = Sending("on", public_url="https://pool.example")

WHO = {"all": [{"may_be_contacted": "future_jobs"}]}

MEDALLISTS = SegmentDefinition(
    name="silver_medallists", description="", type="marketing", purpose=Purpose.FUTURE_JOBS, who=WHO
)
PASSIVE = SegmentDefinition(
    name="passive_talent", description="", type="marketing", purpose=Purpose.FUTURE_JOBS, who=WHO
)
APPLICANTS = SegmentDefinition(
    name="acknowledge_new_applicants",
    description="",
    subject="application",
    type="service",
    purpose=Purpose.THIS_APPLICATION,
    event=True,
    useless_after_days=7,
    answer_within_days=10,
    who=WHO,
)
REFERRED = SegmentDefinition(
    name="referred_not_contacted", description="", type="marketing", purpose=Purpose.FUTURE_JOBS, who=WHO
)
SEGMENTS = {one.name: one for one in (MEDALLISTS, PASSIVE, APPLICANTS, REFERRED)}


def installation(*destinations: DestinationSettings, policy: ContactPolicy = FREE) -> Installation:
    return Installation({}, SEGMENTS, {one.name: one for one in destinations}, {}, policies={"default": policy})


def shelf_settings(*pushes: str, **more: Any) -> DestinationSettings:
    chosen = tuple(Push(segment=name) for name in pushes or ("silver_medallists",))
    return DestinationSettings(name="shelf", connector="shelf", pushes=chosen, **more)


def shelf_settings_of(mode: Literal["mirror", "upsert", "add"]) -> DestinationSettings:
    return DestinationSettings(name="shelf", connector="shelf", pushes=(Push(segment="silver_medallists", mode=mode),))


def post_settings(*pushes: str, **more: Any) -> DestinationSettings:
    since = NOW - timedelta(days=30)
    chosen = tuple(
        Push.model_validate({"segment": name, "since": since}) for name in pushes or ("acknowledge_new_applicants",)
    )
    return DestinationSettings(name="post", connector="post", pushes=chosen, **more)


class Killed(BaseException):
    """The process is gone: no handler of errors may see it."""


@dataclass
class Shelf:
    """A state destination in memory: {(address, tag): fields}. `foreign` rows were put there by somebody else."""

    settings: DestinationSettings = field(default_factory=shelf_settings)
    held: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    answers: dict[str, RowOutcome] = field(default_factory=dict)
    kind: str = "state"
    channel: Channel = Channel.EMAIL
    batch: int = 3
    fields: frozenset[str] = frozenset({"first_name", "last_name"})
    requests: int = 0
    kill_after: int | None = None
    fail_with: Exception | None = None
    asked: list[Cleared] = field(default_factory=list)
    signals: list[Signal] = field(default_factory=list)

    def apply(self, rows: Sequence[Cleared], now: datetime) -> Iterator[RowOutcome]:
        self.requests += 1
        if self.fail_with:
            raise self.fail_with
        for row in rows:
            self.asked.append(row)
            if row.address in self.answers:
                told = self.answers[row.address]
                yield RowOutcome(row.row_id, told.fate, told.reason, told.vendor_reason, told.suppress)
                continue
            if row.action is Action.REMOVE:
                self.held.pop((row.address, row.tag), None)
                yield RowOutcome(row.row_id, Fate.REMOVED)
            else:
                self.held[row.address, row.tag] = dict(row.fields)
                yield RowOutcome(row.row_id, Fate.SENT)
            if self.kill_after is not None and len(self.asked) >= self.kill_after:
                raise Killed

    def read_back(self, cursor: Any, now: datetime) -> Iterator[SignalPage]:
        start = cursor["read"] if cursor else 0
        yield SignalPage(self.signals[start:], {"read": len(self.signals)} if self.signals else cursor)

    def lost(self, tag: str) -> bool:
        return False

    def receipt(self) -> dict[str, Any]:
        return {}

    def check(self) -> str:
        return "reached"


@dataclass
class Post(Shelf):
    """A message destination in memory; `sent` is what arrived, in order. Killed right after a message arrived."""

    settings: DestinationSettings = field(default_factory=post_settings)
    kind: str = "message"
    fields: frozenset[str] = frozenset({"subject", "text", "html"})
    sent: list[Cleared] = field(default_factory=list)

    def apply(self, rows: Sequence[Cleared], now: datetime) -> Iterator[RowOutcome]:
        if self.fail_with:
            raise self.fail_with
        for row in rows:
            self.requests += 1
            told = self.answers.get(row.address)
            if told is None or told.fate is Fate.SENT:
                self.sent.append(row)
            if self.kill_after is not None and self.requests >= self.kill_after:
                raise Killed
            yield (
                RowOutcome(row.row_id, told.fate, told.reason, None, told.suppress)
                if told
                else RowOutcome(row.row_id, Fate.SENT)
            )


@dataclass
class Pool:
    """A store, and short ways to put people, consent, applications and memberships straight into it."""

    store: Store
    number: int = 0

    def _add(self, table: Any, **values: Any) -> None:
        with self.store.writing() as connection:
            connection.execute(insert(table).values(values))

    def person(self, name: str, email: str | None = "", *, state: str = "active", consents: bool = True) -> str:
        person_id, address = f"per_{name}", f"{name}@example.org" if email == "" else email
        self.number += 1
        self._add(
            people, id=person_id, organisation="default", anchor_record_id=f"rec_{name}", minted_number=self.number,
            state=state, first_name=name.capitalize(), last_name="Example", full_name=f"{name.capitalize()} Example",
            primary_email=address, golden={}, provenance={}, created_at=NOW, modified_at=NOW, sequence=self.number,
        )  # fmt: skip
        self._add(person_records, record_id=f"rec_{name}", person_id=person_id)
        if address:
            self._add(
                person_addresses, person_id=person_id, record_id=f"rec_{name}", channel="email", address=address,
                address_key=address_key(self.store, Channel.EMAIL, address), is_primary=True,
            )  # fmt: skip
            if consents:
                self.consent(name, address)
        return person_id

    def consent(
        self, name: str, address: str, status: str = "given", purpose: str = "future_jobs", at: datetime = NOW
    ) -> None:
        self.number += 1
        self._add(
            consent_statements, id=f"cst_{self.number}", organisation="default", connection="test",
            record_id=f"rec_{name}", purpose=purpose, channel="email",
            address_key=address_key(self.store, Channel.EMAIL, address), status=status, lawful_basis="consent",
            stated_by="candidate", stated_at=at - timedelta(days=60 if status == "given" else 0), learned_at=at,
            evidence={"kind": "form"},
        )  # fmt: skip

    def application(self, name: str, number: int, applied_at: datetime = NOW - timedelta(days=1)) -> str:
        application_id = f"app_{name}_{number}"
        with self.store.writing() as connection:
            job = {
                "id": f"job_{number}", "organisation": "default", "connection": "test", "remote_id": str(number),
                "record_id": f"rec_job_{number}", "name": f"Job {number} <b>", "confidential": False, "body": {},
                "modified_at": NOW,
            }  # fmt: skip
            connection.execute(self.store.insert(jobs).values(job).on_conflict_do_nothing())
        self._add(
            applications, id=application_id, organisation="default", connection="test", remote_id=application_id,
            record_id=f"rec_{application_id}", candidate_record_id=f"rec_{name}", person_id=f"per_{name}",
            job_id=f"job_{number}", kind="application", applied_at=applied_at, outcome="pending", on_hold=False,
            referred=False, attachments=[], landed_at=applied_at, modified_at=applied_at,
        )  # fmt: skip
        self.join("acknowledge_new_applicants", application_id, f"per_{name}", subject_type="application")
        return application_id

    def join(
        self, segment: str, subject: str, person: str | None = None, subject_type: str = "person", since: datetime = NOW
    ) -> None:
        self.number += 1
        self._add(
            memberships, id=f"mem_{self.number}", organisation="default", segment=segment, segment_version="1",
            subject_type=subject_type, subject_id=subject, person_id=person or subject,
            since=since + timedelta(microseconds=self.number), entered_because="test",
        )  # fmt: skip

    def leave(self, segment: str, subject: str) -> None:
        with self.store.writing() as connection:
            connection.execute(
                update(memberships)
                .where(memberships.c.segment == segment, memberships.c.subject_id == subject)
                .values(until=NOW, left_because="test")
            )

    def rename(self, name: str, first_name: str) -> None:
        with self.store.writing() as connection:
            connection.execute(update(people).where(people.c.id == f"per_{name}").values(first_name=first_name))

    def deliver(self, destination: Any, sending: Sending = ON, now: datetime = NOW, **more: Any) -> delivery.PushReport:
        return delivery.deliver(self.store, installation(destination.settings), destination, now, sending, **more)

    def rows(self, table: Any) -> list[Any]:
        with self.store.reading() as connection:
            return list(connection.execute(select(table)))

    def counts(self) -> dict[str, int]:
        """How many rows each ledger holds: what a run with nothing new must leave alone."""
        with self.store.reading() as connection:
            return {
                table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in (push_rows, deliveries, holdings, consent_statements)
            }

    def unbalanced(self) -> list[str]:
        """Everything that does not add up, over all runs."""
        with self.store.reading() as connection:
            ids = connection.execute(select(runs.c.id).where(runs.c.kind == "push")).scalars().all()
            return [told for told in (push_ledger.remainder(connection, run_id) for run_id in ids) if told]
