"""The sandbox's SendGrid: its answers against SendGrid's published description, and its jobs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from openapi_core import OpenAPI
from openapi_core.testing import MockRequest, MockResponse

from sandbox.sendgrid import SendGrid
from sandbox.serving import Serving

FOLDER = Path(__file__).parents[1] / "connectors" / "fixtures" / "sendgrid"
CONTACTS, LISTS = "/v3/marketing/contacts", "/v3/marketing/lists"


@pytest.fixture
def vendor() -> SendGrid:
    return SendGrid()


@pytest.fixture
def client(vendor: SendGrid) -> Iterator[httpx.Client]:
    with Serving({"sendgrid": vendor.app}) as serving:
        headers = {"Authorization": f"Bearer {vendor.api_key}"}
        with httpx.Client(base_url=serving.urls["sendgrid"], headers=headers, trust_env=False, verify=False) as client:
            yield client


def _as_described(answer: httpx.Response, file: str) -> Any:
    """Return an answer's JSON once it is found to be what SendGrid says it answers."""
    description = OpenAPI.from_dict(orjson.loads((FOLDER / f"{file}.json").read_bytes()))
    asked = MockRequest("https://api.sendgrid.com", answer.request.method.lower(), answer.request.url.path)
    description.validate_response(asked, MockResponse(answer.content, answer.status_code))
    return answer.json()


def test_answers_are_those_that_sendgrid_describes(client: httpx.Client, vendor: SendGrid):
    made = _as_described(client.post(LISTS, json={"name": "Our list"}), "tsg_mc_lists_v3")
    body = {"list_ids": [made["id"]], "contacts": [{"email": "Ann@example.org"}, {"email": "nobody"}]}
    job = _as_described(client.put(CONTACTS, json=body), "tsg_mc_contacts_v3")["job_id"]
    told = _as_described(client.get(f"{CONTACTS}/imports/{job}"), "tsg_mc_contacts_v3")
    assert (told["status"], told["results"]["errored_count"]) == ("errored", 1)
    errors = httpx.get(told["results"]["errors_url"], trust_env=False, verify=False).text
    assert errors.splitlines() == ["email,error_message", "nobody,email is invalid"]
    found = _as_described(
        client.post(f"{CONTACTS}/search/emails", json={"emails": ["ANN@example.org", "bob@example.org"]}),
        "tsg_mc_contacts_v3",
    )["result"]
    assert found["ann@example.org"]["contact"]["list_ids"] == [made["id"]]
    assert "error" in found["bob@example.org"]
    _as_described(client.get(LISTS), "tsg_mc_lists_v3")
    vendor.account.suppressions["bounces"].append(
        {"created": 1_790_000_000, "email": "ann@example.org", "reason": "550", "status": "5.1.1"}
    )
    assert len(_as_described(client.get("/v3/suppression/bounces"), "tsg_suppressions_v3")) == 1
    assert not _as_described(
        client.get("/v3/suppression/bounces", params={"start_time": 1_790_000_001}), "tsg_suppressions_v3"
    )
    ids = {"contact_ids": found["ann@example.org"]["contact"]["id"]}
    taken_off = _as_described(client.delete(f"{LISTS}/{made['id']}/contacts", params=ids), "tsg_mc_lists_v3")
    client.get(f"{CONTACTS}/imports/{taken_off['job_id']}")
    assert not vendor.account.listed("Our list")
    assert not vendor.account.violations


def test_a_job_takes_its_time(client: httpx.Client, vendor: SendGrid):
    vendor.account.polls = 2
    job = client.put(CONTACTS, json={"contacts": [{"email": "ann@example.org"}]}).json()["job_id"]
    states = [client.get(f"{CONTACTS}/imports/{job}").json()["status"] for _ in range(3)]
    assert states == ["pending", "pending", "completed"]
    assert client.get(f"{CONTACTS}/imports/none").status_code == 404


def test_a_contact_of_somebody_elses_identifier_is_not_updated(client: httpx.Client, vendor: SendGrid):
    vendor.account.seed("ann@example.org", external_id="theirs")
    job = client.put(CONTACTS, json={"contacts": [{"email": "ann@example.org"}]}).json()["job_id"]
    assert client.get(f"{CONTACTS}/imports/{job}").json()["status"] == "errored"


def test_carelessness_is_written_down(client: httpx.Client, vendor: SendGrid):
    client.post(f"{CONTACTS}/search/emails", json={"emails": [f"p{number}@example.org" for number in range(101)]})
    client.delete(CONTACTS, params={"ids": "a"})
    client.post("/v3/asm/suppressions/global", json={})
    client.delete("/v3/suppression/bounces")
    assert len(vendor.account.violations) == 4
    assert client.get(LISTS, headers={"Authorization": "Bearer wrong"}).status_code == 401
