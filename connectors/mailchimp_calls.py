"""Mailchimp's calls of its own accord: opt-outs, bounces and complaints of one audience; it signs nothing.

Facts: mailchimp.com/developer, "sync audience data with webhooks". A destination mixes `MailchimpCalls` in and has the
settings `list_id` and `webhook_secret`.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from connectors.contract import Answers, Delivery, Signal
from connectors.errors import Malformed, SignatureRefused
from connectors.records import Channel
from connectors.settings import variable


class MailchimpCalls:
    """Takes an audience's calls. What their address ends in (`?secret=…`) is all that proves them."""

    account: Any
    settings: Any
    answers: ClassVar[Answers] = Answers()

    def verify(self, headers: Mapping[str, str], url: str, body: bytes, now: datetime) -> None:  # noqa: ARG002 - the contract's
        secret, name = self.account.webhook_secret, self.settings.name
        if secret is None:
            raise SignatureRefused(f"{name} takes no calls. Set {variable(name, 'webhook_secret')}.")
        given = dict(parse_qsl(urlsplit(url).query)).get("secret", "")
        if not hmac.compare_digest(given.encode(), secret.get_secret_value().encode()):
            raise SignatureRefused(f"{name}: the address called does not end in ?secret= and the secret.")

    def delivery_key(self, headers: Mapping[str, str], body: bytes) -> str:  # noqa: ARG002 - the contract's
        return hashlib.sha256(body).hexdigest()

    def signals(self, delivery: Delivery) -> Iterable[Signal]:
        """Return the opt-out, bounce or complaint that a call tells of (developer guide, "sync audience data").

        A contact that was cleaned or unsubscribed for abuse has complained; one that an admin deleted is archived.
        """
        fields = dict(parse_qsl(delivery.body.decode(errors="replace"), keep_blank_values=True))
        kind = {"unsubscribe": "unsubscribed", "cleaned": "bounced"}.get(fields.get("type", ""))
        if kind is None or fields.get("data[list_id]", self.account.list_id) != self.account.list_id:
            return []
        if fields.get("data[reason]") == "abuse":
            kind = "complained"
        elif fields.get("data[action]") == "delete":
            kind = "archived"
        try:
            told = datetime.fromisoformat(fields["fired_at"]).replace(tzinfo=UTC)
            address = fields["data[email]"]
        except (KeyError, ValueError):
            raise Malformed("A call from Mailchimp names data[email] and fired_at, and this one does not.") from None
        return [Signal(address, Channel.EMAIL, kind, min(told, delivery.received_at), fields.get("data[id]", ""))]
