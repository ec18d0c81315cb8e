"""Raw objects as they arrive: what each is called, whether it is known already, and what its parser makes of it."""

import hashlib
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, cast

import orjson
import zstandard
from pydantic import ValidationError

from connectors.contract import Json, Stream
from connectors.errors import Malformed
from connectors.records import Record
from talent_pool.landing.told import Told, told

LARGEST = 5_000_000
"""Bytes of canonical JSON; a larger object is no candidate but a file or a mistake."""

_LEVEL = -1
"""zstd's: for objects of a few kB it takes half the time of level 1, and a quarter more room."""

Parse = Callable[[str, Json], Iterable[Record]]
_per_thread = threading.local()


class Arrival(NamedTuple):
    """One object that can be told apart: its `hash` is that of its canonical JSON less volatile fields."""

    remote_id: str
    hash: bytes
    raw: Json
    body: bytes
    """Its JSON: keys sorted, the volatile fields last."""


class Parsed(NamedTuple):
    """One version of an object that is to be stored, and what it tells."""

    remote_id: str
    hash: bytes
    body: bytes
    """zstd of its JSON."""
    version: datetime | None
    """The newest moment of change among what it tells."""
    was_known: bool
    fate: str
    """What it was counted as when its page was sorted: new, changed, deleted, duplicate."""
    tells: Sequence[Told]


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
        compressor = _per_thread.compressor = zstandard.ZstdCompressor(level=_LEVEL)
    return compressor.compress(body)


def decompressed(body: bytes) -> bytes:
    """Return what was compressed."""
    decompressor = getattr(_per_thread, "decompressor", None)
    if decompressor is None:
        decompressor = _per_thread.decompressor = zstandard.ZstdDecompressor()
    return decompressor.decompress(body)


def remote_id_of(stream: Stream, raw: Any) -> str | None:
    """Return what the source calls this object of `stream`; None where it does not say, or with a NUL."""
    if not isinstance(raw, dict):
        return None
    value = cast("Json", raw).get(stream.key)
    if isinstance(value, str):
        return value if value and "\x00" not in value else None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def recognised(stream: Stream, raw: Any) -> Arrival | Unreadable:
    """Tell which object of `stream` this is and what its content hashes to."""
    remote_id = remote_id_of(stream, raw)
    if remote_id is None:
        return unreadable(raw, None, _nameless(stream, raw))
    lasting = dict(cast("Json", raw))
    volatile = {name: lasting.pop(name) for name in stream.volatile if name in lasting}
    body = text = canonical(lasting)
    if volatile:  # written once, not twice: all that lasts, then what does not
        body = b"%b,%b" % (text[:-1], canonical(volatile)[1:])
    if len(body) > LARGEST:
        return unreadable(raw, remote_id, f"the object has {len(body):,} bytes; at most {LARGEST:,} are landed")
    return Arrival(remote_id, hashlib.sha256(text).digest(), raw, body)


def unreadable(raw: Any, remote_id: str | None, reason: str) -> Unreadable:
    """Return `raw` as it goes to quarantine."""
    body = canonical(raw)
    return Unreadable(remote_id, hashlib.sha256(body).digest(), compressed(body), reason)


def read(arrival: Arrival, stream: Stream, parse: Parse) -> list[Told] | Unreadable:
    """Return what the object tells, or how it goes to quarantine where it cannot be read."""
    raw = arrival.raw
    if b"\\u0000" in arrival.body:
        raw = cast("Json", _without_nul(raw))
    try:
        return [told(record) for record in parse(stream.name, raw)]
    except Malformed as error:
        reason = str(error)
    except ValidationError as error:
        reason = _wrong_fields(error)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        # A parser that trips over one object must not stop all the others. Its message may hold values.
        reason = f"the parser stopped with {type(error).__name__} at {_place(error)}"
    return unreadable(arrival.raw, arrival.remote_id, reason)


def _nameless(stream: Stream, raw: Any) -> str:
    if not isinstance(raw, dict):
        return f"this is no JSON object but {_kind(raw)}"
    value = cast("Json", raw).get(stream.key)
    if isinstance(value, str) and value:
        return f"{stream.key!r} holds a NUL"
    return f"the object has no {stream.key!r}"


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
