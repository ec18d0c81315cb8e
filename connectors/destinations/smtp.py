"""A mail server: one message a person, each with a one-click way out (RFC 8058)."""

import re
import smtplib
import ssl
from collections.abc import Iterator, Sequence
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime
from pathlib import Path
from typing import ClassVar, Literal

import httpx
from pydantic import SecretStr

from connectors.bounces import signals_in
from connectors.contract import Cleared, DestinationSettings, Erases, Fate, Forgotten, Json, RowOutcome, SignalPage
from connectors.destination import Destination
from connectors.errors import Misconfigured, Refused, Unavailable
from connectors.mailbox import Batch, Imap, in_maildir, over_imap
from connectors.records import Channel
from connectors.settings import Settings, variable

_SECONDS = 30
_NO_SUCH_MAILBOX = frozenset({550, 551, 553})
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_ENHANCED = re.compile(r"^([245])\.(\d{1,3})\.\d{1,3}\b")


class SmtpSettings(Settings):
    """`security`: none (loopback or a trusted network), starttls, or tls from the first byte.

    Mails that come back go to `bounce_address` (`bounces@…`, which must take `bounces+anything@…`), else to the sender,
    and are read in `bounce_maildir` or at `imap_host`, if one of them is set.
    """

    host: str
    port: int = 587
    security: Literal["none", "starttls", "tls"] = "starttls"
    username: str | None = None
    password: SecretStr | None = None
    from_address: str
    from_name: str = ""
    reply_to: str | None = None
    bounce_address: str | None = None
    bounce_maildir: Path | None = None
    imap_host: str | None = None
    imap_port: int = 993
    imap_security: Literal["none", "starttls", "tls"] = "tls"
    imap_username: str | None = None
    imap_password: SecretStr | None = None
    imap_folder: str = "INBOX"


