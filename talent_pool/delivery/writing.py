"""A segment's messages: its template, filled with what may be told of a member, who sends it and the way out."""

from collections.abc import Callable, Mapping
from typing import Any

from connectors.contract import Destination
from connectors.records import Channel
from talent_pool.delivery import outbox, vouchers
from talent_pool.delivery.member import Member
from talent_pool.installation import Installation
from talent_pool.segments.definition import SegmentDefinition
from talent_pool.store.database import Store

Writer = Callable[..., dict[str, Any]]
"""Takes a template's name, a member, and fields that come before hers; returns what a message destination takes."""


def writer(
    store: Store, installation: Installation, destination: Destination, segment: SegmentDefinition, public_url: str
) -> Writer:
    """Return the writer of a segment's messages at one destination. It raises Misconfigured for a broken template."""
    settings = destination.settings
    stationery = outbox.stationery(installation.lines.get(settings.name))
    sender = settings.settings.get("from_name") or settings.organisation

    def write(template: str, member: Member, more: Mapping[str, Any] | None = None) -> dict[str, Any]:
        link = outbox.link(store, public_url, segment, member)
        told = {
            "answer_by": None,
            "voucher_code": vouchers.SHOWN if segment.voucher else None,
            **member.fields,
            **(more or {}),
        }
        fields = {**told, "sender": sender, "unsubscribe_url": link}
        if segment.channel is Channel.SMS:
            return dict(stationery.write_short(template, fields, marketing=segment.type == "marketing").fields)
        return dict(stationery.write(template, fields).fields)

    return write
