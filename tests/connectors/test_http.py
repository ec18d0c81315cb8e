"""The HTTP client: what it retries, how long it waits, what it says, and where it never sends the key."""

import gc
import logging
import socket
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
import requests
import responses
from pyrate_limiter import Duration, Rate

from connectors import http as module
from connectors.errors import Misconfigured, RateLimited, Refused, Unavailable
from connectors.http import ATTEMPTS, LONGEST_JITTER, Http, VendorError
from tests.connectors.transport import RequestsTransport

BASE = "https://api.vendor.example/v1"


@pytest.fixture
def vendor() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        yield mock


@pytest.fixture
def http() -> Http:
    return Http(BASE, name="Vendor", hint="Set VENDOR_TOKEN.", transport=RequestsTransport())


def _then_ok(vendor: responses.RequestsMock, method: str = "GET", **first: Any) -> None:
    vendor.add(method, f"{BASE}/things", **first)
    vendor.add(method, f"{BASE}/things", json=[1])


def test_retry_after_in_seconds(vendor: responses.RequestsMock, http: Http, slept: list[float]) -> None:
    _then_ok(vendor, status=429, headers={"Retry-After": "12"})
    assert http.json(http.get("things")) == [1]
    assert slept == [12.0]
    assert http.requests == 2


def test_retry_after_as_a_date(vendor: responses.RequestsMock, http: Http, slept: list[float]) -> None:
    at = datetime.now(UTC) + timedelta(seconds=20)
    _then_ok(vendor, status=503, headers={"Retry-After": format_datetime(at, usegmt=True)})
    http.get("things")
    assert 15 < slept[0] <= 20


def test_retry_after_in_the_past_means_now(vendor: responses.RequestsMock, http: Http, slept: list[float]) -> None:
    at = datetime.now(UTC) - timedelta(hours=1)
    _then_ok(vendor, status=503, headers={"Retry-After": format_datetime(at, usegmt=True)})
    http.get("things")
    assert slept == [0.0]


@pytest.mark.parametrize("status", [429, 503])
def test_a_longer_pause_ends_the_step_and_says_when(
    vendor: responses.RequestsMock, http: Http, slept: list[float], status: int
) -> None:
    vendor.add("GET", f"{BASE}/things", status=status, headers={"Retry-After": "90"})
    with pytest.raises(RateLimited, match=r"1\.5 minutes") as raised:
        http.get("things")
    assert raised.value.after == timedelta(seconds=90)
    assert slept == []


@pytest.mark.parametrize("header", ["soon", "-5", "1e9", "9" * 400, "Wed, 99 Foo 2026"])
def test_a_retry_after_that_means_nothing_is_left_aside(
    vendor: responses.RequestsMock, http: Http, slept: list[float], header: str
) -> None:
    _then_ok(vendor, status=429, headers={"Retry-After": header})
    http.get("things")
    assert 0 < slept[0] <= LONGEST_JITTER


@pytest.mark.parametrize("name", ["X-RateLimit-Reset", "X-Rate-Limit-Reset"])
def test_a_window_reset_is_read_as_seconds_or_as_unix_time(
    vendor: responses.RequestsMock, http: Http, slept: list[float], name: str
) -> None:
    _then_ok(vendor, status=429, headers={name: "9"})
    http.get("things")
    unix = datetime.now(UTC).timestamp() + 9
    for number in (int(unix), int(unix * 1000)):
        vendor.reset()
        _then_ok(vendor, status=429, headers={name: str(number)})
        http.get("things")
    assert slept[0] == 9
    assert all(7 <= nap <= 10 for nap in slept)


