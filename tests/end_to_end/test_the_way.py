"""The way of candidates from vendors to destinations and back, over real HTTP and SMTP, with three witnesses.

Besides what we say that we read and sent there are the vendors' own counters, and what they hold in the end.
"""

import csv
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from connectors.records import utc_now
from sandbox.client import Sandbox
from talent_pool.home import Home
from talent_pool.landing.conservation import unbalanced
from talent_pool.store.ids import record_id
from talent_pool.store.runs import listed
from talent_pool.store.tables import holdings, person_records, records
from tests.end_to_end.places import ROOT, command, settings, settled

CONNECTIONS = ("greenhouse", "indeed_apply", "typeform", "careers_form", "referral_links", "archive")
TAGS = {"Silver medallists", "Passive talent"}
FINAL_INTERVIEW = 4

MIRA = {"first_name": "Mirabel", "last_name": "Vantongeren", "phone": "+1 212 555 0186"}
MIRA_FIRST, MIRA_SECOND = "mirabel.vantongeren@first.example", "m.vantongeren@second.example"
ODO = {"first_name": "Odoardo", "last_name": "Quillfeather"}
ODO_PHONE = "+1 212 555 0187"
ODO_FIRST, ODO_SECOND = "odoardo.quillfeather@first.example", "o.quillfeather@second.example"
NEWCOMER = "newcomer@first.example"


@dataclass
class Hub:
    """A sandbox, an intake and an installation between them, for one test."""

    sandbox: Sandbox
    public: str
    exports: Path

    def deliver(self) -> dict[str, int]:
        """Let everybody deliver, and return how many deliveries the intake took, by connection."""
        applied = self.sandbox.deliver_indeed(f"{self.public}/intake/indeed_apply")
        submitted = self.sandbox.deliver_forms(self.public)
        referred = self.sandbox.deliver_referrals(self.public)
        taken = {"indeed_apply": applied, "careers_form": submitted, "referral_links": referred}
        assert {answer for answers in taken.values() for answer in answers} <= {"200", "202", "click 302"}, taken
        return {name: answers.total() for name, answers in taken.items()}

    def post_form(self, **fields: object) -> None:
        assert httpx.post(f"{self.public}/forms/careers", json=fields).status_code == 202

    def sync(self) -> dict[str, Counter[str]]:
        """Sync everything, resolve and evaluate; return each connection's counts."""
        return {
            name: Counter(counts) for name, counts in command("sync", *CONNECTIONS, "--json", codes=(0, 1)).json.items()
        }

    def push(self) -> dict[str, dict[str, int]]:
        return command("push", "--yes", "--json").json

    def left(self, server: str) -> int:
        """How many objects have left a vendor, by its own count."""
        return sum(self.sandbox.counts(server)["objects"].values())

    def writes(self) -> int:
        """How many requests to write Mailchimp has had, by its own count."""
        asked = self.sandbox.counts("mailchimp")["requests"]
        return sum(number for what, number in asked.items() if what.startswith("POST"))

    def add(self, address: str, at, job: int = 4001, phone: str | None = None, **fields: str) -> tuple[str, int]:
        """Let somebody apply at Greenhouse; return the candidate's id and the application's."""
        one = self.sandbox.greenhouse(
            "add_candidate",
            at=at.isoformat(),
            email_addresses=[{"value": address, "type": "personal"}],
            phone_numbers=[{"value": phone, "type": "mobile"}] if phone else [],
            **fields,
        )
        application = self.sandbox.greenhouse("add_application", candidate_id=one["id"], job_id=job, at=at.isoformat())
        return str(one["id"]), application["id"]

    def reject_finalist(self, application: int, at) -> None:
        self.sandbox.greenhouse(
            "move_application", application_id=application, position=FINAL_INTERVIEW, at=at.isoformat()
        )
        self.sandbox.greenhouse("reject_application", application_id=application, at=at.isoformat())

    def mails_to(self, *addresses: str) -> list[dict]:
        return [mail for mail in self.sandbox.mails() if set(mail["to"]) & set(addresses)]

    def tagged(self) -> dict[str, set[str]]:
        """Whom Mailchimp holds with tags of ours: {address: tags}."""
        members = self.sandbox.mailchimp()["members"]
        found = {one["email_address"]: TAGS & {tag["name"] for tag in one["tags"]} for one in members}
        return {address: tags for address, tags in found.items() if tags}

    def exported(self) -> set[str]:
        with (self.exports / "silver_medallists.csv").open(newline="") as file:
            return {row[0] for row in list(csv.reader(file))[1:]}

    def unsubscribe_at_mailchimp(self, address: str) -> None:
        url = f"{self.sandbox.admin['mailchimp']}/set_status"
        httpx.post(url, json={"email": address, "status": "unsubscribed"}).raise_for_status()


