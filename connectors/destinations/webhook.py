"""Signed webhooks (Standard Webhooks 1.0.0): what changes in a segment, told to a system of our own or a partner's.

Facts: the specification at github.com/standard-webhooks/standard-webhooks (headers, signature, schedule of attempts,
410, several secrets while one is replaced, no redirects, no private addresses).
"""

import hashlib
import time
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Literal
from urllib.parse import urlsplit

import httpx
import orjson
from pydantic import SecretStr
from standardwebhooks import Webhook as Scheme

from connectors.contract import Action, Cleared, DestinationSettings, Erases, Fate, Forgotten, Json, RowOutcome
from connectors.destination import Destination
from connectors.errors import ConnectorError, Misconfigured, RateLimited, Unavailable
from connectors.http import Http, VendorError
from connectors.public_addresses import PublicOnly
from connectors.records import Channel, utc_now
from connectors.settings import Settings, variable

SCHEDULE = tuple(
    timedelta(seconds=seconds) for seconds in (5, 5 * 60, 30 * 60, *(3600 * hours for hours in (2, 5, 10, 14, 20, 24)))
)
"""How long after each failed attempt the next is due."""
_SECONDS = 20
_FAILURES = 3
"""As many failures one after the other are the endpoint's, not the event's: the rest is spared until the next run."""


class WebhookSettings(Settings):
    """`secret`: one or more `whsec_…`, the newest first and white space between; each event is signed with all.

    `url` may lead into a private network only with `allow_private`, which also permits http.
    """

    url: str
    secret: SecretStr
    allow_private: bool = False
    fields: tuple[str, ...] = (
        "first_name", "last_name", "full_name", "company", "title", "city", "country_code", "language",
    )  # fmt: skip


