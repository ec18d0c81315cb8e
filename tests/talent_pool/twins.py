"""Two worlds that differ in one thing: in the second nobody is ever merged. Real vendors on loopback stand behind each.

What both hold in the end is compared (`test_unmerge_at_vendors.py`): after every merge is undone, the vendors of the
first world must hold what those of the second hold.
"""

from collections.abc import Collection, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import duckdb
import httpx
from sqlalchemy import select

from connectors.contract import DestinationSettings, Fate, Push
from connectors.destination import open_destination
from connectors.records import Channel, Purpose
from sandbox.hubspot import HubSpot
from sandbox.mailchimp import Mailchimp
from sandbox.sendgrid import SendGrid
from sandbox.serving import Serving
from sandbox.smtp import MailSink
from sandbox.twilio import Twilio
from sandbox.webhook_endpoint import WebhookEndpoint
from talent_pool import consent
from talent_pool.delivery.contact_policy import FREE
from talent_pool.delivery.deliver import PushReport, deliver, read_back
from talent_pool.delivery.gate import Sending
from talent_pool.installation import Installation
from talent_pool.landing.inbox import Inbox
from talent_pool.landing.sync import sync
from talent_pool.refused import Refused
from talent_pool.resolution import by_hand
from talent_pool.resolution.by_hand import By
from talent_pool.resolution.resolve import resolve_all
from talent_pool.segments import evaluate
from talent_pool.segments.definition import SegmentDefinition
from talent_pool.store.database import Store
from talent_pool.store.tables import person_records
from tests.talent_pool.forgetting import same_mailbox
from tests.talent_pool.small_world import INSTALLATION, birth_id
from tests.talent_pool.sources import MemorySource

BEGIN = datetime(2026, 10, 5, 9, tzinfo=UTC)
ON = Sending("on", public_url="https://pool.example")
TAGS = ("silver_medallists", "passive_talent")
_SECRET = "whsec_c2FuZGJveC13ZWJob29rLXNlY3JldC1rZXk="


def _segment(name: str, who: dict[str, Any], **more: Any) -> SegmentDefinition:
    given = {"type": "marketing", "purpose": Purpose.FUTURE_JOBS} | more
    return SegmentDefinition(name=name, description="", who=who, **given)


_ALLOWED = {"may_be_contacted": "future_jobs"}
_PENDING = {"all": [{"application.outcome": "pending"}]}
_SERVICE = {
    "type": "service", "purpose": Purpose.THIS_APPLICATION, "subject": "application", "event": True,
    "since": "2026-01-01", "useless_after_days": 365, "answer_within_days": 10,
}  # fmt: skip
SEGMENTS = {
    one.name: one
    for one in (
        _segment("silver_medallists", {"all": [{"application.outcome": "rejected"}, _ALLOWED]}),
        _segment("passive_talent", {"all": [_ALLOWED]}),
        _segment("hello_by_text", {"all": [_ALLOWED]}, channel=Channel.SMS),
        _segment("acknowledged", _PENDING, **_SERVICE),
        _segment("acknowledged_by_text", _PENDING, channel=Channel.SMS, **_SERVICE),
    )
}


def _lists(name: str, connector: str, **settings: Any) -> DestinationSettings:
    pushes = tuple(Push(segment=tag) for tag in TAGS)
    return DestinationSettings(name=name, connector=connector, pushes=pushes, settings=settings)


def _messages(name: str, connector: str, templates: dict[str, str], **settings: Any) -> DestinationSettings:
    pushes = tuple(Push(segment=one, template=it, since="2026-01-01T00:00:00Z") for one, it in templates.items())
    return DestinationSettings(name=name, connector=connector, pushes=pushes, settings=settings)


