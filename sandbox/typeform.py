"""Typeform: the Responses API of one form, and its signed webhook.

Facts: typeform.com/developers (responses, webhooks).
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.faults import Faulty, tell
from sandbox.hiring import Object

_LARGEST_PAGE = 1_000


class Typeform:
    """One account with one form. `responses` are kept with the latest first, as they are listed."""

    def __init__(
        self,
        form: Object,
        responses: list[Object],
        *,
        token: str = "sandbox-typeform-token",
        webhook_secret: str = "sandbox-typeform-secret",
    ) -> None:
        self.form, self.token, self.webhook_secret = form, token, webhook_secret
        self.responses = sorted(responses, key=lambda one: (one["submitted_at"], one["token"]), reverse=True)
        self._tokens = {token}
        routes = [
            Route("/me", self._me),
            Route("/forms/{form}", self._form),
            Route("/forms/{form}/responses", self._responses),
            Route("/_sandbox/add_response", self._add, methods=["POST"]),
        ]
        # a personal token does not come back once it is gone, so only the one answer is a refusal
        self.app = Faulty(Starlette(routes=routes))

    def add_response(self, response: Object) -> None:
        """Let one more person submit the form."""
        self.responses.append(response)
        self.responses.sort(key=lambda one: (one["submitted_at"], one["token"]), reverse=True)

    def webhook(self, response: Object) -> tuple[dict[str, str], bytes]:
        """Return headers and body of the signed webhook for one response, which carries the form's definition."""
        definition = {"id": self.form["id"], "title": self.form["title"], "fields": self.form["fields"]}
        names = ("token", "submitted_at", "landed_at", "hidden", "calculated")
        inner = {
            "form_id": self.form["id"],
            **{name: response[name] for name in names},
            "definition": definition,
            "answers": response["answers"],
        }
        event = hashlib.sha256(response["token"].encode()).hexdigest()[:26]
        body = orjson.dumps({"event_id": event, "event_type": "form_response", "form_response": inner})
        return {"Content-Type": "application/json", "Typeform-Signature": sign(self.webhook_secret, body)}, body

    def _refusal(self, request: Request) -> Response | None:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not any(secrets.compare_digest(token, known) for known in self._tokens):
            return _problem(401, "AUTHENTICATION_FAILED", "Authentication failed")
        if "form" in request.path_params and request.path_params["form"] != self.form["id"]:
            return _problem(404, "FORM_NOT_FOUND", "Form not found")
        return None

    async def _me(self, request: Request) -> Response:
        return self._refusal(request) or _json(
            {"alias": "Sandbox", "email": "forms@hiring-company.example", "language": "en"}
        )

    async def _form(self, request: Request) -> Response:
        return self._refusal(request) or _json(self.form)

    async def _responses(self, request: Request) -> Response:
        refusal = self._refusal(request)
        if refusal:
            return refusal
        try:
            found, size = self._select(request.query_params)
        except ValueError as error:
            return _problem(400, "VALIDATION_ERROR", str(error))
        items = found[:size]
        tell(request.scope, "responses", len(items))
        return _json({"total_items": len(found), "page_count": -(-len(found) // size), "items": items})

    def _select(self, query: Mapping[str, str]) -> tuple[list[Object], int]:
        """Return the matching responses and the page's size. Raises ValueError for what Typeform refuses."""
        size = int(query.get("page_size", "25"))
        if not 1 <= size <= _LARGEST_PAGE:
            raise ValueError("page_size must be between 1 and 1000")
        if "sort" in query and ("before" in query or "after" in query):
            raise ValueError("sort cannot be used with before or after")
        found = self.responses
        if "since" in query:
            since = _instant(query["since"])
            found = [one for one in found if one["submitted_at"] >= since]
        if "until" in query:
            until = _instant(query["until"])
            found = [one for one in found if one["submitted_at"] <= until]
        tokens = [one["token"] for one in found]
        if "before" in query:
            found = found[tokens.index(query["before"]) + 1 :] if query["before"] in tokens else []
        if "after" in query:
            found = found[: tokens.index(query["after"])] if query["after"] in tokens else []
            # the page next to the token, not the page of the latest
            found = found[-size:] if len(found) > size else found
        return found, size

    async def _add(self, request: Request) -> Response:
        self.add_response(orjson.loads(await request.body()))
        return _json({"responses": len(self.responses)})


def sign(secret: str, body: bytes) -> str:
    """Return the value of Typeform-Signature for a raw body."""
    return "sha256=" + base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def _instant(text: str) -> str:
    if text.isdigit():
        return datetime.fromtimestamp(int(text), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _problem(status: int, code: str, description: str) -> Response:
    return _json({"code": code, "description": description}, status)


def _json(data: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(data), status, media_type="application/json")
