"""Each paginator to its end, from a place in the middle, and out of a listing that never ends."""

from collections.abc import Iterator
from typing import Any

import pytest
import responses
from responses import matchers

from connectors.errors import Unavailable
from connectors.http import Http
from connectors.paging import by_cursor, by_jsonapi, by_link, by_offset
from tests.connectors.transport import RequestsTransport

BASE = "https://api.vendor.example/v1"


@pytest.fixture
def vendor() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        yield mock


@pytest.fixture
def http() -> Http:
    return Http(BASE, name="Vendor", transport=RequestsTransport())


def _page(vendor: responses.RequestsMock, asked: dict[str, Any], body: Any, link: str | None = None) -> None:
    headers = {"Link": link} if link else {}
    vendor.add("GET", f"{BASE}/things", json=body, headers=headers, match=[matchers.query_param_matcher(asked)])


def test_links_are_followed_without_the_first_parameters(vendor: responses.RequestsMock, http: Http) -> None:
    first = f'<{BASE}/things?cursor=a>; rel="prev", <{BASE}/things?cursor=b>; rel="next"; title="x, y"'
    _page(vendor, {"per_page": 2}, [1, 2], first)
    _page(vendor, {"cursor": "b"}, [3], f'<{BASE}/things>; rel="nextish"')
    assert list(by_link(http, "things", {"per_page": 2})) == [([1, 2], f"{BASE}/things?cursor=b"), ([3], None)]


def test_a_listing_by_links_goes_on_from_a_kept_place(vendor: responses.RequestsMock, http: Http) -> None:
    _page(vendor, {"cursor": "b"}, [3])
    assert list(by_link(http, f"{BASE}/things?cursor=b")) == [([3], None)]


def test_a_link_that_leads_back_is_noticed(vendor: responses.RequestsMock, http: Http) -> None:
    _page(vendor, {"cursor": "a"}, [1], f'<{BASE}/things?cursor=b>; rel="next"')
    _page(vendor, {"cursor": "b"}, [2], f'<{BASE}/things?cursor=a>; rel="next"')
    pages = by_link(http, f"{BASE}/things?cursor=a")
    assert [next(pages)[0], next(pages)[0]] == [[1], [2]]
    with pytest.raises(Unavailable, match="back to a page"):
        next(pages)


def test_a_body_that_is_no_page_is_told(vendor: responses.RequestsMock, http: Http) -> None:
    _page(vendor, {}, {"error": "odd"})
    with pytest.raises(Unavailable, match="no page"):
        list(by_link(http, "things"))


def _by_cursor(http: Http, start: str | None = None) -> Iterator[tuple[list[Any], str | None]]:
    def _fetched(place: str | None) -> Any:
        return http.json(http.get("things", {"after": place} if place else None))

    return by_cursor(http, _fetched, lambda body: body["items"], lambda body: body["next"], start)


def test_cursors_are_followed_and_resumed(vendor: responses.RequestsMock, http: Http) -> None:
    _page(vendor, {}, {"items": [1], "next": "b"})
    _page(vendor, {"after": "b"}, {"items": [2], "next": ""})
    assert list(_by_cursor(http)) == [([1], "b"), ([2], None)]
    assert list(_by_cursor(http, "b")) == [([2], None)]


def test_a_cursor_that_stays_is_noticed(vendor: responses.RequestsMock, http: Http) -> None:
    _page(vendor, {}, {"items": [1], "next": "b"})
    _page(vendor, {"after": "b"}, {"items": [2], "next": "b"})
    with pytest.raises(Unavailable, match="back to a page"):
        list(_by_cursor(http))


def _by_offset(http: Http, start: int = 0) -> Iterator[tuple[list[Any], int | None]]:
    return by_offset(http, "things", {"x": 1}, items=lambda body: body["items"], size=2, limit="count", start=start)


def test_offsets_count_what_came(vendor: responses.RequestsMock, http: Http) -> None:
    _page(vendor, {"x": 1, "offset": 0, "count": 2}, {"items": [1, 2]})
    _page(vendor, {"x": 1, "offset": 2, "count": 2}, {"items": [3, 4]})
    _page(vendor, {"x": 1, "offset": 4, "count": 2}, {"items": []})
    assert list(_by_offset(http)) == [([1, 2], 2), ([3, 4], 4), ([], None)]
    assert list(_by_offset(http, 2)) == [([3, 4], 4), ([], None)]


def test_a_vendor_that_does_not_count_is_noticed(vendor: responses.RequestsMock, http: Http) -> None:
    vendor.add("GET", f"{BASE}/things", json={"items": [1, 2]})
    with pytest.raises(Unavailable, match="whatever the offset"):
        list(_by_offset(http))


@pytest.mark.parametrize("link", [f"{BASE}/things?page=2", {"href": f"{BASE}/things?page=2"}])
def test_json_api_follows_its_next_link(vendor: responses.RequestsMock, http: Http, link: Any) -> None:
    _page(vendor, {"size": 1}, {"data": [1], "links": {"next": link}})
    _page(vendor, {"page": 2}, {"data": [2], "links": {"next": None}})
    assert list(by_jsonapi(http, "things", {"size": 1})) == [([1], f"{BASE}/things?page=2"), ([2], None)]


def test_a_json_api_listing_that_leads_back_is_noticed(vendor: responses.RequestsMock, http: Http) -> None:
    _page(vendor, {"page": 1}, {"data": [1], "links": {"next": f"{BASE}/things?page=1"}})
    with pytest.raises(Unavailable, match="back to a page"):
        list(by_jsonapi(http, f"{BASE}/things?page=1"))
