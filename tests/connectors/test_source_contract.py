"""The contract that every source meets by existing.

Each registered source is tried on what its vendor says (`fixtures/<connector>.yaml`), and on the faults that every
vendor has. Adding a source adds its cases; there is nothing to write here.
"""

import logging
import re
import traceback
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
import requests
from pydantic import ValidationError

from connectors.contract import Delivery, Page, Receiver, Source
from connectors.errors import (
    ConnectorError,
    Malformed,
    Misconfigured,
    RateLimited,
    Refused,
    SignatureRefused,
    Unavailable,
)
from connectors.http import ATTEMPTS, LONGEST_JITTER
from connectors.records import Record
from connectors.source import source_types
from tests.connectors.recorded import FIXTURES, Fault, Recorded, changed, has, recorded, refusing_all, without

CONNECTORS = [name for name, kind in source_types().items() if kind.__module__.startswith("connectors.sources.")]
KNOWN = [name for name in CONNECTORS if (FIXTURES / f"{name}.yaml").exists()]


def _told(connector: str, stream: str) -> Mapping[str, Any]:
    return recorded(connector).streams[stream]


PULLED = [(name, stream) for name in KNOWN for stream in recorded(name).streams]
PAGED = [(name, stream) for name, stream in PULLED if len(_told(name, stream)["first"]) > 1]
RENEWED = [(name, stream) for name, stream in PULLED if "later" in _told(name, stream)]
CHIEF = list(dict(reversed([each for each in PAGED if each in RENEWED])).items())
"""One stream of each vendor, for faults that are of the vendor and not of the stream."""
FROM_FILES = [name for name in KNOWN if recorded(name).file]
DELIVERED = [name for name in KNOWN if recorded(name).told.get("deliveries")]
SIGNED = [name for name in DELIVERED if any(told.get("signed", True) for told, _ in recorded(name).deliveries())]

pulled = pytest.mark.parametrize(("connector", "stream"), PULLED)
paged = pytest.mark.parametrize(("connector", "stream"), PAGED)
vendors = pytest.mark.parametrize(("connector", "stream"), CHIEF)
delivered = pytest.mark.parametrize("connector", DELIVERED)
from_files = pytest.mark.parametrize("connector", FROM_FILES)


# every source


@pytest.mark.parametrize("connector", CONNECTORS)
def test_a_source_has_a_fixture_for_all_that_it_does(connector: str, tmp_path: Path) -> None:
    vendor = recorded(connector)
    source = vendor.open(tmp_path)
    assert isinstance(source, Source)
    streams = {stream.name for stream in source.streams()}
    if not vendor.file:
        assert streams == set(vendor.streams), "each stream of streams() has an entry in `streams`, and no other"
        assert not streams or connector in dict(CHIEF), "a stream has two pages or more in `first`, and a `later`"
        assert not streams or any("malformed" in told for told in vendor.streams.values())
        assert not streams or any("optional" in told for told in vendor.streams.values())
    assert connector in DELIVERED or not isinstance(source, Receiver), "what is delivered to has `deliveries`"
    assert streams or isinstance(source, Receiver), "a source is read or delivered to"


@pytest.mark.parametrize("connector", KNOWN)
def test_a_missing_setting_is_named(connector: str, tmp_path: Path) -> None:
    vendor = recorded(connector)
    for name in vendor.environ:
        rest = {key: value for key, value in vendor.environ.items() if key != name}
        if error := _misconfigured(vendor, tmp_path, rest):
            assert name in str(error)
            _assert_tells_nothing(vendor, "\n".join(_said_by(error)))


@pytest.mark.parametrize("connector", KNOWN)
def test_check_says_in_words_what_was_found(connector: str, tmp_path: Path) -> None:
    vendor = recorded(connector)
    _write_file(vendor, tmp_path, "first")
    with vendor.answering(vendor.told.get("check") or ()):
        said = vendor.open(tmp_path).check()
    assert len(said.split()) > 2
    _assert_tells_nothing(vendor, said)


# what is pulled


