"""Laws 5, 7, 8, 9, 10 and 11 over random lives: landings, merges, un-merges, opt-outs, expiries, erasures, pushes.

The whole way is walked, from a source's listing to what a destination holds; only the destinations are in memory.
"""

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select

from connectors.contract import Action
from connectors.records import Channel, Purpose
from talent_pool import consent
from talent_pool.delivery.deliver import deliver
from talent_pool.installation import Installation
from talent_pool.landing.inbox import Inbox
from talent_pool.landing.sync import sync
from talent_pool.privacy import erasure
from talent_pool.privacy.erasure import Desk
from talent_pool.refused import Refused
from talent_pool.resolution import by_hand
from talent_pool.resolution.by_hand import By
from talent_pool.resolution.resolve import resolve_all
from talent_pool.segments import evaluate
from talent_pool.store.database import Store
from talent_pool.store.tables import (
    consent_statements,
    deliveries,
    holdings,
    memberships,
    person_records,
    push_rows,
    records,
)
from tests.examples import examples
from tests.talent_pool.forgetting import Forgetful, same_mailbox
from tests.talent_pool.outbound import FREE, NOW, ON, SEGMENTS, Post, post_settings, shelf_settings
from tests.talent_pool.small_world import INSTALLATION, birth_id
from tests.talent_pool.sources import MemorySource

NAMES = ("ann", "bob", "cy", "dee")
SOURCES = ("ats", "board")
names = st.sampled_from(NAMES)
sources = st.sampled_from(SOURCES)
FOREIGN = {("zoe@example.org", "silver_medallists"): {}, ("ann@example.org", "newsletter"): {}}


def address(name: str) -> str:
    return f"{name}@example.org"


