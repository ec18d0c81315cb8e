"""SendGrid's Event Webhook: what became of mails, signed by ECDSA; for any destination of a SendGrid account.

Facts: SendGrid's pages on the Event Webhook (fields of an event) and on its signature, which covers the timestamp
header and the raw body. A destination mixes `SendGridEvents` in and has a setting `event_webhook_key`.
"""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar, cast

import orjson

from connectors.contract import Answers, Delivery, Json, Signal
from connectors.errors import Malformed, SignatureRefused
from connectors.records import Channel
from connectors.webhooks import header, refuse, signed_ecdsa

_SIGNATURE = "X-Twilio-Email-Event-Webhook-Signature"
_TIMESTAMP = "X-Twilio-Email-Event-Webhook-Timestamp"
_KINDS = {"unsubscribe": "unsubscribed", "group_unsubscribe": "unsubscribed", "spamreport": "complained"}
_DROPPED = {"Bounced": "bounced", "Unsubscribed": "unsubscribed", "Spam": "complained"}
"""Why SendGrid itself did not send: the first word of the event's `reason` ("Bounced Address")."""


class SendGridEvents:
    """Takes an account's events. `account.event_webhook_key` is the public key that SendGrid shows, in base64."""

    account: Any
    settings: Any
    answers: ClassVar[Answers] = Answers(bad_signature=403)

    def verify(self, headers: Mapping[str, str], url: str, body: bytes, now: datetime) -> None:  # noqa: ARG002 - the contract's
        """Return if SendGrid signed the body, else raise SignatureRefused."""
        key = self.account.event_webhook_key
        if not key:
            raise SignatureRefused(f"{self.settings.name} takes no events. Set event_webhook_key.")
        given, stamp = header(headers, _SIGNATURE), header(headers, _TIMESTAMP) or ""
        if not signed_ecdsa(key, stamp.encode() + body, given):
            raise refuse("SendGrid", _SIGNATURE, given)

    def delivery_key(self, headers: Mapping[str, str], body: bytes) -> str:  # noqa: ARG002 - the contract's
        """Return the body's hash: a repeat is the same batch of events."""
        return hashlib.sha256(body).hexdigest()

    def signals(self, delivery: Delivery) -> Iterable[Signal]:
        """Return what a batch of events tells of addresses; opens, clicks and the like tell nothing."""
        try:
            events: Any = orjson.loads(delivery.body)
            if isinstance(events, list):
                told = cast("list[Json]", events)
                return [signal for event in told if (signal := _signal_of(event))]
        except (orjson.JSONDecodeError, TypeError, KeyError, ValueError):
            pass
        # out here, because the error met on the way would keep the body, which is people's data
        raise Malformed("SendGrid's events are a list of objects with email, timestamp and event; these are not.")


def _signal_of(event: Mapping[str, Any]) -> Signal | None:
    kind = _KINDS.get(event["event"])
    if event["event"] == "bounce" and event.get("type") != "blocked":  # blocked: this mail, not this mailbox
        kind = "bounced"
    elif event["event"] == "dropped":
        kind = _DROPPED.get(str(event.get("reason", "")).partition(" ")[0])
    if kind is None:
        return None
    at = datetime.fromtimestamp(int(event["timestamp"]), UTC)
    return Signal(str(event["email"]), Channel.EMAIL, kind, at, str(event.get("sg_event_id", "")))
