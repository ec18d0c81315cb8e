"""The one HTTP client: time-outs, limits kept beforehand, retries that do what the vendor asks, plain errors.

httpx is imported here and in `connectors.auth` alone, so that a move to another client is a change in one place.
"""

import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import orjson
from pyrate_limiter import Limiter, Rate
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from connectors.errors import Misconfigured, RateLimited, Refused, Unavailable
from connectors.redaction import redacted

# httpx logs every address at INFO, with its query; ours are logged redacted or not at all.
logging.getLogger("httpx").setLevel(logging.WARNING)
logging.getLogger("httpcore").setLevel(logging.WARNING)
log = logging.getLogger(__name__)

LONGEST_WAIT = timedelta(seconds=30)
"""No step sleeps longer for a vendor; past it the step ends, its cursor kept, and says when to come back."""
ATTEMPTS = 6
LARGEST_BODY = 128 * 1024 * 1024
_TRANSIENT = frozenset({408, 425, 500, 502, 503, 504})


class Http:
    """A vendor's API at `base_url`, called `name` in messages.

    `rates` are kept before asking; `X-RateLimit-*` headers and `Retry-After` are obeyed after. `requests` counts what
    went out, retries included. `hint` ends the message when the credential is refused ("Set GREENHOUSE_…").
    """

    def __init__(
        self,
        base_url: str,
        *,
        name: str,
        hint: str = "",
        auth: httpx.Auth | tuple[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        rates: Sequence[Rate] = (),
        transport: httpx.BaseTransport | None = None,
        timeout: float = 30.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name = name
        self.requests = 0
        self._hint = hint
        self._sleep = sleep
        self._limiter = Limiter(list(rates)) if rates else None
        try:
            self._client = httpx.Client(
                base_url=base_url.rstrip("/") + "/",
                auth=auth,
                headers={"User-Agent": "catchment", "Accept": "application/json", **(headers or {})},
                timeout=httpx.Timeout(timeout, connect=10.0),
                transport=transport,
                follow_redirects=False,
            )
        except httpx.InvalidURL as error:
            raise Misconfigured(f"{name}: the base_url setting is not an address. Correct it.") from error

    def get(self, url: str, params: Mapping[str, Any] | None = None) -> httpx.Response:
        """GET, retried. Raises Refused, Misconfigured, RateLimited or Unavailable."""
        return self.request("GET", url, params=params)

    def json(self, response: httpx.Response) -> Any:
        """Return the decoded body. Raises Unavailable when it is not JSON: half an answer is no answer."""
        try:
            return orjson.loads(response.content)
        except orjson.JSONDecodeError as error:
            raise Unavailable(f"{self.name} answered with something that is not JSON. Try again later.") from error

    def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        form: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        accept: Sequence[int] = (),
        repeatable: bool | None = None,
    ) -> httpx.Response:
        """Send one request, retried while that may help, and return its 2xx answer or one in `accept`.

        `repeatable`: whether sending twice is harmless; by default all but POST. One that is not is sent again only
        where the vendor surely did nothing (429, 503, no connection).
        """
        again = method != "POST" if repeatable is None else repeatable
        kwargs: dict[str, Any] = {"params": params, "data": form, "headers": dict(headers or {})}
        if json is not None:
            kwargs["content"] = orjson.dumps(json)
            kwargs["headers"]["Content-Type"] = "application/json"
        retrying = Retrying(
            sleep=self._sleep,
            stop=stop_after_attempt(ATTEMPTS),
            wait=_wait,
            retry=retry_if_exception_type(_Again),
            reraise=True,
        )
        try:
            return retrying(self._once, method, url, kwargs, accept, again)
        except _Again as last:
            raise last.error from last.__cause__

    def _once(
        self,
        method: str,
        url: str,
        kwargs: dict[str, Any],
        accept: Sequence[int],
        again: bool,  # noqa: FBT001
    ) -> httpx.Response:
        if self._limiter:
            self._limiter.try_acquire(self.name)
        self.requests += 1
        try:
            response = self._client.request(method, url, **kwargs)
        except httpx.InvalidURL as error:
            raise Misconfigured(f"{self.name}: the address asked for is not valid. Check base_url.") from error
        except httpx.UnsupportedProtocol as error:
            raise Misconfigured(f"{self.name}: base_url must begin with https:// or http://.") from error
        except httpx.TransportError as error:
            failure = Unavailable(self._unreachable(error))
            never_sent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
            if again or never_sent:
                raise _Again(failure) from error
            raise failure from error
        return self._judged(response, accept, again=again)

    def _judged(self, response: httpx.Response, accept: Sequence[int], *, again: bool) -> httpx.Response:
        status = response.status_code
        if len(response.content) > LARGEST_BODY:
            raise Unavailable(f"{self.name} answered with more than {LARGEST_BODY >> 20} MB. Ask for smaller pages.")
        if response.is_success or status in accept:
            self._heed(response)
            return response
        where = redacted(str(response.request.url))
        if status == 429:
            pause = _asked_pause(response.headers)
            if pause and pause > LONGEST_WAIT:
                minutes = round(pause.total_seconds() / 60, 1)
                raise RateLimited(
                    f"{self.name} asks for a pause of {minutes} minutes. Nothing is lost; run again then.", pause
                )
            busy = RateLimited(
                f"{self.name} keeps answering 429 (too many requests). Run again later.", pause or LONGEST_WAIT
            )
            raise _Again(busy, pause)
        if status in _TRANSIENT:
            failure = Unavailable(f"{self.name} answers {status} at {where}. Nothing is lost; run again later.")
            if again or status == 503:
                raise _Again(failure, _asked_pause(response.headers))
            raise failure
        if status in (401, 403):
            doing = "refused the key" if status == 401 else "does not permit this"
            raise Refused(f"{self.name} {doing} ({status} at {where}). {self._hint}".strip())
        if 300 <= status < 400:
            raise Misconfigured(f"{self.name} redirects ({status} at {where}). Set base_url to where the API is.")
        raise VendorError(f"{self.name} answers {status} at {where}.", response)

    def _heed(self, response: httpx.Response) -> None:
        """Wait now if the vendor says that nothing is left in its window, rather than be told off next time."""
        left = response.headers.get("X-RateLimit-Remaining") or response.headers.get("X-Rate-Limit-Remaining")
        if left is not None and left.strip() == "0":
            pause = _asked_pause(response.headers)
            if pause and pause <= LONGEST_WAIT:
                self._sleep(pause.total_seconds())

    def _unreachable(self, error: httpx.TransportError) -> str:
        kind = "took too long to answer" if isinstance(error, httpx.TimeoutException) else "cannot be reached"
        host = f"{self._client.base_url.host}:{self._client.base_url.port or ''}".rstrip(":")
        return f"{self.name} {kind} at {host}. Check base_url and the network; nothing is lost."

    def close(self) -> None:
        """Release the connections."""
        self._client.close()


class VendorError(Misconfigured):
    """A 4xx that no other error stands for; `response` holds the vendor's words, which may name people."""

    def __init__(self, message: str, response: httpx.Response) -> None:
        super().__init__(message)
        self.status = response.status_code
        self.response = response


class _Again(Exception):
    """Try once more, after `pause` if the vendor named one; `error` is what to raise when tries are used up."""

    def __init__(self, error: Unavailable, pause: timedelta | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.pause = pause


def _wait(state: RetryCallState) -> float:
    failure = state.outcome.exception() if state.outcome else None
    if isinstance(failure, _Again) and failure.pause is not None:
        return failure.pause.total_seconds()
    # full jitter: many workers that failed together must not come back together
    return random.uniform(0.1, min(10.0, 0.5 * 2**state.attempt_number))


def _asked_pause(headers: httpx.Headers) -> timedelta | None:
    """Read `Retry-After` (seconds or a date), else a rate window's reset (seconds, or Unix time)."""
    now = datetime.now(UTC)
    after = headers.get("Retry-After")
    if after:
        if after.strip().replace(".", "", 1).isdigit():
            return timedelta(seconds=float(after))
        try:
            return max(parsedate_to_datetime(after) - now, timedelta())
        except (ValueError, TypeError):
            return None
    reset = headers.get("X-RateLimit-Reset") or headers.get("X-Rate-Limit-Reset")
    if reset and reset.strip().isdigit():
        seconds = int(reset)
        return (
            max(datetime.fromtimestamp(seconds, UTC) - now, timedelta())
            if seconds > 10_000_000
            else timedelta(seconds=seconds)
        )
    return None