class Smtp(Destination):
    """One sender at one mail server; a connection carries a batch.

    4xx answers come back as deferred, 5xx as rejected, a mailbox that does not exist as a bounce. A connection lost
    after the body went out leaves the row unknown: it may have been delivered, and is never sent again by a machine.
    """

    connector: ClassVar[str] = "smtp"
    kind: ClassVar[Literal["state", "message"]] = "message"
    channel: ClassVar[Channel] = Channel.EMAIL
    batch: ClassVar[int] = 100
    erases: ClassVar[Erases] = "delete"
    fields: frozenset[str] = frozenset({"subject", "text", "html"})
    Settings = SmtpSettings
    account: SmtpSettings

    def __init__(
        self, settings: DestinationSettings, account: SmtpSettings, transport: httpx.BaseTransport | None = None
    ) -> None:
        super().__init__(settings, account, transport)
        if account.password and account.security == "none" and account.host not in _LOOPBACK:
            raise Misconfigured(
                f"{settings.name}: the password would travel unencrypted. Set security to starttls or tls."
            )
        if account.imap_host and not (account.imap_username and account.imap_password):
            raise Misconfigured(f"{settings.name}: set imap_username and {variable(settings.name, 'imap_password')}.")
        if account.imap_security == "none" and account.imap_host not in {None, *_LOOPBACK}:
            raise Misconfigured(
                f"{settings.name}: the mailbox's password would travel unencrypted. Set imap_security to tls."
            )
        self._sent = 0

    @property
    def requests(self) -> int:
        return self._sent

    def apply(self, rows: Sequence[Cleared], now: datetime) -> Iterator[RowOutcome]:
        server = self._connected() if rows else None
        try:
            for row in rows:
                if server is None:
                    server = self._connected()
                self._sent += 1
                outcome, alive = self._send(server, row, now)
                if not alive:
                    server.close()
                    server = None
                yield outcome
        finally:
            if server is not None:
                _leave(server)

    def _send(self, server: smtplib.SMTP, row: Cleared, now: datetime) -> tuple[RowOutcome, bool]:
        """Hand over one message; return its outcome and whether the connection is still good."""
        if not row.address.isascii() and not server.has_extn("smtputf8"):
            return RowOutcome(row.row_id, Fate.REJECTED, "The mail server takes no address with such letters."), True
        refusal = self._announce(server, row)
        return refusal or self._hand_over(server, row, self._message(row, now).as_bytes())

    def _announce(self, server: smtplib.SMTP, row: Cleared) -> tuple[RowOutcome, bool] | None:
        """Name sender and recipient; return the outcome if the server will not have one of them."""
        options = [] if row.address.isascii() else ["SMTPUTF8"]
        try:
            code, words = server.mail(self._return_path(row), options)
            recipient = code == 250
            if recipient:
                code, words = server.rcpt(row.address)
        except (smtplib.SMTPServerDisconnected, OSError):
            return RowOutcome(row.row_id, Fate.DEFERRED, "The mail server hung up before it took the message."), False
        if code in (250, 251):
            return None
        return _judged(row, code, words, recipient=recipient), _reset(server, code)

    def _hand_over(self, server: smtplib.SMTP, row: Cleared, body: bytes) -> tuple[RowOutcome, bool]:
        try:
            code, words = server.data(body)
        except smtplib.SMTPDataError as error:
            code, words = error.smtp_code, error.smtp_error
        except (smtplib.SMTPServerDisconnected, OSError):
            return RowOutcome(
                row.row_id, Fate.UNKNOWN, "The connection was lost while the message was handed over."
            ), False
        if code != 250:
            return _judged(row, code, words, recipient=False), _reset(server, code)
        return RowOutcome(row.row_id, Fate.SENT), True

    def _return_path(self, row: Cleared) -> str:
        """Return where this mail comes back to: an address that names its row (VERP), where there is one for that."""
        if self.account.bounce_address is None:
            return self.account.from_address
        local, _, domain = self.account.bounce_address.rpartition("@")
        return f"{local}+{row.row_id}@{domain}"

    def _message(self, row: Cleared, now: datetime) -> EmailMessage:
        message = EmailMessage(policy=SMTP_POLICY)
        message["From"] = Address(self.account.from_name, addr_spec=self.account.from_address)
        message["To"] = row.address
        message["Subject"] = " ".join(str(row.fields["subject"]).split())
        message["Date"] = format_datetime(now)
        message["Message-ID"] = f"<{row.row_id}@{self.account.from_address.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        if self.account.reply_to:
            message["Reply-To"] = self.account.reply_to
        if row.unsubscribe_url:
            message["List-Unsubscribe"] = f"<{row.unsubscribe_url}>"
            message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        message.set_content(str(row.fields["text"]))
        if html := row.fields.get("html"):
            message.add_alternative(str(html), subtype="html")
        return message

    def _connected(self) -> smtplib.SMTP:
        account, name = self.account, self.settings.name
        context = ssl.create_default_context()
        try:
            server = (
                smtplib.SMTP_SSL(account.host, account.port, timeout=_SECONDS, context=context)
                if account.security == "tls"
                else smtplib.SMTP(account.host, account.port, timeout=_SECONDS)
            )
        except (smtplib.SMTPException, OSError) as error:
            raise Unavailable(
                f"{name} cannot be reached at {account.host}:{account.port}. Nothing is lost. "
                "Check host, port and security."
            ) from error
        try:
            server.ehlo_or_helo_if_needed()
            if account.security == "starttls":
                server.starttls(context=context)
            if account.username and account.password:
                server.login(account.username, account.password.get_secret_value())
        except smtplib.SMTPAuthenticationError as error:
            server.close()
            # The server's words may repeat the user's name, so they are not passed on.
            raise Refused(
                f"{name} refused the credential ({error.smtp_code}). Set {variable(name, 'username')} "
                f"and {variable(name, 'password')}."
            ) from None
        except smtplib.SMTPNotSupportedError as error:
            server.close()
            raise Misconfigured(f"{name}: the mail server offers no STARTTLS or log-in. Correct security.") from error
        except (smtplib.SMTPException, OSError) as error:
            server.close()
            raise Unavailable(f"{name} broke off the greeting. Check security; nothing is lost.") from error
        return server

    def erase(self, addresses: Sequence[str], now: datetime) -> Iterator[Forgotten]:  # noqa: ARG002 - the contract's
        """Do nothing: a mail server holds nobody, and what was sent lies in its recipients' mailboxes."""
        for address in addresses:
            yield Forgotten(
                address, gone=True, reason="A mail server holds no contacts; its own logs end by its rules."
            )

    def still_holds(self, addresses: Sequence[str]) -> set[str]:  # noqa: ARG002 - the contract's
        """Return none: no list of people is kept there."""
        return set()

    def read_back(self, cursor: Json | None, now: datetime) -> Iterator[SignalPage]:
        """Yield the bounces and complaints that came into the mailbox since `cursor`; a Maildir keeps its place."""
        for batch in self._mails(cursor):
            found = [signal for mail in batch.mails for signal in signals_in(mail, now)]
            if found or batch.cursor != cursor:
                yield SignalPage(found, batch.cursor)

    def _mails(self, cursor: Json | None) -> Iterator[Batch]:
        account, name = self.account, self.settings.name
        if account.bounce_maildir:
            yield from in_maildir(account.bounce_maildir, name)
        elif account.imap_host:
            assert account.imap_username  # noqa: S101 - looked at when it was made
            assert account.imap_password  # noqa: S101 - as above
            imap = Imap(
                host=account.imap_host,
                port=account.imap_port,
                security=account.imap_security,
                username=account.imap_username,
                password=account.imap_password.get_secret_value(),
                folder=account.imap_folder,
                name=name,
                hint=variable(name, "imap_password"),
            )
            yield from over_imap(imap, cursor)

    def check(self) -> str:
        server = self._connected()
        _leave(server)
        return f"reached; the mail server at {self.account.host}:{self.account.port} takes the sender"


def _reset(server: smtplib.SMTP, code: int) -> bool:
    """Make the connection ready for the next message; False if the server is going away."""
    if code == 421:
        return False
    try:
        server.rset()
    except (smtplib.SMTPServerDisconnected, OSError):
        return False
    return True


def _leave(server: smtplib.SMTP) -> None:
    try:
        server.quit()
    except (smtplib.SMTPException, OSError):
        server.close()


def _judged(row: Cleared, code: int, words: bytes | str, *, recipient: bool) -> RowOutcome:
    """Read the server's answer: RFC 5321's first digit, RFC 3463's class of address errors (5.1.x)."""
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    vendor = f"{code} {text}"
    if 400 <= code < 500:
        return RowOutcome(row.row_id, Fate.DEFERRED, "The mail server asks to try again later.", vendor)
    enhanced = _ENHANCED.match(text)
    about_mailbox = enhanced is None or enhanced.group(2) == "1"
    if recipient and code in _NO_SUCH_MAILBOX and about_mailbox:
        return RowOutcome(row.row_id, Fate.REJECTED, "There is no such mailbox.", vendor, "bounced")
    return RowOutcome(row.row_id, Fate.REJECTED, "The mail server refused the message.", vendor)
