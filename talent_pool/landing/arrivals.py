"""Raw objects as they arrive: what each is called, whether it is known already, and what its parser makes of it."""

import hashlib
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import orjson
import zstandard
from pydantic import ValidationError

from connectors.contract import Json, Stream
from connectors.errors import Malformed
from connectors.records import Deletion, Record

LARGEST = 5_000_000
"""Bytes of canonical JSON; a larger object is no candidate but a file or a mistake."""

Parse = Callable[[str, Json], Iterable[Record]]
_per_thread = threading.local()


@dataclass(slots=True)
class Arrival:
    """One object that can be told apart: its `hash` is that of its canonical JSON less volatile fields."""

    remote_id: str
    hash: bytes
    raw: Json
    body: bytes
    """Its canonical JSON; compressed once it is clear that it will be stored."""
    records: Sequence[Record] = ()
    was_known: bool = False
    arrived_at: datetime | None = None
    """When it came, where that was before now (out of quarantine)."""
    version: datetime | None = None
    """The newest `remote_updated_at` (or moment of deletion) among its records."""

    @property
    def is_deletion(self) -> bool:
        """Whether it tells of nothing but removals."""
        return bool(self.records) and all(isinstance(record, Deletion) for record in self.records)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """One object that goes to quarantine. `reason` names fields, never values."""

    remote_id: str | None
    hash: bytes
    body: bytes
    reason: str


def canonical(raw: Any) -> bytes:
    """Return the one JSON text of `raw`, keys sorted."""
    return orjson.dumps(raw, option=orjson.OPT_SORT_KEYS)


def compressed(body: bytes) -> bytes:
    """Return zstd of `body`."""
    compressor = getattr(_per_thread, "compressor", None)
    if compressor is None:
        compressor = _per_thread.compressor = zstandard.ZstdCompressor(level=1)
    return compressor.compress(body)


def decompressed(body: bytes) -> bytes:
    """Return what was compressed."""
    decompressor = getattr(_per_thread, "decompressor", None)
    if decompressor is None:
        decompressor = _per_thread.decompressor = zstandard.ZstdDecompressor()
    return decompressor.decompress(body)


def recognised(stream: Stream, raw: Any) -> Arrival | Unreadable:
    """Tell which object of `stream` this is and what its content hashes to."""
    if not isinstance(raw, dict):
        return unreadable(raw, None, f"this is no JSON object but {_kind(raw)}")
    fields = cast("Json", raw)
    value = fields.get(stream.key)
    if not isinstance(value, str | int) or isinstance(value, bool) or value == "":
        return unreadable(raw, None, f"the object has no {stream.key!r}")
    remote_id = str(value)
    if "\x00" in remote_id:
        return unreadable(raw, None, f"{stream.key!r} holds a NUL")
    text = body = canonical(fields)
    if not stream.volatile.isdisjoint(fields):
        lasting = dict(fields)
        for name in stream.volatile:
            lasting.pop(name, None)
        text = canonical(lasting)
    if len(body) > LARGEST:
        return unreadable(raw, remote_id, f"the object has {len(body):,} bytes; at most {LARGEST:,} are landed")
    return Arrival(remote_id, hashlib.sha256(text).digest(), fields, body)


def unreadable(raw: Any, remote_id: str | None, reason: str) -> Unreadable:
    """Return `raw` as it goes to quarantine."""
    body = canonical(raw)
    return Unreadable(remote_id, hashlib.sha256(body).digest(), compressed(body), reason)


def read(arrival: Arrival, stream: Stream, parse: Parse) -> Unreadable | None:
    """Fill the arrival's records and version; returns what goes to quarantine where that cannot be done."""
    raw = arrival.raw
    if b"\\u0000" in arrival.body:
        raw = cast("Json", _without_nul(raw))
    try:
        arrival.records = list(parse(stream.name, raw))
    except Malformed as error:
        reason = str(error)
    except ValidationError as error:
        reason = _wrong_fields(error)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        # A parser that trips over one object must not stop all the others. Its message may hold values.
        reason = f"the parser stopped with {type(error).__name__} at {_place(error)}"
    else:
        arrival.version = _version(arrival.records)
        return None
    return unreadable(arrival.raw, arrival.remote_id, reason)


def _version(records: Iterable[Record]) -> datetime | None:
    newest = None
    for record in records:
        moment = record.at if isinstance(record, Deletion) else record.remote_updated_at
        if moment is not None and (newest is None or moment > newest):
            newest = moment
    return newest


def _kind(raw: Any) -> str:
    if raw is None:
        return "null"
    return {list: "a list", str: "text", bool: "a truth value"}.get(raw.__class__, "a number")


def _wrong_fields(error: ValidationError) -> str:
    wrong = sorted(
        {
            f"{problem['loc'][0]} ({problem['type']})" if problem["loc"] else str(problem["type"])
            for problem in error.errors()
        }
    )
    return f"not a valid {error.title}: {', '.join(wrong)}"


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    place = "its first line"
    while trace is not None:
        place = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


def _without_nul(value: Any) -> Any:
    """Take out NUL letters, which no name or address has and PostgreSQL's text cannot hold."""
    if isinstance(value, str):
        return value.replace("\x00", "")
    if isinstance(value, list):
        return [_without_nul(each) for each in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {_without_nul(name): _without_nul(each) for name, each in cast("Json", value).items()}
    return value
