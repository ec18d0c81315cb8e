"""Proving who we are: OAuth2 client credentials, and refresh tokens that may rotate.

Both fetch a token when there is none, renew it shortly before it ends, and once more when the vendor refuses it early.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

import httpx
import orjson

from connectors.errors import Refused, Unavailable

_EARLY = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Token:
    """An access token, when it ends, and the refresh token that came with it."""

    access: str
    expires_at: datetime
    refresh: str | None = None


class TokenKeeper(Protocol):
    """Where rotating tokens live between runs; the store keeps this contract, encrypted."""

    def load(self, name: str) -> Token | None:
        """Return the last token kept under `name`."""
        ...

    def save(self, name: str, token: Token) -> None:
        """Keep `token` before anybody uses it: the old refresh token is already dead."""
        ...


class _Bearer(httpx.Auth):
    requires_response_body = True

    def __init__(self, name: str, hint: str, clock: Callable[[], datetime]) -> None:
        self._name, self._hint, self._clock = name, hint, clock
        self._token: Token | None = None

    def _token_request(self) -> httpx.Request:
        raise NotImplementedError  # pragma: no cover - abstract

    def _fetched(self, token: Token) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if self._token is None or self._token.expires_at - _EARLY <= self._clock():
            yield from self._renew()
        assert self._token is not None  # noqa: S101 - _renew raises otherwise
        request.headers["Authorization"] = f"Bearer {self._token.access}"
        response = yield request
        if response.status_code == 401:
            yield from self._renew()
            request.headers["Authorization"] = f"Bearer {self._token.access}"
            yield request

    def _renew(self) -> Generator[httpx.Request, httpx.Response, None]:
        response = yield self._token_request()
        if response.status_code in (400, 401, 403):
            raise Refused(
                f"{self._name} refused the credential ({response.status_code} at its token address). {self._hint}".strip()
            )
        if not response.is_success:
            raise httpx.ReadError(f"token address answers {response.status_code}")
        try:
            body = orjson.loads(response.content)
            access = body["access_token"]
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise Unavailable(f"{self._name}'s token address answers without a token. Try again later.") from error
        self._fetched(Token(access, self._expiry(body), body.get("refresh_token")))

    def _expiry(self, body: Mapping[str, object]) -> datetime:
        """Read `expires_in` (seconds) or `expires_at` (ISO; Greenhouse's), else assume five minutes."""
        if isinstance(seconds := body.get("expires_in"), int | float):
            return self._clock() + timedelta(seconds=seconds)
        if isinstance(moment := body.get("expires_at"), str):
            return datetime.fromisoformat(moment).astimezone(UTC)
        return self._clock() + timedelta(minutes=5)


class ClientCredentials(_Bearer):
    """OAuth2 client credentials: HTTP Basic at `token_url`, `form` added to the grant."""

    def __init__(
        self, token_url: str, client_id: str, client_secret: str, *, name: str, hint: str = "",
        form: Mapping[str, str] | None = None, clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:  # fmt: skip
        super().__init__(name, hint, clock)
        self._url, self._form = token_url, {"grant_type": "client_credentials", **(form or {})}
        self._basic = httpx.BasicAuth(client_id, client_secret)

    def _token_request(self) -> httpx.Request:
        return next(self._basic.auth_flow(httpx.Request("POST", self._url, data=self._form)))


class RefreshToken(_Bearer):
    """OAuth2 refresh tokens. A vendor may hand out a new one at each use, so it is kept before it is needed."""

    def __init__(
        self, token_url: str, client_id: str, client_secret: str, refresh_token: str, *, name: str, keeper: TokenKeeper,
        hint: str = "", clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:  # fmt: skip
        super().__init__(name, hint, clock)
        self._url, self._keeper = token_url, keeper
        self._basic = httpx.BasicAuth(client_id, client_secret)
        self._token = keeper.load(name)
        self._refresh = (self._token and self._token.refresh) or refresh_token

    def _token_request(self) -> httpx.Request:
        form = {"grant_type": "refresh_token", "refresh_token": self._refresh}
        return next(self._basic.auth_flow(httpx.Request("POST", self._url, data=form)))

    def _fetched(self, token: Token) -> None:
        self._refresh = token.refresh or self._refresh
        kept = Token(token.access, token.expires_at, self._refresh)
        self._keeper.save(self._name, kept)
        self._token = kept
