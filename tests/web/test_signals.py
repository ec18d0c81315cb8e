"""What vendors tell us of addresses: proved, kept before it is answered, and then in the consent ledger."""

import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlencode

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi.testclient import TestClient
from sqlalchemy import select

from connectors.contract import Answers, Delivery, DestinationSettings
from connectors.destination import open_destination
from connectors.errors import Malformed, SignatureRefused
from connectors.records import Channel, utc_now
from connectors.sendgrid_events import SendGridEvents
from sandbox.twilio import Twilio
from talent_pool import installation
from talent_pool.delivery import signals
from talent_pool.home import Home
from talent_pool.landing.inbox import Inbox
from talent_pool.store.addresses import address_key
from talent_pool.store.database import Store
from talent_pool.store.tables import consent_statements, suppressions
from web.intake import create_app

PUBLIC, SECRET, ANN, BOB = "https://pool.example/x", "an-invented-secret", "+491701234567", "+447700900123"
YAML = """
type: dagster_project.components.EngagementDestination
attributes: {name: texts, connector: twilio}
---
type: dagster_project.components.EngagementDestination
attributes: {name: news, connector: mailchimp, settings: {list_id: abc}}
---
type: dagster_project.components.EngagementDestination
attributes: {name: export, connector: file}
"""


@pytest.fixture
def vendor() -> Twilio:
    return Twilio()


@pytest.fixture
def home(new_store_url: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, vendor: Twilio) -> Home:
    url, defs = new_store_url(), tmp_path / "defs" / "destinations"
    defs.mkdir(parents=True)
    (defs / "defs.yaml").write_text(YAML)
    (tmp_path / "home").mkdir()
    environ = {
        "CATCHMENT_HOME": str(tmp_path / "home"),
        "CATCHMENT_KEY": bytes(range(32)).hex(),
        "CATCHMENT_DEFS": str(tmp_path / "defs"),
        "CATCHMENT_PUBLIC_URL": PUBLIC,
        "TEXTS_ACCOUNT_SID": vendor.account_sid,
        "TEXTS_AUTH_TOKEN": vendor.auth_token,
        "TEXTS_FROM_NUMBER": vendor.number,
        "NEWS_API_KEY": "0123-us21",
        "NEWS_WEBHOOK_SECRET": SECRET,
        "EXPORT_FOLDER": str(tmp_path / "exports"),
    }
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    if url.startswith("sqlite"):
        Path(url.removeprefix("sqlite:///")).rename(tmp_path / "home" / "pool.db")
    else:
        monkeypatch.setenv("CATCHMENT_STORE_URL", url)
    return Home()


