"""What every destination must do, whoever is behind it."""

import logging
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.contract import Action, Destination, DestinationSettings, Fate
from connectors.destination import destination_types, open_destination
from connectors.errors import ConnectorError, Misconfigured, Refused
from tests.connectors.outbound import NOW, RIGS, SECRET, Rig, applied, row


@pytest.fixture(params=sorted(RIGS))
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    with RIGS[request.param](tmp_path) as opened:
        yield opened


def _action(destination: Destination) -> Action:
    return Action.MESSAGE if destination.kind == "message" else Action.UPSERT


def test_every_registered_destination_is_under_this_contract():
    assert set(destination_types()) == set(RIGS)


def test_it_says_what_it_is(rig: Rig):
    destination = rig.open()
    assert isinstance(destination, Destination)
    assert destination.kind in ("state", "message")
    assert destination.batch > 0
    assert destination.fields
    assert "reached" in destination.check()


def test_every_row_has_one_outcome_and_arrives(rig: Rig):
    destination = rig.open()
    rows = [row(name, _action(destination)) for name in ("ann", "bob", "cy")]
    outcomes = applied(destination, *rows)
    assert {one.fate for one in outcomes.values()} == {Fate.SENT}
    assert rig.holds() == {"ann@example.org", "bob@example.org", "cy@example.org"}
    assert destination.requests > 0


def test_nothing_to_do_asks_nobody(rig: Rig):
    destination = rig.open()
    assert not list(destination.apply([], NOW))
    assert destination.requests == 0


def test_one_bad_row_does_not_fail_the_others(rig: Rig):
    destination = rig.open()
    outcomes = applied(destination, row("ann", _action(destination)), rig.bad_row, row("bob", _action(destination)))
    assert outcomes["ann"].fate is outcomes["bob"].fate is Fate.SENT
    assert {"ann@example.org", "bob@example.org"} <= rig.holds()
    bad = outcomes["bad"]
    if bad.fate is not Fate.SENT:
        assert bad.reason
        assert bad.vendor_reason
        assert rig.bad_row.address not in bad.reason, "our sentence names nobody"


def test_state_put_twice_is_there_once_and_what_is_removed_is_gone(rig: Rig):
    destination = rig.open()
    if destination.kind == "message":
        pytest.skip("messages are not taken back")
    applied(destination, row("ann"), row("bob"))
    applied(destination, row("ann", known=True))
    assert rig.holds() == {"ann@example.org", "bob@example.org"}
    outcomes = applied(destination, row("ann", Action.REMOVE, known=True), row("nobody", Action.REMOVE, known=True))
    assert {one.fate for one in outcomes.values()} == {Fate.REMOVED}
    assert rig.holds() == {"bob@example.org"}


def test_contacts_merged_there_are_neither_doubled_nor_an_error(rig: Rig):
    destination = rig.open()
    if destination.kind == "message":
        pytest.skip("it holds nobody")
    first = applied(destination, row("ann"), row("bob"), row("cy"))
    if not rig.merge("ann@example.org", "bob@example.org"):
        pytest.skip("nobody is merged there")
    before = rig.contacts()
    outcomes = applied(rig.open(), row("ann", known=True), row("bob", known=True))
    assert {one.fate for one in outcomes.values()} == {Fate.SENT}
    assert rig.contacts() == before
    assert rig.holds() == {"ann@example.org", "cy@example.org"}
    # by what it was called before the merge
    removals = [row(name, Action.REMOVE, known=True, remote_id=first[name].remote_id) for name in ("ann", "bob")]
    assert {one.fate for one in applied(rig.open(), *removals).values()} == {Fate.REMOVED}
    assert rig.holds() == {"cy@example.org"}
    assert rig.contacts() == before, "nobody is deleted"
    assert not rig.violations()


def test_a_person_whose_address_changed_is_there_under_the_new_one_alone(rig: Rig):
    destination = rig.open()
    if destination.kind == "message":
        pytest.skip("it holds nobody")
    first = applied(destination, row("old"), row("bob"))
    left = row("old", Action.REMOVE, known=True, remote_id=first["old"].remote_id)
    outcomes = applied(rig.open(), left, row("new"))
    assert (outcomes["old"].fate, outcomes["new"].fate) == (Fate.REMOVED, Fate.SENT)
    assert rig.holds() == {"new@example.org", "bob@example.org"}
    assert not rig.violations()


