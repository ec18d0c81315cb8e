"""Twilio's messages over HTTP: one account, its messages, whoever opted out, and the calls it makes of its own accord.

Facts: Twilio's OpenAPI description (Messages.json), its error pages, and its pages on opt-out keywords and on signed
webhooks. Numbers that end in …0001 are invalid (21211), …0002 take no texts (21614), …0003 are refused as too many
(20429).
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlencode

import httpx
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.faults import Faulty

_STOP = {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"}
_START = {"START", "YES", "UNSTOP"}
_REFUSED = {
    "0001": (400, 21211, "Invalid 'To' Phone Number"),
    "0002": (400, 21614, "'To' number is not a valid mobile number"),
    "0003": (429, 20429, "Too Many Requests"),
}


@dataclass(slots=True)
class Message:
    """One message, in or out."""

    sid: str
    to: str
    sender: str
    body: str
    direction: str
    status: str
    at: datetime
    media: list[str] = field(default_factory=list[str])
    error: int | None = None
    service: str | None = None

    def shown(self, account: str) -> dict[str, Any]:
        """Return it as the API does."""
        stamp = format_datetime(self.at)
        return {
            "sid": self.sid,
            "account_sid": account,
            "api_version": "2010-04-01",
            "to": self.to,
            "from": self.sender or None,
            "messaging_service_sid": self.service,
            "body": self.body,
            "direction": self.direction,
            "status": self.status,
            "num_media": str(len(self.media)),
            "num_segments": "1",
            "error_code": self.error,
            "error_message": None,
            "date_created": stamp,
            "date_sent": None if self.status == "queued" else stamp,
            "date_updated": stamp,
            "price": None,
            "price_unit": "USD",
            "uri": f"/2010-04-01/Accounts/{account}/Messages/{self.sid}.json",
            "subresource_uris": {"media": f"/2010-04-01/Accounts/{account}/Messages/{self.sid}/Media.json"},
        }


class Twilio:
    """One account. `sent` maps numbers to what went to them; `clock` is the moment messages carry, a second apart."""

    def __init__(
        self,
        *,
        account_sid: str = "AC" + "0123456789abcdef" * 2,
        auth_token: str = "sandbox-twilio-token",
        number: str = "+15550001000",
        page: int = 50,
    ) -> None:
        self.account_sid, self.auth_token, self.number, self.page = account_sid, auth_token, number, page
        self.messages: list[Message] = []
        self.numbered = 0
        self.opted_out: set[str] = set()
        self.forms: list[list[tuple[str, str]]] = []
        self.queries: list[str] = []
        self.clock = datetime(2026, 10, 5, 9, tzinfo=UTC)
        home = f"/2010-04-01/Accounts/{account_sid}"
        routes = [
            Route(f"{home}.json", self._account),
            Route(f"{home}/Messages.json", self._create, methods=["POST"]),
            Route(f"{home}/Messages.json", self._list),
            Route(f"{home}/Messages/{{sid}}.json", self._delete, methods=["DELETE"]),
            Route("/_sandbox/state", self._state),
            Route("/_sandbox/answer", self._inject, methods=["POST"]),
            Route("/_sandbox/fail", self._inject, methods=["POST"]),
        ]
        self.app = Faulty(Starlette(routes=routes))

    # what tests and the demo look at and do

    def sent(self) -> dict[str, list[Message]]:
        """Return the messages that went out, by number."""
        found: dict[str, list[Message]] = {}
        for one in self.messages:
            if one.direction == "outbound-api":
                found.setdefault(one.to, []).append(one)
        return found

    def answer(self, sender: str, body: str, to: str | None = None) -> Message:
        """Let somebody write to us; a word that means stop is heeded as Twilio does."""
        word = body.strip().upper()
        if word in _STOP:
            self.opted_out.add(sender)
        elif word in _START:
            self.opted_out.discard(sender)
        return self._keep(to or self.number, sender, body, "inbound", "received")

    def fail(self, to: str, error: int, status: str = "undelivered") -> Message:
        """Let the newest message to a number come to nothing."""
        message = self.sent()[to][-1]
        message.status, message.error = status, error
        return message

    def call(self, url: str, message: Message) -> httpx.Response:
        """Call us about a message, signed, as Twilio calls a webhook or status callback."""
        fields = {"MessageSid": message.sid, "AccountSid": self.account_sid, "To": message.to, "From": message.sender}
        if message.direction == "inbound":
            fields |= {"Body": message.body, "SmsStatus": "received", "NumMedia": "0"}
        else:
            fields["MessageStatus"] = message.status
            if message.error:
                fields["ErrorCode"] = str(message.error)
        told = url + "".join(name + fields[name] for name in sorted(fields))
        signature = base64.b64encode(hmac.digest(self.auth_token.encode(), told.encode(), hashlib.sha1)).decode()
        headers = {"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"}
        return httpx.post(url, content=urlencode(fields), headers=headers, trust_env=False)

    def _keep(self, to: str, sender: str, body: str, direction: str, status: str) -> Message:
        self.clock += timedelta(seconds=1)
        sid = f"SM{hashlib.md5(f'{self.numbered}'.encode(), usedforsecurity=False).hexdigest()}"
        self.numbered += 1
        message = Message(sid, to, sender, body, direction, status, self.clock)
        self.messages.append(message)
        return message

    # what it answers

    def _refusal(self, request: Request) -> Response | None:
        _, _, given = request.headers.get("authorization", "").partition(" ")
        try:
            user, _, password = base64.b64decode(given).decode().partition(":")
        except ValueError:
            user = password = ""
        if user == self.account_sid and hmac.compare_digest(password.encode(), self.auth_token.encode()):
            return None
        return _problem(401, 20003, "Authenticate")

    async def _account(self, request: Request) -> Response:
        return self._refusal(request) or _json({"sid": self.account_sid, "status": "active"})

    async def _create(self, request: Request) -> Response:
        if refusal := self._refusal(request):
            return refusal
        async with request.form() as form:
            fields = [(name, str(value)) for name, value in form.multi_items()]
        self.forms.append(fields)
        given = dict(fields)
        if wrong := self._wrong(given):
            return _problem(*wrong)
        message = self._keep(given["To"], given.get("From", ""), given.get("Body", ""), "outbound-api", "queued")
        message.media = [value for name, value in fields if name == "MediaUrl"]
        message.service = given.get("MessagingServiceSid")
        answer = _json(message.shown(self.account_sid), 201)
        message.status = "sent"
        return answer

    def _wrong(self, given: dict[str, str]) -> tuple[int, int, str] | None:
        """Return why a message is not taken: status, code and words."""
        to, body, sender = given.get("To", ""), given.get("Body", ""), given.get("From")
        if (wrong := _REFUSED.get(to[-4:])) or not to.startswith("+"):
            return wrong or _REFUSED["0001"]
        faults = (
            (not sender and not given.get("MessagingServiceSid"), 21603, "A 'From' phone number is required."),
            (sender not in (None, self.number), 21606, "The 'From' phone number provided is not valid."),
            (to in self.opted_out, 21610, "Attempt to send to unsubscribed recipient"),
            (not body and "MediaUrl" not in given, 21602, "Message body is required."),
            (len(body) > 1600, 21617, "The concatenated message body exceeds the 1600 character limit."),
        )
        return next(((400, code, words) for fault, code, words in faults if fault), None)

    async def _list(self, request: Request) -> Response:
        if refusal := self._refusal(request):
            return refusal
        asked = request.query_params
        self.queries.append(str(request.url.query))
        since = datetime.fromisoformat(asked["DateSent>"]) if "DateSent>" in asked else None
        if since and since.tzinfo is None:
            since = since.replace(tzinfo=UTC)
        size, page = min(int(asked.get("PageSize", "50")), self.page), int(asked.get("Page", "0"))
        to, sender = asked.get("To"), asked.get("From")
        found = [one for one in reversed(self.messages) if since is None or one.at >= since]
        found = [one for one in found if to in (None, one.to) and sender in (None, one.sender)]
        shown = [one.shown(self.account_sid) for one in found[page * size : (page + 1) * size]]
        following = None
        if len(found) > (page + 1) * size:
            kept = {name: value for name, value in asked.items() if name != "PageToken"}
            query = urlencode(kept | {"PageSize": size, "Page": page + 1, "PageToken": f"PA{page + 1}"})
            following = f"/2010-04-01/Accounts/{self.account_sid}/Messages.json?{query}"
        return _json({"messages": shown, "page": page, "page_size": size, "next_page_uri": following})

    async def _delete(self, request: Request) -> Response:
        """Delete a message that is not on its way."""
        if refusal := self._refusal(request):
            return refusal
        found = next((one for one in self.messages if one.sid == request.path_params["sid"]), None)
        if found is None:
            return _problem(404, 20404, "The requested resource was not found")
        if found.status in ("queued", "sending"):
            return _problem(409, 20009, "Cannot delete message because delivery has not been completed.")
        self.messages.remove(found)
        return Response(status_code=204)

    async def _state(self, _request: Request) -> Response:
        messages = [one.shown(self.account_sid) for one in self.messages]
        return _json({"messages": messages, "opted_out": sorted(self.opted_out)})

    async def _inject(self, request: Request) -> Response:
        body = orjson.loads(await request.body())
        if request.url.path.endswith("/answer"):
            message = self.answer(body["from"], body["body"], body.get("to"))
        elif body["to"] in self.sent():
            message = self.fail(body["to"], int(body["error_code"]))
        else:
            return _problem(404, 20404, "No message went to this number.")
        return _json(message.shown(self.account_sid))


def _problem(status: int, code: int, message: str) -> Response:
    info = f"https://www.twilio.com/docs/errors/{code}"
    return _json({"code": code, "message": message, "more_info": info, "status": status}, status)


def _json(data: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(data), status, media_type="application/json")
