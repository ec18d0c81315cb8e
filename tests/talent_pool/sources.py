"""A source whose listing is a list in memory: what landing and sync are tried on."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import orjson

from connectors.contract import Answers, Connection, Delivery, Json, Page, Stream
from connectors.errors import Malformed
from connectors.records import (
    Application,
    Candidate,
    ConsentStatement,
    Deletion,
    EmailAddress,
    Evidence,
    Record,
    StageEntry,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def connection(name: str = "ats") -> Connection:
    return Connection(name=name, connector="memory")


def parse(stream: str, raw: Json) -> Iterable[Record]:
    """An object is the records it names, by type: {"id": 1, "candidate": {...}, "application": [{...}], ...}."""
    if raw.get("broken"):
        raise Malformed("the field 'broken' is set")
    kinds = {"candidate": Candidate, "application": Application, "stage_entry": StageEntry, "consent": ConsentStatement}
    for name, kind in kinds.items():
        said = raw.get(name, [])
        for fields in said if isinstance(said, list) else [said]:
            yield kind.model_validate(fields)
    if deletion := raw.get("deletion"):
        yield Deletion.model_validate(deletion)


def candidate(number: int, version: int = 1, **fields: object) -> Json:
    """One object that holds one candidate, in its `version` of that minute."""
    body = {
        "remote_id": str(number),
        "full_name": f"Person {number}",
        "remote_updated_at": f"2026-01-01T00:{version:02}:00Z",
        **fields,
    }
    return {"id": number, "candidate": body}


def email(value: str) -> dict[str, object]:
    return EmailAddress(value=value).model_dump()


EVIDENCE = Evidence(kind="form_tick").model_dump()


@dataclass
class MemorySource:
    """Streams that are lists of objects, read `size` at a time; the cursor is the place in the list.

    `fail_at` raises that error when the page that begins at this place is asked for. `grows`: reading goes on from
    the cursor, as of a listing that only ever gets longer.
    """

    listing: dict[str, list[object]]
    size: int = 3
    name: str = "ats"
    defined: Sequence[Stream] = ()
    fail_at: dict[tuple[str, int], Exception] = field(default_factory=dict)
    deliveries: dict[str, list[tuple[str, object]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.connection = connection(self.name)
        self.answers = Answers()

    def streams(self) -> Sequence[Stream]:
        return self.defined or [Stream(name) for name in self.listing]

    def pages(self, stream: Stream, cursor: Json | None, now: datetime) -> Iterator[Page]:
        objects = self.listing.get(stream.name, [])
        start = cursor["at"] if cursor else 0
        while start < len(objects):
            if error := self.fail_at.get((stream.name, start)):
                raise error
            end = min(start + self.size, len(objects))
            yield Page(stream.name, objects[start:end], {"at": end}, ends_full_read=not cursor and end == len(objects))
            start = end

    def parse(self, stream: str, raw: Json) -> Iterable[Record]:
        return parse(stream, raw)

    def check(self) -> str:
        return "there"

    def authenticate(self, headers: object, body: bytes) -> None:
        return

    def delivery_key(self, headers: object, body: bytes) -> str:
        return body.decode()

    def objects(self, delivery: Delivery) -> Iterable[tuple[str, Json]]:
        try:
            return [(stream, raw) for stream, raw in orjson.loads(delivery.body)]
        except orjson.JSONDecodeError:
            raise Malformed("the body is not JSON") from None


def delivery(number: int, pairs: object, name: str = "ats") -> Delivery:
    body = pairs if isinstance(pairs, bytes) else orjson.dumps(pairs)
    return Delivery(name, f"key-{number}", NOW, {"content-type": "application/json"}, body)