@contextmanager
def _intake() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    public = f"http://127.0.0.1:{port}"
    os.environ |= {"CATCHMENT_PUBLIC_URL": public, "CATCHMENT_PORT": str(port)}
    serving = subprocess.Popen([sys.executable, "-m", "web"], cwd=ROOT)
    try:
        patience = time.monotonic() + 60
        while not _is_up(public):
            assert serving.poll() is None, "the intake ended"
            assert time.monotonic() < patience, "the intake did not come up"
            time.sleep(0.05)
        yield public
    finally:
        serving.send_signal(signal.SIGTERM)
        serving.wait(20)


def _is_up(public: str) -> bool:
    try:
        return httpx.get(f"{public}/health").is_success
    except httpx.TransportError:
        return False


@pytest.fixture
def hub(tmp_path, store_url) -> Iterator[Hub]:
    with Sandbox.start(people=80, seed=13, folder=tmp_path / "sandbox", now=utc_now()) as sandbox:
        own = settings(sandbox, tmp_path / "home", store_url())
        with settled(own):
            command("migrate")
            with _intake() as public:
                for link in sandbox.referral_links:
                    _share(link)
                yield Hub(sandbox, public, tmp_path / "home" / "exports")


def _share(link: dict[str, str]) -> None:
    """Write the link with the token that the sandbox's people know it by."""
    from talent_pool.landing import referrals

    store = Home().open()
    referrals.create(
        store,
        target_url=link["target_url"],
        now=utc_now(),
        token=link["token"],
        referrer_name=link["name"],
        referrer_email=link["email"],
        job=f"greenhouse:{link['job_id']}",
    )
    store.close()


def _every_run_balances() -> int:
    store = Home().open()
    ledger = listed(store, limit=1000)
    for run in ledger:
        assert (run.state, unbalanced(store, run.id)) == ("succeeded", None), run
    store.close()
    return len(ledger)


def _person_of(*remote_ids: tuple[str, str]) -> set[str]:
    """Return the people that these candidate records, (connection, remote id), belong to."""
    store = Home().open()
    ids = [record_id(store, connection, "candidate", remote_id) for connection, remote_id in remote_ids]
    with store.reading() as connection:
        rows = connection.execute(select(person_records).where(person_records.c.record_id.in_(ids))).all()
    store.close()
    assert len(rows) == len(ids)
    return {row.person_id for row in rows}


def _held_of(person_id: str) -> list:
    store = Home().open()
    with store.reading() as connection:
        rows = connection.execute(select(holdings).where(holdings.c.person_id == person_id)).all()
    store.close()
    return list(rows)


def _body_of(candidate: str) -> dict:
    store = Home().open()
    mine = records.c.id == record_id(store, "greenhouse", "candidate", candidate)
    with store.reading() as connection:
        body = connection.execute(select(records.c.body).where(mine)).scalar_one()
    store.close()
    return body


def _comes_in(hub: Hub, mira: str) -> None:
    """Sync all that there is: what we count is what the vendors and the intake count."""
    taken = hub.deliver()
    for number, address in enumerate((MIRA_FIRST, MIRA_SECOND)):
        agreed = {"future_jobs": True, "marketing": True}
        hub.post_form(submission_id=f"mira{number}", email=address, consents=agreed, **MIRA)
    taken["careers_form"] += 2
    counts = hub.sync()
    with hub.sandbox.archive_csv.open(newline="") as file:
        rows = sum(1 for _ in csv.reader(file)) - 1
    witnessed = {**taken, "greenhouse": hub.left("greenhouse"), "typeform": hub.left("typeform"), "archive": rows}
    assert {name: each["read"] for name, each in counts.items()} == witnessed
    assert all(each["new"] > 0 for each in counts.values())
    assert len(_person_of(("greenhouse", mira), ("careers_form", "mira0"), ("careers_form", "mira1"))) == 1
    members = {one["segment"]: one["members"] for one in command("segments", "--json").json}
    assert all(members[name] for name in ("acknowledge_new_applicants", "silver_medallists", "passive_talent"))


