"""HubSpot, against a server of its own that writes down carelessness."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.contract import Action, DestinationSettings, Fate
from connectors.destination import open_destination
from connectors.errors import Misconfigured, RateLimited
from tests.connectors.outbound import NOW, RIGS, HubSpotRig, applied, row

TAG = "Silver medallists"
MOMENT = 1_790_000_000_000


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[HubSpotRig]:
    with RIGS["hubspot"](tmp_path) as opened:
        yield opened
    assert not opened.vendor.crm.violations


def test_a_segment_becomes_a_static_list_of_contacts_with_their_fields(rig: HubSpotRig):
    outcomes = applied(rig.open(), row("ann"), row("bob"))
    contact = rig.vendor.crm.find("ann@example.org", "email")
    assert contact
    assert contact.properties == {"email": "ann@example.org", "firstname": "Ann", "lastname": "Example"}
    assert outcomes["ann"].remote_id == contact.id
    listing = rig.vendor.crm.list_named(TAG)
    assert listing
    assert listing.processing == "MANUAL"


def test_one_who_is_there_already_keeps_what_we_do_not_fill(rig: HubSpotRig):
    rig.vendor.crm.seed("ann@example.org", city="Graz", firstname="Anne")
    applied(rig.open(), row("ann"))
    contact = rig.vendor.crm.find("ann@example.org", "email")
    assert contact
    assert (contact.properties["city"], contact.properties["firstname"]) == ("Graz", "Ann")
    assert len(rig.vendor.crm.contacts) == 1


def test_leaving_takes_off_our_list_and_nothing_else(rig: HubSpotRig):
    crm = rig.vendor.crm
    theirs = crm.add_list("Newsletter")
    theirs.members.add(crm.seed("ann@example.org").id)
    told = applied(rig.open(), row("ann"), row("bob"))
    applied(rig.open(), row("ann", Action.REMOVE, known=True, remote_id=told["ann"].remote_id))
    assert crm.listed(TAG) == {"bob@example.org"}
    assert crm.listed("Newsletter") == {"ann@example.org"}
    assert len(crm.contacts) == 2


@pytest.mark.parametrize("partial", [True, False])
def test_refused_rows_are_told_apart_in_either_way_of_answering(rig: HubSpotRig, partial: bool):
    rig.vendor.partial = partial
    rows = [row(f"p{number}") for number in range(6)]
    outcomes = applied(rig.open(), *rows[:3], rig.bad_row, *rows[3:])
    bad = outcomes.pop("bad")
    assert (bad.fate, "invalid" in (bad.vendor_reason or "")) == (Fate.REJECTED, True)
    assert {one.fate for one in outcomes.values()} == {Fate.SENT}
    assert len(rig.holds()) == 6


def test_two_addresses_of_one_contact_in_one_batch_are_both_sent(rig: HubSpotRig):
    rig.vendor.crm.seed("ann@example.org")
    rig.vendor.crm.seed("bob@example.org")
    rig.vendor.crm.merge("ann@example.org", "bob@example.org")
    outcomes = applied(rig.open(), row("ann"), row("bob"), row("cy"))
    assert {one.fate for one in outcomes.values()} == {Fate.SENT}
    assert outcomes["ann"].remote_id == outcomes["bob"].remote_id
    assert len(rig.vendor.crm.contacts) == 2


def test_requests_are_at_the_floor(rig: HubSpotRig):
    """⌈changed/100⌉ + ⌈changed/10 000⌉ + 2 for a new list; afterwards + 1; leaving ⌈left/10 000⌉ + 1."""
    everybody = [row(f"p{number}") for number in range(250)]
    first = rig.open()
    told = applied(first, *everybody)
    assert first.requests == 3 + 1 + 2
    second = rig.open()
    applied(second, *(row(f"p{number}", known=True, first_name="X") for number in range(250)))
    assert second.requests == 3 + 1 + 1
    third = rig.open()
    leaving = (
        row(f"p{number}", Action.REMOVE, known=True, remote_id=told[f"p{number}"].remote_id) for number in range(250)
    )
    applied(third, *leaving)
    assert third.requests == 1 + 1
    assert not rig.holds()


def test_one_who_was_deleted_there_is_brought_back_by_a_change_alone(rig: HubSpotRig):
    told = applied(rig.open(), row("ann"), row("bob"))
    rig.vendor.crm.contacts.clear()
    outcome = applied(rig.open(), row("ann", Action.REMOVE, known=True, remote_id=told["ann"].remote_id))["ann"]
    assert outcome.fate is Fate.REMOVED
    assert not rig.vendor.crm.contacts
    assert applied(rig.open(), row("bob", known=True))["bob"].fate is Fate.SENT


def test_a_list_that_was_deleted_meanwhile_is_made_again(rig: HubSpotRig):
    destination = rig.open()
    told = applied(destination, row("ann"))
    rig.vendor.crm.lists.clear()
    assert applied(destination, row("bob"))["bob"].fate is Fate.SENT
    assert rig.holds() == {"bob@example.org"}
    rig.vendor.crm.lists.clear()
    leaving = row("ann", Action.REMOVE, known=True, remote_id=told["ann"].remote_id)
    assert applied(destination, leaving)["ann"].fate is Fate.REMOVED


def test_a_list_that_fills_itself_is_not_touched(rig: HubSpotRig):
    rig.vendor.crm.add_list(TAG, "DYNAMIC")
    with pytest.raises(Misconfigured, match="Set another `tag`"):
        applied(rig.open(), row("ann"))


def test_a_day_that_is_spent_ends_the_step_at_once(rig: HubSpotRig):
    destination = rig.open()
    rig.vendor.daily_spent = True
    with pytest.raises(RateLimited, match="run again"):
        applied(destination, row("ann"))
    assert destination.requests == 1


def test_a_property_that_is_not_there_is_a_setting_to_correct(rig: HubSpotRig):
    settings = DestinationSettings(name="crm", connector="hubspot", settings={"properties": {"shoe": "first_name"}})
    with pytest.raises(Misconfigured, match="Check `version` and `properties`"):
        applied(rig.open(settings), row("ann"))


@pytest.mark.parametrize("theirs", ["email", "hs_email_optout"])
def test_the_key_and_hubspots_own_cannot_be_filled(theirs: str):
    settings = DestinationSettings(name="crm", connector="hubspot", settings={"properties": {theirs: "first_name"}})
    with pytest.raises(Misconfigured, match="is HubSpot's to set"):
        open_destination(settings, {"CRM_ACCESS_TOKEN": "k"})


def test_the_version_stands_in_every_path_of_the_crm(rig: HubSpotRig):
    with pytest.raises(Misconfigured, match="Check `version`"):
        applied(rig.open(CRM_VERSION="2030-01"), row("ann"))
    with pytest.raises(Misconfigured, match="version"):
        rig.open(CRM_VERSION="v3")


def test_opt_outs_bounces_and_complaints_are_read_back_once(rig: HubSpotRig):
    destination = rig.open()
    assert not list(destination.read_back(None, NOW))
    crm = rig.vendor.crm
    for number, (name, change) in enumerate(
        [("ann", "UNSUBSCRIBED"), ("bob", "BOUNCED"), ("cy", "REPORTED_SPAM"), ("dee", "SUBSCRIBED")]
    ):
        crm.happens(f"{name}@example.org", change, MOMENT + number)
    pages = list(destination.read_back(None, NOW))
    assert {signal.address[:3]: signal.kind for page in pages for signal in page.signals} == {
        "ann": "unsubscribed",
        "bob": "bounced",
        "cy@": "complained",
    }
    cursor = pages[-1].cursor
    assert "@" not in str(cursor)
    assert pages[0].cursor is None, "it moves once all was read"
    assert not list(destination.read_back(cursor, NOW))
    crm.happens("eve@example.org", "UNSUBSCRIBED", MOMENT + 2)
    signals = [signal for page in destination.read_back(cursor, NOW) for signal in page.signals]
    assert [signal.address for signal in signals] == ["eve@example.org"], "another of the newest one's very instant"


def test_a_long_timeline_comes_in_pages(rig: HubSpotRig):
    for number in range(2100):
        rig.vendor.crm.happens(f"p{number}@example.org", "UNSUBSCRIBED", MOMENT + number)
    destination = rig.open()
    signals = [signal for page in destination.read_back(None, NOW) for signal in page.signals]
    assert len({signal.address for signal in signals}) == 2100
    assert destination.requests == 3
