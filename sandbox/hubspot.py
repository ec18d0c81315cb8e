"""HubSpot's CRM API over HTTP, under date-based paths: batch upsert and read, lists and memberships, the timeline.

Facts: HubSpot's published reference (paths of 2026-03) and usage guidelines (100 inputs a batch, rate headers).
"""

import hmac
from collections.abc import Callable
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.faults import Faulty
from sandbox.hubspot_crm import Contact, Crm, Refused

_INPUTS = 100
_MEMBERS = 100_000


class HubSpot:
    """One account. `partial`: a batch with a bad row answers 207; else it is refused whole, as by address it may be."""

    def __init__(
        self, *, access_token: str = "pat-eu1-sandbox", version: str = "2026-03", partial: bool = True
    ) -> None:
        self.access_token, self.partial = access_token, partial
        self.crm = Crm()
        self.daily_spent = False
        contacts, lists = f"/crm/objects/{version}/contacts", f"/crm/lists/{version}"
        routes = [
            Route(contacts, self._read),
            Route(f"{contacts}/{{key}}", self._update, methods=["PATCH"]),
            Route(f"{contacts}/batch/upsert", self._upsert, methods=["POST"]),
            Route(f"{contacts}/batch/read", self._batch_read, methods=["POST"]),
            Route(lists, self._create, methods=["POST"]),
            Route(f"{lists}/object-type-id/0-1/name/{{name}}", self._named),
            Route(f"{lists}/{{list}}/memberships/add", self._add, methods=["PUT"]),
            Route(f"{lists}/{{list}}/memberships/remove", self._remove, methods=["PUT"]),
            Route("/email/public/v1/subscriptions/timeline", self._timeline),
            Route("/_sandbox/state", self._state),
            Route(f"{contacts}/gdpr-delete", self._erase, methods=["POST"]),
            *(
                Route(path, self._forbidden(what), methods=["POST", "DELETE"])
                for path, what in _never(contacts).items()
            ),
        ]
        self.app = Faulty(_Guarded(Starlette(routes=routes), self))

    async def _read(self, request: Request) -> Response:
        most = int(request.query_params.get("limit", "10"))
        return _json({"results": [one.shown() for one in list(self.crm.contacts.values())[:most]]})

    async def _upsert(self, request: Request) -> Response:
        inputs: list[dict[str, Any]] = (await _body(request))["inputs"]
        if not 1 <= len(inputs) <= _INPUTS:
            self.crm.violations.append("a batch beyond 100 inputs")
            return _error(400, "VALIDATION_ERROR", "The maximum number of inputs supported is 100")
        results: dict[str, dict[str, Any]] = {}
        errors: list[dict[str, Any]] = []
        for one in inputs:
            trace = one.get("objectWriteTraceId")
            try:
                is_new, contact = self.crm.write(one)
            except Refused as error:
                if not self.partial or "PROPERTY_DOESNT_EXIST" in str(error):
                    return _error(400, "VALIDATION_ERROR", str(error))
                context = {"objectWriteTraceId": [trace]}
                errors.append(
                    {"status": "error", "category": "VALIDATION_ERROR", "message": str(error), "context": context}
                )
            else:
                # two inputs of one contact are one result, under the trace that came first
                results.setdefault(contact.id, contact.shown() | {"new": is_new, "objectWriteTraceId": trace})
        told: dict[str, Any] = {"status": "COMPLETE", "results": list(results.values())}
        return _json(told | {"numErrors": len(errors), "errors": errors}, 207) if errors else _json(told)

    async def _update(self, request: Request) -> Response:
        """Change one contact that is there, found by `idProperty` or its id."""
        by = request.query_params.get("idProperty", "")
        contact = self.crm.find(request.path_params["key"], by)
        if contact is None:
            return _error(404, "OBJECT_NOT_FOUND", "Object not found.")
        try:
            self.crm.change(contact, (await _body(request))["properties"])
        except Refused as error:
            return _error(400, "VALIDATION_ERROR", str(error))
        return _json(contact.shown())

    async def _batch_read(self, request: Request) -> Response:
        body = await _body(request)
        if len(body["inputs"]) > _INPUTS:
            self.crm.violations.append("a batch beyond 100 inputs")
            return _error(400, "VALIDATION_ERROR", "The maximum number of inputs supported is 100")
        found: dict[str, Contact] = {}
        missing = 0
        for one in body["inputs"]:
            contact = self.crm.find(str(one["id"]), body.get("idProperty", ""))
            if contact:
                found[contact.id] = contact
            else:
                missing += 1
        told: dict[str, Any] = {"status": "COMPLETE", "results": [one.shown() for one in found.values()]}
        return (
            _json(told | {"numErrors": 1, "errors": [{"category": "OBJECT_NOT_FOUND"}]}, 207)
            if missing
            else _json(told)
        )

    async def _create(self, request: Request) -> Response:
        body = await _body(request)
        try:
            listing = self.crm.add_list(body["name"], body["processingType"])
        except Refused as error:
            return _error(400, "VALIDATION_ERROR", str(error))
        return _json({"list": listing.shown()})

    async def _named(self, request: Request) -> Response:
        listing = self.crm.list_named(request.path_params["name"])
        return _json({"list": listing.shown()}) if listing else _error(404, "OBJECT_NOT_FOUND", "No such list")

    async def _add(self, request: Request) -> Response:
        return await self._change(request, add=True)

    async def _remove(self, request: Request) -> Response:
        return await self._change(request, add=False)

    async def _change(self, request: Request, *, add: bool) -> Response:
        listing = self.crm.lists.get(request.path_params["list"])
        if listing is None:
            return _error(404, "OBJECT_NOT_FOUND", "No such list")
        if listing.processing == "DYNAMIC":
            self.crm.violations.append("memberships of a dynamic list were changed")
            return _error(400, "VALIDATION_ERROR", "The list is not MANUAL or SNAPSHOT")
        records: list[str] = await _body(request)
        if len(records) > _MEMBERS or not all(isinstance(one, str) for one in records):
            self.crm.violations.append("memberships that are too many, or not texts")
            return _error(400, "VALIDATION_ERROR", "Pass record ids as texts, 100000 at most")
        known = {one for one in records if one in self.crm.contacts}
        changed = known - listing.members if add else known & listing.members
        listing.members = listing.members | known if add else listing.members - known
        name = "recordsIdsAdded" if add else "recordIdsRemoved"
        empty: dict[str, list[str]] = {"recordsIdsAdded": [], "recordIdsRemoved": []}
        return _json(empty | {name: sorted(changed), "recordIdsMissing": sorted(set(records) - known)})

    async def _timeline(self, request: Request) -> Response:
        query = request.query_params
        since, start = int(query.get("startTimestamp", "0")), int(query.get("offset", "0"))
        most = min(int(query.get("limit", "10")), 1000)
        found = sorted(self.crm.timeline, key=lambda item: -item["timestamp"])
        found = [item for item in found if item["timestamp"] >= since]
        page = found[start : start + most]
        has_more = start + most < len(found)
        return _json({"timeline": page, "hasMore": has_more, "offset": str(start + most)})

    async def _state(self, _request: Request) -> Response:
        lists = {one.name: sorted(self.crm.listed(one.name)) for one in self.crm.lists.values()}
        return _json({"violations": self.crm.violations, "contacts": len(self.crm.contacts), "lists": lists})

    async def _erase(self, request: Request) -> Response:
        """Delete a contact for good; an address that nobody has is blocked from then on."""
        body = await _body(request)
        self.crm.violations.append("a contact was deleted")  # only for somebody who asks to be forgotten
        contact = self.crm.find(str(body["objectId"]), body.get("idProperty", ""))
        if contact:
            self.crm.forget(contact)
        elif body.get("idProperty") == "email":
            self.crm.violations.append("an address was blocked")
        return Response(status_code=204)

    def _forbidden(self, what: str) -> Callable[[Request], Any]:
        async def answer(_request: Request) -> Response:
            self.crm.violations.append(what)
            return _json({})

        return answer