def test_a_window_that_is_used_up_is_waited_out_before_the_next_request(
    vendor: responses.RequestsMock, http: Http, slept: list[float]
) -> None:
    vendor.add("GET", f"{BASE}/things", json=[1], headers={"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "5"})
    http.get("things")
    assert slept == [], "nothing waits after the last request"
    http.get("things")
    assert len(slept) == 1
    assert 4 < slept[0] <= 5


def test_jitter_grows_and_stays_under_its_cap(vendor: responses.RequestsMock, http: Http, slept: list[float]) -> None:
    vendor.add("GET", f"{BASE}/things", status=502)
    with pytest.raises(Unavailable, match="502"):
        http.get("things")
    assert http.requests == ATTEMPTS
    assert len(slept) == ATTEMPTS - 1
    caps = [min(LONGEST_JITTER, 0.5 * 2**attempt) for attempt in range(1, ATTEMPTS)]
    assert all(0 < nap <= cap for nap, cap in zip(slept, caps, strict=True))


@pytest.mark.parametrize("failure", [{"status": 500}, {"body": requests.exceptions.ReadTimeout()}])
def test_a_post_is_not_repeated_where_it_may_have_been_done(
    vendor: responses.RequestsMock, http: Http, slept: list[float], failure: dict[str, Any]
) -> None:
    vendor.add("POST", f"{BASE}/things", **failure)
    with pytest.raises(Unavailable):
        http.request("POST", "things", json={"a": 1})
    assert (http.requests, slept) == (1, [])


@pytest.mark.parametrize("failure", [{"status": 429}, {"status": 503}, {"body": requests.exceptions.ConnectTimeout()}])
def test_a_post_is_repeated_where_nothing_was_done(
    vendor: responses.RequestsMock, http: Http, failure: dict[str, Any]
) -> None:
    _then_ok(vendor, "POST", **failure)
    assert http.request("POST", "things", form={"a": 1}).status_code == 200
    assert vendor.calls[0].request.body == vendor.calls[1].request.body == "a=1"


def test_a_post_that_is_harmless_twice_is_repeated(vendor: responses.RequestsMock, http: Http) -> None:
    _then_ok(vendor, "POST", status=500)
    assert http.request("POST", "things", json={"a": 1}, repeatable=True).status_code == 200


def test_errors_say_what_to_do(vendor: responses.RequestsMock, http: Http) -> None:
    vendor.add("GET", f"{BASE}/refused", status=401)
    vendor.add("GET", f"{BASE}/forbidden", status=403)
    vendor.add("GET", f"{BASE}/moved", status=301, headers={"Location": "https://new.example"})
    vendor.add("GET", f"{BASE}/wrong", status=422, json={"error": "ada@people.example"})
    with pytest.raises(Refused, match=r"refused the key \(401 at .*/refused\)\. Set VENDOR_TOKEN\."):
        http.get("refused")
    with pytest.raises(Refused, match="does not permit this"):
        http.get("forbidden")
    with pytest.raises(Misconfigured, match="Set base_url"):
        http.get("moved")
    with pytest.raises(VendorError) as raised:
        http.get("wrong")
    assert raised.value.status == 422
    assert "ada" not in str(raised.value)
    assert http.requests == 4
    assert http.request("GET", "wrong", accept=(422,)).status_code == 422


def test_the_key_is_sent_to_no_other_host(http: Http) -> None:
    for url in ("https://evil.example/v1/things", "http://api.vendor.example/v1", "https://api.vendor.example:444/v1"):
        with pytest.raises(Misconfigured, match="another host"):
            http.get(url)
    assert http.requests == 0


def test_an_answer_that_breaks_off_or_is_not_json_is_no_answer(vendor: responses.RequestsMock, http: Http) -> None:
    vendor.add("GET", f"{BASE}/cut", body=requests.exceptions.ChunkedEncodingError())
    vendor.add("GET", f"{BASE}/page", body="<html>ada@people.example")
    with pytest.raises(Unavailable, match="broke off"):
        http.get("cut")
    with pytest.raises(Unavailable, match="not JSON") as raised:
        http.json(http.get("page"))
    assert raised.value.__context__ is None, "the decoder's error holds the body"


def test_an_answer_that_is_too_large_is_refused_before_it_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST_BODY", 1000)
    given: list[int] = []

    class Endless(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            for number in range(100):
                given.append(number)
                yield b"x" * 400

    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=Endless()))
    with pytest.raises(Unavailable, match="more than"):
        Http(BASE, name="Vendor", transport=transport).get("things")
    assert len(given) == 3


@pytest.mark.parametrize("secret", ["tok\nsecret-1", "tok-sécret-1"])
def test_a_secret_that_cannot_be_sent_is_not_shown(secret: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        base_url = f"http://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(Misconfigured, match="a header cannot be sent") as raised:
            Http(base_url, name="Vendor", headers={"Authorization": f"Bearer {secret}"}).get("things")
    told = "".join(traceback.format_exception(raised.value)) + repr(raised.value.__context__)
    assert "cret-1" not in told


@pytest.mark.parametrize("base_url", ["ftp://x.example", "x.example/v1", "http://[::1"])
def test_a_base_url_that_is_none_is_named(base_url: str) -> None:
    with pytest.raises(Misconfigured, match="base_url"):
        Http(base_url, name="Vendor").get("things")


def test_an_unreachable_host_is_named(slept: list[float]) -> None:
    with pytest.raises(Unavailable, match=r"cannot be reached at 127\.0\.0\.1:9\. Check base_url"):
        Http("http://127.0.0.1:9", name="Vendor").get("things")
    assert len(slept) == ATTEMPTS - 1


def test_what_is_logged_has_no_query_and_no_address(
    vendor: responses.RequestsMock, http: Http, caplog: pytest.LogCaptureFixture
) -> None:
    vendor.add("GET", f"{BASE}/members/ada%40people.example", json={})
    with caplog.at_level(logging.DEBUG):
        http.get("members/ada%40people.example", {"token": "tok-1"})
    assert [record.name for record in caplog.records] == ["connectors.http"]
    assert "/members/…?token=…: 200" in caplog.text


def test_rates_are_kept_beforehand(vendor: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch) -> None:
    naps: list[float] = []
    monkeypatch.setattr("pyrate_limiter.limiter.sleep", naps.append)
    vendor.add("GET", f"{BASE}/things", json=[])
    http = Http(BASE, name="Vendor", rates=[Rate(2, Duration.SECOND)], transport=RequestsTransport())
    for _ in range(3):
        http.get("things")
    assert len(naps) == 1


def test_a_client_left_alone_closes_its_connections(recwarn: pytest.WarningsRecorder) -> None:
    http = Http(BASE, name="Vendor", transport=RequestsTransport())
    client = http._client
    del http
    gc.collect()
    assert client.is_closed
    assert not recwarn
