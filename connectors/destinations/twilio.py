"""Twilio Programmable Messaging (API 2010-04-01): SMS and MMS, one call a message.

Facts: Twilio's OpenAPI description (`Accounts/{AccountSid}/Messages.json`: form fields, statuses, paging) and
twilio.com/docs/usage/webhooks/webhooks-security. There is no batch and no key against doubles, so a call whose answer
is lost is never made again.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar, Literal
from urllib.parse import parse_qsl

import httpx
from pydantic import SecretStr

from connectors import twilio_codes as codes
from connectors.contract import (
    Answers,
    Cleared,
    Delivery,
    DestinationSettings,
    Erases,
    Fate,
    Forgotten,
    Json,
    RowOutcome,
    Signal,
    SignalPage,
)
from connectors.destination import Destination
from connectors.errors import Malformed, Misconfigured, Refused, Unavailable
from connectors.http import Http, VendorError
from connectors.records import Channel
from connectors.settings import Settings, variable
from connectors.webhooks import header, refuse, signed_by_twilio

_PAGE = 1000
_E164 = re.compile(r"\+[1-9]\d{6,14}")
_LOOK_BACK = timedelta(days=3)
"""A message's fate is settled within this time after it was sent: Twilio and the carriers try for hours, not days."""
_SIGNATURE = "X-Twilio-Signature"


class TwilioSettings(Settings):
    """Either `from_number` (E.164, a short code or a name) or `messaging_service_sid`.

    `api_key_sid` and `api_key_secret` take the place of the account's own token for calls; its webhooks are always
    signed by `auth_token`. `base_url` names another region. `status_callback`: where Twilio tells what became of a
    message (`https://…/signals/NAME`); left out, it is asked.
    """

    account_sid: str
    auth_token: SecretStr
    api_key_sid: str | None = None
    api_key_secret: SecretStr | None = None
    from_number: str | None = None
    messaging_service_sid: str | None = None
    status_callback: str | None = None
    base_url: str = "https://api.twilio.com"


