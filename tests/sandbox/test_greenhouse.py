import hashlib
import hmac
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson
import pytest

from sandbox.greenhouse import Greenhouse
from sandbox.hiring import when
from sandbox.serving import Serving
from sandbox.vendors import Vendors
from tests.sandbox.conftest import SAMPLES

LATER = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)


def read(client: httpx.Client, resource: str, **query: str) -> list[dict[str, Any]]:
    return [one for page in pages(client, resource, **query) for one in page.json()]


def pages(client: httpx.Client, resource: str, **query: str) -> Iterator[httpx.Response]:
    answer = client.get(resource, params=query)
    yield answer
    while "next" in answer.links:
        answer = client.get(answer.links["next"]["url"])
        yield answer


def kind(value: Any) -> str:
    return "null" if value is None else type(value).__name__


@pytest.mark.parametrize(
    ("resource", "sample", "query"),
    [
        ("applications", "v3__get_applications__200.json", {}),
        ("application_stages", "v3__get_application_stages__200.json", {}),
        ("scorecards", "v3__get_scorecards__200.json", {}),
        ("users", "v3__get_users__200.json", {}),
        ("user_emails", "v3__get_user_emails__200.json", {}),
    ],
)
def test_shapes_are_the_published_ones(
    harvest: httpx.Client, resource: str, sample: str, query: dict[str, str]
) -> None:
    published = orjson.loads((SAMPLES / sample).read_bytes())
    ours = read(harvest, resource, **query)
    assert ours
    for name in published[0]:
        assert all(name in one for one in ours), name
        kinds = {kind(one[name]) for one in published} - {"null"}
        assert {kind(one[name]) for one in ours} - {"null"} <= kinds or not kinds, name
    assert set(ours[0]) == set(published[0])
    assert all(len(one["created_at"]) == len(published[0]["created_at"]) for one in ours)


