"""What a mailbox says of mails that did not arrive: delivery status notifications and complaints.

Facts: RFC 3464 (delivery status, one block a recipient), RFC 3463 (status codes), RFC 5965 (feedback reports, "ARF"),
RFC 5321's null sender. Anybody may write to a mailbox, so a report counts by the row it answers: its name stands in
the address it came back to (`bounces+ROW@…`, VERP) or in the Message-ID of the mail it returns.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import Message
from email.utils import getaddresses
from typing import Any, cast

from connectors.contract import Signal
from connectors.records import Channel

_ROW = r"(dlv_[0-9a-f]{8,64}|row_\w+)"
_VERP = re.compile(rf"\+{_ROW}@", re.IGNORECASE)
_MESSAGE_ID = re.compile(rf"<{_ROW}@", re.IGNORECASE)
_STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
_CAME_BACK_TO = ("Delivered-To", "X-Original-To", "Envelope-To", "To")
_NOT_THE_MAILBOX = frozenset({"3", "5", "6", "7"})
"""Classes of RFC 3463 that speak of the mail system, the protocol, the content and the policy: of us, not of them."""
_COMPLAINTS = {"abuse": "complained", "fraud": "complained", "virus": "complained", "opt-out": "unsubscribed"}


@dataclass(frozen=True, slots=True)
class Reported:
    """One recipient in a report: the address it names (perhaps none), and what it says of it."""

    address: str
    kind: str


def signals_in(raw: bytes, found_at: datetime) -> list[Signal]:
    """Return what one message of the mailbox reports; nothing if it is no report or says nothing lasting.

    A recipient that failed with 5.x.x has bounced, unless the class is about ourselves (5.7.1: policy) or the message
    was too large (5.2.3); a delay (4.x.x) is nothing yet.
    """
    message = message_from_bytes(raw, policy=policy.compat32)
    parts = list(message.walk())
    kinds = {part.get_content_type() for part in parts}
    if "message/delivery-status" in kinds:
        reported = [one for part in parts for one in _delivery_status(part)]
    elif "message/feedback-report" in kinds:
        reported = [one for part in parts for one in _feedback(part)]
    else:
        return []
    row_id = _row_of(message, parts)
    identity = str(message.get("Message-ID", "")).strip()
    return [Signal(one.address, Channel.EMAIL, one.kind, found_at, identity, row_id) for one in reported]


def _delivery_status(part: Message) -> Iterator[Reported]:
    if part.get_content_type() != "message/delivery-status":
        return
    for block in _blocks(part):
        if str(block.get("Action", "")).strip().lower() != "failed":
            continue  # the first block is about the whole message; delayed and relayed say nothing lasting
        status = _STATUS.search(str(block.get("Status", "")))
        if status is None or not _is_lasting(*status.groups()):
            continue
        named = block.get("Original-Recipient") or block.get("Final-Recipient") or ""
        yield Reported(_address(str(named)), "bounced")


def _is_lasting(kind: str, subject: str, detail: str) -> bool:
    return kind == "5" and subject not in _NOT_THE_MAILBOX and (subject, detail) != ("2", "3")


def _feedback(part: Message) -> Iterator[Reported]:
    if part.get_content_type() != "message/feedback-report":
        return
    for block in _blocks(part):
        if kind := _COMPLAINTS.get(str(block.get("Feedback-Type", "")).strip().lower()):
            yield Reported(_address(str(block.get("Original-Rcpt-To") or "")), kind)


def _blocks(part: Message) -> list[Message]:
    """Return the blocks of fields in a part, which the parser takes for messages of their own."""
    held: Any = part.get_payload()
    parts = cast("list[Any]", held) if isinstance(held, list) else []
    return [one for one in parts if isinstance(one, Message)]


def _row_of(message: Message, parts: list[Message]) -> str:
    """Return the row that a report answers, or an empty text: then it counts only for addresses we wrote to."""
    for name in _CAME_BACK_TO:
        for value in message.get_all(name, []):
            if found := _VERP.search(str(value)):
                return found.group(1)
    for part in parts:
        for text in (str(part.get("Message-ID", "")), str(part.get("Original-Message-ID", "")), _headers_in(part)):
            if found := _MESSAGE_ID.search(text):
                return found.group(1)
    return ""


def _headers_in(part: Message) -> str:
    """Return the headers of the mail that a report returns as text (`text/rfc822-headers`)."""
    if part.get_content_type() != "text/rfc822-headers":
        return ""
    body = part.get_payload(decode=True)
    text = body.decode(errors="replace") if isinstance(body, bytes) else str(part.get_payload())
    return next((line for line in text.splitlines() if line.lower().startswith("message-id:")), "")


def _address(named: str) -> str:
    """Return the address in `rfc822; ann@example.org`, or in plain form."""
    _, semicolon, address = named.partition(";")
    found = getaddresses([(address if semicolon else named).strip()])
    return found[0][1] if found and "@" in found[0][1] else ""
