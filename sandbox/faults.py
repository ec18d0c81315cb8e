"""Faults on demand and counters, around any of the sandbox's servers.

A fault is switched on by kind, path and number of times: `{"kind": "500", "path": "/v3/candidates", "times": 2}`.
Counters say what truly left the server, so that a test has a witness besides both ends of the connection.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatch
from typing import Any, Literal, get_args

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Kind = Literal[
    "429",
    "429_without_retry_after",
    "500",
    "503",
    "slow",
    "cut",
    "expired_token",
    "duplicate_page",
    "malformed_object",
]
ADMIN = "/_sandbox"


@dataclass(slots=True)
class Fault:
    """One thing that goes wrong `times` times after `skip` requests, where `path` (a prefix, or a pattern) fits."""

    kind: Kind
    path: str = "/"
    times: int = 1
    skip: int = 0
    retry_after: float = 1
    seconds: float = 1

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise ValueError(f"unknown kind of fault {self.kind!r}: use one of {', '.join(get_args(Kind))}")

    def meets(self, path: str) -> bool:
        """Say whether the fault is due for a request to `path`, counting down what is to be skipped."""
        if self.times <= 0 or not (path.startswith(self.path) or fnmatch(path, self.path)):
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.times -= 1
        return True


@dataclass(slots=True)
class Served:
    """What left a server: requests and answers by path and status, and whole objects by resource."""

    requests: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    objects: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, Any]:
        """Return the counters as plain JSON."""
        return {name: dict(getattr(self, name)) for name in self.__slots__} | {"requests_total": self.requests.total()}


def tell(scope: Scope, resource: str, count: int) -> None:
    """Let a handler say how many objects its answer holds; they count once the whole answer has left."""
    scope["sandbox.objects"] = (resource, count)


@dataclass(slots=True)
class Page:
    """The last list that a path answered, kept so that it can come twice."""

    start: Message
    body: bytes
    objects: tuple[str, int] | None


class Faulty:
    """An ASGI application around a vendor's: counts, and misbehaves when told to."""

    def __init__(self, app: ASGIApp, *, expire: Callable[[], None] | None = None) -> None:
        self.app = app
        self.served = Served()
        self.faults: deque[Fault] = deque()
        self._expire = expire or (lambda: None)
        self._pages: dict[str, Page] = {}

    def switch_on(self, kind: Kind, path: str = "/", times: int = 1, **more: Any) -> Fault:
        """Add a fault and return it; its `times` says how often it is still due."""
        fault = Fault(kind, path, times, **more)
        self.faults.append(fault)
        return fault

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path = scope["path"]
        if path.startswith((f"{ADMIN}/faults", f"{ADMIN}/counts")):
            await self._administer(scope, receive, send)
            return
        if path.startswith(ADMIN):
            await self.app(scope, receive, send)
            return
        self.served.requests[f"{scope['method']} {path}"] += 1
        due = next((fault for fault in self.faults if fault.meets(path)), None)
        if due is None:
            await self._answer(scope, receive, send)
            return
        self.served.faults[due.kind] += 1
        await self._misbehave(due, scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        start, body = await _collect(self.app, scope, receive)
        objects: tuple[str, int] | None = scope.get("sandbox.objects")
        if objects and scope["method"] == "GET" and start["status"] == 200:
            self._pages[scope["path"]] = Page(start, body, objects)
        await self._send(send, start, body, objects)

    async def _send(self, send: Send, start: Message, body: bytes, objects: tuple[str, int] | None) -> None:
        await send(start)
        # counted just before the last byte, so that whoever has the whole answer finds it counted
        self.served.statuses[str(start["status"])] += 1
        if objects:
            self.served.objects[objects[0]] += objects[1]
        await send({"type": "http.response.body", "body": body})

    async def _misbehave(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
            await self._answer(scope, receive, send)
        elif fault.kind == "cut":
            start, body = await _collect(self.app, scope, receive)
            await send(start)
            await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
            # returning here, with the length promised and half of it sent, makes the server close the connection
        elif fault.kind == "duplicate_page" and scope["path"] in self._pages:
            page = self._pages[scope["path"]]
            headers = [header for header in page.start["headers"] if header[0] != b"link"]
            query = scope["query_string"].decode()
            host = dict(scope["headers"])[b"host"].decode()
            again = f'<http://{host}{scope["path"]}?{query}>; rel="next"'.encode()
            await self._send(send, {**page.start, "headers": [*headers, (b"link", again)]}, page.body, page.objects)
        elif fault.kind == "duplicate_page":
            fault.times += 1
            await self._answer(scope, receive, send)
        elif fault.kind == "malformed_object":
            start, body = await _collect(self.app, scope, receive)
            body = _malform(body)
            length = (b"content-length", str(len(body)).encode())
            headers = [header for header in start["headers"] if header[0] != b"content-length"]
            await self._send(send, {**start, "headers": [*headers, length]}, body, scope.get("sandbox.objects"))
        else:
            await self._refuse(fault, send)

    async def _refuse(self, fault: Fault, send: Send) -> None:
        status = {"expired_token": 401, "500": 500, "503": 503}.get(fault.kind, 429)
        if fault.kind == "expired_token":
            self._expire()
        headers = [(b"content-type", b"application/json")]
        if fault.kind == "429":
            headers.append((b"retry-after", f"{fault.retry_after:g}".encode()))
        body = orjson.dumps({"errors": [{"message": f"the sandbox was told to answer {status}"}]})
        headers.append((b"content-length", str(len(body)).encode()))
        await self._send(send, {"type": "http.response.start", "status": status, "headers": headers}, body, None)

    async def _administer(self, scope: Scope, receive: Receive, send: Send) -> None:
        method, path = scope["method"], scope["path"]
        status, answer = 200, {}
        if path.endswith("/counts"):
            if method == "DELETE":
                self.served = Served()
            answer = self.served.as_json()
        elif method == "POST":
            try:
                self.faults.append(Fault(**orjson.loads(await _read(receive))))
            except (TypeError, ValueError) as error:
                status, answer = 422, {"error": str(error)}
        elif method == "DELETE":
            self.faults.clear()
        if path.endswith("/faults") and status == 200:
            answer = {"faults": [asdict(fault) for fault in self.faults]}
        body = orjson.dumps(answer)
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


async def _collect(app: ASGIApp, scope: Scope, receive: Receive) -> tuple[Message, bytes]:
    start: Message = {}
    chunks: list[bytes] = []

    async def take(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
        else:
            chunks.append(message.get("body", b""))

    await app(scope, receive, take)
    return start, b"".join(chunks)


async def _read(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(chunks)


def _malform(body: bytes) -> bytes:
    """Return a list's JSON with every value of its first object, but the ids, of a type that it never has."""
    data = orjson.loads(body)
    objects = (
        data if isinstance(data, list) else next((value for value in data.values() if isinstance(value, list)), [])
    )
    if objects:
        objects[0] = {
            name: value if name in ("id", "token") else {"broken": True} for name, value in objects[0].items()
        }
    return orjson.dumps(data)