class Webhook(Destination):
    """One endpoint, told of each person who enters a segment, changes in it, or leaves it.

    One event a request, for the standard has no batches. `fields` holds what is known, and null where it was told a
    value before and there is none any more. An event that was not taken (any answer but 2xx) is due again
    by the standard's schedule, with the same `webhook-id`; after the last attempt it is given up, but that somebody
    left is told for as long as it takes. 410 ends the run: the endpoint wants no more. Of somebody who is to be
    forgotten it is told `person.erased` with the address, and its 2xx is all that can be known of it.
    """

    connector: ClassVar[str] = "webhook"
    kind: ClassVar[Literal["state", "message"]] = "state"
    channel: ClassVar[Channel] = Channel.EMAIL
    batch: ClassVar[int] = 50
    erases: ClassVar[Erases] = "tell"
    Settings = WebhookSettings
    account: WebhookSettings

    def __init__(
        self, settings: DestinationSettings, account: WebhookSettings, transport: httpx.BaseTransport | None = None
    ) -> None:
        super().__init__(settings, account, transport)
        parts = urlsplit(account.url)
        if parts.scheme != "https" and not account.allow_private:
            raise Misconfigured(f"{settings.name}: url must begin with https://, for people's data travel there.")
        self.fields = frozenset(account.fields)
        self._schemes = [self._scheme(secret) for secret in account.secret.get_secret_value().split()]
        if not self._schemes:
            raise Misconfigured(f"{settings.name}: set {variable(settings.name, 'secret')}.")
        self._http = Http(
            f"{parts.scheme}://{parts.netloc}",
            name=settings.name,
            hint=f"Set {variable(settings.name, 'secret')} to the endpoint's secret.",
            transport=transport if account.allow_private else PublicOnly(settings.name, transport),
            timeout=_SECONDS,
            attempts=1,
        )
        self._clock: tuple[datetime, float] | None = None

    @property
    def requests(self) -> int:
        return self._http.requests

    def apply(self, rows: Sequence[Cleared], now: datetime) -> Iterator[RowOutcome]:
        failures = 0
        for row in rows:
            outcome, failure = self._tell(row, now)
            yield outcome
            failures = failures + 1 if outcome.fate in (Fate.DEFERRED, Fate.REJECTED) else 0
            if failure and not isinstance(failure, Unavailable | VendorError):
                raise failure
            if failure and (isinstance(failure, RateLimited) or failures == _FAILURES):
                raise Unavailable(f"{self.settings.name} takes no more events just now. The rest is kept for later.")

    def _tell(self, row: Cleared, now: datetime) -> tuple[RowOutcome, ConnectorError | None]:
        """Send one event; return its outcome, and the failure if there was one."""
        kind = "segment.left" if row.action is Action.REMOVE else "person.changed" if row.held else "segment.entered"
        message_id = f"msg_{row.occasion or f'{kind}.{row.row_id}'}"
        try:
            self._post(
                message_id,
                kind,
                row.tried_since or now,
                _data(row, self.fields),
                self._at(now),
            )
        except VendorError as error:
            if error.status == 410:
                gone = Misconfigured(
                    f"{self.settings.name}: the endpoint is gone (410) and wants no more events. "
                    "Correct url, or take the destination out."
                )
                return RowOutcome(row.row_id, Fate.DEFERRED, "The endpoint wants no more events (410)."), gone
            words = f"{error.status} {error.response.text[:200]}".strip()
            return self._due_again(row, now, f"The endpoint answered {error.status}.", words), error
        except RateLimited as error:
            reason = "The endpoint asks for a pause."
            return self._due_again(row, now, reason, str(error), error.after), error
        except Unavailable as error:
            return self._due_again(row, now, "The endpoint did not answer as it should.", str(error)), error
        except Misconfigured as error:
            return RowOutcome(row.row_id, Fate.DEFERRED, "The endpoint cannot be used as it is set up."), error
        return RowOutcome(row.row_id, Fate.REMOVED if row.action is Action.REMOVE else Fate.SENT), None

    def erase(self, addresses: Sequence[str], now: datetime) -> Iterator[Forgotten]:
        """Tell `person.erased` of each address; what is not taken is told again at the next attempt, as a new event."""
        for address in addresses:
            mark = hashlib.sha256(f"{address.lower()} {now.isoformat()}".encode()).hexdigest()[:32]
            data: Json = {"channel": self.channel.value, "address": address}
            try:
                self._post(f"msg_erased_{mark}", "person.erased", now, data, self._at(now))
            except VendorError as error:
                yield Forgotten(address, gone=False, reason=f"The endpoint answered {error.status}.")
            else:
                yield Forgotten(address, gone=True, reason="The endpoint took person.erased.")

    def _due_again(
        self, row: Cleared, now: datetime, reason: str, words: str, pause: timedelta | None = None
    ) -> RowOutcome:
        given_up = row.tries >= len(SCHEDULE)
        if given_up and row.action is not Action.REMOVE:
            return RowOutcome(
                row.row_id, Fate.REJECTED, f"{reason} It was given up after {row.tries + 1} tries.", words
            )
        wait = max(SCHEDULE[min(row.tries, len(SCHEDULE) - 1)], pause or timedelta())
        return RowOutcome(row.row_id, Fate.DEFERRED, reason, words, not_before=now + wait)

    def _post(self, message_id: str, kind: str, occurred: datetime, data: Json, at: datetime) -> None:
        body: Json = {"type": kind, "timestamp": occurred.isoformat(), "data": data}
        told = orjson.dumps(body).decode()
        headers = {
            "webhook-id": message_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": " ".join(scheme.sign(message_id, at, told) for scheme in self._schemes),
        }
        self._http.request("POST", self.account.url, json=body, headers=headers)

    def _at(self, now: datetime) -> datetime:
        """Return the moment of an attempt: the run's, and what has passed since, for receivers refuse what is old."""
        if self._clock is None or self._clock[0] != now:
            self._clock = now, time.monotonic()
        return now + timedelta(seconds=time.monotonic() - self._clock[1])

    def _scheme(self, secret: str) -> Scheme:
        try:
            if secret.startswith("whsec_"):
                return Scheme(secret)
        except (ValueError, RuntimeError):
            pass
        # out here, because the error met on the way would keep the secret in its context
        name = self.settings.name
        raise Misconfigured(
            f"{name}: a secret begins with whsec_ and goes on in base64. Set {variable(name, 'secret')}."
        )

    def check(self) -> str:
        """Send an event of type `webhook.ping`, which says nothing of anybody."""
        now = utc_now()
        try:
            self._post(f"msg_ping_{now.timestamp():.0f}", "webhook.ping", now, {}, now)
        except VendorError as error:
            raise Misconfigured(f"{self.settings.name}: the endpoint answers {error.status}. Correct url.") from error
        return "reached; the endpoint takes signed events"


def _data(row: Cleared, fields: Collection[str]) -> Json:
    told: Json = {"segment": row.tag, "person_id": row.person_id, "channel": row.channel.value, "address": row.address}
    if row.action is not Action.REMOVE:
        told["fields"] = {
            name: value
            for name, value in row.fields.items()
            if name in fields and (value is not None or name in row.emptied)
        }
    return told
