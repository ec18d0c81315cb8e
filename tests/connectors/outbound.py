"""One rig for each registered destination: a real server (or folder) behind it, to send to, break and look into."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connectors.contract import Action, Cleared, DestinationSettings, RowOutcome
from connectors.destination import Destination, open_destination
from connectors.records import Channel, Purpose
from sandbox.mailchimp import Mailchimp
from sandbox.serving import Serving
from sandbox.smtp import MailSink
from sandbox.twilio import Twilio
from sandbox.webhook_endpoint import WebhookEndpoint

NOW = datetime(2026, 10, 5, 9, tzinfo=UTC)
SECRET = "9f8e7d6c5b4a39281706f5e4d3c2b1a0"


def row(
    name: str,
    action: Action = Action.UPSERT,
    *,
    address: str = "",
    tag: str = "Silver medallists",
    consented: bool = True,
    known: bool = False,
    **fields: Any,
) -> Cleared:
    letter = {"subject": "Hello", "text": "Hello.\n", "html": "<p>Hello.</p>"}
    return Cleared(
        row_id=f"row_{name}",
        action=action,
        address=address or f"{name}@example.org",
        channel=Channel.EMAIL,
        purpose=Purpose.FUTURE_JOBS,
        consented=consented,
        tag=tag,
        fields={"first_name": name.capitalize(), "last_name": "Example", **letter, **fields},
        known=known,
        unsubscribe_url="https://pool.example/u/token",
    )


def applied(destination: Destination, *rows: Cleared) -> dict[str, RowOutcome]:
    """Return the outcomes by the rows' names, each exactly once."""
    outcomes = list(destination.apply(rows, NOW))
    assert len(outcomes) == len({one.row_id for one in outcomes}) == len(rows)
    return {one.row_id.removeprefix("row_"): one for one in outcomes}


class Rig:
    """What the contract suite needs of one destination."""

    bad_row: Cleared
    """A row that the destination refuses."""

    def open(self, **environ: str) -> Destination:
        raise NotImplementedError

    def holds(self) -> set[str]:
        """The addresses that it holds, or has written to."""
        raise NotImplementedError

    def refuse_the_key(self) -> dict[str, str]:
        """Environment under which the credential is refused; empty if it has none."""
        return {}

    def fail_once(self, kind: str) -> bool:
        """Let the next request fail so; False if it cannot."""
        return False


class MailchimpRig(Rig):
    bad_row = row("bad", address="not-an-address")

    def __init__(self) -> None:
        self.vendor = Mailchimp(api_key=f"{SECRET}-us21")
        self.url = ""

    def open(self, **environ: str) -> Destination:
        settings = DestinationSettings(name="mailchimp", connector="mailchimp")
        known = {
            "MAILCHIMP_API_KEY": self.vendor.api_key,
            "MAILCHIMP_LIST_ID": self.vendor.list_id,
            "MAILCHIMP_BASE_URL": f"{self.url}/3.0",
        }
        return open_destination(settings, known | environ)

    def holds(self) -> set[str]:
        return set(self.vendor.audience.tagged("Silver medallists"))

    def refuse_the_key(self) -> dict[str, str]:
        return {"MAILCHIMP_API_KEY": f"{SECRET[::-1]}-us21"}

    def fail_once(self, kind: str) -> bool:
        self.vendor.app.switch_on(kind, retry_after=0.01)
        return True


class SmtpRig(Rig):
    bad_row = row("bad", address="bad@gone.example")

    def __init__(self) -> None:
        self.vendor = MailSink()
        self.vendor.refuse("*@gone.example")
        self.port = 0

    def open(self, **environ: str) -> Destination:
        settings = DestinationSettings(
            name="mail",
            connector="smtp",
            settings={"from_address": "careers@northwind.example", "from_name": "Näme, Inc.", "security": "none"},
        )
        return open_destination(settings, {"MAIL_HOST": "127.0.0.1", "MAIL_PORT": str(self.port)} | environ)

    def holds(self) -> set[str]:
        return {recipient for message in self.vendor.messages for recipient in message.recipients}

    def refuse_the_key(self) -> dict[str, str]:
        return {}


