"""The public listener: vendors' deliveries and signals, forms, referral links and unsubscribe links, and nothing else.

A delivery is answered after it is committed to the durable inbox, and never waits for a landing.
"""

import logging
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from pydantic import BaseModel, ValidationError
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool

from connectors.contract import Delivery, Receiver, SignalReceiver
from connectors.destination import open_destination
from connectors.errors import Malformed, Misconfigured, SignatureRefused
from connectors.records import utc_now
from connectors.source import open_source
from talent_pool import installation
from talent_pool.delivery import signals, unsubscribe
from talent_pool.home import Home
from talent_pool.installation import Installation
from talent_pool.landing.inbox import Inbox
from talent_pool.store import migrate
from talent_pool.store.database import Store
from talent_pool.store.tables import referral_links
from talent_pool.store.unavailable import StoreUnavailable
from web import problems
from web.forms import CareersForm, ReferralForm, nested
from web.limits import body_of
from web.pages import unsubscribe_page
from web.problems import Problem
from web.together import Together

log = logging.getLogger(__name__)

LARGEST_FORM = 256 * 1024
_KEPT_HEADERS = ("content-type", "greenhouse-event-id", "user-agent")
_FORMS: Mapping[str, tuple[str, type[BaseModel]]] = {
    "careers": ("careers_form", CareersForm),
    "referral": ("referral_links", ReferralForm),
}
"""Each form's connector, and what it may hold."""


@dataclass(slots=True)
class Intake:
    """What the listener needs at hand, opened once."""

    home: Home
    installation: Installation
    store: Store
    inbox: Inbox
    together: Together
    receivers: dict[str, Receiver]
    tools: dict[str, SignalReceiver]
    """The destinations that call us, by name."""

    @classmethod
    def open(cls, home: Home) -> "Intake":
        """Open store, inbox and every connection that is delivered to. Raises Misconfigured."""
        configured = installation.read(home.defs)
        store = home.open()
        migrate.upgrade(store)
        receivers: dict[str, Receiver] = {}
        for connection in configured.connections.values():
            try:
                source = open_source(connection, os.environ)
            except Misconfigured as error:
                # one unset secret must not take the other connections off the air
                log.warning("not listening for %s: %s", connection.name, error)
                continue
            if isinstance(source, Receiver):
                receivers[connection.name] = source
        inbox = Inbox(home.inbox_url)
        return cls(home, configured, store, inbox, Together(inbox), receivers, _tools(configured))

    def close(self) -> None:
        """Release store and inbox."""
        self.store.close()
        self.inbox.close()

    def receiver(self, name: str) -> Receiver:
        """Return the connection that `name` delivers to, or refuse with 404.

        Our own forms and links are not taken here: nobody signs them, so they have addresses that check them.
        """
        forms = {connector for connector, _ in _FORMS.values()}
        if name not in self.receivers or self.receivers[name].connection.connector in forms:
            raise Problem(404, "No connection of this name takes deliveries. Check the address.")
        return self.receivers[name]

    def form_connection(self, form: str) -> tuple[Receiver, type[BaseModel]]:
        """Return where a form's submissions go, and its schema, or refuse with 404."""
        if form in _FORMS:
            connector, schema = _FORMS[form]
            for source in self.receivers.values():
                if source.connection.connector == connector:
                    return source, schema
        raise Problem(404, "There is no form of this name. Check the address.")

    def tool(self, name: str) -> SignalReceiver:
        """Return the destination that calls under `name`, or refuse with 404."""
        if name not in self.tools:
            raise Problem(404, "No destination of this name calls here. Check the address.")
        return self.tools[name]

    async def keep(self, source: Receiver, key: str, headers: Mapping[str, str], body: bytes, at: datetime) -> bool:
        """Commit one delivery to the inbox; False if it is there already."""
        delivery = Delivery(source.connection.name, key, at, headers, body)
        return await self.together.put(delivery, source.connection.organisation)


