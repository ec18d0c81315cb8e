"""The one HTTP client: time-outs, limits kept beforehand, retries that do what the vendor asks, plain errors.

httpx is imported here, in `connectors.auth` and where a transport is handed through, so that a move is a small change.
"""

import logging
import math
import random
import re
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import orjson
from pyrate_limiter import Limiter, Rate
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from connectors.auth import NoToken
from connectors.errors import Misconfigured, RateLimited, Refused, Unavailable
from connectors.redaction import redacted

# httpx logs every address at INFO, with its query; ours are logged redacted or not at all.
logging.getLogger("httpx").setLevel(logging.WARNING)
logging.getLogger("httpcore").setLevel(logging.WARNING)
log = logging.getLogger(__name__)

LONGEST_WAIT = timedelta(seconds=30)
"""No step sleeps longer for a vendor; past it the step ends, its cursor kept, and says when to come back."""
LONGEST_JITTER = 10.0
"""Seconds between two tries of our own accord, at most."""
ATTEMPTS = 6
LARGEST_BODY = 128 * 1024 * 1024
LONGEST_ANSWER = 300.0
"""Seconds that one answer may take to arrive, however steadily it drips."""
_TRANSIENT = frozenset({408, 425, 500, 502, 503, 504})
_SECONDS = re.compile(r"\d{1,9}(\.\d+)?", re.ASCII)
_UNIX_TIME = 10_000_000
_LEFT = ("X-RateLimit-Remaining", "X-Rate-Limit-Remaining", "X-HubSpot-RateLimit-Remaining")
_ALREADY_UNDONE = frozenset({"content-encoding", "content-length", "transfer-encoding"})


