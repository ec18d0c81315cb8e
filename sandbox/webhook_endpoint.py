"""A system downstream that takes signed events (Standard Webhooks), and keeps who is in which segment by them.

Facts: the specification of Standard Webhooks. What its rules forbid is kept in `violations`, which must stay empty.
"""

import base64
import hashlib
import hmac
from collections import Counter, deque
from datetime import UTC, datetime
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.faults import Faulty


class WebhookEndpoint:
    """One endpoint at `/events`. `answers` are the statuses it gives next, before it is well again."""

    def __init__(self, secret: str = "whsec_c2FuZGJveC13ZWJob29rLXNlY3JldC1rZXk=") -> None:
        self.secret = secret
        self.held: dict[str, dict[str, Any]] = {}
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.attempts: Counter[str] = Counter()
        self.signed_at: list[datetime] = []
        self.erased = 0
        self.violations: list[str] = []
        self.answers: deque[int] = deque()
        self.headers: dict[str, str] = {}
        routes = [Route("/events", self._take, methods=["POST"]), Route("/elsewhere", self._stray, methods=["POST"])]
        self.app = Faulty(Starlette(routes=routes))

    def in_segment(self, segment: str) -> set[str]:
        """Return the addresses that are in a segment, by the events taken."""
        return {address for address, fields in self.held.items() if segment in fields["segments"]}

    async def _take(self, request: Request) -> Response:
        body = await request.body()
        message_id, stamp = request.headers.get("webhook-id", ""), request.headers.get("webhook-timestamp", "")
        if not self._signed(message_id, stamp, body, request.headers.get("webhook-signature", "")):
            return Response(status_code=401)
        self.attempts[message_id] += 1
        self.signed_at.append(datetime.fromtimestamp(int(stamp), UTC))
        if self.answers:
            return Response(status_code=self.answers.popleft(), headers=self.headers)
        event = orjson.loads(body)
        if set(event) != {"type", "timestamp", "data"} or len(body) > 20_000:
            self.violations.append("an envelope holds type, timestamp and data, in 20 kB or fewer")
        if str(event["data"].get("address", "")).endswith("@refused.example"):
            return Response("no such customer", 422)
        if message_id not in {known for known, _ in self.events}:
            self.events.append((message_id, event))
            self._keep(event["type"], event["data"])
        return Response(status_code=204)

    async def _stray(self, _request: Request) -> Response:
        self.violations.append("a redirect was followed")
        return Response(status_code=204)

    def _signed(self, message_id: str, stamp: str, body: bytes, given: str) -> bool:
        key = base64.b64decode(self.secret.removeprefix("whsec_"))
        told = f"{message_id}.{stamp}.".encode() + body
        expected = "v1," + base64.b64encode(hmac.digest(key, told, hashlib.sha256)).decode()
        return any(hmac.compare_digest(expected, one) for one in given.split(" "))

    def _keep(self, kind: str, data: dict[str, Any]) -> None:
        if kind == "person.erased":
            self.held.pop(data["address"], None)
            known = [event for event in self.events if event[1]["data"].get("address") == data["address"]]
            self.events = [event for event in self.events if event not in known]
            self.erased += 1
        if kind not in ("segment.entered", "segment.left", "person.changed"):
            return
        person = self.held.setdefault(data["address"], {"segments": set[str]()})
        if kind == "segment.left":
            person["segments"].discard(data["segment"])
        else:
            person["segments"].add(data["segment"])
            person |= data["fields"]
