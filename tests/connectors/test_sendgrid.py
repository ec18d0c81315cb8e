"""SendGrid, against a server of its own, and every exchange with it against SendGrid's published description."""

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from openapi_core import OpenAPI
from openapi_core.testing import MockRequest

from connectors.contract import Action, Awaited, DestinationSettings, Fate
from connectors.destination import open_destination
from connectors.destinations import sendgrid
from connectors.errors import Misconfigured, Unavailable
from tests.connectors.outbound import NOW, RIGS, SECRET, SendGridRig, applied, row

TAG = "Silver medallists"
HOME = "https://api.sendgrid.com"
MOMENT = 1_790_000_000
FOLDER = Path(__file__).parent / "fixtures" / "sendgrid"
DESCRIBED = {
    "/v3/marketing/contacts": "tsg_mc_contacts_v3",
    "/v3/marketing/lists": "tsg_mc_lists_v3",
    "/v3/marketing/field_definitions": "tsg_mc_custom_fields_v3",
    "/v3/suppression": "tsg_suppressions_v3",
    "/v3/asm": "tsg_suppressions_v3",
}


@functools.cache
def _description(name: str) -> OpenAPI:
    return OpenAPI.from_dict(orjson.loads((FOLDER / f"{name}.json").read_bytes()))


class Described(httpx.BaseTransport):
    """Sends on, and checks that each request is one that SendGrid's description has; `checked` counts them."""

    def __init__(self) -> None:
        self.inner = httpx.HTTPTransport(verify=False)
        self.checked = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        body = request.read()
        name = next((file for path, file in DESCRIBED.items() if request.url.path.startswith(path)), None)
        if name:
            asked = MockRequest(
                HOME,
                request.method.lower(),
                request.url.path,
                args=dict(request.url.params),
                headers={key.title(): value for key, value in request.headers.items()},
                data=body or None,
                content_type="application/json",
            )
            _description(name).validate_request(asked)
            self.checked += 1
        return self.inner.handle_request(request)

    def close(self) -> None:
        self.inner.close()


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[SendGridRig]:
    with RIGS["sendgrid"](tmp_path) as opened:
        yield opened
    assert not opened.vendor.account.violations


def _settings(**more: Any) -> DestinationSettings:
    return DestinationSettings(name="marketing", connector="sendgrid", settings=more)


def test_every_request_is_one_that_sendgrid_describes(rig: SendGridRig):
    described = Described()
    mapping = {"first_name": "first_name", "city_of_work": {"field": "last_name", "nulls": "clear"}, "years": "years"}
    settings = _settings(contact_fields=mapping, unsubscribe_group=7)
    environ = {"MARKETING_API_KEY": SECRET, "MARKETING_BASE_URL": rig.url}
    destination = open_destination(settings, environ, described)
    rig.vendor.account.suppressions["bounces"].append({"created": MOMENT, "email": "ann@example.org"})
    destination.check()
    applied(destination, row("ann", years=3), row("bob", last_name=None), rig.bad_row)
    applied(destination, row("ann", Action.REMOVE, known=True))
    for cursor in (None, list(destination.read_back(None, NOW))[-1].cursor):
        list(destination.read_back(cursor, NOW))
    described.close()
    assert described.checked > 15
    assert destination.requests == described.checked + 1, "the file of errors is no part of the API"
    contact = rig.vendor.account.find("ann@example.org")
    assert contact
    assert contact.custom_fields == {"e1_T": "Example", "e2_N": 3}


def test_the_check_of_requests_can_fail():
    description = _description("tsg_mc_contacts_v3")
    headers = {"Authorization": "Bearer x"}
    for body in ({"contacts": []}, {"contacts": [{"email": 5}]}, {"list_ids": []}):
        asked = MockRequest(
            HOME,
            "put",
            "/v3/marketing/contacts",
            headers=headers,
            data=orjson.dumps(body),
            content_type="application/json",
        )
        with pytest.raises(Exception, match=r"(?i)invalid|error"):
            description.validate_request(asked)


def test_a_row_is_pending_until_sendgrid_says_what_became_of_it(rig: SendGridRig, slept: list[float]):
    rig.vendor.account.polls = 3
    destination = rig.open()
    (outcome,) = destination.apply([row("ann")], NOW)
    assert outcome.fate is Fate.PENDING
    assert outcome.job in rig.vendor.account.jobs
    assert not rig.holds()
    asked = [Awaited(outcome.row_id, Action.UPSERT, "ann@example.org", TAG)]
    assert [one.fate for one in destination.followed(outcome.job or "", asked, NOW)] == [Fate.SENT]
    assert slept == [1.0, 2.0, 4.0]


