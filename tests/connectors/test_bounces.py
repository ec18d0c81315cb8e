"""Mails that come back: how they are read, and from which mailboxes."""

import mailbox
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.bounces import signals_in
from connectors.contract import Action, DestinationSettings, Fate
from connectors.destination import open_destination
from connectors.errors import Misconfigured, Refused, Unavailable
from sandbox.imap import Mailbox
from tests.connectors.outbound import NOW, RIGS, SECRET, SmtpRig, applied, row

ROW = "dlv_" + "0123456789abcdef" * 2


def report(kind: str, to: str, *parts: tuple[str, str]) -> bytes:
    """A multipart/report as a mail server writes it."""
    told = [("text/plain", "Your message could not be delivered to ann@example.org."), *parts]
    lines = [
        "From: MAILER-DAEMON@mx.example",
        f"To: {to}",
        "Message-ID: <1@mx.example>",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type={kind}; boundary="=_b"',
        "",
        *(f"--=_b\nContent-Type: {name}\n\n{body}" for name, body in told),
        "--=_b--\n",
    ]
    return "\n".join(lines).replace("\n", "\r\n").encode()


def notification(
    *blocks: dict[str, str], to: str = "careers@northwind.example", returned: str = "", as_headers: bool = False
) -> bytes:
    """A delivery status notification, a block a recipient; `returned` is in the Message-ID of the mail it returns."""
    told = [{"Reporting-MTA": "dns; mx.example"}, *blocks]
    status = "\n\n".join("\n".join(f"{name}: {value}" for name, value in one.items()) for one in told) + "\n"
    kind = "text/rfc822-headers" if as_headers else "message/rfc822"
    mail = [(kind, _mail(returned))] if returned else []
    return report("delivery-status", to, ("message/delivery-status", status), *mail)


def _mail(row_id: str) -> str:
    return f"From: careers@northwind.example\nMessage-ID: <{row_id}@northwind.example>\nSubject: Hello\n\nHello.\n"


def failed(address: str = "ann@example.org", status: str = "5.1.1", action: str = "failed") -> dict[str, str]:
    return {"Final-Recipient": f"rfc822; {address}", "Action": action, "Status": status}


def complaint(kind: str = "abuse") -> bytes:
    fields = f"Feedback-Type: {kind}\nVersion: 1\nOriginal-Rcpt-To: <bob@example.org>\n"
    mail = ("message/rfc822", _mail(ROW))
    return report("feedback-report", "careers@northwind.example", ("message/feedback-report", fields), mail)


def told(raw: bytes) -> list[tuple[str, str, str | None]]:
    return [(one.address, one.kind, one.row_id) for one in signals_in(raw, NOW)]


@pytest.mark.parametrize("as_headers", [False, True])
def test_a_notification_names_its_row_by_the_mail_it_returns(as_headers: bool):
    assert told(notification(failed(), returned=ROW, as_headers=as_headers)) == [("ann@example.org", "bounced", ROW)]


def test_a_notification_names_its_row_by_the_address_it_came_back_to():
    came_back = f"bounces+{ROW}@northwind.example"
    assert told(notification(failed(), to=came_back)) == [("ann@example.org", "bounced", ROW)]


def test_without_either_it_names_no_row():
    assert told(notification(failed())) == [("ann@example.org", "bounced", "")]


@pytest.mark.parametrize(
    ("block", "lasting"),
    [
        (failed(status="5.0.0"), True),
        (failed(status="5.2.1 (mailbox disabled)"), True),
        (failed(status="5.4.4"), True),
        (failed(status="4.2.2"), False),
        (failed(status="4.4.7", action="delayed"), False),
        (failed(status="5.1.1", action="relayed"), False),
        (failed(status="5.7.1"), False),
        (failed(status="5.2.3"), False),
        (failed(status="nonsense"), False),
    ],
)
def test_what_lasts_is_told_from_what_passes_and_from_what_is_about_us(block: dict[str, str], lasting: bool):
    assert bool(told(notification(block, returned=ROW))) is lasting


def test_each_recipient_has_a_block_and_the_original_one_counts():
    forwarded = {"Original-Recipient": "rfc822;ann@example.org", **failed("ann.private@example.net")}
    assert [
        one[0] for one in told(notification(forwarded, failed("bob@example.org"), failed("cy@example.org", "4.0.0")))
    ] == [
        "ann@example.org",
        "bob@example.org",
    ]


def test_a_complaint_is_one_and_what_is_no_complaint_is_not():
    assert told(complaint()) == [("bob@example.org", "complained", ROW)]
    assert told(complaint("opt-out")) == [("bob@example.org", "unsubscribed", ROW)]
    assert told(complaint("not-spam")) == []


@pytest.mark.parametrize("raw", [b"", b"\x00\xff", b"Subject: Away until Monday\n\nHello.", complaint()[:300]])
def test_what_is_no_report_says_nothing(raw: bytes):
    assert told(raw) == []


def opened(**environ: str):
    settings = DestinationSettings(
        name="mail", connector="smtp", settings={"from_address": "careers@northwind.example", "security": "none"}
    )
    return open_destination(settings, {"MAIL_HOST": "127.0.0.1", "MAIL_PORT": "9"} | environ)