@pulled
def test_first_read_brings_everything(connector: str, stream: str, tmp_path: Path) -> None:
    vendor, told = recorded(connector), _told(connector, stream)
    with vendor.answering(told["first"]) as vendor_side:
        source = vendor.open(tmp_path)
        pages = list(source.pages(vendor.stream(source, stream), None, vendor.now))
    assert [page.call_count for page in vendor_side.pages] == [1] * len(pages), "each page is asked for once"
    assert all(page.stream == stream for page in pages)
    for page in pages:
        assert orjson.loads(orjson.dumps(page.cursor)) == page.cursor
    keys = _keys(source, stream, pages)
    assert len(set(keys)) == len(keys)
    _assert_records(source, stream, _objects(pages), told["records"])


@pytest.mark.parametrize(("connector", "stream"), RENEWED)
def test_incremental_read_sees_updates(connector: str, stream: str, tmp_path: Path) -> None:
    vendor, told = recorded(connector), _told(connector, stream)
    source, first = _first_read(vendor, stream, tmp_path)
    with vendor.answering(told["later"]) as vendor_side:
        later = list(source.pages(vendor.stream(source, stream), first[-1].cursor, vendor.later_now))
    assert [page.call_count for page in vendor_side.pages] == [1] * len(later)
    before = dict(zip(_keys(source, stream, first), _objects(first), strict=True))
    after = dict(zip(_keys(source, stream, later), _objects(later), strict=True))
    assert any(key not in before for key in after), "`later` holds something new"
    if vendor.stream(source, stream).sees_updates:
        assert any(before[key] != raw for key, raw in after.items() if key in before), "`later` holds something changed"
    for raw in after.values():
        assert list(source.parse(stream, raw))


@paged
def test_a_read_cut_in_the_middle_of_a_page_resumes_there(connector: str, stream: str, tmp_path: Path) -> None:
    vendor, told = recorded(connector), _told(connector, stream)
    _, whole = _first_read(vendor, stream, tmp_path)
    cut = Fault(told["first"][1], {"body": requests.exceptions.ChunkedEncodingError()}, times=ATTEMPTS)
    seen = _until_cut(vendor, stream, tmp_path, [cut])
    assert len(seen) == 1
    kept = orjson.loads(orjson.dumps(seen[-1].cursor))
    with vendor.answering(told["first"][1:]) as vendor_side:
        source = vendor.open(tmp_path)
        rest = list(source.pages(vendor.stream(source, stream), kept, vendor.now))
    assert vendor_side.pages[0].call_count == 1
    assert sorted(_keys(source, stream, [*seen, *rest])) == sorted(_keys(source, stream, whole))
    assert rest[-1].cursor == whole[-1].cursor


@vendors
def test_429_with_retry_after_waits_as_long_as_asked(
    connector: str, stream: str, tmp_path: Path, slept: list[float]
) -> None:
    pages = _read_with_fault(connector, stream, tmp_path, {"status": 429, "headers": {"Retry-After": "7"}})
    assert slept == [7.0]
    assert len(pages) == len(_told(connector, stream)["first"])


@vendors
def test_429_without_retry_after_waits_a_little(
    connector: str, stream: str, tmp_path: Path, slept: list[float]
) -> None:
    pages = _read_with_fault(connector, stream, tmp_path, {"status": 429})
    assert len(slept) == 1
    assert 0 < slept[0] <= LONGEST_JITTER
    assert len(pages) == len(_told(connector, stream)["first"])


@vendors
def test_429_for_an_hour_ends_the_read_and_says_when(
    connector: str, stream: str, tmp_path: Path, slept: list[float]
) -> None:
    with pytest.raises(RateLimited) as raised:
        _read_with_fault(connector, stream, tmp_path, {"status": 429, "headers": {"Retry-After": "3600"}})
    assert raised.value.after == timedelta(hours=1)
    assert slept == []


@vendors
def test_500_then_success(connector: str, stream: str, tmp_path: Path, slept: list[float]) -> None:
    pages = _read_with_fault(connector, stream, tmp_path, {"status": 500})
    assert len(slept) == 1
    assert len(pages) == len(_told(connector, stream)["first"])