def _goes_out(hub: Hub) -> str:
    """Push: what we say we sent is what arrived. Return the address at which Mailchimp holds Mira."""
    pushed = hub.push()
    tagged, mails = hub.tagged(), hub.sandbox.mails()
    assert len(mails) == pushed["mail"]["sent"] == pushed["mail"]["requests"]
    assert sum(len(tags) for tags in tagged.values()) == pushed["mailchimp"]["sent"]
    assert hub.writes() == pushed["mailchimp"]["requests"]
    assert len(hub.exported()) == pushed["export"]["sent"]
    (hers,) = {MIRA_FIRST, MIRA_SECOND} & set(tagged)
    assert tagged[hers] == TAGS
    assert hub.exported() & {MIRA_FIRST, MIRA_SECOND}
    assert len(tagged) > 1
    return hers


def _finds_nothing_new(hub: Hub) -> None:
    before = {name: hub.left(name) for name in ("greenhouse", "typeform")}
    again = hub.sync()
    assert {each["new"] + each["changed"] + each["deleted"] for each in again.values()} == {0}
    assert {name: again[name]["read"] for name in before} == {name: hub.left(name) - before[name] for name in before}
    _sends_nothing(hub)


def _sends_nothing(hub: Hub) -> None:
    assert {numbers["sent"] + numbers["removed"] for numbers in hub.push().values()} == {0}


def _say_no(hub: Hub, hers: str) -> None:
    """Let Mira unsubscribe in Mailchimp, and Odo by the link in the mail that he got."""
    hub.unsubscribe_at_mailchimp(hers)
    (letter,) = hub.mails_to(ODO_FIRST)
    link = letter["headers"]["list-unsubscribe"].strip("<>")
    assert httpx.post(link, data={"List-Unsubscribe": "One-Click"}).status_code == 200


def _goes_on(hub: Hub, odo: str) -> None:
    """Let Odo change, and apply again by another address, and somebody new apply; sync that."""
    just_now = utc_now() - timedelta(seconds=3)
    hub.sandbox.greenhouse("update_candidate", candidate_id=int(odo), at=just_now.isoformat(), title="Astronomer")
    again, _ = hub.add(ODO_SECOND, just_now, job=4002, phone=ODO_PHONE, **ODO)
    hub.add(NEWCOMER, just_now, first_name="Thessaly", last_name="Brankovic")
    before = hub.left("greenhouse")
    counts = hub.sync()["greenhouse"]
    assert counts["read"] == hub.left("greenhouse") - before
    # two candidates, two applications, and the first stage of each
    assert (counts["changed"], counts["new"]) == (1, 6)
    assert _body_of(odo)["title"] == "Astronomer"
    assert len(_person_of(("greenhouse", odo), ("greenhouse", again))) == 1


def test_the_way_in_and_out_and_back(hub: Hub) -> None:
    before = utc_now() - timedelta(hours=3)
    past = before - timedelta(days=30)  # whoever was rejected just now is left in peace
    mira, finalist = hub.add(MIRA_FIRST, past, phone=MIRA["phone"], first_name="Mirabel", last_name="Vantongeren")
    hub.reject_finalist(finalist, past + timedelta(hours=1))
    odo, _ = hub.add(ODO_FIRST, before, phone=ODO_PHONE, **ODO)
    _comes_in(hub, mira)
    hers = _goes_out(hub)
    _finds_nothing_new(hub)
    kept = {address: tags for address, tags in hub.tagged().items() if address != hers}
    _say_no(hub, hers)
    _goes_on(hub, odo)
    hub.push()
    (she,) = _person_of(("greenhouse", mira))
    for _ in range(2):
        # who said no is gone and stays gone, at every address; everybody else is untouched
        assert hub.tagged() == kept
        assert not hub.exported() & {MIRA_FIRST, MIRA_SECOND}
        assert _held_of(she) == []
        assert [len(hub.mails_to(address)) for address in (NEWCOMER, ODO_FIRST, ODO_SECOND)] == [1, 1, 0]
        assert hub.mails_to(MIRA_FIRST, MIRA_SECOND) == []
        hub.sync()
        _sends_nothing(hub)
    state = hub.sandbox.mailchimp()
    assert state["violations"] == []
    assert {one["email_address"]: one["status"] for one in state["members"]}[hers] == "unsubscribed"
    assert _every_run_balances() >= 5 * (len(CONNECTIONS) + 3) - 3