class Http:
    """A vendor's API at `base_url`, called `name` in messages.

    `rates` are kept before asking; `X-RateLimit-*` headers and `Retry-After` are obeyed after, and of a 429 what
    `pauses` reads from its body. `requests` counts what went out, retries included. `hint` ends the message when the
    credential is refused ("Set GREENHOUSE_…"). `attempts` of one request at most: 1 where a later run tries again.
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
        sleep: Callable[[float], None] | None = None,
        attempts: int = ATTEMPTS,
        pauses: Callable[[httpx.Response], timedelta | None] | None = None,
    ) -> None:
        self.name = name
        self.requests = 0
        self._hint = hint
        self._attempts = attempts
        self._sleep = sleep or _sleep
        self._pauses = pauses
        self._limiter = Limiter(list(rates)) if rates else None
        self._not_before = 0.0
        try:
            self._client = httpx.Client(
                base_url=base_url.rstrip("/") + "/",
                auth=auth,
                headers={"User-Agent": "catchment", "Accept": "application/json", **(headers or {})},
                timeout=httpx.Timeout(timeout, connect=10.0),
                transport=transport,
                follow_redirects=False,
            )
        except httpx.InvalidURL:
            wrong = "the base_url setting is not an address. Correct it."
        except UnicodeEncodeError:
            wrong = _NOT_SENDABLE
        else:
            weakref.finalize(self, self._client.close)  # whoever opened a vendor may forget it; its connections end
            return
        # out here, because an error met on the way would keep the address or the secret in its context
        raise Misconfigured(f"{name}: {wrong}")

    def get(self, url: str, params: Mapping[str, Any] | None = None) -> httpx.Response:
        """GET, retried. Raises Refused, Misconfigured, RateLimited or Unavailable."""
        return self.request("GET", url, params=params)

    def json(self, response: httpx.Response) -> Any:
        """Return the decoded body. Raises Unavailable when it is not JSON: half an answer is no answer."""
        try:
            return orjson.loads(response.content)
        except orjson.JSONDecodeError:
            pass
        # out here, because orjson's error keeps the whole body, which is people's data
        raise Unavailable(f"{self.name} answered with something that is not JSON. Try again later.")

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
        where the vendor surely did nothing (429, 503, no connection, no token).
        """
        again = method != "POST" if repeatable is None else repeatable
        kwargs: dict[str, Any] = {"params": params, "data": form, "headers": dict(headers or {})}
        if json is not None:
            kwargs["content"] = orjson.dumps(json)
            kwargs["headers"]["Content-Type"] = "application/json"
        request = self._request(method, url, kwargs)
        retrying = Retrying(
            sleep=self._sleep,
            stop=stop_after_attempt(self._attempts),
            wait=_wait,
            retry=retry_if_exception_type(_Again),
            reraise=True,
        )
        try:
            return retrying(self._once, request, accept, again)
        except _Again as last:
            raise last.error from last.__cause__

    def rest(self, seconds: float) -> None:
        """Wait between two questions about work that the vendor does behind its answer."""
        self._sleep(seconds)

    def _request(self, method: str, url: str, kwargs: Mapping[str, Any]) -> httpx.Request:
        """Return the request, for our own host alone: a link in an answer may lead anywhere, the key may not."""
        try:
            request = self._client.build_request(method, url, **kwargs)
        except httpx.InvalidURL:
            wrong = "the address asked for is not valid. Check base_url."
        except UnicodeEncodeError:
            wrong = _NOT_SENDABLE
        else:
            home, there = self._client.base_url, request.url
            if (home.scheme, home.host, home.port) == (there.scheme, there.host, there.port):
                return request
            wrong = "it leads to another host than base_url, and the key is not sent there. Check base_url."
        raise Misconfigured(f"{self.name}: {wrong}")

    def _once(self, request: httpx.Request, accept: Sequence[int], again: bool) -> httpx.Response:  # noqa: FBT001 - tenacity's call
        self._keep_pace()
        self.requests += 1
        where = redacted(str(request.url))
        try:
            response = self._sent(request)
        except NoToken as error:
            failure = self._try_later(error.status, error.headers, f"{self.name}'s token address")
            raise failure from None
        except httpx.UnsupportedProtocol as error:
            raise Misconfigured(f"{self.name}: base_url must begin with https:// or http://.") from error
        except (httpx.LocalProtocolError, UnicodeEncodeError):
            response = None
        except httpx.RequestError as error:
            failure = Unavailable(self._unreachable(error))
            never_sent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
            failure.undone = never_sent
            if again or never_sent:
                raise _Again(failure) from error
            raise failure from error
        if response is None:
            raise Misconfigured(f"{self.name}: {_NOT_SENDABLE}")
        log.debug("%s %s: %s, %s bytes", request.method, where, response.status_code, len(response.content))
        return self._judged(response, where, accept, again=again)

    def _keep_pace(self) -> None:
        """Wait out the vendor's window if it said that nothing is left in it, rather than be told off."""
        if self._limiter:
            self._limiter.try_acquire(self.name)
        if (pause := self._not_before - time.monotonic()) > 0:
            self._not_before = 0.0
            self._sleep(pause)

    def _sent(self, request: httpx.Request) -> httpx.Response:
        """Return the answer, read to its end but neither larger nor slower than an answer may be."""
        started, size, chunks = time.monotonic(), 0, list[bytes]()
        response = self._client.send(request, stream=True)
        try:
            for chunk in response.iter_bytes():
                chunks.append(chunk)
                size += len(chunk)
                if size > LARGEST_BODY:
                    raise Unavailable(f"{self.name} answered with more than {LARGEST_BODY >> 20} MB. Ask for less.")
                if time.monotonic() - started > LONGEST_ANSWER:
                    raise httpx.ReadTimeout("the answer drips", request=request)
        finally:
            response.close()
        headers = [(name, value) for name, value in response.headers.multi_items() if name not in _ALREADY_UNDONE]
        return httpx.Response(response.status_code, headers=headers, content=b"".join(chunks), request=request)

    def _judged(self, response: httpx.Response, where: str, accept: Sequence[int], *, again: bool) -> httpx.Response:
        status = response.status_code
        if response.is_success or status in accept:
            self._heed(response)
            return response
        if status == 429 or status in _TRANSIENT:
            named = self._pauses(response) if self._pauses and status == 429 else None
            failure = self._try_later(status, response.headers, f"{self.name} at {where}", named)
            told = failure.error if isinstance(failure, _Again) else failure
            told.undone = status in (429, 503)
            if isinstance(failure, _Again) and not again and status not in (429, 503):
                raise failure.error
            raise failure
        if status in (401, 403):
            doing = "refused the key" if status == 401 else "does not permit this"
            raise Refused(f"{self.name} {doing} ({status} at {where}). {self._hint}".strip())
        if 300 <= status < 400:
            raise Misconfigured(f"{self.name} redirects ({status} at {where}). Set base_url to where the API is.")
        raise VendorError(f"{self.name} answers {status} at {where}.", response)

    def _try_later(
        self, status: int, headers: httpx.Headers, who: str, named: timedelta | None = None
    ) -> "_Again | RateLimited":
        """Return what a passing failure calls for: another try, or the end of the step if the pause is too long."""
        pause = named or _asked_pause(headers)
        if pause and pause > LONGEST_WAIT:
            asks = f"asks for a pause of {pause.total_seconds() / 60:.1f} minutes"
            return RateLimited(f"{who} {asks} ({status}). Nothing is lost; run again then.", pause)
        if status == 429:
            told = f"{who} keeps answering 429 (too many requests). Nothing is lost; run again later."
            return _Again(RateLimited(told, pause or LONGEST_WAIT), pause)
        return _Again(Unavailable(f"{who} answers {status}. Nothing is lost; run again later."), pause)

    def _heed(self, response: httpx.Response) -> None:
        left = next((response.headers[name] for name in _LEFT if name in response.headers), None)
        if left is not None and left.strip() == "0":
            pause = _asked_pause(response.headers)
            if pause and pause <= LONGEST_WAIT:
                self._not_before = time.monotonic() + pause.total_seconds()

    def _unreachable(self, error: httpx.RequestError) -> str:
        kind = "cannot be reached"
        if isinstance(error, httpx.TimeoutException):
            kind = "took too long to answer"
        elif isinstance(error, httpx.ReadError | httpx.RemoteProtocolError | httpx.DecodingError):
            kind = "broke off in the middle of an answer"
        url = error.request.url
        port = f":{url.port}" if url.port else ""
        return f"{self.name} {kind} at {url.host}{port}. Check base_url and the network; nothing is lost."

    def close(self) -> None:
        """Release the connections."""
        self._client.close()


