"""Text messages, through a real server on loopback."""

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from connectors import twilio_codes as codes
from connectors.contract import Action, Cleared, Delivery, DestinationSettings, Fate, SignalReceiver
from connectors.destination import open_destination
from connectors.errors import Malformed, Misconfigured, SignatureRefused, Unavailable
from connectors.records import Channel
from connectors.webhooks import signed_by_twilio
from tests.connectors.outbound import NOW, RIGS, SECRET, TwilioRig, applied, row
from tests.connectors.spoken import SPECS, Listening, described, judge

ANN, BOB, CY = "+491701234567", "+447700900123", "+15557654321"


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[TwilioRig]:
    with RIGS["twilio"](tmp_path) as opened:
        yield opened


def text(name: str, number: str, **fields) -> Cleared:
    one = row(name, Action.MESSAGE, address=number)
    return replace(one, channel=Channel.SMS, fields={"text": f"Hello {name}.", **fields})


def opened(rig: TwilioRig, transport: Listening | None = None, **environ: str):
    known = {
        "TEXTS_ACCOUNT_SID": rig.vendor.account_sid,
        "TEXTS_AUTH_TOKEN": SECRET,
        "TEXTS_FROM_NUMBER": rig.vendor.number,
        "TEXTS_BASE_URL": rig.url,
    }
    return open_destination(DestinationSettings(name="texts", connector="twilio"), known | environ, transport)


def learned(destination, cursor=None):
    """Return the signals read back as (number, kind), and the cursor kept."""
    found = []
    for page in destination.read_back(cursor, NOW):
        found += [(one.address, one.kind) for one in page.signals]
        cursor = page.cursor
    return found, cursor


