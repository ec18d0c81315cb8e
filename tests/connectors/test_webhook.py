"""Signed webhooks, to a real endpoint on loopback."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from standardwebhooks import Webhook as Scheme

from connectors.contract import Action, DestinationSettings, Fate
from connectors.destination import open_destination
from connectors.destinations.webhook import SCHEDULE
from connectors.errors import Misconfigured, Unavailable
from connectors.public_addresses import is_public
from tests.connectors.outbound import NOW, RIGS, SECRET, WebhookRig, applied, row


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[WebhookRig]:
    with RIGS["webhook"](tmp_path) as opened:
        yield opened


def first(rig: WebhookRig, one, now=NOW):
    return next(iter(rig.open().apply([one], now)))


def test_entering_changing_and_leaving_are_three_events(rig: WebhookRig):
    ann = replace(row("ann", company=None), person_id="per_1", occasion="a")
    applied(rig.open(), ann)
    applied(rig.open(), replace(ann, held=True, occasion="b", fields={"first_name": "Anna"}))
    applied(rig.open(), replace(ann, action=Action.REMOVE, occasion="c", fields={}))
    assert [(message_id, event["type"]) for message_id, event in rig.vendor.events] == [
        ("msg_a", "segment.entered"),
        ("msg_b", "person.changed"),
        ("msg_c", "segment.left"),
    ]
    entered, changed, left = (event["data"] for _, event in rig.vendor.events)
    assert entered["fields"] == {"first_name": "Ann", "last_name": "Example"}, "what is not known is left out"
    assert changed["fields"] == {"first_name": "Anna"}
    assert left == {
        "segment": "Silver medallists",
        "person_id": "per_1",
        "channel": "email",
        "address": "ann@example.org",
    }
    assert rig.vendor.events[0][1]["timestamp"] == NOW.isoformat()


def test_a_failed_event_is_due_by_the_standards_schedule_and_given_up_after_it(rig: WebhookRig):
    assert [wait.total_seconds() for wait in SCHEDULE] == [
        5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400,
    ]  # fmt: skip
    for tries, wait in enumerate(SCHEDULE):
        rig.vendor.answers.append(500)
        outcome = first(rig, replace(row("ann"), tries=tries))
        assert (outcome.fate, outcome.not_before) == (Fate.DEFERRED, NOW + wait)
    rig.vendor.answers.append(500)
    assert first(rig, replace(row("ann"), tries=len(SCHEDULE))).fate is Fate.REJECTED
    rig.vendor.answers.append(500)
    left = first(rig, replace(row("ann", Action.REMOVE), tries=20))
    assert (left.fate, left.not_before) == (Fate.DEFERRED, NOW + SCHEDULE[-1])


def test_an_endpoint_that_asks_for_a_pause_gets_it(rig: WebhookRig):
    rig.vendor.answers.append(429)
    rig.vendor.headers = {"Retry-After": "3600"}
    outcomes = rig.open().apply([row("ann"), row("bob")], NOW)
    assert next(outcomes).not_before == NOW + timedelta(hours=1)
    with pytest.raises(Unavailable):
        next(outcomes)


def test_an_endpoint_that_is_gone_is_asked_once(rig: WebhookRig):
    rig.vendor.answers.extend([410, 410])
    destination = rig.open()
    outcomes = destination.apply([row("ann"), row("bob")], NOW)
    assert next(outcomes).fate is Fate.DEFERRED
    with pytest.raises(Misconfigured, match="gone"):
        next(outcomes)
    assert destination.requests == 1


def test_an_endpoint_that_fails_again_and_again_is_left_alone(rig: WebhookRig):
    rig.vendor.answers.extend([500] * 10)
    destination, fates = rig.open(), []
    with pytest.raises(Unavailable):
        fates.extend(one.fate for one in destination.apply([row(f"p{n}") for n in range(10)], NOW))
    assert destination.requests == 3


def test_one_event_that_is_refused_does_not_hold_up_the_rest(rig: WebhookRig):
    rows = [row("ann"), rig.bad_row, row("bob"), replace(rig.bad_row, row_id="row_worse"), row("cy")]
    outcomes = applied(rig.open(), *rows)
    assert {name for name, one in outcomes.items() if one.fate is Fate.SENT} == {"ann", "bob", "cy"}
    assert outcomes["bad"].vendor_reason == "422 no such customer"


def test_no_redirect_is_followed(rig: WebhookRig):
    rig.vendor.answers.append(307)
    rig.vendor.headers = {"Location": f"{rig.url}/elsewhere"}
    outcomes = rig.open().apply([row("ann")], NOW)
    assert next(outcomes).fate is Fate.DEFERRED
    with pytest.raises(Misconfigured, match="redirects"):
        next(outcomes)
    assert not rig.vendor.violations


def test_while_a_secret_is_replaced_both_are_good(rig: WebhookRig):
    other = "whsec_" + "bmV3LXNlY3JldC1uZXctc2VjcmV0LW5ldw=="
    both = rig.open(HOOK_SECRET=f"{other} whsec_{SECRET}")
    assert applied(both, row("ann"))["ann"].fate is Fate.SENT
    rig.vendor.secret = other
    assert applied(both, row("bob"))["bob"].fate is Fate.SENT


def test_the_standards_own_vector():
    scheme = Scheme("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    from sandbox.webhook_endpoint import WebhookEndpoint

    endpoint = WebhookEndpoint("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    body = b'{"test": 2432232314}'
    assert endpoint._signed("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body, signature)
    assert not endpoint._signed("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265331", body, signature)
    assert scheme is not None


def test_an_attempt_carries_the_moment_it_is_made(rig: WebhookRig):
    applied(rig.open(), replace(row("ann"), tries=2, tried_since=NOW - timedelta(hours=1)))
    assert abs(rig.vendor.signed_at[0] - NOW) < timedelta(seconds=5)
    assert rig.vendor.events[0][1]["timestamp"] == (NOW - timedelta(hours=1)).isoformat()


def hook(url: str, *, transport=None, secret: str = f"whsec_{SECRET}", **settings):
    configured = DestinationSettings(name="hook", connector="webhook", settings=settings)
    return open_destination(configured, {"HOOK_URL": url, "HOOK_SECRET": secret}, transport)


def test_a_private_network_is_not_reached_unless_that_is_allowed(rig: WebhookRig, monkeypatch: pytest.MonkeyPatch):
    port = rig.url.rpartition(":")[2]
    for host in ("127.0.0.1", "localhost", "[::1]", "2130706433"):
        outcomes = hook(f"https://{host}:{port}/events").apply([row("ann")], NOW)
        assert next(outcomes).fate is Fate.DEFERRED
        with pytest.raises(Misconfigured, match="private network"):
            next(outcomes)
    answers = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 443)) for one in ("93.184.216.34", "10.0.0.7")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_more: answers)
    with pytest.raises(Misconfigured, match="private network"):
        hook("https://partly.example/events").check()
    assert not rig.vendor.attempts


def test_the_connection_goes_to_the_address_that_was_looked_at(monkeypatch: pytest.MonkeyPatch):
    import httpx

    heard = []

    def answer(request: httpx.Request) -> httpx.Response:
        heard.append((request.url.host, request.headers["host"], request.extensions["sni_hostname"]))
        return httpx.Response(204)

    answers = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_more: answers)
    destination = hook("https://partner.example/events", transport=httpx.MockTransport(answer))
    assert applied(destination, row("ann"))["ann"].fate is Fate.SENT
    assert heard == [("93.184.216.34", "partner.example", "partner.example")]


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:4700::1111", True),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
    ],
)
def test_which_addresses_are_public(address: str, public: bool):
    assert is_public(address) is public


def test_settings_that_would_send_people_in_the_clear_or_unsigned_are_refused():
    with pytest.raises(Misconfigured, match="https"):
        hook("http://partner.example/events")
    with pytest.raises(Misconfigured, match="whsec_") as told:
        hook("https://partner.example/events", secret="not-a-secret")
    assert "not-a-secret" not in str(told.value)