_ACKNOWLEDGED = "acknowledge_new_applicants"
DESTINATIONS = {
    one.name: one
    for one in (
        _lists(
            "mailchimp", "mailchimp", merge_fields={"FNAME": "first_name", "LNAME": "last_name", "COMPANY": "company"}
        ),
        _lists(
            "hubspot",
            "hubspot",
            properties={"firstname": "first_name", "lastname": "last_name", "company": "company"},
        ),
        _lists(
            "sendgrid",
            "sendgrid",
            contact_fields={"first_name": "first_name", "last_name": "last_name", "city_of_work": "company"},
        ),
        _lists("webhook", "webhook", allow_private=True),
        _lists("csv", "file"),
        _lists("parquet", "file", format="parquet"),
        _messages(
            "mail",
            "smtp",
            {"acknowledged": _ACKNOWLEDGED, "passive_talent": "passive_talent"},
            security="none",
            from_address="careers@northwind.example",
        ),
        _messages("texts", "twilio", {"acknowledged_by_text": _ACKNOWLEDGED, "hello_by_text": "passive_talent"}),
    )
}


@dataclass(frozen=True)
class Somebody:
    """One person as sources have her: one record at the ATS, perhaps a second one at the board, applications."""

    name: str
    last_name: str | None = None
    company: str | None = None
    phone: bool = True
    consents: bool = True
    at_board: bool = False
    outcomes: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        return f"{self.name}@example.org"

    @property
    def number(self) -> str:
        return f"+4420794610{ord(self.name[0]) - ord('a'):02}"

    def _record(self, **more: Any) -> dict[str, Any]:
        first = self.name.capitalize()
        body: dict[str, Any] = {
            "remote_id": self.name, "first_name": first, "full_name": " ".join(filter(None, (first, self.last_name))),
            "email_addresses": [{"value": self.address, "is_primary": True}],
            "remote_updated_at": "2026-09-01T00:00:00Z",
        }  # fmt: skip
        if self.last_name:
            body["last_name"] = self.last_name
        if self.phone:
            body["phone_numbers"] = [{"value": self.number}]
        return body | more

    def ats(self) -> dict[str, Any]:
        consents = [
            {
                "remote_id": f"{self.name}-{channel}", "candidate_id": self.name, "purpose": "future_jobs",
                "channel": channel, "status": "given", "stated_by": "candidate",
                "stated_at": "2026-09-01T00:00:00Z", "evidence": {"kind": "form_tick"},
            }
            for channel in ("email", "sms")
        ]  # fmt: skip
        applications = [
            {
                "remote_id": f"{self.name}-{number}", "candidate_id": self.name, "kind": "application",
                "applied_at": f"2026-09-{number + 10}T00:00:00Z", "outcome": outcome,
                **({"outcome_at": "2026-09-28T00:00:00Z"} if outcome != "pending" else {}),
            }
            for number, outcome in enumerate(self.outcomes)
        ]  # fmt: skip
        given = {"candidate": self._record(), "application": applications}
        return {"id": self.name, **given, **({"consent": consents} if self.consents else {})}

    def board(self) -> dict[str, Any]:
        return {"id": self.name, "candidate": self._record(**({"company": self.company} if self.company else {}))}