def test_a_maildir_is_read_once_and_keeps_its_place(tmp_path: Path):
    box = mailbox.Maildir(tmp_path / "bounces")
    for mail in (notification(failed(), returned=ROW), b"Subject: hello\n\nhello", complaint()):
        box.add(mail)
    destination = opened(MAIL_BOUNCE_MAILDIR=str(tmp_path / "bounces"))
    pages = destination.read_back(None, NOW)
    assert len(next(pages).signals) == 2
    pages.close()  # cut off before what was read is known to be kept
    kinds = sorted(one.kind for page in destination.read_back(None, NOW) for one in page.signals)
    assert kinds == ["bounced", "complained"]
    assert list(destination.read_back(None, NOW)) == []
    assert len(list((tmp_path / "bounces" / "cur").iterdir())) == 3
    assert {message.get_flags() for message in mailbox.Maildir(tmp_path / "bounces")} == {"S"}


def test_a_folder_that_is_no_maildir_is_a_setting_to_correct(tmp_path: Path):
    with pytest.raises(Misconfigured, match="bounce_maildir"):
        list(opened(MAIL_BOUNCE_MAILDIR=str(tmp_path)).read_back(None, NOW))


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with Mailbox(password=SECRET) as opened_box:
        yield opened_box


def over_imap(box: Mailbox, **environ: str):
    known = {
        "MAIL_IMAP_HOST": "127.0.0.1",
        "MAIL_IMAP_PORT": str(box.port),
        "MAIL_IMAP_SECURITY": "none",
        "MAIL_IMAP_USERNAME": "bounces",
        "MAIL_IMAP_PASSWORD": SECRET,
    }
    return opened(**(known | environ))


def read(destination, cursor=None):
    kinds = []
    for page in destination.read_back(cursor, NOW + timedelta(hours=1)):
        kinds += [one.kind for one in page.signals]
        cursor = page.cursor
    return kinds, cursor


def test_an_imap_folder_is_read_from_its_place_and_left_as_it_is(box: Mailbox):
    destination = over_imap(box)
    assert read(destination) == ([], None)
    for mail in (notification(failed(), returned=ROW), b"Subject: hello\r\n\r\nhello", complaint()):
        box.deliver(mail)
    kinds, cursor = read(destination)
    assert kinds == ["bounced", "complained"]
    assert list(destination.read_back(cursor, NOW)) == [], "nothing new says nothing and keeps nothing"
    box.deliver(notification(failed("di@example.org"), returned=ROW))
    kinds, cursor = read(destination, cursor)
    assert kinds == ["bounced"]
    box.validity = 2
    assert len(read(destination, cursor)[0]) == 3, "numbers of another folder mean nothing in this one"
    assert not box.flagged, "whoever reads the mailbox too still finds it unread"


def test_many_mails_come_in_batches_each_with_its_place(box: Mailbox):
    for number in range(120):
        box.deliver(notification(failed(f"p{number}@example.org"), returned=ROW))
    pages = list(over_imap(box).read_back(None, NOW))
    assert [(len(page.signals), page.cursor["uid"]) for page in pages] == [(50, 50), (50, 100), (20, 120)]


def test_a_mailbox_that_refuses_says_what_to_set_and_repeats_nothing(box: Mailbox):
    with pytest.raises(Refused, match="MAIL_IMAP_PASSWORD") as refused:
        list(over_imap(box, MAIL_IMAP_PASSWORD="wrong-secret").read_back(None, NOW))
    assert "wrong-secret" not in str(refused.value)
    assert refused.value.__context__ is None
    with pytest.raises(Misconfigured, match="imap_folder"):
        list(over_imap(box, MAIL_IMAP_FOLDER="Elsewhere").read_back(None, NOW))
    with pytest.raises(Unavailable, match="imap_host"):
        list(over_imap(box, MAIL_IMAP_PORT="9").read_back(None, NOW))


def test_settings_that_cannot_be_are_refused():
    with pytest.raises(Misconfigured, match="MAIL_IMAP_PASSWORD"):
        opened(MAIL_IMAP_HOST="127.0.0.1")
    with pytest.raises(Misconfigured, match="unencrypted"):
        opened(MAIL_IMAP_HOST="imap.example", MAIL_IMAP_SECURITY="none", MAIL_IMAP_USERNAME="a", MAIL_IMAP_PASSWORD="b")


def test_a_mail_comes_back_to_an_address_that_names_its_row(tmp_path: Path):
    with RIGS["smtp"](tmp_path) as rig:
        assert isinstance(rig, SmtpRig)
        destination = rig.open(MAIL_BOUNCE_ADDRESS="bounces@northwind.example")
        assert applied(destination, row("ann", Action.MESSAGE))["ann"].fate is Fate.SENT
        came_back_to = rig.vendor.messages[0].sender
    assert came_back_to == "bounces+row_ann@northwind.example"
    assert told(notification(failed(), to=came_back_to)) == [("ann@example.org", "bounced", "row_ann")]
