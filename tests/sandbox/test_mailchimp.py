from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from sandbox.mailchimp import Mailchimp
from sandbox.mailchimp_audience import address_hash
from sandbox.serving import Serving

NEW = "new@example.com"


@pytest.fixture
def account() -> Mailchimp:
    made = Mailchimp()
    made.audience.seed("here@example.com", "subscribed", ("newsletter",), FNAME="Here")
    made.audience.seed("gone@example.com", "unsubscribed")
    return made


@pytest.fixture
def client(account: Mailchimp) -> Iterator[httpx.Client]:
    with Serving({"mailchimp": account.app}) as serving:
        url = f"{serving.urls['mailchimp']}/3.0"
        with httpx.Client(base_url=url, auth=("any", account.api_key), trust_env=False, verify=False) as client:
            yield client


def batch(client: httpx.Client, account: Mailchimp, *members: dict[str, Any], **more: Any) -> dict[str, Any]:
    answer = client.post(f"/lists/{account.list_id}", json={"members": list(members), "update_existing": True, **more})
    assert answer.status_code == 200
    return answer.json()


def member(account: Mailchimp, email: str) -> str:
    return f"/lists/{account.list_id}/members/{address_hash(email)}"


def test_keys_and_data_centres(client: httpx.Client, account: Mailchimp) -> None:
    assert client.get("/ping").json() == {"health_status": "Everything's Chimpy!"}
    assert client.get("/ping", auth=("any", "wrong-us21")).json()["title"] == "API Key Invalid"
    assert client.get("/ping", auth=("any", account.api_key.replace("us21", "us9"))).status_code == 403
    assert client.get("/ping", headers={"Authorization": f"Bearer {account.api_key}"}, auth=None).status_code == 200
    assert client.get("/lists/other").status_code == 404
    assert client.get(f"/lists/{account.list_id}").json()["stats"]["member_count"] == 1


def test_a_careful_batch_leaves_no_violation(client: httpx.Client, account: Mailchimp) -> None:
    done = batch(
        client,
        account,
        {"email_address": NEW, "status": "subscribed", "merge_fields": {"FNAME": "New"}, "tags": ["silver"]},
        {"email_address": "Here@Example.com", "merge_fields": {"LNAME": "Now"}, "tags": ["silver"]},
        {"email_address": "gone@example.com", "tags": ["silver"]},
        sync_tags=False,
    )
    assert (done["total_created"], done["total_updated"], done["error_count"]) == (1, 2, 0)
    assert account.audience.violations == []
    assert account.audience.tagged("silver") == ["gone@example.com", "here@example.com", NEW]
    assert account.audience.tagged("newsletter") == ["here@example.com"]
    assert account.audience.members[address_hash("gone@example.com")].status == "unsubscribed"
    assert account.audience.members[address_hash("here@example.com")].merge_fields == {"FNAME": "Here", "LNAME": "Now"}


def test_a_status_for_an_existing_member_is_written_down(client: httpx.Client, account: Mailchimp) -> None:
    batch(client, account, {"email_address": "here@example.com", "status": "subscribed"})
    client.put(
        member(account, "here@example.com"), json={"email_address": "here@example.com", "status": "unsubscribed"}
    )
    assert [one["how"] for one in account.audience.violations] == ["POST /lists", "PUT /members"]


def test_sync_tags_is_written_down_and_replaces(client: httpx.Client, account: Mailchimp) -> None:
    batch(client, account, {"email_address": "here@example.com", "tags": ["silver"]}, sync_tags=True)
    assert len(account.audience.violations) == 1
    assert account.audience.tagged("newsletter") == []


def test_nobody_is_subscribed_again(client: httpx.Client, account: Mailchimp) -> None:
    done = batch(client, account, {"email_address": "gone@example.com", "status": "subscribed"})
    (error,) = done["errors"]
    assert error["error_code"] == "ERROR_GENERIC"
    assert "compliance state" in error["error"]
    answer = client.put(
        member(account, "gone@example.com"), json={"email_address": "gone@example.com", "status": "subscribed"}
    )
    assert (answer.status_code, answer.json()["title"]) == (400, "Member In Compliance State")
    assert account.audience.members[address_hash("gone@example.com")].status == "unsubscribed"
    kept = client.put(
        member(account, "gone@example.com"), json={"email_address": "gone@example.com", "status_if_new": "subscribed"}
    )
    assert kept.json()["status"] == "unsubscribed"