class Tools:
    """The seven tools of one world (files twice), and what each holds of ours."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mailchimp, self.hubspot, self.sendgrid = Mailchimp(), HubSpot(), SendGrid()
        self.twilio, self.mail, self.hook = Twilio(), MailSink(), WebhookEndpoint(_SECRET)
        self._up = ExitStack()
        self.environ: dict[str, str] = {}

    def __enter__(self) -> Self:
        apps = {name: getattr(self, name).app for name in ("mailchimp", "hubspot", "sendgrid", "twilio", "hook")}
        serving = self._up.enter_context(Serving(apps, self.mail))
        self.environ = {
            "MAILCHIMP_API_KEY": self.mailchimp.api_key,
            "MAILCHIMP_LIST_ID": self.mailchimp.list_id,
            "MAILCHIMP_BASE_URL": f"{serving.urls['mailchimp']}/3.0",
            "HUBSPOT_ACCESS_TOKEN": self.hubspot.access_token,
            "HUBSPOT_BASE_URL": serving.urls["hubspot"],
            "SENDGRID_API_KEY": self.sendgrid.api_key,
            "SENDGRID_BASE_URL": serving.urls["sendgrid"],
            "TEXTS_ACCOUNT_SID": self.twilio.account_sid,
            "TEXTS_AUTH_TOKEN": self.twilio.auth_token,
            "TEXTS_FROM_NUMBER": self.twilio.number,
            "TEXTS_BASE_URL": serving.urls["twilio"],
            "MAIL_HOST": "127.0.0.1",
            "MAIL_PORT": str(serving.mail_port),
            "WEBHOOK_SECRET": _SECRET,
            "WEBHOOK_URL": f"{serving.urls['hook']}/events",
            "CSV_FOLDER": str(self.folder / "csv"),
            "PARQUET_FOLDER": str(self.folder / "parquet"),
        }
        return self

    def __exit__(self, *reason: object) -> None:
        self._up.close()

    def seed(self, people: Iterable[Somebody]) -> None:
        """Let others have put some of them there before us, with tags and lists of their own."""
        newsletter = self.hubspot.crm.add_list("newsletter")
        for one in people:
            self.mailchimp.audience.seed(one.address, "subscribed", ("newsletter",), FNAME="Theirs")
            newsletter.members.add(self.hubspot.crm.seed(one.address, firstname="Theirs", city="Leeds").id)
            self.sendgrid.account.seed(one.address, first_name="Theirs", city="Leeds")

    def holds(self) -> dict[str, Any]:
        """What each state destination holds of our segments, with the fields of whoever is in one."""
        return {
            "mailchimp": self._audience(), "hubspot": self._crm(), "sendgrid": self._account(),
            "webhook": {address: _given(one) for address, one in self.hook.held.items() if one["segments"]},
            "csv": self._files("csv"), "parquet": self._files("parquet"),
        }  # fmt: skip

    def _files(self, kind: str) -> dict[str, Any]:
        """The rows of each file that has any."""
        read = {"csv": duckdb.read_csv, "parquet": duckdb.read_parquet}[kind]
        found = {path.name: read(str(path)).fetchall() for path in (self.folder / kind).glob(f"*.{kind}")}
        return {name: sorted(rows, key=str) for name, rows in found.items() if rows}

    def _audience(self) -> dict[str, Any]:
        return {
            one.email_address: (set(one.tags) & set(TAGS), one.status, _given(one.merge_fields))
            for one in self.mailchimp.audience.members.values()
            if set(one.tags) & set(TAGS)
        }

    def _crm(self) -> dict[str, Any]:
        contacts = self.hubspot.crm.contacts
        lists = {tag: self.hubspot.crm.list_named(tag) for tag in TAGS}
        return {
            tag: {contacts[one].properties["email"]: contacts[one].properties for one in found.members}
            for tag, found in lists.items()
            if found and found.members
        }

    def _account(self) -> dict[str, Any]:
        account = self.sendgrid.account
        return {
            one.email: ({account.lists[number] for number in one.list_ids}, _given(one.fields | one.custom_fields))
            for one in account.contacts.values()
            if one.list_ids
        }

    def theirs(self) -> dict[str, Any]:
        """What others put there, which is never ours to touch."""
        audience, crm = self.mailchimp.audience, self.hubspot.crm
        return {
            "mailchimp": {one.email_address for one in audience.members.values() if "newsletter" in one.tags},
            "hubspot": {crm.contacts[one].properties["city"] for one in crm.list_named("newsletter").members},
            "sendgrid": {one.email for one in self.sendgrid.account.contacts.values() if "city" in one.fields},
        }  # fmt: skip

    def letters(self) -> list[tuple[str, str]]:
        """(address, subject) of each mail, (number, text) of each text message, in the order of sending."""
        mails = [(one.recipients[0], str(one.message["subject"])) for one in self.mail.messages]
        return mails + [(to, one.body) for to, sent in self.twilio.sent().items() for one in sent]

    def violations(self) -> list[Any]:
        held = (self.mailchimp.audience, self.hubspot.crm, self.sendgrid.account, self.hook)
        return [told for one in held for told in one.violations]


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that hold something: to a tool an empty one is none."""
    return {name: value for name, value in fields.items() if value not in (None, "")}