class TwilioRig(Rig):
    """Rows are written for e-mail; on the way each address becomes a number, and back again in what is held."""

    bad_row = row("bad", address="+15550000001")

    def __init__(self) -> None:
        self.vendor = Twilio(auth_token=SECRET)
        self.url = ""
        self.dialled: dict[str, str] = {}

    def open(self, **environ: str) -> Destination:
        known = {
            "TEXTS_ACCOUNT_SID": self.vendor.account_sid,
            "TEXTS_AUTH_TOKEN": SECRET,
            "TEXTS_FROM_NUMBER": self.vendor.number,
            "TEXTS_BASE_URL": self.url,
        }
        destination = open_destination(DestinationSettings(name="texts", connector="twilio"), known | environ)
        apply = destination.apply
        destination.apply = lambda rows, now: apply([self._dialled(one) for one in rows], now)  # type: ignore[method-assign]
        return destination

    def _dialled(self, one: Cleared) -> Cleared:
        if "@" not in one.address:
            return replace(one, channel=Channel.SMS)
        number = f"+155512{int.from_bytes(one.address[:3].encode()) % 100_000:05}"
        self.dialled[number] = one.address
        return replace(one, address=number, channel=Channel.SMS)

    def holds(self) -> set[str]:
        return {self.dialled.get(number, number) for number in self.vendor.sent()}

    def refuse_the_key(self) -> dict[str, str]:
        return {"TEXTS_AUTH_TOKEN": SECRET[::-1]}

    def fail_once(self, kind: str) -> bool:
        if kind != "429":
            return False  # whether a message left is in doubt then, and it is not sent again
        self.vendor.app.switch_on(kind, retry_after=0.01)
        return True


class WebhookRig(Rig):
    bad_row = row("bad", address="bad@refused.example")

    def __init__(self) -> None:
        self.vendor = WebhookEndpoint(f"whsec_{SECRET}")
        self.url = ""

    def open(self, **environ: str) -> Destination:
        settings = DestinationSettings(name="hook", connector="webhook", settings={"allow_private": True})
        return open_destination(
            settings, {"HOOK_SECRET": f"whsec_{SECRET}", "HOOK_URL": f"{self.url}/events"} | environ
        )

    def holds(self) -> set[str]:
        return self.vendor.in_segment("Silver medallists")

    def refuse_the_key(self) -> dict[str, str]:
        return {"HOOK_SECRET": f"whsec_{SECRET[::-1]}"}


class FileRig(Rig):
    bad_row = row("bad", address="=cmd@example.org")

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def open(self, **environ: str) -> Destination:
        settings = DestinationSettings(name="export", connector="file")
        return open_destination(settings, {"EXPORT_FOLDER": str(self.folder)} | environ)

    def holds(self) -> set[str]:
        path = self.folder / "silver_medallists.csv"
        return {line.split(",")[0] for line in path.read_text().splitlines()[1:]} if path.exists() else set()


@contextmanager
def _mailchimp(_folder: Path) -> Iterator[Rig]:
    rig = MailchimpRig()
    with Serving({"mailchimp": rig.vendor.app}) as serving:
        rig.url = serving.urls["mailchimp"]
        yield rig


@contextmanager
def _smtp(_folder: Path) -> Iterator[Rig]:
    rig = SmtpRig()
    with Serving({}, rig.vendor) as serving:
        rig.port = serving.mail_port or 0
        yield rig


@contextmanager
def _file(folder: Path) -> Iterator[Rig]:
    yield FileRig(folder / "exports")


@contextmanager
def _twilio(_folder: Path) -> Iterator[Rig]:
    rig = TwilioRig()
    with Serving({"twilio": rig.vendor.app}) as serving:
        rig.url = serving.urls["twilio"]
        yield rig


@contextmanager
def _webhook(_folder: Path) -> Iterator[Rig]:
    rig = WebhookRig()
    with Serving({"hook": rig.vendor.app}) as serving:
        rig.url = serving.urls["hook"]
        yield rig
    assert not rig.vendor.violations


RIGS: dict[str, Callable[[Path], Any]] = {
    "mailchimp": _mailchimp,
    "smtp": _smtp,
    "file": _file,
    "twilio": _twilio,
    "webhook": _webhook,
}
"""By connector's name; a new destination adds its own."""
