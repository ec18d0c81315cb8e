"""The sandbox's HubSpot, asked as its reference says and as a careless caller would."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from sandbox.hubspot import HubSpot
from sandbox.serving import Serving

CONTACTS, LISTS = "/crm/objects/2026-03/contacts", "/crm/lists/2026-03"


@pytest.fixture
def vendor() -> HubSpot:
    return HubSpot()


@pytest.fixture
def client(vendor: HubSpot) -> Iterator[httpx.Client]:
    with Serving({"hubspot": vendor.app}) as serving:
        headers = {"Authorization": f"Bearer {vendor.access_token}"}
        with httpx.Client(base_url=serving.urls["hubspot"], headers=headers, trust_env=False, verify=False) as client:
            yield client


def _input(address: str, **properties: str) -> dict[str, Any]:
    return {"id": address, "idProperty": "email", "properties": properties, "objectWriteTraceId": f"t {address[:3]}"}


def _upsert(client: httpx.Client, *inputs: dict[str, Any]) -> httpx.Response:
    return client.post(f"{CONTACTS}/batch/upsert", json={"inputs": list(inputs)})


def test_an_upsert_creates_updates_and_tells_rows_apart(client: httpx.Client, vendor: HubSpot):
    first = _upsert(client, _input("Ann@example.org", city="Graz"), _input("nobody"))
    assert (first.status_code, first.json()["numErrors"]) == (207, 1)
    assert first.json()["errors"][0]["context"] == {"objectWriteTraceId": ["t nob"]}
    (made,) = first.json()["results"]
    assert (made["new"], made["objectWriteTraceId"], made["properties"]["email"]) == (True, "t Ann", "ann@example.org")
    again = _upsert(client, _input("ann@example.org", city="")).json()["results"][0]
    assert (again["new"], again["id"], "city" in again["properties"]) == (False, made["id"], False)
    vendor.partial = False
    assert _upsert(client, _input("bob@example.org"), _input("nobody")).status_code == 400
    assert not vendor.crm.violations


def test_a_merged_contact_goes_by_every_id_and_address_it_had(client: httpx.Client, vendor: HubSpot):
    ids = [one["id"] for one in _upsert(client, _input("ann@example.org"), _input("bob@example.org")).json()["results"]]
    merged = vendor.crm.merge("ann@example.org", "bob@example.org")
    told = client.post(f"{CONTACTS}/batch/read", json={"inputs": [{"id": one} for one in ids]}).json()
    assert [one["id"] for one in told["results"]] == [merged.id]
    told = _upsert(client, _input("bob@example.org", city="Linz")).json()["results"]
    assert [(one["id"], one["new"]) for one in told] == [(merged.id, False)]


def test_lists_hold_record_ids(client: httpx.Client):
    record = _upsert(client, _input("ann@example.org")).json()["results"][0]["id"]
    assert client.get(f"{LISTS}/object-type-id/0-1/name/Our%20list").status_code == 404
    body = {"name": "Our list", "objectTypeId": "0-1", "processingType": "MANUAL"}
    number = client.post(LISTS, json=body).json()["list"]["listId"]
    assert client.post(LISTS, json=body).status_code == 400
    assert client.get(f"{LISTS}/object-type-id/0-1/name/Our%20list").json()["list"]["listId"] == number
    told = client.put(f"{LISTS}/{number}/memberships/add", json=[record, "999"]).json()
    assert (told["recordsIdsAdded"], told["recordIdsMissing"]) == ([record], ["999"])
    told = client.put(f"{LISTS}/{number}/memberships/remove", json=[record]).json()
    assert told["recordIdsRemoved"] == [record]


def test_carelessness_is_written_down(client: httpx.Client, vendor: HubSpot):
    _upsert(client, _input("ann@example.org", email="other@example.org"))
    assert _upsert(client, *(_input(f"p{number}@example.org") for number in range(101))).status_code == 400
    client.post(f"{CONTACTS}/search", json={})
    client.post(f"{CONTACTS}/merge", json={})
    assert len(vendor.crm.violations) == 4


def test_a_wrong_token_and_a_spent_day_are_refused(client: httpx.Client, vendor: HubSpot):
    assert client.get(CONTACTS, headers={"Authorization": "Bearer wrong"}).status_code == 401
    answer = client.get(CONTACTS)
    assert answer.headers["X-HubSpot-RateLimit-Remaining"] == "189"
    vendor.daily_spent = True
    answer = client.get(CONTACTS)
    assert (answer.status_code, answer.json()["policyName"]) == (429, "DAILY")