def _never(contacts: str) -> dict[str, str]:
    """Return what a careful caller never asks for, and how it is written down. Deleting is written down as well."""
    return {
        f"{contacts}/search": "search was used",
        f"{contacts}/merge": "contacts were merged",
        f"{contacts}/batch/archive": "contacts were archived",
        "/communication-preferences/v4/statuses/{email}": "a subscription was changed",
    }


class _Guarded:
    """A bearer token, the rate headers on every answer, and the day's allowance."""

    def __init__(self, app: ASGIApp, account: HubSpot) -> None:
        self.app, self.account = app, account

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/_sandbox"):
            await self.app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(b"authorization", b"")
        if not hmac.compare_digest(given, f"Bearer {self.account.access_token}".encode()):
            refusal = _error(401, "INVALID_AUTHENTICATION", "Authentication credentials not found.")
            await refusal(scope, receive, send)
            return
        if self.account.daily_spent:
            told = {"status": "error", "errorType": "RATE_LIMIT", "policyName": "DAILY", "message": "daily limit"}
            await _json(told, 429)(scope, receive, send)
            return
        await self.app(scope, receive, send)


async def _body(request: Request) -> Any:
    return orjson.loads(await request.body() or b"{}")


def _error(status: int, category: str, message: str) -> Response:
    return _json({"status": "error", "category": category, "message": message, "correlationId": "sandbox"}, status)


def _json(data: Any, status: int = 200) -> Response:
    headers = {
        "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
        "X-HubSpot-RateLimit-Max": "190",
        "X-HubSpot-RateLimit-Remaining": "189",
    }
    return Response(orjson.dumps(data), status, headers, media_type="application/json")
