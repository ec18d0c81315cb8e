"""CLI, schedule and Launchpad started on one connection and one destination at the same moment, again and again."""

import multiprocessing
import os
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from multiprocessing.connection import Connection

import pytest
from sqlalchemy import func, select

from sandbox.client import Sandbox
from sandbox.generator import DEFAULT_NOW
from talent_pool.home import Home
from talent_pool.landing.conservation import unbalanced
from talent_pool.store.runs import listed
from talent_pool.store.tables import deliveries, leases, quarantine, records
from tests.end_to_end.contenders import Outcome, compete
from tests.end_to_end.places import command, settings, settled
from tests.end_to_end.witness import accounts, one_at_a_time, watching

CONTENDERS = ("command", "schedule", "launchpad")
LOST = re.compile(
    r"^(✗ )?The (connection greenhouse|destination mail) is being worked on already by (sync|push to mail), "
    r"process \d+ on \S+, since \d\d:\d\d UTC\. Wait for it to end, or stop it, then run again\.$"
)
FIRST_NAMES = ("Ada", "Bruno", "Chidi", "Dagny", "Emeka", "Farah", "Goran")
LAST_NAMES = ("Okafor", "Lindqvist", "Marchetti", "Tanaka", "Novak", "Haddad", "Pereira", "Kowalski")