@vendors
def test_a_token_that_ended_is_renewed_once(connector: str, stream: str, tmp_path: Path, slept: list[float]) -> None:
    vendor, told = recorded(connector), _told(connector, stream)
    if not vendor.credential:
        # a fixed key cannot be renewed: the first refusal is the last word
        with pytest.raises(Refused):
            _read_with_fault(connector, stream, tmp_path, {"status": 401})
        return
    ended = Fault(told["first"][1], {"status": 401})
    with vendor.answering(told["first"], faults=[ended]) as vendor_side:
        source = vendor.open(tmp_path)
        pages = list(source.pages(vendor.stream(source, stream), None, vendor.now))
    tokens = [call for call in vendor_side.calls if call.request.url == vendor.credential[0]["request"]["url"]]
    assert len(tokens) == 2
    assert len(pages) == len(told["first"])
    assert slept == []


@vendors
def test_a_refused_key_is_told_clearly_and_not_tried_again(
    connector: str, stream: str, tmp_path: Path, slept: list[float]
) -> None:
    vendor = recorded(connector)
    source = vendor.open(tmp_path)
    with refusing_all() as calls, pytest.raises(Refused) as raised:
        list(source.pages(vendor.stream(source, stream), None, vendor.now))
    assert len(calls) == 1
    assert slept == []
    assert any(name in str(raised.value) for name in vendor.environ), "the message says which variable to set"


@pytest.mark.parametrize(("connector", "stream"), [each for each in PULLED if "malformed" in _told(*each)])
def test_a_malformed_object_leaves_the_others(connector: str, stream: str, tmp_path: Path) -> None:
    vendor, told = recorded(connector), _told(connector, stream)
    source, pages = _first_read(vendor, stream, tmp_path)
    _assert_malformed(source, stream, _objects(pages), told)


@pulled
def test_an_unknown_field_changes_nothing(connector: str, stream: str, tmp_path: Path) -> None:
    source, pages = _first_read(recorded(connector), stream, tmp_path)
    for raw in _objects(pages):
        assert list(source.parse(stream, raw | {"a_field_of_next_year": {"id": 1}})) == list(source.parse(stream, raw))


@pytest.mark.parametrize(("connector", "stream"), [each for each in PULLED if "optional" in _told(*each)])
def test_a_missing_field_stays_unset(connector: str, stream: str, tmp_path: Path) -> None:
    vendor, told = recorded(connector), _told(connector, stream)
    source, pages = _first_read(vendor, stream, tmp_path)
    _assert_optional(source, stream, _objects(pages), told["optional"])