def test_rows_that_fail_alone(client: httpx.Client, account: Mailchimp) -> None:
    rows = [
        {"email_address": "no status@example.com", "status": "subscribed"},
        {"email_address": "statusless@example.com"},
        {"email_address": "x@fake.example", "status": "subscribed"},
        {"email_address": "toomany1@example.com", "status": "subscribed"},
        {"email_address": "field@example.com", "status": "subscribed", "merge_fields": {"NOPE": "1"}},
        {"email_address": NEW, "status": "subscribed"},
        {"email_address": NEW.upper(), "status": "subscribed"},
    ]
    done = batch(client, account, *rows)
    assert [one["email_address"] for one in done["errors"]] == [
        row["email_address"] for row in rows if row["email_address"] != NEW
    ]
    assert [one["email_address"] for one in done["new_members"]] == [NEW]


def test_existing_without_update_existing(client: httpx.Client, account: Mailchimp) -> None:
    done = batch(client, account, {"email_address": "here@example.com", "status": "subscribed"}, update_existing=False)
    assert done["errors"][0]["error_code"] == "ERROR_CONTACT_EXISTS"


def test_five_hundred_and_no_more(client: httpx.Client, account: Mailchimp) -> None:
    rows = [{"email_address": f"p{number}@example.com", "status": "subscribed"} for number in range(501)]
    assert client.post(f"/lists/{account.list_id}", json={"members": rows}).status_code == 400
    assert batch(client, account, *rows[:500])["total_created"] == 500


def test_put_creates_with_status_if_new(client: httpx.Client, account: Mailchimp) -> None:
    body = {"email_address": NEW, "status_if_new": "transactional", "tags": ["silver"], "interests": {"i1": True}}
    made = client.put(member(account, NEW), json=body).json()
    assert (made["status"], made["interests"], made["tags_count"]) == ("transactional", {"i1": True}, 1)
    assert account.audience.violations == []


def test_tags_come_and_go(client: httpx.Client, account: Mailchimp) -> None:
    here = member(account, "here@example.com")
    tags = [{"name": "silver", "status": "active"}, {"name": "newsletter", "status": "inactive"}]
    assert client.post(f"{here}/tags", json={"tags": tags}).status_code == 204
    assert [tag["name"] for tag in client.get(f"{here}/tags").json()["tags"]] == ["silver"]


def test_static_segments(client: httpx.Client, account: Mailchimp) -> None:
    lists = f"/lists/{account.list_id}"
    made = client.post(f"{lists}/segments", json={"name": "silver", "static_segment": ["here@example.com"]}).json()
    assert (made["member_count"], made["type"]) == (1, "static")
    body = {"members_to_add": ["gone@example.com", "nobody@example.com"], "members_to_remove": ["here@example.com"]}
    done = client.post(f"{lists}/segments/{made['id']}", json=body).json()
    assert (done["total_added"], done["total_removed"], done["error_count"]) == (1, 1, 1)
    held = client.get(f"{lists}/segments/{made['id']}/members").json()["members"]
    assert [one["email_address"] for one in held] == ["gone@example.com"]


def test_reading_back(client: httpx.Client, account: Mailchimp) -> None:
    path = f"/lists/{account.list_id}/members"
    before = client.get(path, params={"count": 1000}).json()
    latest = max(one["last_changed"] for one in before["members"])
    account.audience.set_status("here@example.com", "unsubscribed")
    for query in ({"since_last_changed": latest}, {"unsubscribed_since": latest}):
        found = client.get(path, params=query).json()
        assert [one["email_address"] for one in found["members"]] == ["here@example.com"]
    assert client.get(path, params={"status": "unsubscribed", "count": 1, "offset": 1}).json()["total_items"] == 2
    assert client.get(path, params={"count": 1001}).status_code == 400
    assert account.app.served.objects["members"] == 2 + 1 + 1 + 1


def test_archived_and_forgotten(client: httpx.Client, account: Mailchimp) -> None:
    assert client.delete(member(account, "here@example.com")).status_code == 204
    path = f"/lists/{account.list_id}/members"
    assert client.get(path, params={"status": "archived"}).json()["total_items"] == 1
    assert client.post(f"{member(account, 'gone@example.com')}/actions/delete-permanent").status_code == 204
    answer = client.put(
        member(account, "gone@example.com"), json={"email_address": "gone@example.com", "status_if_new": "subscribed"}
    )
    assert answer.json()["title"] == "Forgotten Email Not Subscribed"


def test_ten_at_once() -> None:
    account = Mailchimp(latency=0.3)
    with Serving({"mailchimp": account.app}) as serving:
        url = f"{serving.urls['mailchimp']}/3.0/ping"
        with (
            ThreadPoolExecutor(14) as pool,
            httpx.Client(auth=("any", account.api_key), trust_env=False, verify=False) as client,
        ):
            answers = list(pool.map(lambda _: client.get(url), range(14)))
    assert sorted(answer.status_code for answer in answers) == [200] * 10 + [429] * 4
    assert all("Retry-After" not in answer.headers for answer in answers)
