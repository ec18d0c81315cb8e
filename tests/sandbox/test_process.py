"""The sandbox as a process, as demo and end-to-end tests use it."""

import csv
import smtplib
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import orjson
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from sandbox.client import Sandbox
from sandbox.forms import ARCHIVE_COLUMNS
from sandbox.generator import generate
from sandbox.serving import Serving

NOW = datetime(2026, 5, 1, 8, tzinfo=UTC)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox.start(200, 4, tmp_path_factory.mktemp("sandbox"), now=NOW, rate_limit=5_000) as up:
        yield up
    assert up.process.returncode == 0


class Portal:
    """Takes what people do on the public side, and keeps it."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        self.bodies: list[dict] = []
        routes = [
            Route("/r/{token}", self.click),
            Route("/forms/{form}", self.form, methods=["POST"]),
            Route("/intake/indeed_apply", self.form, methods=["POST"]),
        ]
        self.app = Starlette(routes=routes)

    async def click(self, request: Request) -> Response:
        self.seen["click"] += 1
        return RedirectResponse("https://careers.hiring-company.example", 302)

    async def form(self, request: Request) -> Response:
        self.seen[request.url.path] += 1
        self.bodies.append(orjson.loads(await request.body()))
        return Response(status_code=202)


def test_its_world_is_the_generator_s(sandbox: Sandbox) -> None:
    world = generate(200, 4, NOW)
    assert sandbox.truth() == world.truth
    assert sandbox.consents() == world.consents()
    assert sandbox.ports["expected"]["people"] == 200
    assert sandbox.ports["expected"]["candidates"] == world.expected()["candidates"]


def test_every_server_answers_at_its_address(sandbox: Sandbox) -> None:
    environ = sandbox.environ
    credentials = (environ["GREENHOUSE_CLIENT_ID"], environ["GREENHOUSE_CLIENT_SECRET"])
    with httpx.Client(trust_env=False, verify=False) as client:
        form = {"grant_type": "client_credentials"}
        token = client.post(environ["GREENHOUSE_TOKEN_URL"], auth=credentials, data=form).json()["access_token"]
        answer = client.get(
            f"{environ['GREENHOUSE_BASE_URL']}/candidates", headers={"Authorization": f"Bearer {token}"}
        )
        assert answer.headers["X-RateLimit-Limit"] == "5000"
        assert len(answer.json()) == 100
        bearer = {"Authorization": f"Bearer {environ['TYPEFORM_TOKEN']}"}
        assert client.get(f"{environ['TYPEFORM_BASE_URL']}/forms/{environ['TYPEFORM_FORM_ID']}", headers=bearer).json()[
            "fields"
        ]
        key = ("any", environ["MAILCHIMP_API_KEY"])
        assert client.get(f"{environ['MAILCHIMP_BASE_URL']}/ping", auth=key).status_code == 200
    with smtplib.SMTP(environ["MAIL_HOST"], int(environ["MAIL_PORT"])) as smtp:
        smtp.sendmail("a@hiring-company.example", ["b@example.com"], "Subject: Hello\r\n\r\nHello\r\n")
    assert [one["to"] for one in sandbox.mails()] == [["b@example.com"]]
    assert sandbox.counts("greenhouse")["objects"] == {"candidates": 100}
    assert sandbox.mailchimp()["violations"] == []


def test_changes_and_faults_from_outside(sandbox: Sandbox) -> None:
    remote_id = next(remote_id for connection, remote_id in sandbox.truth() if connection == "greenhouse")
    changed = sandbox.greenhouse(
        "update_candidate", candidate_id=int(remote_id), at="2026-05-02T00:00:00+00:00", title="New"
    )
    assert (changed["title"], changed["updated_at"]) == ("New", "2026-05-02T00:00:00.000Z")
    sandbox.fault("typeform", "500", "/me")
    url = f"{sandbox.environ['TYPEFORM_BASE_URL']}/me"
    assert httpx.get(url, trust_env=False, verify=False).status_code == 500
    sandbox.heal("typeform")


def test_the_archive_has_one_broken_row(sandbox: Sandbox) -> None:
    with sandbox.archive_csv.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert tuple(header) == ARCHIVE_COLUMNS
    whole = [row for row in rows if len(row) == len(header)]
    assert len(rows) == len(whole) + 1
    assert {row[0] for row in whole} == {remote_id for name, remote_id in sandbox.truth() if name == "archive"}


def test_people_deliver(sandbox: Sandbox) -> None:
    portal = Portal()
    expected = sandbox.ports["expected"]["candidates"]
    with Serving({"portal": portal.app}) as serving:
        public = serving.urls["portal"]
        assert sandbox.deliver_indeed(f"{public}/intake/indeed_apply") == {"202": expected["indeed_apply"]}
        assert sandbox.deliver_forms(public) == {"202": expected["careers_form"]}
        referrals = sandbox.deliver_referrals(public)
        assert referrals == {"click 302": expected["referral_links"], "202": expected["referral_links"]}
        assert sandbox.deliver_referrals(public) == {"202": expected["referral_links"]}
    ids = {body.get("submission_id") or body["id"] for body in portal.bodies}
    delivered = ("indeed_apply", "careers_form", "referral_links")
    assert ids == {remote_id for name, remote_id in sandbox.truth() if name in delivered}
    assert {link["token"] for link in sandbox.referral_links} >= {
        body["token"] for body in portal.bodies if "token" in body
    }


def test_a_process_that_cannot_start_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(RuntimeError, match="exit code 1"):
        Sandbox.start(1, 1, tmp_path)
