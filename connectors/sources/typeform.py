"""Typeform: responses of one form, by its Responses API and by its webhook, which bring the same objects.

A response is a candidate, an application (for the job in a hidden field, else to the talent community) and a
statement for each consent question. Facts: typeform.com/developers; at most 2 requests a second, newest first;
responses of the last half hour may still be missing, so each read begins an hour before the newest seen.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from pydantic import Field, SecretStr
from pyrate_limiter import Rate

from connectors import webhooks
from connectors.contract import Answers, Delivery, Json, Page, Stream
from connectors.errors import Malformed, SignatureRefused, Unavailable
from connectors.http import Http, VendorError
from connectors.records import Purpose, Record
from connectors.settings import Settings, variable
from connectors.shapes import decoded, is_list, is_object
from connectors.source import Source
from connectors.typeform_answers import normalised, questions, records

RESPONSES = "responses"
_HEADER = "Typeform-Signature"
_OVERLAP = timedelta(hours=1)

log = logging.getLogger(__name__)


class TypeformSettings(Settings):
    """`fields`: ref of a question → field of connectors.columns. `consents`: ref → purpose, or `none`."""

    form_id: str
    token: SecretStr
    webhook_secret: SecretStr | None = None
    base_url: str = "https://api.typeform.com"
    page_size: int = Field(default=1000, ge=1, le=1000)
    requests_per_second: int = Field(default=2, ge=1)
    fields: Mapping[str, str] = Field(default_factory=dict)
    consents: Mapping[str, Purpose | None] = Field(default_factory=dict)


class Typeform(Source):
    """One form at Typeform."""

    connector = "typeform"
    family = "portal"
    Settings = TypeformSettings
    settings: TypeformSettings
    answers = Answers()
    _http: Http | None = None

    def streams(self) -> Sequence[Stream]:
        # a response never changes once it is submitted; a form tells what was filled in, and nothing of the rest
        return (Stream(RESPONSES, key="token", complete=False, sees_updates=False),)

    def pages(self, stream: Stream, cursor: Json | None, now: datetime) -> Iterator[Page]:  # noqa: ARG002 - the contract's
        """Yield responses, newest first. The window moves on with its last page; until then a page keeps its place.

        Never marks a full read: the API may not show yet what a webhook already brought.
        """
        place = cursor or {}
        since, before, newest = place.get("since"), place.get("before"), place.get("newest")
        asked = questions(self._definition())
        seen = {before}
        while True:
            try:
                items = self._listed(since, before)
            except VendorError as error:
                if before is None or before != place.get("before") or error.status not in (400, 404):
                    raise
                # the response that the last read stopped at was deleted since: its window begins again
                log.info("%s: the place of the last read is gone; its window is read again", self.connection.name)
                before, place = None, {}
                continue
            newest = _latest(newest, *map(_submitted, items))
            if len(items) < self.settings.page_size:
                ended = {"since": _latest(since, newest)} if since or newest else None
                yield Page(stream.name, self._objects(items, asked), ended)
                return
            before = _last_token(items)
            if before in seen:
                raise Unavailable(
                    f"{self.connection.name}'s listing leads back to a page already read. Try again later."
                )
            seen.add(before)
            yield Page(stream.name, self._objects(items, asked), {"since": since, "before": before, "newest": newest})

    def parse(self, stream: str, raw: Json) -> Iterable[Record]:  # noqa: ARG002 - the contract's
        return list(records(raw, self.settings.fields, self.settings.consents))

    def check(self) -> str:
        return f"The form is there and has {len(questions(self._definition()))} questions."

    def authenticate(self, headers: Mapping[str, str], body: bytes) -> None:
        if self.settings.webhook_secret is None:
            name = variable(self.connection.name, "webhook_secret")
            raise SignatureRefused(f"{self.connection.name}: no secret is set to check deliveries by. Set {name}.")
        given = webhooks.header(headers, _HEADER)
        if not webhooks.signed_sha256_base64(self.settings.webhook_secret.get_secret_value(), body, given):
            raise webhooks.refuse(self.connection.name, _HEADER, given)

    def delivery_key(self, headers: Mapping[str, str], body: bytes) -> str:  # noqa: ARG002 - the contract's
        event = _event(body)
        key = event.get("event_id") or event["form_response"].get("token")
        if not isinstance(key, str) or not key:
            raise Malformed("the delivery has neither event_id nor form_response.token.")
        return key

    def objects(self, delivery: Delivery) -> Iterable[tuple[str, Json]]:
        event = _event(delivery.body)
        # a response that is not finished has its own event, and comes again when it is
        if event.get("event_type", "form_response") == "form_response":
            response = event["form_response"]
            form_id = response.get("form_id") or self.settings.form_id
            yield RESPONSES, normalised(response, str(form_id), questions(response.get("definition")))

    def _objects(self, items: Sequence[Any], asked: Mapping[str, Json]) -> list[Any]:
        form_id = self.settings.form_id
        return [normalised(item, form_id, asked) if is_object(item) else item for item in items]

    def _listed(self, since: str | None, before: str | None) -> list[Any]:
        params: dict[str, Any] = {"page_size": self.settings.page_size, "response_type": "completed"}
        if since:
            params["since"] = _asked_since(since)
        if before:
            params["before"] = before
        http = self._client()
        body = http.json(http.get(f"forms/{self.settings.form_id}/responses", params))
        items = body.get("items") if is_object(body) else None
        if not is_list(items):
            raise Unavailable(f"{self.connection.name} answered without a list of responses. Try again later.")
        return items

    def _definition(self) -> Any:
        http = self._client()
        return http.json(http.get(f"forms/{self.settings.form_id}"))

    def _client(self) -> Http:
        if self._http is None:
            name = self.connection.name
            self._http = Http(
                self.settings.base_url,
                name=name,
                hint=f"Set {variable(name, 'token')} to a token that may read forms and responses.",
                headers={"Authorization": f"Bearer {self.settings.token.get_secret_value()}"},
                rates=[Rate(self.settings.requests_per_second, 1000)],
                transport=self.transport,
            )
        return self._http


def _event(body: bytes) -> Json:
    event = decoded(body, "the delivery")
    if not is_object(event) or not is_object(event.get("form_response")):
        raise Malformed("the delivery has no form_response.")
    return event


def _submitted(item: Any) -> str | None:
    """Return when a response was submitted; None where that cannot be read, which parsing will say."""
    moment = item.get("submitted_at") if is_object(item) else None
    try:
        return moment if isinstance(moment, str) and datetime.fromisoformat(moment).tzinfo else None
    except ValueError:
        return None


def _last_token(items: Sequence[Any]) -> str:
    """Return where to go on from: the last response that has a token, should the very last be broken."""
    for item in reversed(items):
        token = item.get("token") if is_object(item) else None
        if isinstance(token, str) and token:
            return token
    raise Unavailable("Typeform listed responses without a single token to go on from. Try again later.")


def _latest(*moments: str | None) -> str | None:
    return max((moment for moment in moments if moment), key=datetime.fromisoformat, default=None)


def _asked_since(newest: str) -> str:
    return (datetime.fromisoformat(newest) - _OVERLAP).strftime("%Y-%m-%dT%H:%M:%SZ")
