"""SendGrid's Marketing and suppression APIs over HTTP: upserts as jobs, lists, searches by address, suppressions.

Facts: SendGrid's published OpenAPI description of 22 January 2026.
"""

import csv
import hmac
import io
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.faults import Faulty
from sandbox.sendgrid_account import Account

_CONTACTS = 30_000
_BYTES = 6_000_000


class SendGrid:
    """One account. Files of errors lie at this very server, and take no key."""

    def __init__(self, *, api_key: str = "SG.sandbox") -> None:
        self.api_key = api_key
        self.account = Account()
        contacts, lists = "/v3/marketing/contacts", "/v3/marketing/lists"
        routes = [
            Route(contacts, self._upsert, methods=["PUT"]),
            Route(contacts, self._delete, methods=["DELETE"]),
            Route(f"{contacts}/imports/{{job}}", self._job),
            Route(f"{contacts}/search/emails", self._search, methods=["POST"]),
            Route(lists, self._lists),
            Route(lists, self._add_list, methods=["POST"]),
            Route(f"{lists}/{{list}}/contacts", self._take_off, methods=["DELETE"]),
            Route("/v3/marketing/field_definitions", self._definitions),
            Route("/v3/suppression/{kind}", self._suppressed),
            Route("/v3/suppression/{kind}", self._forbidden, methods=["DELETE"]),
            Route("/v3/asm/suppressions", self._group),
            Route("/v3/asm/suppressions/global", self._forbidden, methods=["POST"]),
            Route("/errors/{job}", self._errors),
            Route("/_sandbox/state", self._state),
        ]
        self.app = Faulty(_Guarded(Starlette(routes=routes), self))

    async def _upsert(self, request: Request) -> Response:
        raw = await request.body()
        body = orjson.loads(raw)
        contacts: list[dict[str, Any]] = body.get("contacts") or []
        if not 1 <= len(contacts) <= _CONTACTS or len(raw) > _BYTES:
            self.account.violations.append("a request beyond 30000 contacts or 6 MB")
            return _error(400, "contacts", "too many contacts or too large a body")
        for number, one in enumerate(contacts):
            if len(str(one.get("first_name", ""))) > 50:
                return _error(400, f"contacts[{number}].first_name", "first_name is too long")
            if unknown := set(one.get("custom_fields") or {}) - set(self.account.custom):
                return _error(400, f"contacts[{number}].custom_fields", f"unknown custom field {min(unknown)}")
        if set(body.get("list_ids") or ()) - set(self.account.lists):
            return _error(400, "list_ids", "no such list")
        return _json({"job_id": self.account.order(body.get("list_ids") or [], contacts)}, 202)

    async def _job(self, request: Request) -> Response:
        job = self.account.ask(request.path_params["job"])
        if job is None:
            return _error(404, "id", "not found")
        results: dict[str, Any] = {"requested_count": len(job.contacts), "errored_count": len(job.errors)}
        if job.errors:
            results["errors_url"] = str(request.url_for("_errors", job=job.id)) + "?signature=s"
        told = {"id": job.id, "status": job.status, "job_type": job.kind, "results": results}
        return _json(told | {"started_at": "2026-01-01T00:00:00Z", "finished_at": ""})

    async def _errors(self, request: Request) -> Response:
        if "authorization" in request.headers:
            self.account.violations.append("the key was sent to where files lie")
        job = self.account.jobs[request.path_params["job"]]
        text = io.StringIO()
        csv.writer(text).writerows([("email", "error_message"), *job.errors])
        return Response(text.getvalue(), media_type="text/csv")

    async def _search(self, request: Request) -> Response:
        emails: list[str] = (await _body(request))["emails"]
        if len(emails) > 100:
            self.account.violations.append("a search beyond 100 addresses")
            return _error(400, "emails", "too many")
        result: dict[str, Any] = {}
        for email in emails:
            contact = self.account.find(email)
            result[email.lower()] = {"contact": contact.shown()} if contact else {"error": "contact not found"}
        if not any("contact" in one for one in result.values()):
            return _error(404, "emails", "not found")
        return _json({"result": result})

    async def _lists(self, request: Request) -> Response:
        query = request.query_params
        most, start = int(query.get("page_size", "100")), int(query.get("page_token", "0"))
        found = list(self.account.lists.items())
        page = [{"id": number, "name": name, "contact_count": 0} for number, name in found[start : start + most]]
        metadata: dict[str, Any] = {"self": str(request.url), "count": len(page)}
        if start + most < len(found):
            metadata["next"] = str(request.url.include_query_params(page_token=start + most))
        return _json({"result": page, "_metadata": metadata})

    async def _add_list(self, request: Request) -> Response:
        name = str((await _body(request)).get("name", ""))
        if not 1 <= len(name) <= 100 or name in self.account.lists.values():
            return _error(400, "name", "the name is taken, or not of 1 to 100 letters")
        return _json({"id": self.account.add_list(name), "name": name, "contact_count": 0}, 201)

    async def _take_off(self, request: Request) -> Response:
        number = request.path_params["list"]
        ids = [one for one in request.query_params.get("contact_ids", "").split(",") if one]
        if not ids:
            return _error(400, "contact_ids", "required")
        if number not in self.account.lists or not set(ids) <= set(self.account.contacts):
            return _error(404, "contact_ids", "the list or a contact does not exist")
        return _json({"job_id": self.account.order([number], [{"id": one} for one in ids], "removal")}, 202)

    async def _delete(self, request: Request) -> Response:
        """Queue the deletion of the contacts named."""
        self.account.violations.append(f"{request.method} {request.url.path}")  # only for somebody to be forgotten
        ids = [one for one in request.query_params.get("ids", "").split(",") if one]
        if not ids:
            return _error(400, "ids", "required")
        return _json({"job_id": {"id": self.account.order([], [{"id": one} for one in ids], "delete")}}, 202)

    async def _definitions(self, _request: Request) -> Response:
        fields = [{"id": key, "name": name, "field_type": kind} for key, (name, kind) in self.account.custom.items()]
        return _json({"custom_fields": fields, "reserved_fields": []})

    async def _suppressed(self, request: Request) -> Response:
        query = request.query_params
        since, start = int(query.get("start_time", "0")), int(query.get("offset", "0"))
        most = min(int(query.get("limit", "500")), 500)
        found = [one for one in self.account.suppressions[request.path_params["kind"]] if one["created"] >= since]
        return _json(sorted(found, key=lambda one: -one["created"])[start : start + most])

    async def _group(self, _request: Request) -> Response:
        return _json(self.account.group)

    async def _forbidden(self, request: Request) -> Response:
        self.account.violations.append(f"{request.method} {request.url.path}")
        return _json({}, 202)

    async def _state(self, _request: Request) -> Response:
        lists = {name: sorted(self.account.listed(name)) for name in self.account.lists.values()}
        return _json({"violations": self.account.violations, "lists": lists})


class _Guarded:
    """A bearer key on everything but the files of errors."""

    def __init__(self, app: ASGIApp, vendor: SendGrid) -> None:
        self.app, self.vendor = app, vendor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope["path"].startswith(("/_sandbox", "/errors/")):
            given = dict(scope["headers"]).get(b"authorization", b"")
            if not hmac.compare_digest(given, f"Bearer {self.vendor.api_key}".encode()):
                await _error(401, "", "authorization required")(scope, receive, send)
                return
        await self.app(scope, receive, send)


async def _body(request: Request) -> Any:
    return orjson.loads(await request.body() or b"{}")


def _error(status: int, field: str, message: str) -> Response:
    return _json({"errors": [{"field": field, "message": message}]}, status)


def _json(data: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(data), status, media_type="application/json")
