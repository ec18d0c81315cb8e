"""Mailchimp Marketing API 3.0 over HTTP: batches, members, tags, static segments; ten requests at once and no more.

Facts: the Marketing API's published description and release notes.
"""

import asyncio
import hmac
from base64 import b64decode
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.faults import Faulty, tell
from sandbox.hiring import Object
from sandbox.mailchimp_audience import Audience, Invalid, address_hash, stamp

_LARGEST_BATCH = 500
_AT_ONCE = 10


class _Crowded:
    """No more than ten requests at once, as every account has it; the eleventh gets 429 and no Retry-After."""

    def __init__(self, app: ASGIApp, latency: float) -> None:
        self.app, self.latency, self.open = app, latency, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/_sandbox"):
            await self.app(scope, receive, send)
            return
        if self.open >= _AT_ONCE:
            await _problem(429, "Too Many Requests", "You have exceeded the limit of 10 simultaneous connections.")(
                scope, receive, send
            )
            return
        self.open += 1
        try:
            await asyncio.sleep(self.latency)
            await self.app(scope, receive, send)
        finally:
            self.open -= 1


class Mailchimp:
    """One account with one audience. Read `audience.violations` after a run: it must be empty."""

    def __init__(
        self,
        *,
        list_id: str = "a1b2c3d4e5",
        api_key: str = "0123456789abcdef0123456789abcdef-us21",
        latency: float = 0.001,
    ) -> None:
        self.list_id, self.api_key = list_id, api_key
        self.audience = Audience()
        lists = "/3.0/lists/{list}"
        routes = [
            Route("/3.0/ping", self._ping),
            Route(lists, self._list),
            Route(lists, self._batch, methods=["POST"]),
            Route(f"{lists}/merge-fields", self._merge_fields),
            Route(f"{lists}/merge-fields", self._add_merge_field, methods=["POST"]),
            Route(f"{lists}/members", self._read),
            Route(f"{lists}/members/{{member}}", self._member),
            Route(f"{lists}/members/{{member}}", self._put, methods=["PUT"]),
            Route(f"{lists}/members/{{member}}", self._patch, methods=["PATCH"]),
            Route(f"{lists}/members/{{member}}", self._archive, methods=["DELETE"]),
            Route(f"{lists}/members/{{member}}/tags", self._read_tags),
            Route(f"{lists}/members/{{member}}/tags", self._tag, methods=["POST"]),
            Route(f"{lists}/members/{{member}}/actions/delete-permanent", self._forget, methods=["POST"]),
            Route(f"{lists}/segments", self._read_segments),
            Route(f"{lists}/segments", self._add_segment, methods=["POST"]),
            Route(f"{lists}/segments/{{segment:int}}", self._change_segment, methods=["POST"]),
            Route(f"{lists}/segments/{{segment:int}}/members", self._segment_members),
            Route("/_sandbox/state", self._state),
            Route("/_sandbox/set_status", self._set_status, methods=["POST"]),
        ]
        self.app = Faulty(_Crowded(_Guarded(Starlette(routes=routes), self), latency))

    # what it answers

    async def _ping(self, _request: Request) -> Response:
        return _json({"health_status": "Everything's Chimpy!"})

    async def _list(self, _request: Request) -> Response:
        subscribed = sum(member.status == "subscribed" for member in self.audience.members.values())
        return _json(
            {
                "id": self.list_id,
                "name": "Candidates",
                "stats": {"member_count": subscribed},
                "permission_reminder": "You applied.",
            }
        )

    async def _batch(self, request: Request) -> Response:
        body = await _body(request)
        members, update, sync = body.get("members"), bool(body.get("update_existing")), bool(body.get("sync_tags"))
        if not isinstance(members, list) or not 1 <= len(members) <= _LARGEST_BATCH:
            return _problem(400, "Invalid Resource", "Pass between 1 and 500 members.")
        if sync:
            self.audience.violations.append({"what": "sync_tags replaces tags that others set", "how": "POST /lists"})
        answer: dict[str, Any] = {"new_members": [], "updated_members": [], "errors": []}
        skip_duplicates = request.query_params.get("skip_duplicate_check") == "true"
        seen: set[str] | None = None if skip_duplicates else set()
        for one in members:
            email = str(one.get("email_address", ""))
            try:
                is_new, member = self.audience.write_row(one, update=update, sync=sync, seen=seen)
            except Invalid as error:
                answer["errors"].append(_row_error(email, error))
            else:
                answer["new_members" if is_new else "updated_members"].append(member.shown(self.list_id))
        done = {"total_created": "new_members", "total_updated": "updated_members", "error_count": "errors"}
        return _json(answer | {name: len(answer[rows]) for name, rows in done.items()})

    async def _merge_fields(self, _request: Request) -> Response:
        fields = [
            {"merge_id": number, "tag": tag, "name": tag.title(), "type": "text"}
            for number, tag in enumerate(self.audience.merge_fields, 1)
        ]
        return _json({"merge_fields": fields, "list_id": self.list_id, "total_items": len(fields)})

    async def _add_merge_field(self, request: Request) -> Response:
        body = await _body(request)
        tag = str(body.get("tag") or body.get("name", "")).upper()[:10]
        self.audience.merge_fields.append(tag)
        return _json(
            {
                "merge_id": len(self.audience.merge_fields),
                "tag": tag,
                "name": body.get("name"),
                "type": body.get("type", "text"),
            }
        )

    async def _read(self, request: Request) -> Response:
        query = request.query_params
        count, offset = int(query.get("count", "10")), int(query.get("offset", "0"))
        if not 0 <= count <= 1000:
            return _problem(400, "Invalid Resource", "count must be between 0 and 1000.")
        found = [member for member in self.audience.members.values() if self.audience.wanted(member, query)]
        found.sort(
            key=lambda member: (member.last_changed, member.hash), reverse=query.get("sort_dir", "").upper() == "DESC"
        )
        page = found[offset : offset + count]
        tell(request.scope, "members", len(page))
        return _json(
            {"members": [one.shown(self.list_id) for one in page], "list_id": self.list_id, "total_items": len(found)}
        )

    async def _member(self, request: Request) -> Response:
        member = self.audience.find(request.path_params["member"])
        return _json(member.shown(self.list_id)) if member else _not_found()

    async def _put(self, request: Request) -> Response:
        body = await _body(request)
        member = self.audience.find(request.path_params["member"])
        new = member is None or member.status == "archived"
        status = body.get("status_if_new", body.get("status")) if new else body.get("status")
        try:
            member = self.audience.write(body, member, status, "PUT /members")
        except Invalid as error:
            return _problem(400, error.title, str(error))
        if new:
            for tag in body.get("tags") or ():
                member.tags[str(tag)] = self.audience.tag_id(str(tag))
        return _json(member.shown(self.list_id))

    async def _patch(self, request: Request) -> Response:
        body = await _body(request)
        member = self.audience.find(request.path_params["member"])
        if member is None:
            return _not_found()
        try:
            return _json(self.audience.write(body, member, body.get("status"), "PATCH /members").shown(self.list_id))
        except Invalid as error:
            return _problem(400, error.title, str(error))

    async def _archive(self, request: Request) -> Response:
        member = self.audience.find(request.path_params["member"])
        if member is None:
            return _not_found()
        member.status, member.last_changed = "archived", stamp()
        return Response(status_code=204)

    async def _forget(self, request: Request) -> Response:
        member = self.audience.find(request.path_params["member"])
        if member is None:
            return _not_found()
        self.audience.forgotten.add(member.hash)
        del self.audience.members[member.hash]
        return Response(status_code=204)

    async def _read_tags(self, request: Request) -> Response:
        member = self.audience.find(request.path_params["member"])
        if member is None:
            return _not_found()
        tags = [{"id": number, "name": name, "date_added": member.last_changed} for name, number in member.tags.items()]
        return _json({"tags": tags, "total_items": len(tags)})

    async def _tag(self, request: Request) -> Response:
        member = self.audience.find(request.path_params["member"])
        if member is None:
            return _not_found()
        for tag in (await _body(request)).get("tags", ()):
            if tag.get("status") == "inactive":
                member.tags.pop(tag["name"], None)
            else:
                member.tags[tag["name"]] = self.audience.tag_id(tag["name"])
        member.last_changed = stamp()
        return Response(status_code=204)

    async def _read_segments(self, _request: Request) -> Response:
        shown = [self._segment(number) for number in self.audience.segments]
        # a tag is a static segment, and is listed as one
        tags = {number: name for member in self.audience.members.values() for name, number in member.tags.items()}
        shown += [
            {
                "id": number,
                "name": name,
                "member_count": len(self.audience.tagged(name)),
                "type": "static",
                "list_id": self.list_id,
            }
            for number, name in tags.items()
        ]
        return _json({"segments": shown, "list_id": self.list_id, "total_items": len(shown)})

    async def _add_segment(self, request: Request) -> Response:
        body = await _body(request)
        if any(name == body.get("name") for name, _ in self.audience.segments.values()):
            return _problem(400, "Invalid Resource", "A segment of this name exists already.")
        number = len(self.audience.segments) + 1
        self.audience.segments[number] = (str(body.get("name", "")), set())
        for email in body.get("static_segment") or ():
            if member := self.audience.members.get(address_hash(email)):
                self.audience.segments[number][1].add(member.hash)
        return _json(self._segment(number))

    async def _change_segment(self, request: Request) -> Response:
        number = request.path_params["segment"]
        body = await _body(request)
        add, remove = body.get("members_to_add") or [], body.get("members_to_remove") or []
        if len(add) > _LARGEST_BATCH or len(remove) > _LARGEST_BATCH:
            return _problem(400, "Invalid Resource", "Pass at most 500 members to add and 500 to remove.")
        if number not in self.audience.segments:
            return self._change_tag(number, add, remove)
        held, errors = self.audience.segments[number][1], []
        added, removed = [], []
        for email in add:
            member = self.audience.members.get(address_hash(email))
            if member is None:
                errors.append({"email_addresses": [email], "error": "Email addresses not found in list."})
                continue
            held.add(member.hash)
            added.append(member.shown(self.list_id))
        for email in remove:
            if address_hash(email) in held:
                held.remove(address_hash(email))
                removed.append(self.audience.members[address_hash(email)].shown(self.list_id))
        totals = {"total_added": len(added), "total_removed": len(removed), "error_count": len(errors)}
        return _json({"members_added": added, "members_removed": removed, "errors": errors, **totals})

    def _change_tag(self, number: int, add: list[str], remove: list[str]) -> Response:
        """Put a tag, which is a static segment, on members and take it off others."""
        bearers = self.audience.members.values()
        name = next((name for one in bearers for name, known in one.tags.items() if known == number), None)
        if name is None:
            return _not_found()
        added, removed, errors = [], [], []
        for email in add:
            if member := self.audience.members.get(address_hash(email)):
                member.tags[name] = number
                added.append(member.shown(self.list_id))
            else:
                errors.append({"email_addresses": [email], "error": "Email addresses not found in list."})
        for email in remove:
            member = self.audience.members.get(address_hash(email))
            if member and member.tags.pop(name, None) is not None:
                removed.append(member.shown(self.list_id))
        totals = {"total_added": len(added), "total_removed": len(removed), "error_count": len(errors)}
        return _json({"members_added": added, "members_removed": removed, "errors": errors, **totals})

    async def _segment_members(self, request: Request) -> Response:
        if request.path_params["segment"] not in self.audience.segments:
            return _not_found()
        count, offset = int(request.query_params.get("count", "10")), int(request.query_params.get("offset", "0"))
        held = sorted(self.audience.segments[request.path_params["segment"]][1])
        page = [
            self.audience.members[one].shown(self.list_id)
            for one in held[offset : offset + count]
            if one in self.audience.members
        ]
        return _json({"members": page, "total_items": len(held)})

    def _segment(self, number: int) -> Object:
        name, held = self.audience.segments[number]
        return {"id": number, "name": name, "member_count": len(held), "type": "static", "list_id": self.list_id}

    # for tests and the demo in another process

    async def _state(self, _request: Request) -> Response:
        members = [member.shown(self.list_id) for member in self.audience.members.values()]
        return _json(
            {"violations": self.audience.violations, "members": members, "forgotten": sorted(self.audience.forgotten)}
        )

    async def _set_status(self, request: Request) -> Response:
        body = await _body(request)
        if address_hash(body["email"]) not in self.audience.members:
            return _not_found()
        self.audience.set_status(body["email"], body["status"])
        return _json({"status": body["status"]})


