"""All vendors of one world together, and what a caller must know to speak to them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import orjson

from sandbox import forms
from sandbox.generator import World
from sandbox.greenhouse import Greenhouse
from sandbox.hubspot import HubSpot
from sandbox.mailchimp import Mailchimp
from sandbox.sendgrid import SendGrid
from sandbox.serving import Serving
from sandbox.smtp import MailSink
from sandbox.twilio import Twilio
from sandbox.typeform import Typeform
from sandbox.webhook_endpoint import WebhookEndpoint

INDEED_SECRET = "sandbox-indeed-secret"
_FOREIGN_TAG = "newsletter"


@dataclass(slots=True)
class Vendors:
    """The vendors in this process, for tests that look inside; `ports` is what the port file holds."""

    world: World
    greenhouse: Greenhouse
    typeform: Typeform
    mailchimp: Mailchimp
    hubspot: HubSpot
    sendgrid: SendGrid
    mail: MailSink
    twilio: Twilio
    endpoint: WebhookEndpoint
    serving: Serving
    ports: dict[str, Any]

    @property
    def environ(self) -> dict[str, str]:
        """Addresses and credentials under the names of environment variables."""
        return self.ports["environ"]


@contextmanager
def running(world: World, folder: Path, *, rate_limit: int = 100_000) -> Iterator[Vendors]:
    """Serve a world's vendors on loopback as long as the block lasts; truth and archive are written into `folder`."""
    greenhouse = Greenhouse(world.greenhouse, rate_limit=rate_limit)
    typeform = Typeform(forms.typeform_form(), world.typeform)
    mailchimp, mail, twilio = Mailchimp(), MailSink(), Twilio()
    hubspot, sendgrid, endpoint = HubSpot(), SendGrid(), WebhookEndpoint()
    twilio.clock = world.now
    _seed_audience(mailchimp, world)
    apps = {
        "greenhouse": greenhouse.app,
        "typeform": typeform.app,
        "mailchimp": mailchimp.app,
        "hubspot": hubspot.app,
        "sendgrid": sendgrid.app,
        "twilio": twilio.app,
        "webhook": endpoint.app,
        "mail": mail.app,
    }
    files = _write_files(world, folder)
    with Serving(apps, mail) as serving:
        environ = {
            "GREENHOUSE_BASE_URL": f"{serving.urls['greenhouse']}/v3",
            "GREENHOUSE_TOKEN_URL": f"{serving.urls['greenhouse']}/token",
            "GREENHOUSE_CLIENT_ID": greenhouse.client_id,
            "GREENHOUSE_CLIENT_SECRET": greenhouse.client_secret,
            "GREENHOUSE_WEBHOOK_SECRET": greenhouse.webhook_secret,
            "TYPEFORM_BASE_URL": serving.urls["typeform"],
            "TYPEFORM_TOKEN": typeform.token,
            "TYPEFORM_WEBHOOK_SECRET": typeform.webhook_secret,
            "TYPEFORM_FORM_ID": forms.TYPEFORM_ID,
            "INDEED_APPLY_SECRET": INDEED_SECRET,
            "MAILCHIMP_BASE_URL": f"{serving.urls['mailchimp']}/3.0",
            "MAILCHIMP_API_KEY": mailchimp.api_key,
            "MAILCHIMP_LIST_ID": mailchimp.list_id,
            "HUBSPOT_BASE_URL": serving.urls["hubspot"],
            "HUBSPOT_ACCESS_TOKEN": hubspot.access_token,
            "SENDGRID_BASE_URL": serving.urls["sendgrid"],
            "SENDGRID_API_KEY": sendgrid.api_key,
            "MAIL_HOST": "127.0.0.1",
            "MAIL_PORT": str(serving.mail_port),
            "TWILIO_BASE_URL": serving.urls["twilio"],
            "TWILIO_ACCOUNT_SID": twilio.account_sid,
            "TWILIO_AUTH_TOKEN": twilio.auth_token,
            "TWILIO_FROM_NUMBER": twilio.number,
            "WEBHOOK_URL": f"{serving.urls['webhook']}/events",
            "WEBHOOK_SECRET": endpoint.secret,
            "WEBHOOK_ALLOW_PRIVATE": "true",
        }
        ports = {
            "environ": environ,
            "typeform_form_id": forms.TYPEFORM_ID,
            "mailchimp_list_id": mailchimp.list_id,
            "admin": {name: f"{url}/_sandbox" for name, url in serving.urls.items()},
            "referral_links": forms.referral_links(),
            "now": world.now.isoformat(),
            "expected": world.expected() | {"mailchimp_seeded": len(mailchimp.audience.members)},
            **files,
        }
        yield Vendors(world, greenhouse, typeform, mailchimp, hubspot, sendgrid, mail, twilio, endpoint, serving, ports)


def _seed_audience(mailchimp: Mailchimp, world: World) -> None:
    """Put a few of the people into the audience beforehand: some unsubscribed or bounced, some with tags of others."""
    rng = Random(f"audience {world.seed}")
    for person in world.people:
        chance = rng.random()
        if chance < 0.015:
            mailchimp.audience.seed(person.emails[0], "unsubscribed", (_FOREIGN_TAG,))
        elif chance < 0.02:
            mailchimp.audience.seed(person.emails[0], "cleaned")
        elif chance < 0.04:
            mailchimp.audience.seed(person.emails[0], "subscribed", (_FOREIGN_TAG,), FNAME=person.given.text)


def _write_files(world: World, folder: Path) -> dict[str, str]:
    folder.mkdir(parents=True, exist_ok=True)
    files = {name: folder / file for name, file in _FILES.items()}
    forms.write_archive(files["archive_csv"], world.at("archive"))
    truth = [[connection, remote_id, person] for (connection, remote_id), person in world.truth.items()]
    deliveries = {"indeed": world.indeed, "careers": world.careers_forms, "referrals": world.referral_forms}
    files["truth"].write_bytes(orjson.dumps(truth))
    files["consents"].write_bytes(orjson.dumps(world.consents()))
    files["deliveries"].write_bytes(orjson.dumps(deliveries))
    return {name: str(path) for name, path in files.items()}


_FILES = {
    "truth": "truth.json",
    "consents": "consents.json",
    "deliveries": "deliveries.json",
    "archive_csv": "archive.csv",
}