class Lives(RuleBasedStateMachine):
    """A pool with two sources, one state and one message destination, and what must be true of them whatever happens.

    `new_world` gives an empty store, its inbox and a folder.
    """

    def __init__(self, new_world: Callable[[], tuple[Store, Inbox, Path]]) -> None:
        super().__init__()
        self.store, self.inbox, self.folder = new_world()
        self.now = NOW
        self.shelf = Forgetful(settings=shelf_settings("silver_medallists", max_recipients=10_000))
        self.shelf.held.update(FOREIGN)
        self.post = Post(settings=post_settings("passive_talent", max_recipients=10_000))
        whole = {one.settings.name: one.settings for one in (self.shelf, self.post)}
        policies = {"default": FREE}
        self.installation = Installation(INSTALLATION.connections, SEGMENTS, whole, {}, policies=policies)
        self.listings: dict[str, dict[str, Any]] = {name: {} for name in SOURCES}
        self.told: dict[tuple[str, str], dict[str, Any]] = defaultdict(dict)
        self.expires: dict[str, datetime] = {}
        self.no: set[str] = set()
        self.erased: set[str] = set()
        self.merged: set[str] = set()
        self.decided: dict[frozenset[str], str] = {}

    # what happens

    @initialize(days=st.lists(st.integers(1, 40), min_size=len(NAMES), max_size=len(NAMES)))
    def begin(self, days: list[int]) -> None:
        for name, number in zip(NAMES, days, strict=True):
            self.expires[name] = self.now + timedelta(days=number)
            self._tell("ats", name, {"first_name": name.capitalize(), "last_name": f"Of{name}"})
        self._read()

    @rule(source=sources, name=names, last_name=st.sampled_from([None, "New", "Newer"]), company=st.booleans())
    def land(self, source: str, name: str, last_name: str | None, company: bool) -> None:
        fields = {"first_name": name.capitalize()}
        fields |= {"last_name": last_name} if last_name else {}
        fields |= {"company": f"{name} Ltd"} if company else {}
        self._tell(source, name, fields)
        self._read()

    @rule()
    def read_everything_again(self) -> None:
        self._read(full=True)

    @rule(a=names, b=names)
    def merge(self, a: str, b: str) -> None:
        try:
            by_hand.merge(
                self.store, self.installation, self._record(a), self._record(b), By("hr", self.now), anyway=True,
                score=same_mailbox,
            )  # fmt: skip
        except Refused:
            return
        self._settle()
        for pair in [pair for pair, kind in self.decided.items() if kind == "different"]:
            if len({self._holder(name) for name in pair}) == 1:
                del self.decided[pair]  # withdrawn, for it stood against this one
        self.decided[frozenset((a, b))] = "same"
        self.merged |= self._one_with(a)

    @precondition(lambda self: "same" in self.decided.values())
    @rule(number=st.integers(0, 5))
    def unmerge(self, number: int) -> None:
        pairs = sorted(sorted(pair) for pair, kind in self.decided.items() if kind == "same")
        a, b = pairs[number % len(pairs)]
        by_hand.unmerge(
            self.store, self.installation, self._record(b), self._record(a), By("hr", self.now), score=same_mailbox
        )
        self._settle()
        self.decided[frozenset((a, b))] = "different"

    @rule(name=names)
    def opt_out(self, name: str) -> None:
        self.no |= self._one_with(name)
        consent.refuse(
            self.store, organisation="default", channel=Channel.EMAIL, purpose=Purpose.FUTURE_JOBS, kind="one_click",
            at=self.now, address=f"{name.upper()}+x@example.org",
        )  # fmt: skip

    @rule(days=st.integers(1, 20))
    def wait(self, days: int) -> None:
        self.now += timedelta(days=days)

    @rule(name=names)
    def erase(self, name: str) -> None:
        holder = self._holder(name)
        if holder is None:
            return
        gone = self._one_with(name)
        can = {"shelf": "delete", "post": "no"}
        desk = Desk(self.store, self.installation, self._open, self.inbox, self.folder, can)
        erasure.erase(desk, holder, erasure.preview(desk, holder).token, self.now)
        self.erased |= gone
        self.decided = {pair: kind for pair, kind in self.decided.items() if not pair & gone}
        self._settle()

    @rule()
    def push(self) -> None:
        self._settle()
        for destination in (self.shelf, self.post):
            asked, sent = len(self.shelf.asked), len(self.post.sent)
            deliver(self.store, self.installation, destination, self.now, ON)
            asked_for = self.shelf.asked[asked:] + self.post.sent[sent:]
            self._may_all_be_reached(
                {one.address.partition("@")[0] for one in asked_for if one.action is not Action.REMOVE}
            )
        self._holds_whom_it_should()
        self._is_settled()

    # what must hold

    @invariant()
    def decisions_hold(self) -> None:
        """Law 5."""
        for pair, kind in self.decided.items():
            holders = [self._holder(name) for name in sorted(pair)]
            assert (len(set(holders)) == 1) is (kind == "same"), f"{kind}: {sorted(pair)}"

    @invariant()
    def what_others_put_there_stays(self) -> None:
        """Law 9. Whoever is erased is forgotten there, whoever put her there, if she was ever given there by us."""
        kept = {key for key in FOREIGN if key[0].partition("@")[0] not in self.erased}
        assert kept <= self.shelf.held.keys()

    @invariant()
    def what_is_missing_keeps_its_value(self) -> None:
        """Law 11."""
        query = select(records.c.id, records.c.body).where(records.c.record_type == "candidate")
        with self.store.reading() as connection:
            known = {row.id: row.body for row in connection.execute(query)}
        for (source, name), fields in self.told.items():
            if name not in self.erased:
                body = known[birth_id(self.store, source, name)]
                assert {key: body.get(key) for key in fields} == fields

    @invariant()
    def nobody_erased_is_here(self) -> None:
        assert not [name for name in self.erased if self._holder(name)]
        assert not self._ours() & self.erased

    def _may_all_be_reached(self, reached: set[str]) -> None:
        """Laws 7 and 8: a no of any part is a no of all, for ever, and silence is none."""
        assert not reached & self.no
        assert not reached & self.erased
        assert not {name for name in reached if self.expires[name] <= self.now}

    def _holds_whom_it_should(self) -> None:
        ours = self._ours()
        self._may_all_be_reached(ours)
        never_merged = set(NAMES) - self.merged - self.no - self.erased
        assert {name for name in never_merged if self.expires[name] > self.now} <= ours
        assert max(Counter(one.address for one in self.post.sent).values(), default=1) == 1

    def _ours(self) -> set[str]:
        return {key[0].partition("@")[0] for key in self.shelf.held.keys() - FOREIGN.keys()}

    def _is_settled(self) -> None:
        """Law 10."""
        before = self.shelf.requests, self.post.requests, self._ledgers()
        self._settle()
        for destination in (self.shelf, self.post):
            deliver(self.store, self.installation, destination, self.now, ON)
        assert (self.shelf.requests, self.post.requests, self._ledgers()) == before

    # how it is done

    def _open(self, name: str) -> Any:
        return {"shelf": self.shelf, "post": self.post}[name]

    def _tell(self, source: str, name: str, fields: dict[str, Any]) -> None:
        self.told[source, name] |= fields
        self.now += timedelta(minutes=1)
        body = {"remote_id": name, "email_addresses": [{"value": address(name)}], **fields}
        said = {
            "remote_id": f"{name}-said", "candidate_id": name, "purpose": "future_jobs", "channel": "email",
            "status": "given", "stated_by": "candidate", "stated_at": "2026-09-01T00:00:00Z",
            "expires_at": self.expires[name].isoformat(), "evidence": {"kind": "form_tick"},
        }  # fmt: skip
        updated = body | {"remote_updated_at": self.now.isoformat()}
        self.listings[source][name] = {"id": name, "candidate": updated, "consent": [said]}

    def _read(self, *, full: bool = True) -> None:
        for name, listing in self.listings.items():
            source = MemorySource({"candidates": list(listing.values())}, name=name)
            sync(self.store, self.inbox, source, self.now, full_refresh=full)
        self._settle()

    def _settle(self) -> None:
        resolve_all(self.store, self.installation, self.now, score=same_mailbox)
        evaluate(self.store, self.installation, self.now)

    def _record(self, name: str) -> str:
        return birth_id(self.store, "ats", name)

    def _holder(self, name: str) -> str | None:
        query = select(person_records.c.person_id).where(person_records.c.record_id == self._record(name))
        with self.store.reading() as connection:
            return connection.execute(query).scalar()

    def _one_with(self, name: str) -> set[str]:
        holder = self._holder(name)
        return {one for one in NAMES if holder and self._holder(one) == holder} | {name}

    def _ledgers(self) -> dict[str, int]:
        tables = (push_rows, deliveries, holdings, memberships, consent_statements, person_records)
        with self.store.reading() as connection:
            return {
                table.name: connection.execute(select(func.count()).select_from(table)).scalar_one() for table in tables
            }


def _run(new_store: Any, folder: Path, chosen: Any) -> None:
    def new_world() -> tuple[Store, Inbox, Path]:
        new_store.give_back()
        place = folder / str(len(list(folder.iterdir())))
        place.mkdir()
        return new_store(), Inbox(f"sqlite:///{place / 'inbox.db'}"), place

    run_state_machine_as_test(lambda: Lives(new_world), settings=chosen)


_KINDLY = {"suppress_health_check": [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]}


@pytest.mark.heavy
def test_the_laws_hold_together_whatever_happens(new_store: Any, tmp_path: Path) -> None:
    _run(new_store, tmp_path, examples(20, stateful_step_count=25, **_KINDLY))


def test_the_laws_hold_together_for_a_while(new_store: Any, tmp_path: Path) -> None:
    _run(new_store, tmp_path, settings(max_examples=2, stateful_step_count=8, deadline=None, **_KINDLY))
