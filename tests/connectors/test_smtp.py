"""Mail, through a real server on loopback."""

import contextlib
import socket
import threading
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.contract import Action, DestinationSettings, Fate
from connectors.destination import open_destination
from connectors.errors import Misconfigured, Refused, Unavailable
from tests.connectors.outbound import NOW, RIGS, SmtpRig, applied, row

MESSAGE = Action.MESSAGE


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[SmtpRig]:
    with RIGS["smtp"](tmp_path) as opened:
        yield opened


def test_a_message_carries_its_way_out_and_both_bodies(rig: SmtpRig):
    applied(rig.open(MAIL_REPLY_TO="hr@northwind.example"), row("ann", MESSAGE, subject="Grüße\r\nBcc: x@example.org"))
    message = rig.vendor.messages[0].message
    assert message["List-Unsubscribe"] == "<https://pool.example/u/token>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert message["Message-ID"] == "<row_ann@northwind.example>"
    assert message["Date"] == "Mon, 05 Oct 2026 09:00:00 +0000"
    assert message["To"] == "ann@example.org"
    assert message["From"] == '"Näme, Inc." <careers@northwind.example>'
    assert message["Reply-To"] == "hr@northwind.example"
    assert message["Subject"] == "Grüße Bcc: x@example.org", "a name cannot smuggle a header in"
    assert message["Bcc"] is None
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert rig.vendor.messages[0].recipients == ["ann@example.org"]


def test_refusals_are_told_apart(rig: SmtpRig):
    rig.vendor.refuse("later@*", 451)
    rig.vendor.refuse("policy@*", 554)
    outcomes = applied(
        rig.open(),
        row("ann", MESSAGE),
        row("gone", MESSAGE, address="x@gone.example"),
        row("later", MESSAGE),
        row("policy", MESSAGE),
        row("bob", MESSAGE),
    )
    assert {name: one.fate for name, one in outcomes.items()} == {
        "ann": Fate.SENT,
        "gone": Fate.REJECTED,
        "later": Fate.DEFERRED,
        "policy": Fate.REJECTED,
        "bob": Fate.SENT,
    }
    assert {name for name, one in outcomes.items() if one.suppress == "bounced"} == {"gone"}
    assert outcomes["gone"].vendor_reason == "550 5.1.1 mailbox unavailable"


def test_a_spam_refusal_is_no_bounce():
    from connectors.destinations.smtp import _judged

    assert _judged(row("ann"), 550, b"5.7.1 message refused by policy", recipient=True).suppress is None
    assert _judged(row("ann"), 550, b"5.1.1 no such user", recipient=True).suppress == "bounced"
    assert _judged(row("ann"), 550, b"no such user", recipient=True).suppress == "bounced"
    assert _judged(row("ann"), 550, b"5.1.1 no such user", recipient=False).suppress is None


def test_a_server_that_is_not_there_is_unavailable_and_nothing_was_taken():
    destination = _opened(_free_port())
    with pytest.raises(Unavailable, match=r"cannot be reached at 127\.0\.0\.1"):
        list(destination.apply([row("ann", MESSAGE)], NOW))
    assert destination.requests == 0


def _free_port() -> int:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        return closed.getsockname()[1]


class _Script:
    """A server that plays one connection by a script and then hangs up: what it reads, and what it says to it."""

    def __init__(self, *, hang_up_after: str, password: str = "") -> None:
        self.hang_up_after, self.password = hang_up_after, password
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.connections = 0
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            with connection, connection.makefile("rwb") as stream:
                self._play(stream, last=self.connections > 1)

    def _play(self, stream, *, last: bool) -> None:  # noqa: C901 - a conversation, line by line
        def say(text: str) -> None:
            stream.write(text.encode() + b"\r\n")
            stream.flush()

        say("220 script")
        body = False
        while line := stream.readline():
            word = line.strip().decode(errors="replace").upper()
            if body:
                if word == ".":
                    body = False
                    if not last and self.hang_up_after == "BODY":
                        return
                    say("250 taken")
                continue
            verb = word.split(" ")[0].split(":")[0]
            if not last and verb == self.hang_up_after:
                return
            if verb == "EHLO" and self.password:
                say("250-script\r\n250 AUTH PLAIN")
            elif verb == "AUTH":
                given = b64decode(line.split()[-1]).split(b"\0")[-1].decode()
                say("235 welcome" if given == self.password else "535 5.7.8 no, somebody")
            elif verb == "DATA":
                body = True
                say("354 go on")
            elif verb == "QUIT":
                say("221 bye")
                return
            else:
                say("250 fine")

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join(5)


def _opened(port: int, **more: str):
    settings = DestinationSettings(
        name="mail", connector="smtp", settings={"from_address": "careers@northwind.example", "security": "none"}
    )
    return open_destination(settings, {"MAIL_HOST": "127.0.0.1", "MAIL_PORT": str(port)} | more)


@pytest.mark.parametrize(("moment", "fate"), [("MAIL", Fate.DEFERRED), ("RCPT", Fate.DEFERRED), ("BODY", Fate.UNKNOWN)])
def test_a_connection_lost_after_the_body_leaves_the_row_in_doubt_and_the_next_goes_on(moment: str, fate: Fate):
    script = _Script(hang_up_after=moment)
    try:
        outcomes = applied(_opened(script.port), row("ann", MESSAGE), row("bob", MESSAGE))
    finally:
        script.close()
    assert outcomes["ann"].fate is fate
    assert outcomes["bob"].fate is Fate.SENT
    assert script.connections == 2


def test_one_connection_carries_a_batch():
    script = _Script(hang_up_after="never")
    try:
        applied(_opened(script.port), *(row(name, MESSAGE) for name in ("ann", "bob", "cy")))
    finally:
        script.close()
    assert script.connections == 1


def test_a_refused_password_says_what_to_set_and_repeats_nothing():
    script = _Script(hang_up_after="never", password="right")
    credential = {"MAIL_USERNAME": "somebody", "MAIL_PASSWORD": "wrong-secret"}
    try:
        with pytest.raises(Refused) as told:
            list(_opened(script.port, **credential).apply([row("ann", MESSAGE)], NOW))
        assert "MAIL_PASSWORD" in str(told.value)
        assert "wrong-secret" not in str(told.value)
        assert "somebody" not in str(told.value)
        credential["MAIL_PASSWORD"] = "right"
        assert applied(_opened(script.port, **credential), row("ann", MESSAGE))["ann"].fate is Fate.SENT
    finally:
        script.close()


def test_a_server_without_starttls_is_a_setting_to_correct(rig: SmtpRig):
    destination = open_destination(
        DestinationSettings(name="mail", connector="smtp", settings={"from_address": "careers@northwind.example"}),
        {"MAIL_HOST": "127.0.0.1", "MAIL_PORT": str(rig.port)},
    )
    with pytest.raises(Misconfigured, match="no STARTTLS"):
        destination.check()


def test_a_password_does_not_travel_unencrypted():
    with pytest.raises(Misconfigured, match="unencrypted"):
        _opened(25, MAIL_HOST="mail.example", MAIL_USERNAME="a", MAIL_PASSWORD="b")


def test_an_address_beyond_ascii_needs_a_server_that_takes_it(rig: SmtpRig):
    assert applied(rig.open(), row("ann", MESSAGE, address="jürgen@example.org"))["ann"].fate is Fate.SENT
    script = _Script(hang_up_after="never")
    try:
        outcome = applied(_opened(script.port), row("ann", MESSAGE, address="jürgen@example.org"))["ann"]
    finally:
        script.close()
    assert outcome.fate is Fate.REJECTED