class Twilio(Destination):
    """One sender at one Twilio account.

    A message that Twilio accepted is sent: it has taken it in hand. What carriers make of it, and the answers of those
    who say STOP, are read back. Requests of a run: one a message, and one a thousand messages read back.
    """

    connector: ClassVar[str] = "twilio"
    kind: ClassVar[Literal["state", "message"]] = "message"
    channel: ClassVar[Channel] = Channel.SMS
    batch: ClassVar[int] = 100
    erases: ClassVar[Erases] = "delete"
    fields: frozenset[str] = frozenset({"text", "media_url"})
    answers: ClassVar[Answers] = Answers(accepted=204, duplicate=204, bad_signature=403)
    Settings = TwilioSettings
    account: TwilioSettings

    def __init__(
        self, settings: DestinationSettings, account: TwilioSettings, transport: httpx.BaseTransport | None = None
    ) -> None:
        super().__init__(settings, account, transport)
        name = settings.name
        if bool(account.from_number) == bool(account.messaging_service_sid):
            raise Misconfigured(f"{name}: set one of from_number and messaging_service_sid.")
        if bool(account.api_key_sid) != bool(account.api_key_secret):
            raise Misconfigured(f"{name}: set both of api_key_sid and {variable(name, 'api_key_secret')}, or neither.")
        secret = account.api_key_secret or account.auth_token
        self._http = Http(
            account.base_url,
            name=name,
            hint=f"Set {variable(name, 'auth_token')} (or {variable(name, 'api_key_secret')}) to one of this account.",
            auth=(account.api_key_sid or account.account_sid, secret.get_secret_value()),
            transport=transport,
        )
        self._home = f"2010-04-01/Accounts/{account.account_sid}"

    @property
    def requests(self) -> int:
        return self._http.requests

    def apply(self, rows: Sequence[Cleared], now: datetime) -> Iterator[RowOutcome]:  # noqa: ARG002 - the contract's
        for row in rows:
            outcome, failure = self._send(row)
            yield outcome
            if failure:
                raise failure

    def _send(self, row: Cleared) -> tuple[RowOutcome, Exception | None]:
        """Hand over one message; return its outcome, and what stops the run after it."""
        if not _E164.fullmatch(row.address):
            words = "It is not in the form +491701234567."
            return RowOutcome(row.row_id, Fate.REJECTED, codes.REFUSED[21211], words), None
        try:
            answer = self._http.request(
                "POST", f"{self._home}/Messages.json", form=self._form(row), accept=(400, 403), repeatable=False
            )
            told: Json = self._http.json(answer)
        except Unavailable as error:
            if error.undone:
                return RowOutcome(row.row_id, Fate.DEFERRED, "Twilio could not take it just now."), error
            doubt = "Twilio's answer was lost; the message may have been sent. It is not sent again by a machine."
            return RowOutcome(row.row_id, Fate.UNKNOWN, doubt), error
        except Misconfigured as error:  # refused before anything was done
            failure = self._no_such_account(error)
            return RowOutcome(row.row_id, Fate.DEFERRED, "Twilio refused our account."), failure
        return self._judged(row, answer.status_code, told)

    def _judged(self, row: Cleared, status: int, told: Json) -> tuple[RowOutcome, Exception | None]:
        code = int(told.get("code") or told.get("error_code") or 0)
        if status < 400 and told.get("status") not in ("failed", "undelivered", "canceled"):
            return RowOutcome(row.row_id, Fate.SENT, vendor_reason=f"{told.get('status')} {told.get('sid')}"), None
        words = f"{code} {told.get('message') or told.get('error_message') or ''}".strip()
        name = self.settings.name
        if code in codes.SENDER:
            wrong = Misconfigured(f"{name}: Twilio refuses the sender ({code}). Correct from_number or the service.")
            return RowOutcome(row.row_id, Fate.DEFERRED, "Twilio refuses the sender.", words), wrong
        if status == 403 and code not in codes.REFUSED and code not in codes.LATER:
            refused = Refused(f"{name} does not permit this ({code}). Set {variable(name, 'auth_token')}.")
            return RowOutcome(row.row_id, Fate.DEFERRED, "Twilio refused our account.", words), refused
        fate, reason = codes.judged(code)
        suppress = "compliance_state" if fate is Fate.SUPPRESSED else None
        return RowOutcome(row.row_id, fate, reason, words, suppress), None

    def _form(self, row: Cleared) -> Json:
        account = self.account
        form: Json = {"To": row.address, "Body": str(row.fields["text"])}
        if account.from_number:
            form["From"] = account.from_number
        else:
            form["MessagingServiceSid"] = account.messaging_service_sid
        if media := row.fields.get("media_url"):
            form["MediaUrl"] = [media] if isinstance(media, str) else list(media)
        if account.status_callback:
            form["StatusCallback"] = account.status_callback
        return form

    def read_back(self, cursor: Json | None, now: datetime) -> Iterator[SignalPage]:  # noqa: ARG002 - the contract's
        """Yield opt-outs and lasting failures among the messages sent or received since the newest one seen.

        What became of a message is told in the message itself, later, so that the last days are looked at each time;
        those that said something already are remembered by their ids. The first time all that Twilio keeps is read.
        """
        since = datetime.fromisoformat(cursor["since"]) if cursor else None
        seen: dict[str, str] = dict(cursor["seen"]) if cursor else {}
        params: Json = {"PageSize": _PAGE}
        if since:
            params["DateSent>"] = (since - _LOOK_BACK).strftime("%Y-%m-%dT%H:%M:%SZ")
        newest, told = since, dict(seen)
        for page in self._pages(params):
            signals: list[Signal] = []
            for message in page:
                at = _instant(message.get("date_sent") or message.get("date_created"))
                newest = max(newest or at, at)
                signal = self._signal_of(message, at)
                if signal and signal.remote_id not in told:
                    told[signal.remote_id] = at.isoformat()
                    signals.append(signal)
            if signals:
                yield SignalPage(signals, cursor)
        if newest and (newest != since or told != seen):
            kept = {sid: at for sid, at in told.items() if datetime.fromisoformat(at) >= newest - _LOOK_BACK}
            yield SignalPage((), {"since": newest.isoformat(), "seen": dict(sorted(kept.items()))})

    def erase(self, addresses: Sequence[str], now: datetime) -> Iterator[Forgotten]:  # noqa: ARG002 - the contract's
        """Delete every message to and from each number, its media with it; that somebody said STOP stays at Twilio."""
        for address in addresses:
            refused: set[int] = set()
            for sid in [str(message["sid"]) for message in self._with(address)]:
                # Twice is as good as once: what is gone is not found. What is on its way is refused meanwhile.
                path = f"{self._home}/Messages/{sid}.json"
                answer = self._http.request("DELETE", path, accept=(400, 404, 409))
                if answer.status_code in (400, 409):
                    refused.add(answer.status_code)
            told = "Twilio keeps a message that is on its way until it has arrived." if refused else ""
            yield Forgotten(address, gone=not refused, reason=told)

    def still_holds(self, addresses: Sequence[str]) -> set[str]:
        """List the messages of each number once more."""
        return {address for address in addresses if next(self._with(address), None) is not None}

    def _with(self, address: str) -> Iterator[Json]:
        """Yield the messages to and from a number; what is written otherwise was never written to."""
        for end in ("To", "From") if _E164.fullmatch(address) else ():
            for page in self._pages({end: address, "PageSize": _PAGE}):
                yield from page

    def _pages(self, params: Mapping[str, Any]) -> Iterator[list[Json]]:
        answer = self._listed(f"{self._home}/Messages.json", params)
        while True:
            yield answer["messages"]
            if not (following := answer.get("next_page_uri")):
                return
            answer = self._listed(str(following).lstrip("/"), None)

    def _listed(self, url: str, params: Mapping[str, Any] | None) -> Json:
        try:
            return self._http.json(self._http.get(url, params))
        except VendorError as error:
            raise self._no_such_account(error) from error

    def _signal_of(self, message: Mapping[str, Any], at: datetime) -> Signal | None:
        """Read one message of the list: an answer that says stop, or one of ours that did not arrive."""
        sid = str(message["sid"])
        if message.get("direction") == "inbound":
            service = message.get("messaging_service_sid")
            return self._answer(
                str(message["from"]), message.get("to"), service, str(message.get("body") or ""), None, at=at, sid=sid
            )
        kind = codes.failure_kind(str(message.get("status")), message.get("error_code"))
        return Signal(_number(str(message["to"])), Channel.SMS, kind, at, sid) if kind else None

    def _answer(
        self, sender: str, to: object, service: object, text: str, kind: str | None, *, at: datetime, sid: str
    ) -> Signal | None:
        """Return an opt-out if an answer to our sender is one; what is said to others of the account is theirs."""
        account = self.account
        ours = to == account.from_number if account.from_number else service in (None, account.messaging_service_sid)
        if not ours or not codes.is_opt_out(text, kind):
            return None
        return Signal(_number(sender), Channel.SMS, "unsubscribed", at, sid)

    def verify(self, headers: Mapping[str, str], url: str, body: bytes, now: datetime) -> None:  # noqa: ARG002 - the contract's
        token, given = self.account.auth_token.get_secret_value(), header(headers, _SIGNATURE)
        fields = parse_qsl(body.decode(errors="replace"), keep_blank_values=True)
        if not signed_by_twilio(token, url, fields, given):
            raise refuse("Twilio", _SIGNATURE, given)

    def delivery_key(self, headers: Mapping[str, str], body: bytes) -> str:  # noqa: ARG002 - the contract's
        fields = _fields(body)
        return f"{fields['MessageSid']}:{fields.get('MessageStatus') or fields.get('SmsStatus') or 'received'}"

    def signals(self, delivery: Delivery) -> Iterable[Signal]:
        """Return the opt-out or lasting failure that a message or status callback tells of."""
        fields, at = _fields(delivery.body), delivery.received_at
        sid, status = fields["MessageSid"], fields.get("MessageStatus")
        if status is None or status == "received":
            found = self._answer(
                fields.get("From", ""),
                fields.get("To"),
                fields.get("MessagingServiceSid"),
                fields.get("Body", ""),
                fields.get("OptOutType"),
                at=at,
                sid=sid,
            )
        else:
            code = fields.get("ErrorCode", "")
            kind = codes.failure_kind(status, int(code) if code.isdigit() else None)
            found = Signal(_number(fields.get("To", "")), Channel.SMS, kind, at, sid) if kind else None
        return [found] if found else []

    def _no_such_account(self, error: Misconfigured) -> Misconfigured:
        if isinstance(error, VendorError) and error.status == 404:
            return Misconfigured(f"{self.settings.name}: Twilio knows no such account. Correct account_sid.")
        return error

    def check(self) -> str:
        try:
            account = self._http.json(self._http.get(f"{self._home}.json"))
        except VendorError as error:
            raise self._no_such_account(error) from error
        return f"reached; the account is {account.get('status', 'there')}"


def _fields(body: bytes) -> dict[str, str]:
    fields = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
    if not fields.get("MessageSid"):
        raise Malformed("A call from Twilio about messages names a MessageSid, and this one does not.")
    return fields


def _number(address: str) -> str:
    """Return the number in an address, which other channels write after their name (`whatsapp:+4917…`)."""
    return address.rpartition(":")[2]


def _instant(text: object) -> datetime:
    try:
        return parsedate_to_datetime(str(text)).astimezone(UTC)
    except ValueError:
        raise Unavailable("Twilio told a time that cannot be read. Try again later.") from None
