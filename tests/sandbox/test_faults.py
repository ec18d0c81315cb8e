import time

import httpx
import pytest

from sandbox.faults import Fault
from sandbox.vendors import Vendors

PATH = "/v3/candidates"


def test_429_with_and_without_retry_after(harvest: httpx.Client, vendors: Vendors) -> None:
    vendors.greenhouse.app.switch_on("429", PATH, retry_after=7)
    vendors.greenhouse.app.switch_on("429_without_retry_after", PATH)
    answers = [harvest.get("candidates") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert [answer.headers.get("Retry-After") for answer in answers] == ["7", None, None]


def test_500_twice_then_well_on_one_path_alone(harvest: httpx.Client, vendors: Vendors) -> None:
    vendors.greenhouse.app.switch_on("500", PATH, times=2, skip=1)
    assert [harvest.get("candidates").status_code for _ in range(4)] == [200, 500, 500, 200]
    vendors.greenhouse.app.switch_on("503", PATH)
    assert harvest.get("jobs").status_code == 200


def test_slow(harvest: httpx.Client, vendors: Vendors) -> None:
    vendors.greenhouse.app.switch_on("slow", PATH, seconds=0.3)
    began = time.monotonic()
    assert harvest.get("candidates").status_code == 200
    assert time.monotonic() - began >= 0.3


def test_a_cut_body_is_seen_as_one_and_counts_as_not_served(harvest: httpx.Client, vendors: Vendors) -> None:
    vendors.greenhouse.app.switch_on("cut", PATH)
    with pytest.raises(httpx.RemoteProtocolError):
        harvest.get("candidates", params={"per_page": "100"})
    assert vendors.greenhouse.app.served.objects["candidates"] == 0
    assert harvest.get("candidates").status_code == 200
    assert vendors.greenhouse.app.served.objects["candidates"] == 100


def test_an_expired_token_stays_expired(harvest: httpx.Client, vendors: Vendors) -> None:
    vendors.greenhouse.app.switch_on("expired_token", PATH)
    assert [harvest.get("candidates").status_code for _ in range(2)] == [401, 401]
    environ = vendors.environ
    credentials = (environ["GREENHOUSE_CLIENT_ID"], environ["GREENHOUSE_CLIENT_SECRET"])
    token = harvest.post(
        environ["GREENHOUSE_TOKEN_URL"], auth=credentials, data={"grant_type": "client_credentials"}
    ).json()
    assert harvest.get("candidates", headers={"Authorization": f"Bearer {token['access_token']}"}).status_code == 200


def test_a_page_twice_loses_nothing(harvest: httpx.Client, vendors: Vendors) -> None:
    vendors.greenhouse.app.switch_on("duplicate_page", PATH, skip=1)
    answer = harvest.get("candidates", params={"per_page": "40"})
    ids = [one["id"] for one in answer.json()]
    first = list(ids)
    while "next" in answer.links:
        answer = harvest.get(answer.links["next"]["url"])
        ids += [one["id"] for one in answer.json()]
    assert ids[40:80] == first
    assert set(ids) == set(vendors.greenhouse.resources["candidates"])
    assert vendors.greenhouse.app.served.objects["candidates"] == len(ids)


def test_one_malformed_object_among_good_ones(harvest: httpx.Client, vendors: Vendors) -> None:
    vendors.greenhouse.app.switch_on("malformed_object", PATH)
    bad, good, *_ = harvest.get("candidates").json()
    assert isinstance(bad["id"], int)
    assert bad["first_name"] == {"broken": True}
    assert isinstance(good["first_name"], str)


def test_over_http(harvest: httpx.Client, vendors: Vendors) -> None:
    admin = vendors.ports["admin"]["greenhouse"]
    assert (
        httpx.post(
            f"{admin}/faults", json={"kind": "500", "path": "/v3/*", "times": 1}, trust_env=False, verify=False
        ).status_code
        == 200
    )
    assert httpx.post(f"{admin}/faults", json={"kind": "meteor"}, trust_env=False, verify=False).status_code == 422
    assert harvest.get("jobs").status_code == 500
    counts = httpx.get(f"{admin}/counts", trust_env=False, verify=False).json()
    assert counts["faults"] == {"500": 1}
    assert counts["requests"]["GET /v3/jobs"] == 1
    httpx.post(f"{admin}/faults", json={"kind": "500", "times": 9}, trust_env=False, verify=False)
    httpx.delete(f"{admin}/faults", trust_env=False, verify=False)
    assert harvest.get("jobs").status_code == 200
    assert httpx.delete(f"{admin}/counts", trust_env=False, verify=False).json()["requests_total"] == 0


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown kind"):
        Fault("meteor")  # type: ignore[arg-type] - that is the point