def test_patience_ends_and_the_next_run_asks_again_without_sending(rig: SendGridRig, slept: list[float]):
    rig.vendor.account.polls = 12
    destination = rig.open()
    outcome = applied(destination, row("ann"))["ann"]
    assert outcome.fate is Fate.PENDING
    assert 60 <= sum(slept) <= 75
    asked = [Awaited("row_ann", Action.UPSERT, "ann@example.org", TAG)]
    again = rig.open()
    assert [one.fate for one in again.followed(outcome.job or "", asked, NOW)] == [Fate.SENT]
    assert rig.vendor.app.served.requests["PUT /v3/marketing/contacts"] == 1


def test_a_job_that_is_forgotten_or_failed_is_done_again(rig: SendGridRig):
    asked = [Awaited("row_ann", Action.UPSERT, "ann@example.org", TAG)]
    assert [one.fate for one in rig.open().followed("nowhere", asked, NOW)] == [Fate.DEFERRED]
    rig.vendor.account.fails = True
    assert applied(rig.open(), row("ann"))["ann"].fate is Fate.DEFERRED
    rig.vendor.account.fails = False
    assert applied(rig.open(), row("ann"))["ann"].fate is Fate.SENT


def test_rows_that_a_job_refused_are_told_by_its_file(rig: SendGridRig):
    rig.vendor.account.seed("eve@example.org", external_id="theirs")
    outcomes = applied(rig.open(), row("ann"), row("eve"), rig.bad_row)
    assert outcomes["ann"].fate is Fate.SENT
    assert outcomes["eve"].fate is outcomes["bad"].fate is Fate.REJECTED
    assert "identifiers" in (outcomes["eve"].vendor_reason or "")


def test_without_the_file_they_are_looked_up(rig: SendGridRig):
    rig.vendor.app.switch_on("expired_token", "/errors/")
    outcomes = applied(rig.open(), row("ann"), rig.bad_row)
    assert (outcomes["ann"].fate, outcomes["bad"].fate) == (Fate.SENT, Fate.REJECTED)


def test_a_request_refused_as_a_whole_is_halved_until_the_row_is_found(rig: SendGridRig):
    rows = [row(f"p{number}") for number in range(7)]
    outcomes = applied(rig.open(), *rows, row("long", first_name="A" * 51))
    assert outcomes.pop("long").fate is Fate.REJECTED
    assert {one.fate for one in outcomes.values()} == {Fate.SENT}


def test_a_list_deleted_meanwhile_is_an_error_and_not_a_refusal_of_everybody(rig: SendGridRig):
    destination = rig.open()
    applied(destination, row("ann"))
    rig.vendor.account.lists.clear()
    with pytest.raises(Unavailable, match="Run again"):
        applied(destination, row("bob"), row("cy"))
    assert applied(destination, row("bob"))["bob"].fate is Fate.SENT


def test_a_request_holds_no_more_than_thirty_thousand_contacts_or_six_megabytes():
    one = row("ann")
    small: list[Any] = [(one, {"email": f"p{number}@example.org"}) for number in range(30_001)]
    assert [len(some) for some in sendgrid._fitting(small)] == [30_000, 1]
    large: list[Any] = [(one, {"email": "a@example.org", "city": "x" * 1_000}) for _ in range(12_000)]
    parts = list(sendgrid._fitting(large))
    assert sum(len(some) for some in parts) == 12_000
    assert max(len(orjson.dumps([contact for _, contact in some])) for some in parts) < 6_000_000
    assert len(parts) == 3


def test_requests_are_at_the_floor(rig: SendGridRig):
    """⌈changed/30 000⌉ and one question after its job, + 2 for a new list; leaving 3 x ⌈left/100⌉ + 1."""
    first = rig.open()
    applied(first, *(row(f"p{number}") for number in range(250)))
    assert first.requests == 1 + 1 + 2
    second = rig.open()
    applied(second, *(row(f"p{number}", Action.REMOVE, known=True) for number in range(250)))
    assert second.requests == 3 + 3 + 3 + 1


def test_leaving_takes_off_our_list_and_nothing_else(rig: SendGridRig):
    account = rig.vendor.account
    theirs = account.add_list("Newsletter")
    account.seed("ann@example.org").list_ids.add(theirs)
    applied(rig.open(), row("ann"), row("bob"))
    applied(rig.open(), row("ann", Action.REMOVE, known=True))
    assert account.listed(TAG) == {"bob@example.org"}
    assert account.listed("Newsletter") == {"ann@example.org"}


