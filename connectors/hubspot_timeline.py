"""HubSpot's timeline of subscriptions: opt-outs, bounces and complaints, from new to old.

Facts: legacy communication-preferences v1, the one listing of opt-outs that takes a time. Those that follow it (v3, v4,
2026-03) tell the status of addresses that one names, and no changes.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from connectors.contract import Json, Signal, SignalPage
from connectors.http import Http
from connectors.place import Place
from connectors.records import Channel
from connectors.shapes import part

_PAGE = 1000
_KINDS = {"UNSUBSCRIBED": "unsubscribed", "BOUNCED": "bounced", "REPORTED_SPAM": "complained"}
"""What a change on the timeline means to us; subscribing again is not ours to read from there."""


def timeline_since(http: Http, cursor: Json | None) -> Iterator[SignalPage]:
    """Yield what is newer than the newest one seen; the cursor moves only once all of it was read."""
    place = Place.of(cursor)
    reached = Place(place.since, set(place.seen))
    params: Json = {"limit": _PAGE}
    if place.since:
        params["startTimestamp"] = int(place.since.timestamp() * 1000) - 1
    while True:
        told = http.json(http.get("email/public/v1/subscriptions/timeline", params=params))
        signals = [
            signal
            for item in told.get("timeline") or ()
            for signal in _signals(item)
            if place.passes(signal.at, signal.remote_id, reached)
        ]
        if signals:
            yield SignalPage(signals, cursor)
        if not told.get("hasMore"):
            break
        params["offset"] = told["offset"]
    if reached != place:
        yield SignalPage((), reached.cursor())


def _signals(item: Json) -> Iterator[Signal]:
    at = datetime.fromtimestamp(item["timestamp"] / 1000, UTC)
    seen: set[str] = set()
    for change in item.get("changes") or ():
        kind = _KINDS.get(str(change.get("change")))
        if kind and kind not in seen:
            seen.add(kind)
            event = part(change, "causedByEvent").get("id") or item["timestamp"]
            yield Signal(str(item["recipient"]), Channel.EMAIL, kind, at, f"{event}:{kind}")
