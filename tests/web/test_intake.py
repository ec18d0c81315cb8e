"""The public listener: what it takes, what it refuses and in which words, and that nothing it said yes to is lost."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from connectors.records import Channel, Purpose, utc_now
from talent_pool.delivery import unsubscribe
from talent_pool.home import Home
from talent_pool.landing import referrals
from talent_pool.landing.inbox import Inbox
from talent_pool.store.addresses import address_key
from talent_pool.store.database import Store
from talent_pool.store.inbox_tables import inbox as inbox_table
from talent_pool.store.tables import consent_statements
from web import limits
from web.intake import create_app

SECRET = "an invented secret"
APPLICATION = {
    "id": "a" * 64,
    "appliedOnMillis": 1_790_000_000_000,
    "job": {"jobId": "4021"},
    "applicant": {"fullName": "Robin Example", "email": "robin@example.com"},
}
FORM = {
    "submission_id": "form-1",
    "first_name": "Robin",
    "last_name": "Example",
    "email": "robin@example.com",
    "consents": {"future_jobs": True},
}


@pytest.fixture
def home(new_store_url: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    url = new_store_url()
    monkeypatch.setenv("INDEED_APPLY_SECRET", SECRET)
    monkeypatch.setenv("CATCHMENT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CATCHMENT_KEY", bytes(range(32)).hex())
    if url.startswith("sqlite"):
        (tmp_path / "home").mkdir()
        Path(url.removeprefix("sqlite:///")).rename(tmp_path / "home" / "pool.db")
        return Home()
    monkeypatch.setenv("CATCHMENT_STORE_URL", url)
    return Home()


@pytest.fixture
def client(home: Home) -> Iterator[TestClient]:
    with TestClient(create_app(home), follow_redirects=False) as opened:
        yield opened


@pytest.fixture
def pool(home: Home) -> Iterator[Store]:
    store = home.open()
    yield store
    store.close()


def _kept(home: Home) -> list[tuple[str, str, bytes]]:
    box = Inbox(home.inbox_url)
    store = Store(home.inbox_url, b"reads")
    with store.reading() as connection:
        rows = connection.execute(
            select(inbox_table.c.connection, inbox_table.c.key, inbox_table.c.body).order_by(inbox_table.c.id)
        ).all()
    box.close()
    store.close()
    return [tuple(row) for row in rows]


def _signed(body: bytes) -> dict[str, str]:
    return {"X-Indeed-Signature": base64.b64encode(hmac.new(SECRET.encode(), body, hashlib.sha1).digest()).decode()}


def test_a_signed_delivery_is_in_the_inbox_when_it_is_answered(client: TestClient, home: Home) -> None:
    body = orjson.dumps(APPLICATION)
    answer = client.post("/intake/indeed_apply", content=body, headers=_signed(body))
    assert answer.status_code == 200
    assert _kept(home) == [("indeed_apply", APPLICATION["id"], body)]


def test_a_repeat_is_recognised_and_answered_as_indeed_expects(client: TestClient, home: Home) -> None:
    body = orjson.dumps(APPLICATION)
    codes = [client.post("/intake/indeed_apply", content=body, headers=_signed(body)).status_code for _ in range(3)]
    assert codes == [200, 409, 409]
    assert len(_kept(home)) == 1


def test_a_wrong_signature_is_refused_and_nothing_is_kept(client: TestClient, home: Home) -> None:
    body = orjson.dumps(APPLICATION)
    answer = client.post("/intake/indeed_apply", content=body + b" ", headers=_signed(body))
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["title"]
    assert _kept(home) == []


def test_a_body_that_says_nothing_is_refused_in_words_without_its_values(client: TestClient, home: Home) -> None:
    body = b'{"applicant": "robin@example.com"'
    answer = client.post("/intake/indeed_apply", content=body, headers=_signed(body))
    assert 400 <= answer.status_code < 500
    assert "robin" not in answer.text
    assert _kept(home) == []


@pytest.mark.parametrize(
    "path",
    ["/intake/nobody", "/intake/archive", "/intake/careers_form", "/forms/nobody", "/r/nothing", "/u/nothing-signed"],
)
def test_what_is_not_there_is_a_plain_404(client: TestClient, path: str) -> None:
    answer = client.get(path) if path.startswith("/r") else client.post(path, json={})
    assert answer.status_code == 404
    assert answer.json()["detail"].endswith(".")


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/people", "/intake", "/admin"])
def test_the_public_listener_serves_nothing_else(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_a_body_over_the_limit_is_refused_before_it_is_read(client: TestClient, home: Home) -> None:
    body = b"x" * (limits.LARGEST_BODY + 1)
    assert client.post("/intake/indeed_apply", content=body, headers=_signed(body)).status_code == 413
    stream = (b"x" * 2**20 for _ in range(30))
    assert client.post("/intake/indeed_apply", content=stream).status_code == 413
    assert _kept(home) == []


def test_an_object_of_ten_megabytes_is_taken(client: TestClient, home: Home) -> None:
    body = orjson.dumps({**APPLICATION, "coverletter": "x" * 10_000_000})
    assert client.post("/intake/indeed_apply", content=body, headers=_signed(body)).status_code == 200
    assert len(_kept(home)) == 1


def test_a_form_is_taken_as_json_and_as_a_browser_posts_it(client: TestClient, home: Home) -> None:
    assert client.post("/forms/careers", json=FORM).status_code == 202
    flat = {k: v for k, v in FORM.items() if k != "consents"} | {"submission_id": "form-2", "consents.marketing": "on"}
    assert client.post("/forms/careers", data=flat).status_code == 202
    assert client.post("/forms/careers", json=FORM).json()["status"] == "duplicate"
    first, second = (orjson.loads(body) for _, _, body in _kept(home))
    assert first["consents"] == {"future_jobs": True, "marketing": False}
    assert second["consents"] == {"future_jobs": False, "marketing": True}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": "robin at example"}, "email"),
        ({"last_name": ""}, "last_name"),
        ({"website": "http://spam.example"}, "website"),
        ({"consents": {"everything": True}}, "consents.everything"),
        ({"message": "x" * 10_001}, "message"),
    ],
)
def test_a_form_that_cannot_be_is_refused_by_field(client: TestClient, home: Home, change: dict, field: str) -> None:
    answer = client.post("/forms/careers", json={**FORM, **change})
    assert answer.status_code == 422
    assert field in answer.json()["detail"]
    assert "robin" not in answer.text
    assert _kept(home) == []


def test_forms_refuse_other_kinds_of_body(client: TestClient) -> None:
    assert client.post("/forms/careers", content=b"<xml/>", headers={"Content-Type": "text/xml"}).status_code == 415
    assert client.post("/forms/careers", content=b"{", headers={"Content-Type": "application/json"}).status_code == 400


def test_a_referral_link_counts_the_click_and_keeps_its_token(client: TestClient, pool: Store, home: Home) -> None:
    token = referrals.create(pool, target_url="https://jobs.example.com/4021?team=a", now=utc_now())
    answer = client.get(f"/r/{token}?utm_source=chat&next=https://evil.example")
    assert answer.status_code == 302
    assert answer.headers["location"] == f"https://jobs.example.com/4021?team=a&ref={token}&utm_source=chat"
    assert [(connection, orjson.loads(body)["token"]) for connection, _, body in _kept(home)] == [
        ("referral_links", token)
    ]


def test_a_preview_of_a_referral_link_is_no_click(client: TestClient, pool: Store, home: Home) -> None:
    token = referrals.create(pool, target_url="https://jobs.example.com/4021", now=utc_now())
    assert client.head(f"/r/{token}").status_code == 302
    assert list(_kept(home)) == []


def test_an_ended_referral_link_leads_nowhere(client: TestClient, pool: Store) -> None:
    token = referrals.create(pool, target_url="https://jobs.example.com/1", now=utc_now(), expires_at=utc_now())
    assert client.get(f"/r/{token}").status_code == 404


def test_looking_at_an_unsubscribe_link_does_nothing_and_posting_refuses(client: TestClient, pool: Store) -> None:
    key = address_key(pool, Channel.EMAIL, "robin@example.com")
    token = unsubscribe.token(pool, key, "default", Purpose.MARKETING, Channel.EMAIL)
    page = client.get(f"/u/{token}")
    assert page.status_code == 200
    assert "Unsubscribe me" in page.text
    assert _refusals(pool) == []
    done = client.post(f"/u/{token}", data={"List-Unsubscribe": "One-Click"})
    assert done.status_code == 200
    assert client.post(f"/u/{token}").status_code == 200
    assert set(_refusals(pool)) == {(key, "marketing", "one_click")}


def _refusals(pool: Store) -> list[tuple[str, str, str]]:
    with pool.reading() as connection:
        rows = connection.execute(select(consent_statements)).all()
    return [(row.address_key, row.purpose, row.evidence["kind"]) for row in rows]


def test_a_changed_unsubscribe_link_is_refused(client: TestClient, pool: Store) -> None:
    key = address_key(pool, Channel.EMAIL, "robin@example.com")
    token = unsubscribe.token(pool, key, "default", Purpose.MARKETING, Channel.EMAIL)
    assert client.post(f"/u/{token[:-3]}AAA").status_code == 404
    assert _refusals(pool) == []
