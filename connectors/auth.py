"""Proving who we are: OAuth2 client credentials, and refresh tokens that may rotate.

Both fetch a token when there is none, renew it shortly before it ends, and once more when the vendor refuses it early.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson

from connectors.contract import Token, TokenKeeper
from connectors.errors import Misconfigured, Refused, Unavailable

_EARLY = timedelta(seconds=60)
_ASSUMED = timedelta(minutes=5)
_NO = frozenset({400, 401, 403})
_PASSING = frozenset({408, 425, 429})

_Flow = Generator[httpx.Request, httpx.Response, None]


class NoToken(Exception):
    """The token address failed in passing; the request itself was not sent, or was refused."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__(f"the token address answers {response.status_code}")
        self.status = response.status_code
        self.headers = response.headers


class _Bearer(httpx.Auth, ABC):
    def __init__(self, name: str, hint: str, clock: Callable[[], datetime]) -> None:
        self._name, self._hint, self._clock = name, hint, clock
        self._token: Token | None = None

    @abstractmethod
    def _token_requests(self) -> Iterator[httpx.Request]:
        """Yield what may be asked for a token, the next where the one before was refused."""

    def _kept(self) -> Token | None:
        """Return the token that is known by now; another process may have renewed it."""
        return self._token

    def _fetched(self, token: Token) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> _Flow:
        self._token = self._kept()
        fresh = self._token is None or self._token.expires_at - _EARLY <= self._clock()
        if fresh:
            yield from self._renew()
        response = yield self._signed(request)
        if response.status_code == 401 and not fresh:
            yield from self._renew()
            yield self._signed(request)

    def _signed(self, request: httpx.Request) -> httpx.Request:
        assert self._token is not None  # noqa: S101 - _renew raises otherwise
        request.headers["Authorization"] = f"Bearer {self._token.access}"
        return request

    def _renew(self) -> _Flow:
        status = 0
        for request in self._token_requests():
            response = yield request
            response.read()
            status = response.status_code
            if status not in _NO:
                self._fetched(self._token_in(response))
                return
        raise Refused(f"{self._name} refused the credential ({status} at its token address). {self._hint}".strip())

    def _token_in(self, response: httpx.Response) -> Token:
        if response.status_code in _PASSING or response.is_server_error:
            raise NoToken(response)
        if not response.is_success:
            told = f"{self._name}'s token address answers {response.status_code}. Check the token_url setting."
            raise Misconfigured(told)
        try:
            body = orjson.loads(response.content)
            return Token(str(body["access_token"]), self._expiry(body), body.get("refresh_token"))
        except (ValueError, LookupError, TypeError, AttributeError):
            pass
        # out here, because the error met would keep the body, which may hold a token
        raise Unavailable(f"{self._name}'s token address answers without a token. Try again later.")

    def _expiry(self, body: Mapping[str, Any]) -> datetime:
        """Read `expires_in` (seconds) or `expires_at` (ISO; Greenhouse's), else assume five minutes."""
        if body.get("expires_in") is not None:
            return self._clock() + timedelta(seconds=float(body["expires_in"]))
        if body.get("expires_at") is not None:
            moment = datetime.fromisoformat(body["expires_at"])
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return self._clock() + _ASSUMED


def _now() -> datetime:
    return datetime.now(UTC)


class ClientCredentials(_Bearer):
    """OAuth2 client credentials: HTTP Basic at `token_url`, `form` added to the grant."""

    def __init__(
        self, token_url: str, client_id: str, client_secret: str, *, name: str, hint: str = "",
        form: Mapping[str, str] | None = None, clock: Callable[[], datetime] = _now,
    ) -> None:  # fmt: skip
        super().__init__(name, hint, clock)
        self._url, self._form = token_url, {"grant_type": "client_credentials", **(form or {})}
        self._basic = httpx.BasicAuth(client_id, client_secret)

    def _token_requests(self) -> Iterator[httpx.Request]:
        yield next(self._basic.auth_flow(httpx.Request("POST", self._url, data=self._form)))


class RefreshToken(_Bearer):
    """OAuth2 refresh tokens. A vendor may hand out a new one at each use, so it is kept before it is needed.

    The kept one goes first; where it is dead, the one in the settings is tried, which a person may have set anew.
    """

    def __init__(
        self, token_url: str, client_id: str, client_secret: str, refresh_token: str, *, name: str, keeper: TokenKeeper,
        hint: str = "", clock: Callable[[], datetime] = _now,
    ) -> None:  # fmt: skip
        super().__init__(name, hint, clock)
        self._url, self._keeper, self._given = token_url, keeper, refresh_token
        self._basic = httpx.BasicAuth(client_id, client_secret)
        self._asked_with = refresh_token

    def _kept(self) -> Token | None:
        return self._token or self._keeper.load(self._name)

    def _token_requests(self) -> Iterator[httpx.Request]:
        kept = self._keeper.load(self._name)
        for refresh in dict.fromkeys([(kept and kept.refresh) or self._given, self._given]):
            self._asked_with = refresh
            form = {"grant_type": "refresh_token", "refresh_token": refresh}
            yield next(self._basic.auth_flow(httpx.Request("POST", self._url, data=form)))

    def _fetched(self, token: Token) -> None:
        kept = Token(token.access, token.expires_at, token.refresh or self._asked_with)
        self._keeper.save(self._name, kept)
        self._token = kept
