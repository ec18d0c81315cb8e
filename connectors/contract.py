"""The two contracts between vendors and the talent pool, free of HTTP and SQL.

A `Source` yields pages of raw objects, each with the cursor that is true once the page is stored, and parses one
raw object into records. A `Destination` takes rows that passed the gate and says of each what became of it.
`talent_pool` owns the two loops (`sync`, `deliver`) and is handed vendors that keep these contracts.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field, field_validator

from connectors.records import Channel, Purpose, Record

Json = dict[str, Any]


class Connection(BaseModel):
    """One configured source: a block of YAML, without secrets.

    A setting is read from the environment as `NAME_SETTING` (the connection's name in capitals) or from the file that
    `NAME_SETTING_FILE` names, else from `settings`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    connector: str
    organisation: str = "default"
    owner: str = "hr-ops@example.com"
    schedule: str | None = None
    time_zone: str = "UTC"
    fresh_within_hours: float = 26
    trust: int = 50
    default_region: str | None = None
    acknowledges_applicants: bool = False
    settings: Mapping[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stream:
    """One listing of a source.

    `complete`: an object holds the vendor's whole view, so an explicit null or empty list ends a value; in a
    partial stream nulls keep. `volatile`: top-level fields that change without meaning, left out of the hash.
    `sees_updates`: whether an incremental read shows changes to old objects, or only new objects.
    """

    name: str
    key: str = "id"
    complete: bool = True
    volatile: frozenset[str] = frozenset()
    sees_updates: bool = True


@dataclass(frozen=True, slots=True)
class Page:
    """Raw objects of one stream, and the cursor that is true once they are stored.

    `objects` are decoded JSON; one that is not an object, or has no key, goes to quarantine. `ends_full_read` marks
    the last page of a listing that was read from its beginning, without any filter, to its end.
    """

    stream: str
    objects: Sequence[Any]
    cursor: Json | None
    ends_full_read: bool = False


@dataclass(frozen=True, slots=True)
class Token:
    """An access token, when it ends, and the refresh token that came with it."""

    access: str = field(repr=False)
    expires_at: datetime
    refresh: str | None = field(default=None, repr=False)


class TokenKeeper(Protocol):
    """Where rotating tokens live between runs; the store keeps this contract, encrypted."""

    def load(self, name: str) -> Token | None:
        """Return the last token kept under `name`."""
        ...

    def save(self, name: str, token: Token) -> None:
        """Keep `token` before anybody uses it: the old refresh token is already dead."""
        ...


@dataclass(frozen=True, slots=True)
class Delivery:
    """One body that a vendor, form or link brought to the intake; `key` recognises its duplicates."""

    connection: str
    key: str
    received_at: datetime
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answers:
    """The HTTP status a vendor expects for each fate of its delivery."""

    accepted: int = 200
    duplicate: int = 200
    bad_signature: int = 401
    malformed: int = 422
    too_large: int = 413


@runtime_checkable
class Source(Protocol):
    """Where candidates come from. `now` is handed in; a source never reads the clock."""

    connection: Connection

    def streams(self) -> Sequence[Stream]:
        """Return the streams in the order they are to be read; empty where all is delivered."""
        ...

    def pages(self, stream: Stream, cursor: Json | None, now: datetime) -> Iterator[Page]:
        """Yield pages from `cursor` on (None: everything). Raises errors of connectors.errors."""
        ...

    def parse(self, stream: str, raw: Json) -> Iterable[Record]:
        """Return the records in one raw object. Raises Malformed, or pydantic's ValidationError."""
        ...

    def check(self) -> str:
        """Reach the vendor once with the credential and say in plain words what was found."""
        ...


@runtime_checkable
class Receiver(Protocol):
    """A source that also, or only, is delivered to."""

    connection: Connection
    answers: Answers

    def authenticate(self, headers: Mapping[str, str], body: bytes) -> None:
        """Return if the sender proved who it is over the raw body, else raise SignatureRefused."""
        ...

    def delivery_key(self, headers: Mapping[str, str], body: bytes) -> str:
        """Return what is the same in every repeat of this delivery. Raises Malformed."""
        ...

    def objects(self, delivery: Delivery) -> Iterable[tuple[str, Json]]:
        """Return the (stream, raw object) pairs in a delivery, files cut out. Raises Malformed.

        A stream that `streams()` does not name has its key at `id` and is partial.
        """
        ...


class Fate(StrEnum):
    """What became of one row of a push."""

    UNCHANGED = "unchanged"
    SENT = "sent"
    REMOVED = "removed"
    SUPPRESSED = "suppressed"
    REJECTED = "rejected"
    DEFERRED = "deferred"
    PENDING = "pending"
    UNKNOWN = "unknown"


class Action(StrEnum):
    """What a destination is asked to do with one row."""

    UPSERT = "upsert"
    REMOVE = "remove"
    MESSAGE = "message"


@dataclass(frozen=True, slots=True)
class Cleared:
    """A row that passed the gate. Only `talent_pool.delivery.gate` makes one; a test holds that nobody else does.

    `consented`: there is evidence of consent for `purpose`, so a subscription status may be set on creation.
    `tag`: the segment's name at the destination. `fields`: merge fields by our names. `known`: the destination
    already holds this address by us; `held`: and it does so for this segment, so that this is a change, not an entry.
    `occasion` names this one change, the same for every attempt at it; `tries` counts the attempts before this one,
    the first of which was made at `tried_since`. `remote_id`: what the destination called it when it was put there.
    `emptied`: fields that it holds a value of ours for and that have none any more, so that theirs is to be cleared.
    """

    row_id: str
    action: Action
    address: str
    channel: Channel
    purpose: Purpose
    consented: bool
    tag: str
    fields: Mapping[str, Any]
    known: bool = False
    unsubscribe_url: str | None = None
    held: bool = False
    person_id: str | None = None
    occasion: str = ""
    tries: int = 0
    tried_since: datetime | None = None
    remote_id: str | None = None
    emptied: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Awaited:
    """A row that was handed over in an earlier request and of which the destination has not yet said what became."""

    row_id: str
    action: Action
    address: str
    tag: str


@dataclass(frozen=True, slots=True)
class RowOutcome:
    """What a destination says of one row. `reason` is our sentence, `vendor_reason` the vendor's own (store only).

    `suppress`: the address must not be written to through this destination again (compliance state, bounce).
    `not_before`: of a deferred row, when it may be tried again at the earliest; None: at the next run.
    `remote_id`: what the destination calls the one it put there; handed back when the row is taken out.
    `job`: of a pending row, the vendor's name for the work that will decide it; `followed` takes it.
    """

    row_id: str
    fate: Fate
    reason: str = ""
    vendor_reason: str | None = None
    suppress: str | None = None
    not_before: datetime | None = None
    remote_id: str | None = None
    job: str | None = None


@dataclass(frozen=True, slots=True)
class Signal:
    """What a destination told us of an address: an opt-out, a bounce, a complaint.

    `row_id`: the row it answers, where anybody could have sent it (a bounce in a mailbox). It then counts for the
    address that row was written to, whatever address it names, and without such a row only for one written to before.
    """

    address: str
    channel: Channel
    kind: str
    """One of unsubscribed, bounced, complained, compliance_state, archived."""
    at: datetime
    remote_id: str
    row_id: str | None = None


@dataclass(frozen=True, slots=True)
class SignalPage:
    """Signals, and the cursor that is true once they are stored."""

    signals: Sequence[Signal]
    cursor: Json | None = field(default=None)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What a destination says of one address that it was asked to forget. `reason` is our sentence, without it."""

    address: str
    gone: bool
    reason: str = ""


Erases = Literal["delete", "anonymise", "tell", "no"]
"""`tell`: it takes the order and cannot be read again. `no`: it has no way for machines, and is a task for a person."""


@runtime_checkable
class Eraser(Protocol):
    """What a destination can do for somebody who asks to be forgotten."""

    erases: ClassVar[Erases]

    def erase(self, addresses: Sequence[str], now: datetime) -> Iterator[Forgotten]:
        """Forget these addresses, whoever put them there, and yield what became of each; twice is as good as once."""
        ...

    def still_holds(self, addresses: Sequence[str]) -> set[str]:
        """Read the destination again and return those of `addresses` that it still shows; not asked where it tells."""
        ...


class Push(BaseModel):
    """One segment's way to one destination: a block of YAML, without secrets."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    segment: str
    since: str | None = None
    """An event segment starts here; what happened before is never sent. Required for message destinations.

    ISO 8601 text, for a component's fields may not be times; `since_at` is the instant.
    """
    template: str | None = None
    tag: str | None = None
    mode: Literal["mirror", "upsert", "add"] = "mirror"
    """What a state destination is kept to; whoever may not be written to is taken out of it in each of them.

    `mirror`: the members, no more and no less of those we put there. `upsert`: who leaves the segment stays there.
    `add`: so, and what was put there once is never written again. Messages have no mode: each goes once.
    """

    @field_validator("since", mode="before")
    @classmethod
    def _since_in_utc(cls, value: Any) -> str | None:
        if value is None:
            return None
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
        if moment.tzinfo is None:
            raise ValueError("give a time with its zone, such as 2026-01-31T08:00:00Z")
        return moment.astimezone(UTC).isoformat()

    @property
    def since_at(self) -> datetime | None:
        """`since` as an instant."""
        return datetime.fromisoformat(self.since) if self.since else None


class DestinationSettings(BaseModel):
    """One configured destination: a block of YAML, without secrets."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    connector: str
    organisation: str = "default"
    owner: str = "hr-ops@example.com"
    schedule: str | None = None
    time_zone: str = "UTC"
    max_recipients: int = 200
    """A push that would reach more people than this waits for a person's yes (`catchment push --yes`)."""
    settings: Mapping[str, Any] = Field(default_factory=dict)
    pushes: tuple[Push, ...] = ()


@runtime_checkable
class Destination(Protocol):
    """Where segments go. `batch` is the vendor's largest batch; `kind` tells state that is held from messages sent."""

    @property
    def settings(self) -> DestinationSettings:
        """Its block of YAML."""
        ...

    kind: ClassVar[Literal["state", "message"]]
    """`state`: rows are held there and may be upserted again. `message`: each row is sent at most once."""
    channel: ClassVar[Channel]
    """How it reaches people."""
    batch: ClassVar[int]
    """The most rows it takes at once."""

    @property
    def fields(self) -> frozenset[str]:
        """The merge fields it takes, by our names; nothing else is handed to it. Messages get subject, text, html."""
        ...

    @property
    def requests(self) -> int:
        """HTTP requests (or SMTP messages) made so far."""
        ...

    def apply(self, rows: Sequence[Cleared], now: datetime) -> Iterator[RowOutcome]:
        """Do what at most `batch` rows ask, and yield an outcome for each as soon as it is certain.

        Where the vendor only takes an order, the outcome is pending and names the `job`, without waiting for it: the
        order is committed before anybody follows it.
        """
        ...

    def followed(self, job: str, rows: Sequence[Awaited], now: datetime) -> Iterator[RowOutcome]:
        """Yield what became of rows that a job has in hand; those it is not done with are pending again."""
        ...

    def read_back(self, cursor: Json | None, now: datetime) -> Iterator[SignalPage]:
        """Yield what the destination learned of addresses since `cursor`."""
        ...

    def lost(self, tag: str) -> bool:
        """Say whether what was put there under `tag` is surely gone, so that all of it must be put there again."""
        ...

    def receipt(self) -> Json:
        """Return what the run's ledger should keep of this push, without personal data (files written, say)."""
        ...

    def check(self) -> str:
        """Reach the destination once with the credential and say in plain words what was found."""
        ...


@runtime_checkable
class SignalReceiver(Protocol):
    """A destination that also calls us to tell of addresses, at `/signals/NAME`; `answers` is what it expects."""

    @property
    def settings(self) -> DestinationSettings:
        """Its block of YAML."""
        ...

    answers: ClassVar[Answers]

    def verify(self, headers: Mapping[str, str], url: str, body: bytes, now: datetime) -> None:
        """Return if the caller proved who it is, else raise SignatureRefused. `url` is the one it called, in full."""
        ...

    def delivery_key(self, headers: Mapping[str, str], body: bytes) -> str:
        """Return what is the same in every repeat of this call. Raises Malformed."""
        ...

    def signals(self, delivery: Delivery) -> Iterable[Signal]:
        """Return what a call tells of addresses; nothing if it is about something else. Raises Malformed."""
        ...