def test_what_is_sent_and_answered_is_as_twilio_describes_it(rig: TwilioRig):
    rig.vendor.page = 2
    listening = Listening()
    destination = opened(rig, listening, TEXTS_STATUS_CALLBACK="https://pool.example/signals/texts")
    pictures = text("bob", BOB, media_url="https://pool.example/a.png")
    applied(destination, text("ann", ANN), pictures, text("cy", CY))
    destination.check()
    _, cursor = learned(destination)
    learned(destination, cursor)
    assert rig.vendor.sent()[BOB][0].media == ["https://pool.example/a.png"]
    assert rig.vendor.sent()[ANN][0].body == "Hello ann."
    list(destination.erase([ANN], NOW))
    assert ANN not in rig.vendor.sent()
    spec = described("twilio_api_v2010.json")
    assert judge(spec, listening.heard) == 3 + 1 + 2 + 2 + 3
    described_form = json.loads((SPECS / "twilio_api_v2010.json").read_text())["paths"][
        "/2010-04-01/Accounts/{AccountSid}/Messages.json"
    ]["post"]["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
    taken = described_form["properties"]
    for sent, _ in listening.heard:
        assert {name for name, _ in parse_qsl(sent.content.decode())} <= set(taken)


def test_a_message_that_is_not_as_described_is_noticed(rig: TwilioRig):
    listening = Listening()
    destination = opened(rig, listening, TEXTS_FROM_NUMBER="", TEXTS_MESSAGING_SERVICE_SID="not-a-service")
    applied(destination, text("ann", ANN))
    with pytest.raises(Exception, match=r"[Rr]equest body"):
        judge(described("twilio_api_v2010.json"), listening.heard)


def test_refusals_are_told_apart(rig: TwilioRig):
    rig.vendor.answer(BOB, "Stop")
    outcomes = applied(
        opened(rig),
        text("ann", ANN),
        text("bob", BOB),
        text("invalid", "+15550000001"),
        text("landline", "+15550000002"),
        text("local", "0170 1234567"),
        text("cy", CY),
    )
    assert {name: one.fate for name, one in outcomes.items()} == {
        "ann": Fate.SENT,
        "bob": Fate.SUPPRESSED,
        "invalid": Fate.REJECTED,
        "landline": Fate.REJECTED,
        "local": Fate.REJECTED,
        "cy": Fate.SENT,
    }
    assert outcomes["bob"].suppress == "compliance_state"
    assert outcomes["bob"].vendor_reason.startswith("21610 ")
    assert outcomes["ann"].vendor_reason == f"queued {rig.vendor.messages[1].sid}"
    assert {one.suppress for name, one in outcomes.items() if name != "bob"} == {None}
    assert set(rig.vendor.sent()) == {ANN, CY}


def test_an_answer_that_was_lost_leaves_the_row_in_doubt_and_is_not_asked_for_again(rig: TwilioRig):
    destination = opened(rig, Listening(lose="POST"))
    outcomes = destination.apply([text("ann", ANN), text("bob", BOB)], NOW)
    assert next(outcomes).fate is Fate.UNKNOWN
    with pytest.raises(Unavailable):
        next(outcomes)
    assert [one.body for one in rig.vendor.sent()[ANN]] == ["Hello ann."]
    assert BOB not in rig.vendor.sent()


def test_a_failing_server_is_not_asked_twice(rig: TwilioRig):
    rig.vendor.app.switch_on("500")
    destination = opened(rig)
    outcomes = destination.apply([text("ann", ANN)], NOW)
    assert next(outcomes).fate is Fate.UNKNOWN
    assert destination.requests == 1


def test_what_twilio_surely_did_not_take_is_put_off(rig: TwilioRig):
    for environ in ({"TEXTS_BASE_URL": "http://127.0.0.1:9"}, {"TEXTS_AUTH_TOKEN": "wrong"}):
        destination = opened(rig, **environ)
        destination._http._sleep = lambda _seconds: None
        outcomes = destination.apply([text("ann", ANN)], NOW)
        assert next(outcomes).fate is Fate.DEFERRED
        with pytest.raises((Unavailable, Misconfigured)):
            next(outcomes)


def test_a_wrong_sender_stops_the_run_before_it_costs_anybody_her_message(rig: TwilioRig):
    outcomes = opened(rig, TEXTS_FROM_NUMBER="+15559999999").apply([text("ann", ANN), text("bob", BOB)], NOW)
    assert next(outcomes).fate is Fate.DEFERRED
    with pytest.raises(Misconfigured, match="from_number"):
        next(outcomes)
    assert not rig.vendor.sent()


def test_an_account_that_is_not_there_is_a_setting_to_correct(rig: TwilioRig):
    destination = opened(rig, TEXTS_ACCOUNT_SID="AC" + "f" * 32)
    for ask in (destination.check, lambda: list(destination.apply([text("ann", ANN)], NOW))):
        with pytest.raises(Misconfigured, match="account_sid"):
            ask()


@pytest.mark.parametrize(
    "environ",
    [{"TEXTS_FROM_NUMBER": ""}, {"TEXTS_MESSAGING_SERVICE_SID": "MG" + "0" * 32}, {"TEXTS_API_KEY_SID": "SK1"}],
)
def test_settings_that_contradict_each_other_are_refused(rig: TwilioRig, environ: dict[str, str]):
    with pytest.raises(Misconfigured):
        opened(rig, **environ)


def test_opt_outs_and_dead_numbers_are_read_back_once(rig: TwilioRig):
    destination = opened(rig)
    applied(destination, text("ann", ANN), text("bob", BOB), text("cy", CY))
    rig.vendor.answer(ANN, " Stop. ")
    rig.vendor.answer(CY, "Please stop by on Monday?")
    rig.vendor.answer(CY, "STOP", to="+15550009999")
    rig.vendor.fail(BOB, 30005)
    rig.vendor.fail(CY, 30003)
    found, cursor = learned(destination)
    assert sorted(found) == [(BOB, "bounced"), (ANN, "unsubscribed")]
    assert learned(destination, cursor) == ([], cursor), "a second reading says and keeps nothing new"
    rig.vendor.fail(CY, 30006)
    found, cursor = learned(destination, cursor)
    assert found == [(CY, "bounced")], "a fate that is settled after the message was seen"
    assert learned(destination, cursor) == ([], cursor)


def test_reading_back_goes_through_every_page_and_then_asks_for_the_last_days_alone(rig: TwilioRig):
    rig.vendor.page = 3
    numbers = [f"+155577700{number:02}" for number in range(10)]
    for number in numbers:
        rig.vendor.answer(number, "STOP")
    rig.vendor.clock += timedelta(days=30)
    rig.vendor.answer(ANN, "END")
    destination = opened(rig)
    found, cursor = learned(destination)
    assert sorted(found) == sorted((number, "unsubscribed") for number in [*numbers, ANN])
    assert len(rig.vendor.queries) == 4
    assert learned(destination, cursor)[0] == []
    assert len(rig.vendor.queries) == 5
    assert len(cursor["seen"]) == 1, "what is past the look-back need not be remembered"


def called(rig: TwilioRig, message, url: str = "https://pool.example/signals/texts") -> tuple[dict[str, str], bytes]:
    """Return the headers and body of the call that Twilio would make about a message."""
    kept = {}

    def post(_url: str, *, content: str, headers: dict[str, str], trust_env: bool) -> None:
        kept.update(headers=headers, body=content.encode())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sandbox.twilio.httpx.post", post)
        rig.vendor.call(url, message)
    return kept["headers"], kept["body"]


def test_calls_are_verified_and_say_what_the_poll_says(rig: TwilioRig):
    destination, url = opened(rig), "https://pool.example/signals/texts"
    assert isinstance(destination, SignalReceiver)
    applied(destination, text("bob", BOB))
    stop, dead = rig.vendor.answer(ANN, "Unsubscribe"), rig.vendor.fail(BOB, 30006)
    heard = []
    for message in (stop, dead):
        headers, body = called(rig, message)
        destination.verify(headers, url, body, NOW)
        heard += destination.signals(Delivery("texts", "k", NOW, headers, body))
        with pytest.raises(SignatureRefused):
            destination.verify(headers, url + "?x=1", body, NOW)
        with pytest.raises(SignatureRefused):
            destination.verify(headers, url, body.replace(b"Body", b"Bode") + b"&To=1", NOW)
        with pytest.raises(SignatureRefused, match="missing"):
            destination.verify({}, url, body, NOW)
    assert sorted((one.address, one.kind) for one in heard) == sorted(learned(destination)[0])
    keys = {destination.delivery_key({}, called(rig, one)[1]) for one in (stop, dead)}
    assert keys == {f"{stop.sid}:received", f"{dead.sid}:undelivered"}
    with pytest.raises(Malformed):
        destination.delivery_key({}, b"Body=STOP")


def test_twilios_own_example_of_a_signature():
    url, token = "https://mycompany.com/myapp.php?foo=1&bar=2", "12345"
    fields = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675309",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
    }
    assert signed_by_twilio(token, url, list(fields.items()), "RSOYDt4T1cUTdK1PDd93/VVr8B8=")
    assert not signed_by_twilio(token, url, list(fields.items())[1:], "RSOYDt4T1cUTdK1PDd93/VVr8B8=")
    again = [("Sid", "CA123"), ("SidAccount", "AC123"), ("Digits", "5678"), ("Digits", "1234"), ("Digits", "1234")]
    assert signed_by_twilio(token, url, again, "IK+Dwps556ElfBT0I3Rgjkr1wJU=")


@pytest.mark.parametrize("word", ["STOP", "stopall", "Opt out", "'End'", "Revoke!", "quit", "cancel", "UNSUBSCRIBE."])
def test_words_that_mean_stop(word: str):
    assert codes.is_opt_out(word)


@pytest.mark.parametrize("words", ["", "START", "Stop by tomorrow", "I will not cancel", "yes"])
def test_words_that_do_not(words: str):
    assert not codes.is_opt_out(words)


def test_twilios_own_reading_of_an_answer_comes_first():
    assert codes.is_opt_out("Arrêtez", "STOP")
    assert not codes.is_opt_out("STOP", "HELP")


def test_numbers_stay_out_of_logs_and_errors(rig: TwilioRig, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    destination = opened(rig)
    outcomes = applied(destination, text("ann", ANN), text("bad", "+15550000001"))
    learned(destination)
    told = "\n".join(one.getMessage() for one in caplog.records) + outcomes["bad"].reason
    for secret in (ANN, ANN[1:], "15550000001", SECRET):
        assert secret not in told