@vendors
def test_no_secret_and_nobody_is_named_in_logs_and_errors(
    connector: str, stream: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    vendor, told = recorded(connector), _told(connector, stream)
    assert vendor.secrets, "`secrets` names what may not be told"
    texts: list[str] = []
    with caplog.at_level(logging.DEBUG), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        source, pages = _first_read(vendor, stream, tmp_path)
        texts += [repr(source), repr(source.settings), str(source.settings), repr(getattr(source, "http", None))]
        for response in _FAILURES:
            for exchange in (told["first"][0], told["first"][1]):
                texts += _told_by_failure(vendor, stream, tmp_path, Fault(exchange, response, times=ATTEMPTS))
        refused = vendor.open(tmp_path)
        with refusing_all(), pytest.raises(Refused) as raised:
            list(refused.pages(vendor.stream(source, stream), None, vendor.now))
        texts += _said_by(raised.value)
        broken = changed(_objects(pages)[0], told.get("malformed") or {})
        texts += _told_by_parse(source, stream, broken)
    texts += [str(each.message) for each in caught]
    texts += [caplog.text, *(str(record.args) + record.getMessage() for record in caplog.records)]
    texts += capfd.readouterr()
    assert caplog.records, "requests are logged"
    _assert_tells_nothing(vendor, "\n".join(texts))


_FAILURES: tuple[Mapping[str, Any], ...] = (
    {"status": 500, "json": {"error": "for ada@people.example"}},
    {"status": 400, "json": {"error": "for ada@people.example"}},
    {"status": 403},
    {"status": 429, "headers": {"Retry-After": "3600"}},
    {"status": 302, "headers": {"Location": "https://elsewhere.example/?token=t"}},
    {"body": "not JSON, ada@people.example"},
    {"json": "no page"},
    {"body": requests.exceptions.ConnectionError("tok ada@people.example")},
    {"body": requests.exceptions.ReadTimeout()},
)


# what is read from a file


@from_files
def test_a_file_is_read(connector: str, tmp_path: Path) -> None:
    vendor = recorded(connector)
    source, pages = _file_read(vendor, tmp_path, "first")
    _assert_records(source, vendor.file["stream"], _objects(pages), vendor.file["records"])
    keys = _keys(source, vendor.file["stream"], pages)
    assert len(set(keys)) == len(keys)


@from_files
def test_a_file_that_changed_is_read_again(connector: str, tmp_path: Path) -> None:
    vendor, stream = recorded(connector), recorded(connector).file["stream"]
    source, first = _file_read(vendor, tmp_path, "first")
    before = dict(zip(_keys(source, stream, first), _objects(first), strict=True))
    _write_file(vendor, tmp_path, "later")
    later = list(source.pages(vendor.stream(source, stream), first[-1].cursor, vendor.later_now))
    after = dict(zip(_keys(source, stream, later), _objects(later), strict=True))
    assert any(key not in before for key in after)
    assert any(before.get(key) != raw for key, raw in after.items())
    _assert_records(source, stream, _objects(later), vendor.file["later_records"])


@from_files
def test_a_broken_row_leaves_the_others(connector: str, tmp_path: Path) -> None:
    vendor, stream = recorded(connector), recorded(connector).file["stream"]
    source, pages = _file_read(vendor, tmp_path, "broken")
    counts, broken = Counter[str](), 0
    for raw in _objects(pages):
        try:
            counts.update(record.record_type for record in source.parse(stream, raw))
        except (Malformed, ValidationError) as error:
            broken += 1
            _assert_names_nobody(vendor, "\n".join(_said_by(error)))
    assert broken == vendor.file["broken_rows"]
    assert dict(counts) == vendor.file["broken_records"]


@from_files
def test_a_file_that_is_not_there_is_told(connector: str, tmp_path: Path) -> None:
    vendor = recorded(connector)
    source = vendor.open(tmp_path)
    with pytest.raises((Misconfigured, Unavailable)):
        list(source.pages(vendor.stream(source, vendor.file["stream"]), None, vendor.now))


@from_files
def test_a_row_with_a_wrong_an_unknown_or_a_missing_field(connector: str, tmp_path: Path) -> None:
    vendor, stream = recorded(connector), recorded(connector).file["stream"]
    source, pages = _file_read(vendor, tmp_path, "first")
    found = _objects(pages)
    for raw in found:
        assert list(source.parse(stream, raw | {"a_field_of_next_year": 1})) == list(source.parse(stream, raw))
    if "malformed" in vendor.file:
        _assert_malformed(source, stream, found, vendor.file)
    _assert_optional(source, stream, found, vendor.file.get("optional") or {})


# what is delivered


@delivered
def test_a_delivery_becomes_records(connector: str, tmp_path: Path) -> None:
    vendor = recorded(connector)
    source = vendor.open(tmp_path)
    assert isinstance(source, Receiver)
    for told, delivery in vendor.deliveries():
        source.authenticate(delivery.headers, delivery.body)
        counts = Counter[str]()
        for stream, raw in source.objects(delivery):
            text = orjson.dumps(raw).decode()
            assert not any(start in text for start in told.get("cut") or ()), "files are cut out"
            assert raw.get(_key_of(source, stream)), "a raw object has its key"
            extended = list(source.parse(stream, raw | {"a_field_of_next_year": 1}))
            records = list(source.parse(stream, orjson.loads(text)))
            assert extended == records
            counts.update(record.record_type for record in records)
        assert dict(counts) == told["records"]


@pytest.mark.parametrize("connector", SIGNED)
def test_a_wrong_signature_is_refused(connector: str, tmp_path: Path) -> None:
    vendor = recorded(connector)
    source = vendor.open(tmp_path)
    assert isinstance(source, Receiver)
    for told, delivery in vendor.deliveries():
        if not told.get("signed", True):
            continue
        for headers, body in _forged(delivery.headers, delivery.body):
            with pytest.raises(SignatureRefused) as raised:
                source.authenticate(headers, body)
            _assert_tells_nothing(vendor, "\n".join(_said_by(raised.value)))


@delivered
def test_a_delivery_keeps_its_key_when_it_comes_again(connector: str, tmp_path: Path) -> None:
    vendor = recorded(connector)
    source = vendor.open(tmp_path)
    assert isinstance(source, Receiver)
    keys: list[str] = []
    for _, delivery in vendor.deliveries():
        keys.append(source.delivery_key(delivery.headers, delivery.body))
        again = {name.lower(): value for name, value in delivery.headers.items()} | {
            "date": "another",
            "user-agent": "x",
        }
        assert source.delivery_key(again, delivery.body) == keys[-1]
    assert len(set(keys)) == len(keys), "two deliveries have two keys"


@delivered
def test_a_delivery_that_says_nothing_readable_is_malformed(connector: str, tmp_path: Path) -> None:
    vendor = recorded(connector)
    source = vendor.open(tmp_path)
    assert isinstance(source, Receiver)
    assert vendor.deliveries("malformed_deliveries"), "`malformed_deliveries` has one at least"
    for _, delivery in vendor.deliveries("malformed_deliveries"):
        source.authenticate(delivery.headers, delivery.body)
        with pytest.raises((Malformed, ValidationError)) as raised:
            _take_apart(source, delivery)
        if isinstance(raised.value, ValidationError):
            continue  # landing tells its fields and types, never its text
        _assert_tells_nothing(vendor, "\n".join(_said_by(raised.value)))


@delivered
def test_a_field_missing_from_a_delivery_stays_unset(connector: str, tmp_path: Path) -> None:
    vendor = recorded(connector)
    source = vendor.open(tmp_path)
    assert isinstance(source, Receiver)
    for told, delivery in vendor.deliveries():
        for stream, raw in list(source.objects(delivery))[:1]:
            _assert_optional(source, stream, [raw], told.get("optional") or {})


# how it is done


def _misconfigured(vendor: Recorded, folder: Path, environ: Mapping[str, str]) -> Misconfigured | None:
    try:
        vendor.open(folder, environ)
    except Misconfigured as error:
        return error
    return None


def _first_read(vendor: Recorded, stream: str, folder: Path) -> tuple[Any, list[Page]]:
    with vendor.answering(vendor.streams[stream]["first"]):
        source = vendor.open(folder)
        return source, list(source.pages(vendor.stream(source, stream), None, vendor.now))


def _read_with_fault(connector: str, stream: str, folder: Path, response: Mapping[str, Any]) -> list[Page]:
    vendor, exchanges = recorded(connector), _told(connector, stream)["first"]
    with vendor.answering(exchanges, faults=[Fault(exchanges[-1], response)]) as vendor_side:
        source = vendor.open(folder)
        pages = list(source.pages(vendor.stream(source, stream), None, vendor.now))
    assert response["status"] in vendor_side.statuses
    return pages


def _take_apart(source: Any, delivery: Delivery) -> None:
    source.delivery_key(delivery.headers, delivery.body)
    for stream, raw in source.objects(delivery):
        list(source.parse(stream, raw))


def _until_cut(vendor: Recorded, stream: str, folder: Path, faults: list[Fault]) -> list[Page]:
    seen: list[Page] = []
    with vendor.answering(vendor.streams[stream]["first"], faults=faults):
        source = vendor.open(folder)
        try:
            seen.extend(source.pages(vendor.stream(source, stream), None, vendor.now))
        except Unavailable:
            return seen
    raise AssertionError("the cut went unnoticed")


def _told_by_failure(vendor: Recorded, stream: str, folder: Path, fault: Fault) -> list[str]:
    with vendor.answering(vendor.streams[stream]["first"], faults=[fault]):
        source = vendor.open(folder)
        with pytest.raises(ConnectorError) as raised:
            list(source.pages(vendor.stream(source, stream), None, vendor.now))
    return _said_by(raised.value)


def _told_by_parse(source: Any, stream: str, raw: Any) -> list[str]:
    try:
        list(source.parse(stream, raw))
    except Malformed as error:
        return _said_by(error)
    except ValidationError:
        pass  # landing tells its fields and types, never its text
    return []


def _file_read(vendor: Recorded, folder: Path, version: str) -> tuple[Any, list[Page]]:
    _write_file(vendor, folder, version)
    source = vendor.open(folder)
    return source, list(source.pages(vendor.stream(source, vendor.file["stream"]), None, vendor.now))


def _write_file(vendor: Recorded, folder: Path, version: str) -> None:
    if vendor.file:
        (folder / vendor.file["name"]).write_text(vendor.file[version])


def _objects(pages: Iterable[Page]) -> list[Any]:
    return [raw for page in pages for raw in page.objects]


def _key_of(source: Any, stream: str) -> str:
    return next((each.key for each in source.streams() if each.name == stream), "id")


def _keys(source: Any, stream: str, pages: Iterable[Page]) -> list[str]:
    return [str(raw[_key_of(source, stream)]) for raw in _objects(pages)]


def _assert_records(source: Any, stream: str, found: Iterable[Any], expected: Mapping[str, int]) -> None:
    records: list[Record] = [record for raw in found for record in source.parse(stream, raw)]
    assert dict(Counter(record.record_type for record in records)) == dict(expected)
    named = {(record.record_type, record.remote_id) for record in records}
    assert len(named) == len(records), "no two records have one name"


def _assert_malformed(source: Any, stream: str, found: list[Any], told: Mapping[str, Any]) -> None:
    broken = changed(found[0], told["malformed"])
    with pytest.raises((Malformed, ValidationError)):
        list(source.parse(stream, broken))
    whole = Counter(record.record_type for raw in found for record in source.parse(stream, raw))
    first = Counter(record.record_type for record in source.parse(stream, found[0]))
    rest = Counter(record.record_type for raw in found[1:] for record in source.parse(stream, raw))
    assert whole == first + rest


def _assert_optional(source: Any, stream: str, found: list[Any], optional: Mapping[str, str | None]) -> None:
    for path, field in optional.items():
        raw = next((raw for raw in found if has(raw, path)), None)
        assert raw is not None, f"no object of the fixture has {path}"
        records = list(source.parse(stream, without(raw, path)))
        assert records
        if field is not None:
            given = [record for record in source.parse(stream, raw) if field in record.model_fields_set]
            assert given, f"no record has {field} where the vendor sends {path}"
            same = [record for record in records if record.record_type == given[0].record_type]
            assert field not in same[0].model_fields_set


def _forged(headers: Mapping[str, str], body: bytes) -> Iterable[tuple[Mapping[str, str], bytes]]:
    yield headers, body + b" "
    yield {}, body
    for name, value in headers.items():
        if "signature" in name.lower():
            yield {**headers, name: value.translate(str.maketrans("abcdefAB01", "bcdefaBA10"))}, body
            yield {**headers, name: ""}, body


def _said_by(error: BaseException) -> list[str]:
    """Return all that an error may come to say: itself, what it was raised from, and what it met on the way."""
    said, chain = [], [error]
    while chain:
        each = chain.pop()
        said += [str(each), repr(each), repr(each.args), *traceback.format_exception(each)]
        chain += [linked for linked in (each.__cause__, each.__context__) if linked is not None]
    return said


def _assert_tells_nothing(vendor: Recorded, text: str) -> None:
    for secret in vendor.secrets:
        assert str(secret) not in text, "a secret is told"
    _assert_names_nobody(vendor, text)


def _assert_names_nobody(vendor: Recorded, text: str) -> None:
    # whose address it is does not matter: none may be there
    assert not re.search(r"[\w.+-]+@[\w-]+\.\w+", text), "somebody's address is told"
