"""OAuth2: when a token is fetched and renewed, and that a rotated one is kept before it is used."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import responses
from responses import matchers

from connectors.auth import ClientCredentials, RefreshToken
from connectors.contract import Token
from connectors.errors import Misconfigured, RateLimited, Refused, Unavailable
from connectors.http import Http
from tests.connectors.transport import RequestsTransport

BASE, TOKEN = "https://api.vendor.example/v1", "https://auth.vendor.example/token"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Clock:
    """A clock that a test sets."""

    now = NOW

    def __call__(self) -> datetime:
        return self.now


class Keeper:
    """Keeps tokens in memory, and counts what it kept."""

    def __init__(self, token: Token | None = None) -> None:
        self.token, self.saved = token, list[Token]()

    def load(self, name: str) -> Token | None:
        return self.token

    def save(self, name: str, token: Token) -> None:
        self.token = token
        self.saved.append(token)


@pytest.fixture
def vendor() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def http(clock: Clock) -> Http:
    auth = ClientCredentials(
        TOKEN, "client", "cl-secret", name="Vendor", hint="Set VENDOR_CLIENT_SECRET.", form={"sub": "7"}, clock=clock
    )
    return Http(BASE, name="Vendor", auth=auth, transport=RequestsTransport())


def _grants(vendor: responses.RequestsMock, access: str, form: Mapping[str, str] | None = None, **body: Any) -> None:
    match = [matchers.urlencoded_params_matcher(dict(form))] if form else []
    vendor.add("POST", TOKEN, json={"access_token": access, **body}, match=match)


def _answers(vendor: responses.RequestsMock, access: str, status: int = 200) -> None:
    match = [matchers.header_matcher({"Authorization": f"Bearer {access}"})]
    vendor.add("GET", f"{BASE}/things", json=[], status=status, match=match)


def _tokens_asked(vendor: responses.RequestsMock) -> int:
    return sum(call.request.url == TOKEN for call in vendor.calls)


@pytest.mark.parametrize(
    "lifetime",
    [
        {"expires_in": 3600},
        {"expires_in": "3600"},
        {"expires_at": "2026-03-01T13:00:00.000Z"},
        {"expires_at": "2026-03-01T14:00:00+01:00"},
        {"expires_at": "2026-03-01T13:00:00"},
    ],
)
def test_a_token_is_fetched_once_and_renewed_shortly_before_it_ends(
    vendor: responses.RequestsMock, http: Http, clock: Clock, lifetime: Mapping[str, Any]
) -> None:
    _grants(vendor, "one", {"grant_type": "client_credentials", "sub": "7"}, **lifetime)
    _answers(vendor, "one")
    http.get("things")
    clock.now = NOW + timedelta(minutes=58)
    http.get("things")
    assert _tokens_asked(vendor) == 1
    clock.now = NOW + timedelta(minutes=59, seconds=1)
    http.get("things")
    assert _tokens_asked(vendor) == 2
    assert vendor.calls[0].request.headers["Authorization"].startswith("Basic ")


def test_a_token_of_unknown_life_is_trusted_for_minutes(
    vendor: responses.RequestsMock, http: Http, clock: Clock
) -> None:
    _grants(vendor, "one")
    _answers(vendor, "one")
    http.get("things")
    clock.now = NOW + timedelta(minutes=5)
    http.get("things")
    assert _tokens_asked(vendor) == 2


def test_a_401_renews_an_old_token_once(vendor: responses.RequestsMock, http: Http) -> None:
    _grants(vendor, "one", expires_in=3600)
    _answers(vendor, "one")
    http.get("things")
    vendor.reset()
    _grants(vendor, "two", expires_in=3600)
    _answers(vendor, "one", 401)
    _answers(vendor, "two")
    http.get("things")
    assert _tokens_asked(vendor) == 1
    vendor.reset()
    _grants(vendor, "three", expires_in=3600)
    _answers(vendor, "two", 401)
    _answers(vendor, "three", 401)
    with pytest.raises(Refused):
        http.get("things")
    assert len(vendor.calls) == 3


def test_a_401_for_a_fresh_token_is_the_last_word(vendor: responses.RequestsMock, http: Http) -> None:
    _grants(vendor, "one", expires_in=3600)
    _answers(vendor, "one", 401)
    with pytest.raises(Refused):
        http.get("things")
    assert len(vendor.calls) == 2


def test_a_refused_credential_says_what_to_set(vendor: responses.RequestsMock, http: Http, slept: list[float]) -> None:
    vendor.add("POST", TOKEN, status=401, json={"error": "invalid_client"})
    with pytest.raises(Refused, match=r"401 at its token address\)\. Set VENDOR_CLIENT_SECRET\."):
        http.get("things")
    assert (len(vendor.calls), slept) == (1, [])


def test_a_token_address_that_fails_in_passing_is_asked_again(
    vendor: responses.RequestsMock, http: Http, slept: list[float]
) -> None:
    vendor.add("POST", TOKEN, status=429, headers={"Retry-After": "3"})
    vendor.add("POST", TOKEN, status=502)
    _grants(vendor, "one", expires_in=3600)
    vendor.add("POST", f"{BASE}/things", json=[])
    http.request("POST", "things", json={})
    assert slept[0] == 3
    assert len(slept) == 2


def test_a_token_address_that_asks_for_an_hour_ends_the_step(vendor: responses.RequestsMock, http: Http) -> None:
    vendor.add("POST", TOKEN, status=429, headers={"Retry-After": "3600"})
    with pytest.raises(RateLimited, match="token address"):
        http.get("things")


def test_a_wrong_token_address_is_a_setting(vendor: responses.RequestsMock, http: Http) -> None:
    vendor.add("POST", TOKEN, status=404)
    with pytest.raises(Misconfigured, match="token_url"):
        http.get("things")


@pytest.mark.parametrize("body", ["<html>", "[]", "{}", '{"access_token": "tok-1", "expires_at": "soon"}'])
def test_an_answer_without_a_token_is_no_answer(vendor: responses.RequestsMock, http: Http, body: str) -> None:
    vendor.add("POST", TOKEN, body=body)
    with pytest.raises(Unavailable, match="without a token") as raised:
        http.get("things")
    assert raised.value.__context__ is None
    assert "tok-1" not in str(raised.value)


def _refreshing(keeper: Keeper, clock: Clock, given: str = "r0") -> Http:
    auth = RefreshToken(TOKEN, "client", "cl-secret", given, name="vendor", keeper=keeper, hint="Sign in.", clock=clock)
    return Http(BASE, name="Vendor", auth=auth, transport=RequestsTransport())


def _refresh(token: str) -> dict[str, str]:
    return {"grant_type": "refresh_token", "refresh_token": token}


def test_a_rotated_token_is_kept_before_it_is_used(vendor: responses.RequestsMock, clock: Clock) -> None:
    keeper, kept_when_used = Keeper(), list[Any]()
    _grants(vendor, "one", _refresh("r0"), expires_in=3600, refresh_token="r1")

    def _used(request: Any) -> tuple[int, dict[str, str], str]:
        kept_when_used.append(keeper.token)
        return 200, {}, "[]"

    vendor.add_callback("GET", f"{BASE}/things", _used)
    _refreshing(keeper, clock).get("things")
    assert kept_when_used == [Token("one", NOW + timedelta(hours=1), "r1")]


def test_a_kept_token_is_used_and_its_refresh_token_goes_first(vendor: responses.RequestsMock, clock: Clock) -> None:
    keeper = Keeper(Token("kept", NOW + timedelta(minutes=30), "r7"))
    _answers(vendor, "kept")
    http = _refreshing(keeper, clock)
    http.get("things")
    assert _tokens_asked(vendor) == 0
    clock.now = NOW + timedelta(hours=1)
    _grants(vendor, "next", _refresh("r7"), expires_in=3600)
    _answers(vendor, "next")
    http.get("things")
    assert keeper.saved == [Token("next", NOW + timedelta(hours=2), "r7")], "a vendor that does not rotate keeps it"


def test_a_token_that_another_process_rotated_is_found(vendor: responses.RequestsMock, clock: Clock) -> None:
    keeper = Keeper(Token("kept", NOW + timedelta(minutes=30), "r7"))
    _answers(vendor, "kept")
    http = _refreshing(keeper, clock)
    http.get("things")
    keeper.token = Token("elsewhere", NOW + timedelta(minutes=40), "r8")
    clock.now = NOW + timedelta(hours=1)
    _grants(vendor, "next", _refresh("r8"), expires_in=3600)
    _answers(vendor, "next")
    http.get("things")
    assert _tokens_asked(vendor) == 1


def test_a_dead_kept_token_gives_way_to_the_one_in_the_settings(vendor: responses.RequestsMock, clock: Clock) -> None:
    keeper = Keeper(Token("kept", NOW, "dead"))
    vendor.add("POST", TOKEN, status=400, match=[matchers.urlencoded_params_matcher(_refresh("dead"))])
    _grants(vendor, "new", _refresh("set-anew"), expires_in=3600)
    _answers(vendor, "new")
    _refreshing(keeper, clock, given="set-anew").get("things")
    assert keeper.saved[-1].refresh == "set-anew"
    keeper.token = Token("kept", NOW, "dead")
    vendor.add("POST", TOKEN, status=400, match=[matchers.urlencoded_params_matcher(_refresh("dead-too"))])
    with pytest.raises(Refused, match="Sign in"):
        _refreshing(keeper, clock, given="dead-too").get("things")


def test_a_token_does_not_show_itself() -> None:
    shown = repr(Token("access-1", NOW, "refresh-1"))
    assert "access-1" not in shown
    assert "refresh-1" not in shown
