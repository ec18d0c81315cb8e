"""How vendors part a listing into pages. Each yields (objects, where the next page is) and stops at the end.

A listing that comes back to a place it has been at would never end; that raises Unavailable, as does a page that is
no page.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from connectors.errors import Unavailable
from connectors.http import Http

Items = list[Any]


class _Path:
    """The places a listing has been at."""

    def __init__(self, http: Http) -> None:
        self._name, self._seen = http.name, set[str]()

    def step(self, place: object) -> None:
        mark = str(place)
        if mark in self._seen:
            raise Unavailable(f"{self._name}'s listing leads back to a page already read. Try again later.")
        self._seen.add(mark)


def by_link(http: Http, url: str, params: Mapping[str, Any] | None = None) -> Iterator[tuple[Items, str | None]]:
    """Follow RFC 8288 `Link: <…>; rel="next"` headers; the body is a bare array. The next place is an address."""
    path, place = _Path(http), url
    while True:
        path.step(place)
        response = http.get(place, params)
        place, params = response.links.get("next", {}).get("url") or "", None
        yield _page(http, http.json(response), list), place or None
        if not place:
            return


def by_cursor(
    http: Http,
    fetch: Callable[[str | None], Any],
    items: Callable[[Any], Items],
    following: Callable[[Any], str | None],
    start: str | None = None,
) -> Iterator[tuple[Items, str | None]]:
    """Follow an opaque cursor or token that each body carries; `fetch` asks for the page at a cursor."""
    path, place = _Path(http), start
    while True:
        path.step(place)
        body = fetch(place)
        place = following(body) or None
        yield _page(http, items(body), list), place
        if not place:
            return


def by_offset(
    http: Http, url: str, params: Mapping[str, Any], *, items: Callable[[Any], Items], size: int,
    offset: str = "offset", limit: str = "limit", start: int = 0,
) -> Iterator[tuple[Items, int | None]]:  # fmt: skip
    """Count through a listing by offset; a page shorter than `size` is the last."""
    place, before = start, Items()
    while True:
        found = _page(http, items(http.json(http.get(url, {**params, offset: place, limit: size}))), list)
        if found and found == before:
            raise Unavailable(f"{http.name} gives the same page whatever the {offset}. Try again later.")
        ended, place, before = len(found) < size, place + len(found), found
        yield found, None if ended else place
        if ended:
            return


def by_jsonapi(http: Http, url: str, params: Mapping[str, Any] | None = None) -> Iterator[tuple[Items, str | None]]:
    """Follow JSON:API `links.next`, an address or an object with `href`; objects are in `data`."""
    path, place = _Path(http), url
    while True:
        path.step(place)
        body = _page(http, http.json(http.get(place, params)), dict)
        link = _page(http, body.get("links") or {}, dict).get("next") or ""
        place, params = (link if isinstance(link, str) else str(link.get("href") or "")), None
        yield _page(http, body.get("data") or [], list), place or None
        if not place:
            return


def _page(http: Http, body: Any, kind: type) -> Any:
    if not isinstance(body, kind):
        raise Unavailable(f"{http.name} answers with something that is no page of a listing. Try again later.")
    return body
