"""What every destination must do, whoever is behind it."""

import logging
import traceback
from collections.abc import Iterator
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
            list(destination.apply([row("ann", _action(destination)), rig.bad_row], NOW))
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
        ("smtp", "X_HOST"),
        ("file", "X_FOLDER"),
        ("twilio", "X_ACCOUNT_SID"),
        ("webhook", "X_URL"),
    ):
        with pytest.raises(Misconfigured, match=missing):
            open_destination(DestinationSettings(name="x", connector=connector), {})


def test_an_unknown_destination_names_those_there_are():
    with pytest.raises(Misconfigured, match="there are file, mailchimp, smtp, twilio, webhook"):
        open_destination(DestinationSettings(name="x", connector="pigeon"), {})
