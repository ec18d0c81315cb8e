"""What each destination does for somebody who asks to be forgotten: it forgets, is read again, and touches no other."""

from pathlib import Path

import pytest

from connectors.contract import Action, Eraser
from connectors.errors import Unavailable
from tests.connectors.outbound import NOW, RIGS, applied, row


@pytest.mark.parametrize("name", ["mailchimp", "hubspot", "sendgrid", "file"])
def test_forgets_whom_it_is_asked_to_and_nobody_else(name: str, tmp_path: Path):
    with RIGS[name](tmp_path) as rig:
        destination = rig.open()
        applied(destination, row("ann"), row("joann"))
        assert isinstance(destination, Eraser)
        assert destination.erases == "delete"
        assert destination.still_holds(["ann@example.org", "nobody@example.org"]) == {"ann@example.org"}
        for _ in range(2):  # twice is as good as once
            said = list(destination.erase(["ann@example.org", "nobody@example.org"], NOW))
            assert [one.gone for one in said] == [True, True]
        assert destination.still_holds(["ann@example.org", "joann@example.org"]) == {"joann@example.org"}
        assert not any(address == "ann@example.org" for address in rig.holds())


def test_mailchimp_never_takes_the_address_back(tmp_path: Path):
    with RIGS["mailchimp"](tmp_path) as rig:
        destination = rig.open()
        applied(destination, row("ann"))
        assert isinstance(destination, Eraser)
        list(destination.erase(["Ann@Example.org"], NOW))
        assert rig.vendor.audience.find("ann@example.org") is None
        assert len(rig.vendor.audience.forgotten) == 1


def test_hubspot_blocks_no_address_and_finds_a_second_one(tmp_path: Path):
    with RIGS["hubspot"](tmp_path) as rig:
        destination = rig.open()
        applied(destination, row("ann"), row("anna"))
        rig.merge("ann@example.org", "anna@example.org")
        assert isinstance(destination, Eraser)
        assert destination.still_holds(["anna@example.org"]) == {"anna@example.org"}
        list(destination.erase(["ann@example.org", "anna@example.org", "nobody@example.org"], NOW))
        assert rig.contacts() == 0
        assert set(rig.violations()) == {"a contact was deleted"}


def test_sendgrid_is_waited_for_until_it_has_deleted(tmp_path: Path, slept: list[float]):
    with RIGS["sendgrid"](tmp_path) as rig:
        destination = rig.open()
        applied(destination, row("ann"))
        rig.vendor.account.polls = 3
        assert isinstance(destination, Eraser)
        list(destination.erase(["ann@example.org"], NOW))
        assert destination.still_holds(["ann@example.org"]) == set()
        assert slept == [1.0, 2.0, 4.0]


def test_twilio_loses_every_message_to_and_from_a_number_and_no_other(tmp_path: Path):
    with RIGS["twilio"](tmp_path) as rig:
        destination, her, other = rig.open(), "+15551231234", "+15551239999"
        for number in range(60):  # more than one page of the account's
            applied(destination, row(f"m{number}", Action.MESSAGE, address=her))
        applied(destination, row("other", Action.MESSAGE, address=other))
        rig.vendor.answer(her, "STOP")
        assert isinstance(destination, Eraser)
        assert destination.still_holds([her, other, "030 555"]) == {her, other}
        rig.vendor.messages[0].status = "queued"
        assert [one.gone for one in destination.erase([her], NOW)] == [False]
        assert destination.still_holds([her]) == {her}
        rig.vendor.messages[0].status = "delivered"
        for _ in range(2):
            assert [one.gone for one in destination.erase([her, "030 555"], NOW)] == [True, True]
        assert destination.still_holds([her, other]) == {other}
        assert rig.vendor.opted_out == {her}, "what keeps messages from her stays"


def test_a_webhook_is_told_and_its_yes_is_all_there_is(tmp_path: Path):
    with RIGS["webhook"](tmp_path) as rig:
        destination = rig.open()
        applied(destination, row("ann"), row("bob"))
        assert isinstance(destination, Eraser)
        assert destination.erases == "tell"
        rig.vendor.answers.append(500)
        with pytest.raises(Unavailable):
            list(destination.erase(["ann@example.org"], NOW))
        assert [one.gone for one in destination.erase(["bad@refused.example"], NOW)] == [False]
        assert [one.gone for one in destination.erase(["ann@example.org"], NOW)] == [True]
        assert set(rig.vendor.held) == {"bob@example.org"}


def test_every_file_of_the_folder_is_rewritten_and_drafts_of_a_cut_off_writing_go(tmp_path: Path):
    with RIGS["file"](tmp_path) as rig:
        destination = rig.open()
        applied(destination, row("ann"), row("bob"))
        (written,) = destination.account.folder.glob("*.csv")
        older = written.with_name("older.csv")
        older.write_text("address,first_name\r\nANN@example.org,Ann\r\nbob@example.org,Bob\r\n")
        draft = written.with_name(f".{written.name}.0a1b2c3d")
        draft.write_text("address\r\nann@example.org\r\n")
        assert isinstance(destination, Eraser)
        list(destination.erase(["ann@example.org"], NOW))
        assert "ann@example.org" not in (written.read_text() + older.read_text()).lower()
        assert older.read_text().splitlines() == ["address,first_name", "bob@example.org,Bob"]
        assert not draft.exists()


def test_a_mail_server_holds_nobody(tmp_path: Path):
    with RIGS["smtp"](tmp_path) as rig:
        destination = rig.open()
        assert isinstance(destination, Eraser)
        assert [one.gone for one in destination.erase(["ann@example.org"], NOW)] == [True]
        assert destination.still_holds(["ann@example.org"]) == set()