def _tools(configured: Installation) -> dict[str, SignalReceiver]:
    """Open every destination that calls us."""
    tools: dict[str, SignalReceiver] = {}
    for settings in configured.destinations.values():
        try:
            destination = open_destination(settings, os.environ)
        except Misconfigured as error:
            log.warning("not listening for %s: %s", settings.name, error)
            continue
        if isinstance(destination, SignalReceiver):
            tools[settings.name] = destination
    return tools


def create_app(home: Home | None = None) -> FastAPI:
    """Return the public listener. Its only routes are the five of this module and `/health`."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.intake = Intake.open(home or Home())
        yield
        app.state.intake.close()

    app = FastAPI(title="Catchment intake", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    problems.install(app)
    # Routes that take the request as it is: a delivery is raw bytes, and there is nothing for FastAPI to solve.
    app.add_route("/intake/{connection}", receive, ["POST"])
    app.add_route("/signals/{destination}", receive_signal, ["POST"])
    app.add_route("/signals/{destination}", answer_probe, ["GET"])
    app.add_route("/r/{token}", follow, ["GET"])
    app.add_route("/forms/{form}", submit, ["POST"])
    app.add_route("/u/{token}", ask_unsubscribe, ["GET"])
    app.add_route("/u/{token}", unsubscribe_now, ["POST"])
    app.add_route("/health", health, ["GET"])

    @app.exception_handler(StoreUnavailable)
    async def _unavailable(_request: Request, error: StoreUnavailable) -> JSONResponse:
        log.error("the store cannot be written: %s", error)
        return problems.problem(503, "This could not be stored just now. Send it again.")

    return app


def _intake(request: Request) -> Intake:
    return request.app.state.intake


async def receive(request: Request) -> Response:
    """Take one vendor's delivery: verify its signature over the raw body, commit it, answer as the vendor expects."""
    intake = _intake(request)
    source = intake.receiver(request.path_params["connection"])
    answers = source.answers
    body = await body_of(request, status=answers.too_large)
    headers = dict(request.headers)
    try:
        source.authenticate(headers, body)
        key = source.delivery_key(headers, body)
    except SignatureRefused as error:
        raise Problem(answers.bad_signature, str(error)) from None
    except Malformed as error:
        raise Problem(answers.malformed, str(error)) from None
    kept = {name: value for name, value in headers.items() if name in _KEPT_HEADERS}
    new = await intake.keep(source, key, kept, body, utc_now())
    return JSONResponse({"status": "accepted" if new else "duplicate"}, answers.accepted if new else answers.duplicate)


async def receive_signal(request: Request) -> Response:
    """Take what a destination tells of addresses: who calls is proved, what it says can be read, then it is kept."""
    intake, name = _intake(request), request.path_params["destination"]
    tool = intake.tool(name)
    answers = tool.answers
    body = await body_of(request, status=answers.too_large)
    headers, now = dict(request.headers), utc_now()
    try:
        tool.verify(headers, _called(intake, request), body, now)
        kept = {"content-type": headers.get("content-type", "")}
        delivery = Delivery(signals.calls_of(name), tool.delivery_key(headers, body), now, kept, body)
        list(tool.signals(delivery))
    except SignatureRefused as error:
        raise Problem(answers.bad_signature, str(error)) from None
    except Malformed as error:
        raise Problem(answers.malformed, str(error)) from None
    new = await intake.together.put(delivery, tool.settings.organisation)
    return Response(status_code=answers.accepted if new else answers.duplicate)


def _called(intake: Intake, request: Request) -> str:
    """Return the address as the caller wrote it: ours to the public, whatever the proxy before us made of it."""
    path = request.scope.get("raw_path") or request.url.path.encode()
    query = request.scope.get("query_string", b"")
    return intake.home.public_url.rstrip("/") + (path + (b"?" + query if query else b"")).decode("latin-1")


async def answer_probe(request: Request) -> Response:
    """Say that a destination may call here: some look (Mailchimp) before they keep the address."""
    _intake(request).tool(request.path_params["destination"])
    return Response(status_code=200)


