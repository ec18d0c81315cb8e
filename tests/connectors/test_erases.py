"""What each destination does for somebody who asks to be forgotten: it forgets, is read again, and touches no other."""

from pathlib import Path

import pytest

from connectors.contract import Eraser
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
