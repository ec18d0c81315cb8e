"""Members who rest: a plan that has no row for them says the same as one that asks the gate about everybody."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, event, given
from hypothesis import strategies as st
from sqlalchemy import insert, update

from connectors.contract import Fate, RowOutcome
from connectors.records import Channel
from talent_pool import consent
from talent_pool.delivery import deliver as delivery
from talent_pool.delivery import gate
from talent_pool.delivery.contact_policy import ContactPolicy
from talent_pool.installation import Installation
from talent_pool.store.addresses import address_key
from talent_pool.store.database import Store
from talent_pool.store.tables import applications, metadata, people, person_addresses, person_aliases, person_records
from tests.examples import examples
from tests.talent_pool.outbound import NOW, ON, SEGMENTS, Pool, Shelf, installation, shelf_settings_of

NAMES = ("ann", "bob", "cy", "dee")
SEGMENT = "silver_medallists"
name = st.sampled_from(NAMES)
OPERATIONS = st.one_of(
    st.tuples(st.just("join"), name),
    st.tuples(st.just("join"), name),
    st.tuples(st.just("leave"), name),
    st.tuples(st.just("say"), name, st.sampled_from(["given", "refused", "withdrawn", "requested", "expired"])),
    st.tuples(st.just("suppress"), name, st.sampled_from(["bounced", "do_not_contact"])),
    st.tuples(st.just("apply"), name),
    st.tuples(st.just("reject"), name),
    st.tuples(st.just("rename"), name),
    st.tuples(st.just("also_holds"), name, name),
    st.tuples(st.just("refused_by_vendor"), name),
    st.tuples(st.just("restrict"), name),
    st.tuples(st.just("merge"), name, name),
    st.tuples(st.just("push")),
    st.tuples(st.just("push")),
)


def everybody_asked() -> AbstractContextManager[object]:
    """Let nobody be in the plain case, so that the gate is asked about everybody."""
    return patch.object(consent, "plainly_allowed", lambda *_args, **_more: set())


class Life:
    """One pool, and a shelf that mirrors a segment of it, under the default policy and with some held out."""

    def __init__(self, store: Store, mode: str, holdout: float) -> None:
        self.pool, self.store, self.now = Pool(store), store, NOW
        self.shelf = Shelf(settings=shelf_settings_of(mode))
        segment = SEGMENTS[SEGMENT].model_copy(update={"holdout": holdout})
        self.whole = Installation(
            {}, {SEGMENT: segment}, {"shelf": self.shelf.settings}, {}, policies={"default": ContactPolicy()}
        )
        self.joined: set[str] = set()
        self.ended: set[str] = set()
        self.numbers = 0
        for each in NAMES:
            self.pool.person(each)
            self.join(each)
        self.push()

    def join(self, name: str) -> None:
        if name not in self.joined | self.ended:
            self.pool.join(SEGMENT, f"per_{name}")
            self.joined.add(name)

    def leave(self, name: str) -> None:
        self.pool.leave(SEGMENT, f"per_{name}")
        self.joined.discard(name)

    def say(self, name: str, status: str) -> None:
        self.pool.consent(name, f"{name}@example.org", status, at=self.now)

    def suppress(self, name: str, reason: str) -> None:
        consent.suppress(
            self.store, organisation="default", channel=Channel.EMAIL, address=f"{name}@example.org", reason=reason,
            source="test", at=self.now,
        )  # fmt: skip

    def apply(self, name: str) -> None:
        self.numbers += 1
        self.pool.application(name, self.numbers, applied_at=self.now)

    def reject(self, name: str) -> None:
        hers = update(applications).where(applications.c.person_id == f"per_{name}")
        with self.store.writing() as connection:
            connection.execute(hers.values(outcome="rejected", outcome_at=self.now))

    def rename(self, name: str) -> None:
        self.numbers += 1
        self.pool.rename(name, f"Name{self.numbers}")

    def also_holds(self, name: str, other: str) -> None:
        """Give somebody the address of another, as relatives share one, before her own."""
        address = f"{other}@example.org"
        with self.store.writing() as connection:
            held = self.store.insert(person_addresses).values(
                person_id=f"per_{name}", record_id=f"rec_{name}", channel="email", address=address,
                address_key=address_key(self.store, Channel.EMAIL, address), is_primary=True,
            )  # fmt: skip
            connection.execute(held.on_conflict_do_nothing())
            connection.execute(update(people).where(people.c.id == f"per_{name}").values(primary_email=address))

    def refused_by_vendor(self, name: str) -> None:
        self.shelf.answers[f"{name}@example.org"] = RowOutcome("", Fate.REJECTED, "as told")

    def restrict(self, name: str) -> None:
        with self.store.writing() as connection:
            connection.execute(update(people).where(people.c.id == f"per_{name}").values(state="restricted"))

    def merge(self, name: str, other: str) -> None:
        if name == other or {name, other} & self.ended:
            return
        kept, gone = f"per_{name}", f"per_{other}"
        with self.store.writing() as connection:
            for table in (person_records, person_addresses, applications, person_aliases):
                connection.execute(update(table).where(table.c.person_id == gone).values(person_id=kept))
            connection.execute(insert(person_aliases).values(id=gone, person_id=kept, minted_number=0, since=self.now))
            connection.execute(update(people).where(people.c.id == gone).values(state="ended"))
        self.leave(other)
        self.ended.add(other)

    def push(self) -> None:
        self.now += timedelta(hours=5)
        delivery.deliver(self.store, self.whole, self.shelf, self.now, ON)

    def planned(self) -> delivery.PushReport:
        return delivery.deliver(self.store, self.whole, self.shelf, self.now, ON, dry_run=True)


@examples(12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    life=st.lists(OPERATIONS, min_size=8, max_size=20),
    mode=st.sampled_from(["mirror", "mirror", "upsert", "add"]),
    holdout=st.sampled_from([0, 0, 0.5]),
)
def test_who_rests_changes_no_plan(store: Store, life: Sequence[tuple], mode: str, holdout: float):
    with store.writing() as connection:
        for table in reversed(metadata.sorted_tables):
            if table.name not in ("counters", "tokens"):
                connection.execute(table.delete())
    lived = Life(store, mode, holdout)
    for what, *arguments in life:
        getattr(lived, what)(*arguments)
        planned = lived.planned()
        with everybody_asked():
            assert planned == lived.planned()
        event("somebody rests" if planned.fates[Fate.UNCHANGED] else "nobody rests")


@pytest.fixture
def resting(store: Store) -> Pool:
    """Twenty people, who are all held as they should be."""
    pool = Pool(store)
    for number in range(20):
        pool.join(SEGMENT, pool.person(f"p{number}"))
    pool.deliver(Shelf())
    return pool


def test_the_gate_is_asked_about_who_changed_alone(resting: Pool, monkeypatch: pytest.MonkeyPatch):
    asked: list[int] = []
    rule = gate.rule
    monkeypatch.setattr(
        gate, "rule", lambda connection, way, rows: asked.append(len(rows)) or rule(connection, way, rows)
    )
    resting.rename("p3", "Renamed")
    report = resting.deliver(Shelf(), dry_run=True)
    assert (report.eligible, report.fates[Fate.UNCHANGED], report.fates[Fate.SENT]) == (20, 19, 1)
    assert asked == [1]


def test_a_no_is_found_among_those_who_rest(resting: Pool):
    consent.refuse(
        resting.store, organisation="default", channel=Channel.EMAIL, purpose=SEGMENTS[SEGMENT].purpose,
        kind="one_click", at=NOW, address="P7+x@example.org",
    )  # fmt: skip
    shelf = Shelf()
    report = resting.deliver(shelf)
    assert [(row.address, row.action) for row in shelf.asked] == [("p7@example.org", "remove")]
    assert (report.fates[Fate.REMOVED], report.fates[Fate.UNCHANGED]) == (1, 19)
    assert not resting.unbalanced()


def test_who_came_into_process_is_found_among_those_who_rest(resting: Pool):
    resting.application("p9", 1)
    shelf = Shelf()
    delivery.deliver(resting.store, installation(shelf.settings, policy=ContactPolicy()), shelf, NOW, ON)
    assert [(row.address, row.action) for row in shelf.asked] == [("p9@example.org", "remove")]
