"""Greenhouse Harvest v3: token, lists with Link paging and two-sided windows, rate window, webhooks.

Facts: harvestdocs.greenhouse.io (authentication, pagination, list endpoints) and the published OpenAPI description.
"""

import hmac
import secrets
import time
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.faults import Faulty, tell
from sandbox.greenhouse_account import Account
from sandbox.greenhouse_queries import Refused, filter_of, per_page
from sandbox.hiring import Object, when

_WINDOW = 30.0
_PAGES_KEPT = 2_000


class Greenhouse(Account):
    """One Greenhouse account: its objects, tokens and rate window. `app` is the ASGI application to serve."""

    def __init__(
        self,
        resources: Mapping[str, list[Object]],
        *,
        client_id: str = "sandbox-client",
        client_secret: str = "sandbox-client-secret",
        webhook_secret: str = "sandbox-webhook-secret",
        rate_limit: int = 100_000,
        token_seconds: float = 3_600,
    ) -> None:
        super().__init__(resources, webhook_secret)
        self.client_id, self.client_secret = client_id, client_secret
        self.rate_limit, self.token_seconds = rate_limit, token_seconds
        self._tokens: dict[str, float] = {}
        self._window: tuple[float, int] = (0.0, 0)
        self._listings: dict[tuple[str, str, int], list[int]] = {}
        self._pages: OrderedDict[tuple[Any, ...], bytes] = OrderedDict()
        routes = [
            Route("/token", self._token, methods=["POST"]),
            Route("/v3/{resource}", self._list, methods=["GET"]),
            Route("/_sandbox/{action}", self._mutate, methods=["POST"]),
        ]
        self.app = Faulty(Starlette(routes=routes), expire=self._tokens.clear)

    async def _token(self, request: Request) -> Response:
        expected = f"{self.client_id}:{self.client_secret}"
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        try:
            right = kind.lower() == "basic" and hmac.compare_digest(b64decode(given, validate=True), expected.encode())
        except ValueError:
            right = False
        form = await request.form()
        if not right:
            return _json({"error": "invalid_client", "error_description": "Client authentication failed."}, 401)
        if form.get("grant_type") != "client_credentials":
            return _json({"error": "unsupported_grant_type"}, 400)
        token = secrets.token_urlsafe(24)
        self._tokens[token] = time.time() + self.token_seconds
        expires = datetime.now(UTC) + timedelta(seconds=self.token_seconds)
        return _json({"access_token": token, "token_type": "Bearer", "expires_at": when(expires)})

    async def _list(self, request: Request) -> Response:
        limits, over = self._spend()
        if over is not None:
            return _json({"errors": ["Rate limit exceeded."]}, 429, limits | {"Retry-After": str(over)})
        try:
            self._authorise(request.headers.get("authorization", ""))
            resource = request.path_params["resource"]
            body, count, after = self._page(resource, dict(request.query_params))
        except Refused as error:
            return _json({"errors": [str(error)]}, error.status, limits)
        tell(request.scope, resource, count)
        if after:
            host = request.headers.get("host", "harvest.greenhouse.io")
            limits["Link"] = f'<{request.url.scheme}://{host}/v3/{resource}?cursor={after}>; rel="next"'
        return Response(body, media_type="application/json", headers=limits)

    def _authorise(self, header: str) -> None:
        kind, _, token = header.partition(" ")
        if kind.lower() == "basic":
            raise Refused(401, "Basic authentication is not supported. Use an access token.")
        expires = self._tokens.get(token)
        if kind.lower() != "bearer" or expires is None or expires < time.time():
            raise Refused(401, "Invalid or expired access token.")

    def _spend(self) -> tuple[dict[str, str], int | None]:
        """Count one request in the window; return the headers, and the seconds to wait if it is one too many."""
        now = time.time()
        began, used = self._window
        if now >= began + _WINDOW:
            began, used = now, 0
        over = used >= self.rate_limit
        self._window = (began, used if over else used + 1)
        ends = began + _WINDOW
        headers = {
            "X-RateLimit-Limit": str(self.rate_limit),
            "X-RateLimit-Remaining": str(max(0, self.rate_limit - self._window[1])),
            "X-RateLimit-Reset": str(int(ends) + 1),
        }
        return headers, (max(1, int(ends - now) + 1) if over else None)

    def _page(self, resource: str, query: dict[str, str]) -> tuple[bytes, int, str | None]:
        """Return (body, number of objects, cursor of the next page)."""
        if resource not in self.resources:
            raise Refused(404, "Resource not found.")
        if "cursor" in query:
            if len(query) > 1:
                raise Refused(422, "When passing a cursor, do not include other query params.")
            try:
                query, last = orjson.loads(urlsafe_b64decode(query["cursor"]))
            except (ValueError, TypeError):
                raise Refused(422, "Invalid cursor.") from None
        else:
            last = None
        size = per_page(query)
        text = orjson.dumps(query, option=orjson.OPT_SORT_KEYS).decode()
        listing = self._listing(resource, query, text)
        # ids fall, so the page begins behind the last id given, whatever came or went meanwhile
        start = 0 if last is None else bisect_left(listing, -last + 1, key=lambda number: -number)
        numbers = listing[start : start + size]
        more = start + size < len(listing)
        key = (resource, text, last, self.version)
        body = self._pages.get(key)
        if body is None:
            body = self._pages[key] = orjson.dumps(self._shown(resource, numbers, query))
            if len(self._pages) > _PAGES_KEPT:
                self._pages.popitem(last=False)
        cursor = urlsafe_b64encode(orjson.dumps([query, numbers[-1]])).decode() if more else None
        return body, len(numbers), cursor

    def _listing(self, resource: str, query: dict[str, str], text: str) -> list[int]:
        key = (resource, text, self.version)
        if key not in self._listings:
            self._listings = {old: ids for old, ids in self._listings.items() if old[2] == self.version}
            test = filter_of(resource, query)
            self._listings[key] = sorted((i for i, one in self.resources[resource].items() if test(one)), reverse=True)
        return self._listings[key]

    def _shown(self, resource: str, numbers: list[int], query: dict[str, str]) -> list[Object]:
        objects = self.resources[resource]
        fields = query.get("fields")
        if fields is None:
            return [objects[number] for number in numbers]
        names = ["id", *fields.split(",")]
        return [{name: objects[number].get(name) for name in names} for number in numbers]

    async def _mutate(self, request: Request) -> Response:
        """Let a test in another process make things happen here: {"at": ISO, ...arguments}."""
        action = getattr(self, request.path_params["action"], None)
        arguments = orjson.loads(await request.body() or b"{}")
        if request.path_params["action"] not in _ACTIONS or action is None:
            return _json({"error": f"unknown action: use one of {', '.join(_ACTIONS)}"}, 404)
        if "at" in arguments:
            arguments["at"] = datetime.fromisoformat(arguments["at"])
        try:
            done = action(**arguments)
        except (KeyError, TypeError) as error:
            return _json({"error": str(error)}, 422)
        if isinstance(done, tuple):
            headers, body = done
            return _json({"headers": headers, "body": body.decode()})
        return _json(done)


_ACTIONS = (
    "update_candidate",
    "update_application",
    "add_candidate",
    "add_application",
    "move_application",
    "reject_application",
    "delete_candidate",
    "merge_candidate",
    "delete_application",
    "webhook",
)


def _json(data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(orjson.dumps(data), status, media_type="application/json", headers=dict(headers or {}))