def test_pages_hold_everything_once_with_falling_ids(harvest: httpx.Client, vendors: Vendors) -> None:
    answers = list(pages(harvest, "candidates", per_page="50"))
    ids = [one["id"] for answer in answers for one in answer.json()]
    assert len(answers) == -(-len(ids) // 50) > 2
    assert ids == sorted(set(ids), reverse=True)
    assert set(ids) == set(vendors.greenhouse.resources["candidates"])
    assert vendors.greenhouse.app.served.objects["candidates"] == len(ids)
    assert "prev" not in answers[1].links


def test_a_cursor_stands_alone(harvest: httpx.Client) -> None:
    url = harvest.get("candidates", params={"per_page": "10"}).links["next"]["url"]
    answer = harvest.get(url + "&per_page=10")
    assert answer.status_code == 422
    assert answer.json() == {"errors": ["When passing a cursor, do not include other query params."]}
    assert harvest.get("candidates", params={"cursor": "nonsense"}).status_code == 422


@pytest.mark.parametrize(
    "query",
    [
        {"per_page": "501"},
        {"created_at": "gte|2026-01-01T00:00:00Z", "updated_at": "gte|2026-01-01T00:00:00Z"},
        {"updated_at": "2026-01-01"},
        {"updated_at": "gte|yesterday"},
        {"updated_after": "2026-01-01"},
        {"ids": ",".join(str(number) for number in range(51))},
    ],
)
def test_refused_queries(harvest: httpx.Client, query: dict[str, str]) -> None:
    assert harvest.get("candidates", params=query).status_code == 422


def test_a_window_has_two_sides(harvest: httpx.Client, vendors: Vendors) -> None:
    everybody = vendors.greenhouse.resources["candidates"].values()
    moments = sorted(one["updated_at"] for one in everybody)
    low, high = moments[10], moments[-10]
    found = read(harvest, "candidates", updated_at=f"gte|{low}|lt|{high}", per_page="30")
    assert {one["id"] for one in found} == {one["id"] for one in everybody if low <= one["updated_at"] < high}


def test_active_is_shown_as_in_process(harvest: httpx.Client) -> None:
    found = read(harvest, "applications", status="active")
    assert {one["status"] for one in found} == {"in_process"}


def test_what_hides_unless_asked_for(harvest: httpx.Client) -> None:
    assert not any(one.get("service_account") for one in read(harvest, "users"))
    assert any(one.get("service_account") for one in read(harvest, "users", show_service_accounts="true"))
    assert all(one["active"] for one in read(harvest, "job_posts"))
    assert read(harvest, "job_posts", active="false")
    assert read(harvest, "rejection_reasons") == []
    assert len(read(harvest, "rejection_reasons", include_defaults="true")) == 6


def test_credentials(vendors: Vendors) -> None:
    environ = vendors.environ
    right = (environ["GREENHOUSE_CLIENT_ID"], environ["GREENHOUSE_CLIENT_SECRET"])
    form = {"grant_type": "client_credentials", "sub": "1"}
    with httpx.Client(trust_env=False, verify=False) as client:
        token = client.post(environ["GREENHOUSE_TOKEN_URL"], auth=right, data=form).json()
        assert set(token) == {"access_token", "token_type", "expires_at"}
        assert datetime.fromisoformat(token["expires_at"]) > datetime.now(UTC) + timedelta(minutes=50)
        assert client.post(environ["GREENHOUSE_TOKEN_URL"], auth=("x", "y"), data=form).status_code == 401
        assert client.post(environ["GREENHOUSE_TOKEN_URL"], auth=right, data={}).status_code == 400
        url = environ["GREENHOUSE_BASE_URL"] + "/candidates"
        assert client.get(url, auth=right).status_code == 401
        assert client.get(url, headers={"Authorization": "Bearer wrong"}).status_code == 401
        assert client.get(url).status_code == 401


def test_the_rate_window() -> None:
    greenhouse = Greenhouse({"candidates": []}, rate_limit=3)
    with (
        Serving({"greenhouse": greenhouse.app}) as serving,
        httpx.Client(base_url=serving.urls["greenhouse"], trust_env=False, verify=False) as client,
    ):
        answers = [client.get("/v3/candidates") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
    assert 1 <= int(answers[3].headers["Retry-After"]) <= 31


def test_changes_are_seen_by_their_window_alone(harvest: httpx.Client, vendors: Vendors) -> None:
    account = vendors.greenhouse
    one = next(iter(account.resources["candidates"]))
    since = f"gte|{when(LATER - timedelta(minutes=1))}"
    assert read(harvest, "candidates", updated_at=since) == []
    account.update_candidate(one, LATER, title="Changed", phone_numbers=[])
    made = account.add_application(one, 4001, LATER)
    account.move_application(made["id"], 4, LATER + timedelta(days=1))
    account.reject_application(made["id"], LATER + timedelta(days=2))
    assert [(c["id"], c["title"], c["phone_numbers"]) for c in read(harvest, "candidates", updated_at=since)] == [
        (one, "Changed", [])
    ]
    (application,) = read(harvest, "applications", updated_at=since)
    assert (application["stage_name"], application["status"]) == ("Final Interview", "rejected")
    rows = read(harvest, "application_stages", application_ids=str(made["id"]))
    assert [(row["current"], row["exited_at"] is None) for row in rows] == [(True, True), (False, False)]
    assert len(read(harvest, "rejection_details", application_ids=str(made["id"]))) == 1


def test_changes_from_another_process(harvest: httpx.Client, vendors: Vendors) -> None:
    one = next(iter(vendors.greenhouse.resources["candidates"]))
    admin = vendors.ports["admin"]["greenhouse"]
    body = {"candidate_id": one, "at": LATER.isoformat(), "title": "Changed"}
    assert (
        httpx.post(f"{admin}/update_candidate", json=body, trust_env=False, verify=False).json()["title"] == "Changed"
    )
    assert httpx.post(f"{admin}/app", json={}, trust_env=False, verify=False).status_code == 404
    assert read(harvest, "candidates", ids=str(one))[0]["title"] == "Changed"


@pytest.mark.parametrize("what", ["deleted", "merged"])
def test_deletions_are_told_by_webhook_alone(harvest: httpx.Client, vendors: Vendors, what: str) -> None:
    account = vendors.greenhouse
    gone, into, *_ = account.resources["candidates"]
    applications = [a["id"] for a in account.resources["applications"].values() if a["candidate_id"] == gone]
    payload = account.delete_candidate(gone) if what == "deleted" else account.merge_candidate(gone, into, LATER)
    assert read(harvest, "candidates", ids=str(gone)) == []
    left = {one["candidate_id"] for one in read(harvest, "applications", ids=",".join(map(str, applications)))}
    assert left == (set() if what == "deleted" else {into})
    published = orjson.loads((SAMPLES / f"webhooks__candidate_events__candidate_{what}.json").read_bytes())
    missing = set(published["payload"]["person"]) - set(payload["person"])
    assert missing <= {"headline", "recruiter_user_id", "coordinator_user_id"}


def test_a_webhook_is_signed_over_its_raw_body(vendors: Vendors) -> None:
    headers, body = vendors.greenhouse.webhook("update_candidate", {"candidate": {"id": 1, "title": "R&D <lead>"}})
    assert b"\\u003clead\\u003e" in body
    assert orjson.loads(body)["payload"]["candidate"]["title"] == "R&D <lead>"
    expected = hmac.new(vendors.greenhouse.webhook_secret.encode(), body, hashlib.sha256).hexdigest()
    assert headers["Signature"] == f"sha256 {expected}"
    assert headers["Greenhouse-Event-ID"]