async def submit(request: Request) -> Response:
    """Take a careers-portal or referral form, as JSON or as a browser posts it."""
    intake, form = _intake(request), request.path_params["form"]
    source, schema = intake.form_connection(form)
    submission = _submission(schema, await _fields(request))
    body = {
        **submission.model_dump(mode="json", exclude_none=True),
        "form_id": form,
        "submitted_at": utc_now().isoformat(),
    }
    key = str(body["submission_id"])
    if form == "referral":
        body["kind"] = "referral"
    new = await intake.keep(source, key, {}, orjson.dumps(body), utc_now())
    return JSONResponse({"status": "accepted" if new else "duplicate", "submission_id": key}, 202 if new else 200)


async def _fields(request: Request) -> dict[str, Any]:
    kind = request.headers.get("content-type", "").split(";")[0].strip()
    if kind == "application/json":
        try:
            fields = orjson.loads(await body_of(request, most=LARGEST_FORM))
        except orjson.JSONDecodeError:
            raise Problem(400, "The body is not JSON.") from None
        if not isinstance(fields, dict):
            raise Problem(422, "The body must be one JSON object.")
        return fields
    if kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
        declared = request.headers.get("content-length", "")
        if not declared.isdigit() or int(declared) > LARGEST_FORM:
            raise Problem(413, "The form is too large. Leave out attachments.")
        async with request.form(max_files=0) as posted:
            return nested({name: value for name, value in posted.items() if isinstance(value, str)})
    raise Problem(415, "Send the form as application/json or as a browser posts it.")


def _submission(schema: type[BaseModel], fields: dict[str, Any]) -> BaseModel:
    try:
        return schema.model_validate(fields)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg'].removeprefix('Value error, ')}"
            for problem in error.errors(include_input=False, include_url=False)
        )
        raise Problem(422, f"Correct these fields: {wrong}.") from None


async def follow(request: Request) -> Response:
    """Count a click on a referral link and go on to its job, its token kept for the application to be found by.

    Who only asks for the head, as a preview of links does, has not clicked.
    """
    intake, token = _intake(request), request.path_params["token"]
    target = await run_in_threadpool(_target, intake.store, token)
    if target is None:
        raise Problem(404, "This referral link is not known, or has ended. Ask for a new one.")
    at = utc_now()
    for source in intake.receivers.values():
        if request.method == "GET" and source.connection.connector == "referral_links":
            click = {"kind": "click", "token": token, "at": at.isoformat(), "id": os.urandom(12).hex()}
            await intake.keep(source, click["id"], {}, orjson.dumps(click), at)
    return RedirectResponse(_with_token(target, token, request.query_params), 302, {"Cache-Control": "no-store"})


def _target(store: Store, token: str) -> str | None:
    with store.reading() as connection:
        link = connection.execute(select(referral_links).where(referral_links.c.token == token)).first()
    if link is None or (link.expires_at and link.expires_at < utc_now()):
        return None
    return link.target_url


def _with_token(target: str, token: str, asked: Mapping[str, str]) -> str:
    """Return the stored address with `ref` and the caller's own utm parameters; nothing else is taken from them."""
    kept = {name: value for name, value in asked.items() if name.startswith("utm_")}
    parts = urlsplit(target)
    query = "&".join(part for part in (parts.query, urlencode({"ref": token, **kept})) if part)
    return urlunsplit(parts._replace(query=query))


async def ask_unsubscribe(request: Request) -> Response:
    """Show the page with the button. Looking never acts: mail scanners follow every link."""
    return HTMLResponse(
        unsubscribe_page(request.path_params["token"], done=False), headers={"Referrer-Policy": "no-referrer"}
    )


async def unsubscribe_now(request: Request) -> Response:
    """Write the refusal (RFC 8058 one-click, or the page's button)."""
    intake, token = _intake(request), request.path_params["token"]
    try:
        await run_in_threadpool(unsubscribe.redeem, intake.store, token, utc_now())
    except unsubscribe.InvalidToken as error:
        raise Problem(404, str(error)) from None
    return HTMLResponse(unsubscribe_page(token, done=True), headers={"Referrer-Policy": "no-referrer"})


async def health(request: Request) -> Response:
    """Say that the listener is up and for which connections it takes deliveries."""
    return JSONResponse({"status": "up", "connections": sorted(_intake(request).receivers)})
