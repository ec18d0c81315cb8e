"""What SendGrid has learned of addresses: global unsubscribes, bounces, complaints, and one group's opt-outs.

Facts: github.com/twilio/sendgrid-oai, spec/json/tsg_suppressions_v3. In which order they come is not documented, so a
listing's cursor moves once all of it was read.
"""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from connectors.contract import Json, Signal, SignalPage
from connectors.http import Http
from connectors.place import Place
from connectors.records import Channel

_PAGE = 500
_KINDS = {"unsubscribes": "unsubscribed", "bounces": "bounced", "spam_reports": "complained"}


def suppressions_since(http: Http, group: int | None, cursor: Json | None) -> Iterator[SignalPage]:
    """Yield what is new since the newest seen of each listing, and of one unsubscribe `group`."""
    places = dict(cursor or {})
    for name, kind in _KINDS.items():
        yield from _news(name, kind, places, _listed(http, name, Place.of(places.get(name)).since))
    if group is not None:
        told = http.json(http.get("v3/asm/suppressions"))
        ours = [{"email": one["email"], "created": one["created_at"]} for one in told if one["group_id"] == group]
        yield from _news("group", "unsubscribed", places, iter([ours]))


def _news(name: str, kind: str, places: Json, pages: Iterator[list[Json]]) -> Iterator[SignalPage]:
    place = Place.of(places.get(name))
    reached = Place(place.since, set(place.seen))
    for page in pages:
        signals = [_signal(one, kind) for one in page]
        news = [signal for signal in signals if place.passes(signal.at, signal.remote_id, reached)]
        if news:
            yield SignalPage(news, dict(places) or None)
    if reached != place:
        places[name] = reached.cursor()
        yield SignalPage((), dict(places))


def _listed(http: Http, name: str, since: datetime | None) -> Iterator[list[Json]]:
    params: Json = {"limit": _PAGE, "offset": 0}
    if since:
        params["start_time"] = int(since.timestamp())
    while True:
        page: list[Json] = http.json(http.get(f"v3/suppression/{name}", params=params))
        yield page
        if len(page) < _PAGE:
            return
        params = params | {"offset": params["offset"] + _PAGE}


def _signal(one: Mapping[str, Any], kind: str) -> Signal:
    at = datetime.fromtimestamp(int(one["created"]), UTC)
    mark = hashlib.sha256(f"{kind}:{str(one['email']).lower()}".encode()).hexdigest()[:16]
    return Signal(str(one["email"]), Channel.EMAIL, kind, at, mark)