class _Guarded:
    """Basic authentication with the key as password, or Bearer; the data centre behind the key must be this one."""

    def __init__(self, app: ASGIApp, account: Mailchimp) -> None:
        self.app, self.account = app, account

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope["path"].startswith("/_sandbox"):
            refusal = self._refusal(scope)
            if refusal:
                await refusal(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        header = dict(scope["headers"]).get(b"authorization", b"").decode()
        kind, _, given = header.partition(" ")
        try:
            key = b64decode(given, validate=True).decode().partition(":")[2] if kind.lower() == "basic" else given
        except ValueError:
            key = ""
        if key and key.rpartition("-")[2] != self.account.api_key.rpartition("-")[2]:
            return _problem(403, "Forbidden", "The API key is not for this data centre.")
        if not hmac.compare_digest(key.encode(), self.account.api_key.encode()):
            return _problem(
                401,
                "API Key Invalid",
                "Your API key may be invalid, or you've attempted to access the wrong datacenter.",
            )
        parts = scope["path"].split("/")
        if len(parts) > 3 and parts[2] == "lists" and parts[3] != self.account.list_id:
            return _not_found()
        return None


def _row_error(email: str, error: Invalid) -> Object:
    code = "ERROR_CONTACT_EXISTS" if error.title == "Member Exists" else "ERROR_GENERIC"
    return {"email_address": email, "error": str(error), "error_code": code, "field": error.field, "field_message": ""}


async def _body(request: Request) -> dict[str, Any]:
    return orjson.loads(await request.body() or b"{}")


def _not_found() -> Response:
    return _problem(404, "Resource Not Found", "The requested resource could not be found.")


def _problem(status: int, title: str, detail: str) -> Response:
    kind = "https://mailchimp.com/developer/marketing/docs/errors/"
    data = {"type": kind, "title": title, "status": status, "detail": detail, "instance": "sandbox"}
    return Response(orjson.dumps(data), status, media_type="application/problem+json")


def _json(data: Any) -> Response:
    return Response(orjson.dumps(data), media_type="application/json")
