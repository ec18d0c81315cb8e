import base64
import hashlib
import hmac
from collections.abc import Iterator

import httpx
import orjson
import pytest

from sandbox.vendors import Vendors

# keys of Typeform's documented webhook example, and the type of their values
EVENT = {"event_id": str, "event_type": str, "form_response": dict}
RESPONSE = {
    "form_id": str,
    "token": str,
    "submitted_at": str,
    "landed_at": str,
    "calculated": dict,
    "definition": dict,
    "answers": list,
}
DEFINED = {"id": str, "title": str, "type": str, "ref": str}


@pytest.fixture
def client(vendors: Vendors) -> Iterator[httpx.Client]:
    token = {"Authorization": f"Bearer {vendors.environ['TYPEFORM_TOKEN']}"}
    with httpx.Client(
        base_url=vendors.environ["TYPEFORM_BASE_URL"], headers=token, trust_env=False, verify=False
    ) as client:
        yield client


@pytest.fixture
def path(vendors: Vendors) -> str:
    return f"/forms/{vendors.ports['typeform_form_id']}/responses"


def tokens(answer: httpx.Response) -> list[str]:
    return [item["token"] for item in answer.json()["items"]]


def test_back_to_the_beginning_by_before(client: httpx.Client, path: str, vendors: Vendors) -> None:
    seen: list[str] = []
    page = client.get(path, params={"page_size": 10})
    assert page.json()["total_items"] == len(vendors.typeform.responses)
    while tokens(page):
        seen += tokens(page)
        page = client.get(path, params={"page_size": 10, "before": seen[-1]})
    assert seen == [one["token"] for one in vendors.typeform.responses]
    assert vendors.typeform.app.served.objects["responses"] == len(seen)


def test_forward_by_after(client: httpx.Client, path: str, vendors: Vendors) -> None:
    latest_first = [one["token"] for one in vendors.typeform.responses]
    assert tokens(client.get(path, params={"page_size": 3, "after": latest_first[8]})) == latest_first[5:8]


def test_since_and_until(client: httpx.Client, path: str, vendors: Vendors) -> None:
    moments = [one["submitted_at"] for one in vendors.typeform.responses]
    since, until = moments[12], moments[4]
    found = client.get(path, params={"since": since, "until": until, "page_size": 1000}).json()["items"]
    assert [one["submitted_at"] for one in found] == [moment for moment in moments if since <= moment <= until]


@pytest.mark.parametrize(
    "query", [{"page_size": "1001"}, {"sort": "submitted_at,asc", "after": "x"}, {"since": "never"}]
)
def test_refused_queries(client: httpx.Client, path: str, query: dict[str, str]) -> None:
    assert client.get(path, params=query).status_code == 400


def test_credentials_and_unknown_forms(client: httpx.Client, path: str) -> None:
    answer = client.get(path, headers={"Authorization": "Bearer wrong"})
    assert (answer.status_code, answer.json()["code"]) == (401, "AUTHENTICATION_FAILED")
    assert client.get("/forms/other/responses").json()["code"] == "FORM_NOT_FOUND"


def test_the_webhook_has_the_documented_shape_and_signature(vendors: Vendors) -> None:
    headers, body = vendors.typeform.webhook(vendors.typeform.responses[0])
    digest = hmac.new(vendors.environ["TYPEFORM_WEBHOOK_SECRET"].encode(), body, hashlib.sha256).digest()
    assert headers["Typeform-Signature"] == "sha256=" + base64.b64encode(digest).decode()
    event = orjson.loads(body)
    assert {name: type(event[name]) for name in EVENT} == EVENT
    inner = event["form_response"]
    assert {name: type(inner[name]) for name in RESPONSE} == RESPONSE
    assert all({name: type(one[name]) for name in DEFINED} == DEFINED for one in inner["definition"]["fields"])
    asked = {one["id"] for one in inner["definition"]["fields"]}
    for answer in inner["answers"]:
        assert answer["field"]["id"] in asked
        assert answer["type"] in answer
    legal = [answer for answer in inner["answers"] if answer["field"]["type"] == "legal"]
    assert [type(answer["boolean"]) for answer in legal] == [bool]