def test_who_is_taken_off_a_list_is_said_to_be_gone_once_the_job_is_done(rig: SendGridRig, slept: list[float]):
    destination = rig.open()
    applied(destination, row("ann"), row("bob"))
    rig.vendor.account.polls = 2
    outcomes = list(destination.apply([row("ann", Action.REMOVE), row("nobody", Action.REMOVE)], NOW))
    assert [one.fate for one in outcomes] == [Fate.PENDING, Fate.REMOVED]
    assert rig.holds() == {"ann@example.org", "bob@example.org"}
    asked = [Awaited("row_ann", Action.REMOVE, "ann@example.org", TAG)]
    assert [one.fate for one in destination.followed(outcomes[0].job or "", asked, NOW)] == [Fate.REMOVED]
    assert (rig.holds(), slept) == ({"bob@example.org"}, [1.0, 2.0])


def test_a_removal_that_nobody_knows_of_any_more_or_that_failed_is_settled_by_a_look(rig: SendGridRig):
    applied(rig.open(), row("ann"))
    asked = [Awaited("row_ann", Action.REMOVE, "ann@example.org", TAG)]
    assert [one.fate for one in rig.open().followed("nowhere", asked, NOW)] == [Fate.DEFERRED]
    rig.vendor.account.fails = True
    assert applied(rig.open(), row("ann", Action.REMOVE))["ann"].fate is Fate.DEFERRED
    rig.vendor.account.fails = False
    assert applied(rig.open(), row("ann", Action.REMOVE))["ann"].fate is Fate.REMOVED
    assert [one.fate for one in rig.open().followed("nowhere", asked, NOW)] == [Fate.REMOVED]


def test_the_many_lists_of_an_account_come_in_pages(rig: SendGridRig):
    for number in range(1001):
        rig.vendor.account.add_list(f"list {number}")
    rig.vendor.account.add_list(TAG)
    applied(rig.open(), row("ann"))
    assert list(rig.vendor.account.lists.values()).count(TAG) == 1


def test_a_custom_field_that_is_not_there_is_a_setting_to_correct(rig: SendGridRig):
    with pytest.raises(Misconfigured, match="no field 'shoe'"):
        applied(rig.open(_settings(contact_fields={"shoe": "first_name"})), row("ann"))


@pytest.mark.parametrize("theirs", ["email", "external_id", "phone_number_id"])
def test_identifiers_cannot_be_filled(theirs: str):
    with pytest.raises(Misconfigured, match="the address is the only key"):
        open_destination(_settings(contact_fields={theirs: "first_name"}), {"MARKETING_API_KEY": "k"})


def test_suppressions_are_read_back_once(rig: SendGridRig):
    account = rig.vendor.account
    destination = rig.open(_settings(unsubscribe_group=7))
    assert not list(destination.read_back(None, NOW))
    for number, kind in enumerate(account.suppressions):
        account.suppressions[kind].append({"created": MOMENT + number, "email": f"{kind}@example.org"})
    account.group.append({"email": "g@example.org", "group_id": 7, "group_name": "Jobs", "created_at": MOMENT})
    account.group.append({"email": "h@example.org", "group_id": 8, "group_name": "Shop", "created_at": MOMENT})
    pages = list(destination.read_back(None, NOW))
    assert {signal.address: signal.kind for page in pages for signal in page.signals} == {
        "unsubscribes@example.org": "unsubscribed",
        "bounces@example.org": "bounced",
        "spam_reports@example.org": "complained",
        "g@example.org": "unsubscribed",
    }
    cursor = pages[-1].cursor
    assert "@" not in str(cursor)
    assert not list(destination.read_back(cursor, NOW))
    account.suppressions["unsubscribes"].append({"created": MOMENT, "email": "new@example.org"})
    signals = [signal for page in destination.read_back(cursor, NOW) for signal in page.signals]
    assert [signal.address for signal in signals] == ["new@example.org"]


def test_many_suppressions_come_in_pages(rig: SendGridRig):
    rig.vendor.account.suppressions["bounces"] = [
        {"created": MOMENT + number, "email": f"p{number}@example.org"} for number in range(1200)
    ]
    signals = [signal for page in rig.open().read_back(None, NOW) for signal in page.signals]
    assert len({signal.address for signal in signals}) == 1200