@dataclass
class World:
    """A pool with its sources and tools."""

    store: Store
    inbox: Inbox
    tools: Tools
    people: Sequence[Somebody]
    now: datetime = BEGIN
    sent: list[tuple[str, str, str]] = field(default_factory=list)
    """(destination, segment, address) of each message, in their order."""

    def __post_init__(self) -> None:
        connections = {name: INSTALLATION.connections[name] for name in ("ats", "board")}
        policies = {"default": FREE}
        self.installation = Installation(connections, SEGMENTS, DESTINATIONS, {}, policies=policies)
        listings = {
            "ats": [one.ats() for one in self.people],
            "board": [one.board() for one in self.people if one.at_board],
        }
        for name, listing in listings.items():
            sync(self.store, self.inbox, MemorySource({"candidates": listing}, name=name), self.now)
        self.settle()

    def settle(self) -> None:
        """Let everything that waits be resolved and evaluated."""
        resolve_all(self.store, self.installation, self.now, score=same_mailbox)
        evaluate(self.store, self.installation, self.now)

    def record(self, name: str) -> str:
        return birth_id(self.store, "ats", name)

    def holder(self, name: str) -> str:
        query = select(person_records.c.person_id).where(person_records.c.record_id == self.record(name))
        with self.store.reading() as connection:
            return connection.execute(query).scalar_one()

    def address(self, name: str, channel: Channel) -> str:
        (one,) = (one for one in self.people if one.name == name)
        return one.address if channel is Channel.EMAIL else one.number

    def one_with(self, name: str) -> set[str]:
        """The names of all who are one person with `name` just now, herself among them."""
        return {one.name for one in self.people if self.holder(one.name) == self.holder(name)}

    def merge(self, a: str, b: str) -> bool:
        by = By("hr", self.now)
        try:
            by_hand.merge(
                self.store, self.installation, self.record(a), self.record(b), by, anyway=True, score=same_mailbox
            )
        except Refused:
            return False
        self.settle()
        return True

    def unmerge(self, a: str, b: str) -> None:
        by = By("hr", self.now)
        by_hand.unmerge(self.store, self.installation, self.record(b), self.record(a), by, score=same_mailbox)
        self.settle()

    def refuse(self, names: Collection[str], channel: Channel) -> None:
        """Let these people refuse to hear of future jobs, each under her own address."""
        for one in self.people:
            if one.name in names:
                consent.refuse(
                    self.store, organisation="default", channel=channel, purpose=Purpose.FUTURE_JOBS,
                    kind="one_click", at=self.now, address=self.address(one.name, channel),
                )  # fmt: skip
        self.settle()

    def do_not_contact(self, names: Collection[str]) -> None:
        """Let it be noted of the person whom these are that she wants to hear nothing more."""
        for person_id in sorted({self.holder(name) for name in names}):
            consent.suppress_person(
                self.store, person_id=person_id, channel=Channel.ANY, reason="do_not_contact", source="hr", at=self.now
            )
        self.settle()

    def push(self, name: str) -> PushReport:
        """Read a destination back and push to it, as one Dagster step does."""
        # over HTTP alone, so no certificates are loaded, which costs more than all the rest
        plain = httpx.HTTPTransport(verify=False)
        destination = open_destination(DESTINATIONS[name], self.tools.environ, plain)
        read_back(self.store, destination, self.now)
        self.settle()
        report = deliver(self.store, self.installation, destination, self.now, ON, approve=True)
        if destination.kind == "message":
            self.sent += [(name, row.segment, row.address or "") for row in report.rows if row.fate is Fate.SENT]
        assert not report.fates[Fate.REJECTED]
        assert not report.fates[Fate.UNKNOWN]
        return report

    def later(self) -> None:
        self.now += timedelta(hours=1)