class VendorError(Misconfigured):
    """A 4xx that no other error stands for; `response` holds the vendor's words, which may name people."""

    def __init__(self, message: str, response: httpx.Response) -> None:
        super().__init__(message)
        self.status = response.status_code
        self.response = response


_NOT_SENDABLE = "a header cannot be sent: a secret holds a line break or a letter that is not ASCII. Set it again."


class _Again(Exception):
    """Try once more, after `pause` if the vendor named one; `error` is what to raise when tries are used up."""

    def __init__(self, error: Unavailable, pause: timedelta | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.pause = pause


def _sleep(seconds: float) -> None:
    time.sleep(seconds)


def _wait(state: RetryCallState) -> float:
    failure = state.outcome.exception() if state.outcome else None
    if isinstance(failure, _Again) and failure.pause is not None:
        return failure.pause.total_seconds()
    # full jitter: many workers that failed together must not come back together
    return random.uniform(0.1, min(LONGEST_JITTER, 0.5 * 2**state.attempt_number))


def _asked_pause(headers: Mapping[str, str]) -> timedelta | None:
    """Read `Retry-After` (seconds or a date), else a rate window's reset (seconds, or Unix time) or its length."""
    now = datetime.now(UTC)
    after = headers.get("Retry-After", "").strip()
    if _SECONDS.fullmatch(after):
        return timedelta(seconds=float(after))
    if after:
        try:
            return max(parsedate_to_datetime(after) - now, timedelta())
        except (ValueError, TypeError):
            return None
    window = headers.get("X-HubSpot-RateLimit-Interval-Milliseconds", "").strip()
    if window.isascii() and window.isdigit():
        return timedelta(milliseconds=int(window[:9]))
    reset = (headers.get("X-RateLimit-Reset") or headers.get("X-Rate-Limit-Reset") or "").strip()
    if not reset.isascii() or not reset.isdigit():
        return None
    seconds = int(reset[:10])  # a Unix time in milliseconds begins with the one in seconds
    pause = seconds - now.timestamp() if seconds > _UNIX_TIME else seconds
    return timedelta(seconds=math.ceil(max(pause, 0)))