@pytest.fixture
def client(home: Home, vendor: Twilio, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    with TestClient(create_app(home), follow_redirects=False) as opened:

        def post(url: str, *, content: str, headers: dict[str, str], trust_env: bool):
            return opened.post(url.removeprefix(PUBLIC), content=content, headers=headers)

        monkeypatch.setattr("sandbox.twilio.httpx.post", post)
        yield opened


@pytest.fixture
def store(home: Home) -> Iterator[Store]:
    opened = home.open()
    yield opened
    opened.close()


def taken(home: Home, store: Store, name: str) -> int:
    import os

    settings = installation.read(home.defs).destination(name)
    box = Inbox(home.inbox_url)
    try:
        return signals.take_calls(store, box, open_destination(settings, os.environ), utc_now())
    finally:
        box.close()


def ledger(store: Store) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """Return refusals as (address key, channel) and suppressions as (address key, reason)."""
    with store.reading() as connection:
        said = connection.execute(select(consent_statements.c.address_key, consent_statements.c.channel)).all()
        out = connection.execute(select(suppressions.c.address_key, suppressions.c.reason)).all()
    return {tuple(row) for row in said}, {tuple(row) for row in out}


def test_a_stop_is_kept_when_it_is_answered_and_once_in_the_ledger(
    client: TestClient, home: Home, store: Store, vendor: Twilio
):
    stop, dead = vendor.answer(ANN, "STOP"), vendor._keep(BOB, vendor.number, "Hi", "outbound-api", "undelivered")
    dead.error = 30006
    url = f"{PUBLIC}/signals/texts"
    assert [vendor.call(url, one).status_code for one in (stop, dead, stop)] == [204, 204, 204]
    box = Inbox(home.inbox_url)
    assert signals.callers_waiting(box) == ["texts"]
    box.close()
    assert taken(home, store, "texts") == 2
    assert ledger(store) == (
        {(address_key(store, Channel.SMS, ANN), "sms")},
        {(address_key(store, Channel.SMS, BOB), "bounced")},
    )
    assert taken(home, store, "texts") == 0


def test_cut_off_between_ledger_and_inbox_nothing_is_learned_twice(
    client: TestClient, home: Home, store: Store, vendor: Twilio, monkeypatch: pytest.MonkeyPatch
):
    vendor.call(f"{PUBLIC}/signals/texts", vendor.answer(ANN, "STOP"))
    with monkeypatch.context() as cut:
        cut.setattr(Inbox, "take", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            taken(home, store, "texts")
    before = ledger(store)
    assert before[0]
    assert taken(home, store, "texts") == 0
    assert ledger(store) == before


def test_who_cannot_prove_it_is_refused_and_nothing_is_kept(
    client: TestClient, home: Home, store: Store, vendor: Twilio
):
    stop = vendor.answer(ANN, "STOP")
    assert vendor.call(f"{PUBLIC}/signals/texts", stop).status_code == 204
    vendor.auth_token = "another"
    assert vendor.call(f"{PUBLIC}/signals/texts", vendor.answer(BOB, "STOP")).status_code == 403
    assert client.post("/signals/texts", content=b"MessageSid=SM1&Body=STOP").status_code == 403
    assert client.post("/signals/export", content=b"{}").status_code == 404
    assert client.post("/signals/nobody", content=b"{}").status_code == 404
    assert taken(home, store, "texts") == 1


def test_mailchimp_looks_first_and_then_proves_itself_by_the_address(client: TestClient, home: Home, store: Store):
    def told(kind: str, email: str, **data: str) -> str:
        fields = {f"data[{name}]": value for name, value in {"email": email, "list_id": "abc", **data}.items()}
        return urlencode({"type": kind, "fired_at": "2026-10-05 09:00:00", **fields})

    form = {"content-type": "application/x-www-form-urlencoded"}
    assert client.get("/signals/news").status_code == 200
    assert client.get("/signals/nobody").status_code == 404
    good = f"/signals/news?secret={SECRET}"
    calls = [
        told("unsubscribe", "ann@example.org", action="unsub", reason="manual"),
        told("unsubscribe", "bob@example.org", action="unsub", reason="abuse"),
        told("unsubscribe", "cy@example.org", action="delete", reason="manual"),
        told("cleaned", "di@example.org", reason="hard"),
        told("unsubscribe", "ed@example.org", list_id="another"),
        told("profile", "fay@example.org"),
    ]
    assert [client.post(good, content=one, headers=form).status_code for one in calls] == [200] * len(calls)
    for wrong in ("/signals/news", "/signals/news?secret=guess"):
        assert client.post(wrong, content=calls[0], headers=form).status_code == 401
    assert client.post(good, content="type=unsubscribe", headers=form).status_code == 422
    assert taken(home, store, "news") == 4
    key = {name: address_key(store, Channel.EMAIL, f"{name}@example.org") for name in ("ann", "bob", "cy", "di")}
    assert ledger(store) == ({(key["ann"], "email")}, {(key["bob"], "complained"), (key["di"], "bounced")})


class _Account(SendGridEvents):
    def __init__(self, key: str | None) -> None:
        self.account = SimpleNamespace(event_webhook_key=key)
        self.settings = DestinationSettings(name="grid", connector="sendgrid")


def test_sendgrids_events_are_signed_by_its_key_over_time_and_body():
    private = ec.generate_private_key(ec.SECP256R1())
    public = base64.b64encode(private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    events = [
        {"email": f"{n}@example.org", "timestamp": 1790000000, "sg_event_id": str(n), **more}
        for n, more in enumerate(
            [
                {"event": "bounce", "type": "bounce"},
                {"event": "bounce", "type": "blocked"},
                {"event": "dropped", "reason": "Bounced Address"},
                {"event": "dropped", "reason": "Unsubscribed Address"},
                {"event": "spamreport"},
                {"event": "group_unsubscribe"},
                {"event": "open"},
                {"event": "delivered"},
            ]
        )
    ]
    body, account = orjson.dumps(events), _Account(public.decode())
    headers = {
        "x-twilio-email-event-webhook-signature": base64.b64encode(
            private.sign(b"1790000001" + body, ec.ECDSA(SHA256()))
        ).decode(),
        "x-twilio-email-event-webhook-timestamp": "1790000001",
    }
    account.verify(headers, PUBLIC, body, utc_now())
    for wrong in ({**headers, "x-twilio-email-event-webhook-timestamp": "1790000002"}, {}, {**headers, "x": "y"}):
        with pytest.raises(SignatureRefused):
            account.verify(wrong, PUBLIC, body + (b" " if "x" in wrong else b""), utc_now())
    with pytest.raises(SignatureRefused, match="event_webhook_key"):
        _Account(None).verify(headers, PUBLIC, body, utc_now())
    heard = account.signals(Delivery("grid", "k", utc_now(), {}, body))
    assert [(one.address[0], one.kind) for one in heard] == [
        ("0", "bounced"),
        ("2", "bounced"),
        ("3", "unsubscribed"),
        ("4", "complained"),
        ("5", "unsubscribed"),
    ]
    for broken in (b"{}", b"[1]", b"no", b'[{"event":"bounce"}]'):
        with pytest.raises(Malformed):
            list(account.signals(Delivery("grid", "k", utc_now(), {}, broken)))
    assert account.delivery_key({}, body) != account.delivery_key({}, body + b" ")
    assert account.answers == Answers(bad_signature=403)
