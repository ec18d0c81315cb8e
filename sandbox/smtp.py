"""A mail server that delivers to memory: it can refuse an address (550), put it off (451), and be slow."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import orjson
from aiosmtpd.smtp import SMTP, Envelope, Session
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.faults import Faulty


@dataclass(slots=True)
class Received:
    """One message as it was accepted."""

    sender: str
    recipients: list[str]
    content: bytes

    @property
    def message(self) -> EmailMessage:
        """Return it parsed."""
        return message_from_bytes(self.content, policy=policy.default)  # pyright: ignore[reportReturnType] - what this policy makes

    def shown(self) -> dict[str, Any]:
        """Return sender, recipients, headers and text as JSON."""
        parsed = self.message
        body = parsed.get_body(("plain", "html"))
        headers = {name.lower(): str(value) for name, value in parsed.items()}
        return {
            "from": self.sender,
            "to": self.recipients,
            "headers": headers,
            "text": body.get_content() if body else "",
        }


@dataclass(slots=True)
class Rule:
    """How recipients that match a pattern are answered, `times` times (-1: always)."""

    pattern: str
    code: int
    times: int = -1

    def meets(self, address: str) -> bool:
        """Say whether this recipient is meant, and count down."""
        if self.times == 0 or not fnmatch(address.lower(), self.pattern.lower()):
            return False
        self.times -= self.times > 0
        return True


class MailSink:
    """The server's memory and rules; `app` is its administration over HTTP, `protocol` serves one SMTP connection."""

    def __init__(self, maildir: Path | None = None) -> None:
        self.messages: list[Received] = []
        self.rules: list[Rule] = []
        self.seconds = 0.0
        self.answers: Counter[str] = Counter()
        self.maildir = maildir
        routes = [
            Route("/_sandbox/messages", self._shown),
            Route("/_sandbox/messages", self._forget, methods=["DELETE"]),
            Route("/_sandbox/rules", self._rule, methods=["POST"]),
            Route("/_sandbox/rules", self._clear, methods=["DELETE"]),
        ]
        self.app = Faulty(Starlette(routes=routes))

    def protocol(self) -> SMTP:
        """Return the protocol of one connection."""
        return SMTP(self, hostname="sandbox.example", enable_SMTPUTF8=True)

    def refuse(self, pattern: str, code: int = 550, times: int = -1) -> Rule:
        """Answer recipients that match `pattern` (`*@gone.example`) with `code`: 5xx refuses, 4xx puts off."""
        rule = Rule(pattern, code, times)
        self.rules.append(rule)
        return rule

    def to(self, address: str) -> list[Received]:
        """Return what was accepted for one address."""
        return [one for one in self.messages if address.lower() in (to.lower() for to in one.recipients)]

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Answer RCPT TO."""
        rule = next((rule for rule in self.rules if rule.meets(address)), None)
        code = rule.code if rule else 250
        self.answers[str(code)] += 1
        if code >= 500:
            return f"{code} 5.1.1 mailbox unavailable"
        if code >= 400:
            return f"{code} 4.3.0 try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Answer DATA: keep the message."""
        if self.seconds:
            await asyncio.sleep(self.seconds)
        content = envelope.content or b""
        raw = content if isinstance(content, bytes) else content.encode()
        self.messages.append(Received(envelope.mail_from or "", list(envelope.rcpt_tos), raw))
        if self.maildir is not None:
            self.maildir.mkdir(parents=True, exist_ok=True)
            (self.maildir / f"{len(self.messages):06d}.eml").write_bytes(raw)
        return "250 OK"

    async def _shown(self, _request: Request) -> Response:
        return _json({"messages": [one.shown() for one in self.messages], "answers": dict(self.answers)})

    async def _forget(self, _request: Request) -> Response:
        self.messages.clear()
        return _json({})

    async def _rule(self, request: Request) -> Response:
        body = orjson.loads(await request.body())
        if "seconds" in body:
            self.seconds = float(body["seconds"])
        if "pattern" in body:
            self.refuse(body["pattern"], int(body.get("code", 550)), int(body.get("times", -1)))
        return _json({"rules": len(self.rules)})

    async def _clear(self, _request: Request) -> Response:
        self.rules.clear()
        self.seconds = 0.0
        return _json({})


def _json(data: Any) -> Response:
    return Response(orjson.dumps(data), media_type="application/json")