class Applicants:
    """Somebody new applies in each round, and every fifth applies for a second job."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.applications: Counter[str] = Counter()
        """How many applications each address has made."""

    def apply(self, number: int, at: datetime) -> None:
        address = f"applicant{number}@round.example"
        one = self.sandbox.greenhouse(
            "add_candidate",
            at=at.isoformat(),
            first_name=FIRST_NAMES[number % len(FIRST_NAMES)],
            last_name=LAST_NAMES[number % len(LAST_NAMES)] + "abcdefghij"[number // 10] * 2,
            email_addresses=[{"value": address, "type": "personal"}],
        )
        for job in (4001, 4002) if number % 5 == 0 else (4001,):
            self.sandbox.greenhouse("add_application", candidate_id=one["id"], job_id=job, at=at.isoformat())
            self.applications[address] += 1


@contextmanager
def _contenders() -> Iterator[list[Connection]]:
    spawning = multiprocessing.get_context("spawn")
    barrier = spawning.Barrier(len(CONTENDERS))
    pipes, processes = [], []
    try:
        for who in CONTENDERS:
            ours, theirs = spawning.Pipe()
            processes.append(spawning.Process(target=compete, args=(who, theirs, barrier), daemon=True))
            processes[-1].start()
            theirs.close()
            pipes.append(ours)
        for pipe in pipes:
            assert pipe.poll(120)
            assert pipe.recv() == "ready"
        yield pipes
        for pipe in pipes:
            pipe.send(None)
        for each in processes:
            each.join(30)
            assert each.exitcode == 0
    finally:
        for each in processes:
            each.kill()
            each.join()
            each.close()
        for pipe in pipes:
            pipe.close()


def _round(pipes: list[Connection], as_of: datetime) -> list[Outcome]:
    for pipe in pipes:
        pipe.send(as_of.isoformat())
    told: list[Outcome] = []
    for pipe in pipes:
        assert pipe.poll(180), "a contender did not come to an end"
        told += pipe.recv()
    return told


def _compete(sandbox: Sandbox, rounds: int) -> tuple[list[Outcome], Applicants, int]:
    """Let all rounds happen, then sync and push once more in peace; also say how many messages were out before."""
    applicants, outcomes = Applicants(sandbox), []
    with _contenders() as pipes:
        for number in range(rounds):
            as_of = DEFAULT_NOW + timedelta(minutes=number + 1)
            if number % 2:  # so that whoever is first is still at it when the others come
                sandbox.fault("greenhouse", "slow", "/v3/sources", seconds=0.8)
            applicants.apply(number, as_of - timedelta(seconds=20))
            outcomes += _round(pipes, as_of)
    in_contest = len(sandbox.mails())
    os.environ["CATCHMENT_AS_OF"] = (DEFAULT_NOW + timedelta(minutes=rounds + 1)).isoformat()
    command("sync", "greenhouse")
    command("push", "mail", "--yes")
    return outcomes, applicants, in_contest


def _losers_said_so(outcomes: list[Outcome], rounds: int) -> None:
    assert [one for one in outcomes if one.end == "failed"] == []
    losses = [words for one in outcomes for words in one.losses]
    assert [words for words in losses if not LOST.match(words)] == []
    assert len(losses) >= rounds // 4, "hardly ever did two of them meet, so that nothing was shown"
    for task in ("sync", "push"):
        assert sum(one.task == task and one.end == "done" for one in outcomes) >= rounds


def _every_acknowledgement_once(store, sandbox: Sandbox, applicants: Applicants) -> None:
    mails = sandbox.mails()
    with store.reading() as connection:
        sent = {row.id: row for row in connection.execute(select(deliveries))}
    assert {row.state for row in sent.values()} == {"sent"}
    ids = [mail["headers"]["message-id"].strip("<>").partition("@")[0] for mail in mails]
    assert sorted(ids) == sorted(sent)
    pairs = Counter((mail["to"][0], sent[one].subject_id) for mail, one in zip(mails, ids, strict=True))
    assert set(pairs.values()) == {1}
    received = Counter(mail["to"][0] for mail in mails)
    assert {address: received[address] for address in applicants.applications} == applicants.applications


def _every_record_once(store, sandbox: Sandbox, applicants: Applicants) -> None:
    expected = sandbox.ports["expected"]["greenhouse"]
    with store.reading() as connection:
        live = connection.execute(select(records).where(records.c.removed_at.is_(None))).all()
        assert connection.execute(select(func.count()).select_from(quarantine)).scalar_one() == 0
        assert connection.execute(select(func.count()).select_from(leases)).scalar_one() == 0
    known = Counter((row.record_type, row.remote_id) for row in live)
    assert set(known.values()) == {1}
    of_type = Counter(row.record_type for row in live)
    assert of_type["candidate"] == expected["candidates"] + len(applicants.applications)
    assert of_type["application"] == expected["applications"] + applicants.applications.total()
    assert sorted(row.landing_number for row in live) == list(range(1, len(live) + 1))


def _one_writer(store) -> None:
    with store.reading() as connection:
        seen = accounts(connection)
    for subject in (("sync", "greenhouse"), ("push", "mail")):
        assert len(seen[subject]) > 2
        assert one_at_a_time(seen[subject]), seen[subject]
    for run in listed(store, limit=10_000):
        assert (run.state, unbalanced(store, run.id)) == ("succeeded", None)


def _contest(tmp_path, store_url: str | None, *, people: int, rounds: int) -> list[Outcome]:
    with Sandbox.start(people=people, seed=5, folder=tmp_path / "sandbox", now=DEFAULT_NOW) as sandbox:
        own = settings(sandbox, tmp_path / "home", store_url, CATCHMENT_AS_OF=DEFAULT_NOW.isoformat())
        with settled(own):
            command("migrate")
            store = Home().open()
            try:
                with watching(store):
                    outcomes, applicants, in_contest = _compete(sandbox, rounds)
                    _one_writer(store)
                    _every_record_once(store, sandbox, applicants)
                    _every_acknowledgement_once(store, sandbox, applicants)
                    _losers_said_so(outcomes, rounds)
                    assert in_contest >= rounds / 4
                    return outcomes
            finally:
                store.close()


@pytest.mark.heavy
def test_fifty_times_three_are_one_writer(tmp_path, store_url, backend) -> None:
    outcomes = _contest(tmp_path, store_url(), people=60, rounds=50 if backend == "sqlite" else 10)
    for task in ("sync", "push"):  # who is first is chance, but nobody is always
        assert len({one.who for one in outcomes if one.task == task and one.end == "done"}) > 1
