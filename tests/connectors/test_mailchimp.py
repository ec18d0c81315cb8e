"""Mailchimp, against a server of its own with a memory for carelessness."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.contract import Action, DestinationSettings, Fate
from connectors.destination import open_destination
from connectors.errors import Misconfigured
from tests.connectors.outbound import NOW, RIGS, MailchimpRig, applied, row

TAG = "Silver medallists"


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[MailchimpRig]:
    with RIGS["mailchimp"](tmp_path) as opened:
        yield opened
    assert not opened.vendor.audience.violations, "no status of an existing member, no foreign tag"


def _status(rig: MailchimpRig, name: str) -> str:
    member = rig.vendor.audience.find(f"{name}@example.org")
    assert member
    return member.status


def test_new_contacts_are_subscribed_with_consent_alone(rig: MailchimpRig):
    outcomes = applied(rig.open(), row("ann"), row("bob", consented=False))
    assert outcomes["ann"].fate is Fate.SENT
    assert _status(rig, "ann") == "subscribed"
    assert outcomes["bob"].fate is Fate.SUPPRESSED
    assert "no evidence of consent" in outcomes["bob"].reason
    assert rig.vendor.audience.find("bob@example.org") is None


@pytest.mark.parametrize("status", ["unsubscribed", "cleaned", "pending", "subscribed"])
@pytest.mark.parametrize("consented", [True, False])
def test_whoever_was_there_before_keeps_status_and_tags(rig: MailchimpRig, status: str, consented: bool):
    rig.vendor.audience.seed("ann@example.org", status, ("Newsletter",))
    outcomes = applied(rig.open(), row("ann", consented=consented), row("bob"))
    assert outcomes["ann"].fate is Fate.SENT
    assert _status(rig, "ann") == status
    assert rig.vendor.audience.tagged("Newsletter") == ["ann@example.org"]
    assert rig.vendor.audience.tagged(TAG) == ["ann@example.org", "bob@example.org"]


def test_leaving_takes_our_tag_and_nothing_else(rig: MailchimpRig):
    rig.vendor.audience.seed("ann@example.org", "subscribed", ("Newsletter",))
    destination = rig.open()
    applied(destination, row("ann"), row("bob"))
    applied(destination, row("ann", Action.REMOVE, known=True))
    assert rig.vendor.audience.tagged(TAG) == ["bob@example.org"]
    assert rig.vendor.audience.tagged("Newsletter") == ["ann@example.org"]
    assert _status(rig, "ann") == "subscribed"


def test_one_who_unsubscribed_is_updated_and_not_subscribed_again(rig: MailchimpRig):
    destination = rig.open()
    applied(destination, row("ann"))
    rig.vendor.audience.set_status("ann@example.org", "unsubscribed")
    applied(destination, row("ann", known=True, first_name="Anna"))
    assert _status(rig, "ann") == "unsubscribed"
    member = rig.vendor.audience.find("ann@example.org")
    assert member
    assert member.merge_fields["FNAME"] == "Anna"


def test_one_who_was_deleted_there_is_not_brought_back(rig: MailchimpRig):
    destination = rig.open()
    applied(destination, row("ann"))
    del rig.vendor.audience.members[rig.vendor.audience.find("ann@example.org").hash]  # type: ignore[union-attr]
    outcome = applied(destination, row("ann", known=True))["ann"]
    assert outcome.fate is Fate.REJECTED
    assert outcome.vendor_reason


def test_refusals_of_rows_are_told_apart(rig: MailchimpRig):
    outcomes = applied(
        rig.open(),
        row("toomany", address="toomany@example.org"),
        row("fake", address="ann@fake.example"),
        row("ok"),
    )
    assert outcomes["toomany"].fate is Fate.DEFERRED
    assert outcomes["fake"].fate is Fate.REJECTED
    assert "looks fake" in (outcomes["fake"].vendor_reason or "")
    assert outcomes["ok"].fate is Fate.SENT


def test_a_compliance_state_becomes_a_suppression():
    from connectors.destinations.mailchimp import _judged

    words = "ann@example.org is in a compliance state due to unsubscribe and cannot be subscribed."
    outcome = _judged(row("ann"), words, "")
    assert (outcome.fate, outcome.suppress) == (Fate.SUPPRESSED, "compliance_state")
    assert "@" not in outcome.reason


def test_requests_are_at_the_floor(rig: MailchimpRig):
    """⌈new/500⌉ + ⌈known/500⌉ + ⌈left/500⌉ + 1 for the tags."""
    destination = rig.open()
    everybody = [row(f"p{number}") for number in range(500)]
    applied(destination, *everybody)
    assert destination.requests == 1
    applied(destination, *(row(f"p{number}", known=True, first_name="X") for number in range(500)))
    assert destination.requests == 2
    applied(destination, *(row(f"p{number}", Action.REMOVE, known=True) for number in range(500)))
    assert destination.requests == 4
    assert len(rig.vendor.audience.members) == 500


def test_new_ones_that_were_there_before_cost_one_more_request(rig: MailchimpRig):
    rig.vendor.audience.seed("p1@example.org", "subscribed")
    destination = rig.open()
    applied(destination, *(row(f"p{number}") for number in range(100)))
    assert destination.requests == 2


def test_a_batch_refused_as_a_whole_is_halved_until_the_row_is_found(rig: MailchimpRig):
    import httpx
    import orjson

    class Fussy(httpx.BaseTransport):
        """Refuses every batch that holds one certain address, whole."""

        def handle_request(self, request: httpx.Request) -> httpx.Response:
            members = orjson.loads(request.content)["members"]
            if any(member["email_address"] == "bad@example.org" for member in members):
                problem = {"title": "Invalid Resource", "detail": "The resource could not be validated.", "errors": []}
                return httpx.Response(400, json=problem)
            return httpx.Response(200, json={"new_members": members, "updated_members": [], "errors": []})

    settings = DestinationSettings(name="mailchimp", connector="mailchimp")
    environ = {"MAILCHIMP_API_KEY": "k-us1", "MAILCHIMP_LIST_ID": "a", "MAILCHIMP_BASE_URL": "http://vendor.example"}
    destination = open_destination(settings, environ, Fussy())
    outcomes = applied(destination, *(row(name) for name in ("ann", "bob", "bad", "cy", "dee", "eve", "flo", "gus")))
    assert outcomes.pop("bad").fate is Fate.REJECTED
    assert {one.fate for one in outcomes.values()} == {Fate.SENT}
    assert destination.requests == 7


def test_unsubscribes_and_bounces_are_read_back_once(rig: MailchimpRig):
    destination = rig.open()
    applied(destination, row("ann"), row("bob"), row("cy"))
    pages = list(destination.read_back(None, NOW))
    assert not [signal for page in pages for signal in page.signals]
    rig.vendor.audience.set_status("ann@example.org", "unsubscribed")
    rig.vendor.audience.set_status("bob@example.org", "cleaned")
    pages = list(destination.read_back(None, NOW))
    signals = {signal.address: signal.kind for page in pages for signal in page.signals}
    assert signals == {"ann@example.org": "unsubscribed", "bob@example.org": "bounced"}
    cursor = pages[-1].cursor
    assert cursor
    assert "@" not in str(cursor)
    assert not list(destination.read_back(cursor, NOW))
    rig.vendor.audience.set_status("cy@example.org", "unsubscribed")
    pages = list(destination.read_back(cursor, NOW))
    assert [signal.address for page in pages for signal in page.signals] == ["cy@example.org"]


def test_the_cursor_moves_only_when_all_was_read(rig: MailchimpRig):
    applied(rig.open(), row("ann"))
    rig.vendor.audience.set_status("ann@example.org", "unsubscribed")
    pages = list(rig.open().read_back(None, NOW))
    assert [page.cursor is None for page in pages] == [True, False]


def test_many_signals_come_in_pages(rig: MailchimpRig):
    for number in range(1200):
        rig.vendor.audience.seed(f"p{number}@example.org", "unsubscribed")
    signals = [signal for page in rig.open().read_back(None, NOW) for signal in page.signals]
    assert len({signal.address for signal in signals}) == 1200


def test_the_address_follows_from_the_key():
    settings = DestinationSettings(name="mailchimp", connector="mailchimp")
    environ = {"MAILCHIMP_API_KEY": "abc-us7", "MAILCHIMP_LIST_ID": "a"}
    destination = open_destination(settings, environ)
    assert str(destination._http._client.base_url) == "https://us7.api.mailchimp.com/3.0/"  # type: ignore[attr-defined]
    with pytest.raises(Misconfigured, match="does not end in a data centre"):
        open_destination(settings, environ | {"MAILCHIMP_API_KEY": "abc"})


def test_a_wrong_audience_says_so(rig: MailchimpRig):
    destination = rig.open(MAILCHIMP_LIST_ID="nowhere")
    for attempt in (destination.check, lambda: list(destination.apply([row("ann")], NOW))):
        with pytest.raises(Misconfigured, match="Correct list_id"):
            attempt()