def test_a_main_address_changed_there_too_stays_one_contact(rig: Rig):
    destination = rig.open()
    if destination.kind == "message":
        pytest.skip("it holds nobody")
    first = applied(destination, row("old"), row("bob"))
    if not rig.rename("old@example.org", "new@example.org"):
        pytest.skip("it has one address a contact")
    assert applied(rig.open(), row("old", known=True))["old"].fate is Fate.SENT
    assert rig.holds() == {"new@example.org", "bob@example.org"}, "the key is not written back"
    left = row("old", Action.REMOVE, known=True, remote_id=first["old"].remote_id)
    applied(rig.open(), left, row("new"))
    assert rig.holds() == {"new@example.org", "bob@example.org"}
    assert rig.contacts() == 2
    assert not rig.violations()


def test_no_request_holds_more_than_the_vendor_takes(rig: Rig):
    destination = rig.open()
    rows = [row(f"p{number}", _action(destination)) for number in range(min(destination.batch, 250))]
    outcomes = applied(destination, *rows)
    assert {one.fate for one in outcomes.values()} == {Fate.SENT}
    assert len(rig.holds()) == len(rows)
    if destination.kind == "state":
        applied(destination, *(row(one.row_id.removeprefix("row_"), Action.REMOVE, known=True) for one in rows))
        assert not rig.holds()
    assert not rig.violations()


def test_the_pause_that_a_429_asks_for_is_kept(rig: Rig, slept: list[float]):
    destination = rig.open()
    if not rig.fail_once("429"):
        pytest.skip("it has no such failure")
    assert applied(destination, row("ann", _action(destination)))["ann"].fate is Fate.SENT
    assert 0.01 in slept


def test_what_we_do_not_have_leaves_theirs_alone_unless_the_mapping_says_clear(rig: Rig):
    clearing = rig.open_clearing()
    if clearing is None:
        pytest.skip("its fields have no such policy")
    applied(rig.open(), row("ann", last_name="There"))
    applied(rig.open(), row("ann", known=True, last_name=None))
    assert rig.last_name("ann@example.org") == "There"
    brought = replace(row("ann", known=True, last_name=None), emptied=frozenset({"last_name"}))
    applied(rig.open(), brought)
    assert not rig.last_name("ann@example.org"), "what we brought goes again, whatever the mapping says"
    applied(clearing, row("ann", known=True, last_name="Ours"))
    assert rig.last_name("ann@example.org") == "Ours"
    applied(clearing, row("ann", known=True, last_name=None))
    assert not rig.last_name("ann@example.org")


@pytest.mark.parametrize("kind", ["429", "500", "cut"])
def test_a_passing_failure_is_tried_again(rig: Rig, kind: str):
    destination = rig.open()
    if not rig.fail_once(kind):
        pytest.skip("it has no such failure")
    outcomes = applied(destination, row("ann", _action(destination)))
    assert outcomes["ann"].fate is Fate.SENT
    assert rig.holds() == {"ann@example.org"}
    assert destination.requests > 1


def test_a_refused_key_says_what_to_set(rig: Rig):
    wrong = rig.refuse_the_key()
    if not wrong:
        pytest.skip("it has no key here")
    destination = rig.open(**wrong)
    for attempt in (destination.check, lambda: list(destination.apply([row("ann")], NOW))):
        with pytest.raises(Refused) as told:
            attempt()
        assert next(iter(wrong)) in str(told.value)
        assert not set(wrong.values()) & set(str(told.value).split())


def test_secrets_and_addresses_stay_out_of_logs_and_errors(rig: Rig, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    told = ""
    for environ in ({}, rig.refuse_the_key()):
        destination = rig.open(**environ)
        try:
            destination.check()
            applied(destination, row("ann", _action(destination)), rig.bad_row)
            if destination.kind == "state":
                applied(destination, row("ann", Action.REMOVE, known=True))
            list(destination.read_back(None, NOW))
        except ConnectorError as error:
            told += "".join(traceback.format_exception(error))
    ours = "\n".join(one.getMessage() for one in caplog.records if not one.name.startswith(("mail.log", "asyncio")))
    for secret in (SECRET, SECRET[::-1], "ann@example.org", rig.bad_row.address):
        assert secret not in ours
        assert secret not in told
    assert SECRET not in repr(rig.open().account)


def test_a_setting_that_is_missing_is_named():
    for connector, missing in (
        ("mailchimp", "X_API_KEY"),
        ("hubspot", "X_ACCESS_TOKEN"),
        ("sendgrid", "X_API_KEY"),
        ("smtp", "X_HOST"),
        ("file", "X_FOLDER"),
        ("twilio", "X_ACCOUNT_SID"),
        ("webhook", "X_URL"),
    ):
        with pytest.raises(Misconfigured, match=missing):
            open_destination(DestinationSettings(name="x", connector=connector), {})


def test_an_unknown_destination_names_those_there_are():
    with pytest.raises(Misconfigured, match="there are file, hubspot, mailchimp, sendgrid, smtp, twilio, webhook"):
        open_destination(DestinationSettings(name="x", connector="pigeon"), {})
