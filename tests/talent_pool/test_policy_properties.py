"""Laws 7, 8 and 10 with the contact policy on: whatever happens in whatever order, on both stores."""

from collections import Counter
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from sqlalchemy import insert, update

from connectors.records import Channel, Purpose
from talent_pool import consent
from talent_pool.delivery import deliver as delivery
from talent_pool.delivery.contact_policy import Cap, ContactPolicy
from talent_pool.installation import Installation
from talent_pool.store.database import Store
from talent_pool.store.tables import applications, metadata, people, person_aliases, person_records
from talent_pool.store.tables import person_addresses as addresses
from tests.examples import examples
from tests.talent_pool.outbound import NOW, ON, Pool, Post, installation, post_settings

NAMES = {"ann": "Europe/Berlin", "bob": "America/Los_Angeles", "cy": "Asia/Tokyo", "dee": None}
SEGMENTS = ("passive_talent", "referred_not_contacted", "silver_medallists")
PRIORITIES = {"passive_talent": 5, "referred_not_contacted": 10, "silver_medallists": 20}
POLICY = ContactPolicy(caps=(Cap(messages=1, days=1), Cap(messages=2, days=10)), cool_off_days=3)
OPERATIONS = st.one_of(
    st.tuples(st.just("join"), st.sampled_from(sorted(NAMES)), st.sampled_from(SEGMENTS)),
    st.tuples(st.just("opt_out"), st.sampled_from(sorted(NAMES))),
    st.tuples(st.just("do_not_contact"), st.sampled_from(sorted(NAMES))),
    st.tuples(st.just("apply"), st.sampled_from(sorted(NAMES))),
    st.tuples(st.just("reject"), st.sampled_from(sorted(NAMES))),
    st.tuples(st.just("merge"), st.sampled_from(sorted(NAMES)), st.sampled_from(sorted(NAMES))),
    st.tuples(st.just("push")),
    st.tuples(st.just("wait"), st.integers(1, 40)),
)


class Life:
    """One pool, one post for three marketing segments and a service one, and what must hold of all it sends."""

    def __init__(self, store: Store) -> None:
        self.pool, self.store, self.now = Pool(store), store, NOW
        self.post = Post(settings=post_settings(*SEGMENTS, "acknowledge_new_applicants"))
        found = installation(self.post.settings)
        ranked = {
            name: one.model_copy(update={"priority": PRIORITIES.get(name, 0)}) for name, one in found.segments.items()
        }
        self.whole = Installation({}, ranked, found.destinations, {}, policies={"default": POLICY})
        self.person = {name: self.pool.person(name) for name in NAMES}
        self.joined: set[tuple[str, str]] = set()
        self.no: set[str] = set()
        self.pending: Counter[str] = Counter()
        self.rejected: dict[str, datetime] = {}
        self.sent: list[tuple[str, datetime]] = []
        self.numbers = 0
        with store.writing() as connection:
            for name, zone in NAMES.items():
                connection.execute(update(people).where(people.c.id == f"per_{name}").values(time_zone=zone))

    def join(self, name: str, segment: str) -> None:
        if (self.person[name], segment) not in self.joined:
            self.pool.join(segment, self.person[name])
            self.joined.add((self.person[name], segment))

    def opt_out(self, name: str) -> None:
        consent.refuse(
            self.store, organisation="default", channel=Channel.EMAIL, purpose=Purpose.FUTURE_JOBS, kind="one_click",
            at=self.now, address=f"{name.upper()}+x@example.org",
        )  # fmt: skip
        self.no.add(name)

    def do_not_contact(self, name: str) -> None:
        consent.suppress_person(
            self.store, person_id=self.person[name], channel=Channel.ANY, reason="do_not_contact", source="test",
            at=self.now,
        )  # fmt: skip
        self.no.add(name)

    def apply(self, name: str) -> None:
        self.numbers += 1
        application = self.pool.application(name, self.numbers, applied_at=self.now)
        with self.store.writing() as connection:
            whose = update(applications).where(applications.c.id == application)
            connection.execute(whose.values(person_id=self.person[name]))
        self.pending[self.person[name]] += 1

    def reject(self, name: str) -> None:
        person = self.person[name]
        with self.store.writing() as connection:
            open_ones = applications.c.person_id == person, applications.c.outcome == "pending"
            if connection.execute(
                update(applications).where(*open_ones).values(outcome="rejected", outcome_at=self.now)
            ).rowcount:
                self.rejected[person] = self.now
        self.pending[person] = 0

    def merge(self, name: str, other: str) -> None:
        """Make two people one, as resolution does: ids, records, addresses, applications and memberships follow."""
        kept, gone = self.person[name], self.person[other]
        if kept == gone:
            return
        with self.store.writing() as connection:
            for table in (person_records, addresses, applications, person_aliases):
                connection.execute(update(table).where(table.c.person_id == gone).values(person_id=kept))
            connection.execute(insert(person_aliases).values(id=gone, person_id=kept, minted_number=0, since=self.now))
            connection.execute(update(people).where(people.c.id == gone).values(state="ended"))
        for person, segment in sorted(self.joined):
            if person == gone:
                self.pool.leave(segment, gone)
                self.joined.discard((gone, segment))
                if (kept, segment) not in self.joined:
                    self.pool.join(segment, kept)
                    self.joined.add((kept, segment))
        for each, person in self.person.items():
            if person == gone:
                self.person[each] = kept
        self.pending[kept] += self.pending.pop(gone, 0)
        if gone in self.rejected:
            self.rejected[kept] = max(self.rejected.pop(gone), self.rejected.get(kept, NOW - timedelta(days=99)))

    def wait(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    def push(self) -> None:
        before = len(self.post.sent)
        delivery.deliver(self.store, self.whole, self.post, self.now, ON)
        refused = {self.person[name] for name in self.no}
        for row in self.post.sent[before:]:
            if row.tag == "acknowledge_new_applicants":
                continue
            name = row.address.partition("@")[0]
            person = self.person[name]
            assert person not in refused, "laws 7 and 8: a no of any part is a no of all"
            assert not self.pending[person], "in process: no marketing"
            last = self.rejected.get(person)
            assert last is None or self.now >= last + timedelta(days=3), "cool-off"
            self._at_a_good_time(person)
            self.sent.append((name, self.now))

    def _at_a_good_time(self, person: str) -> None:
        zone = ZoneInfo(NAMES[person.removeprefix("per_")] or "UTC")
        local = self.now.astimezone(zone)
        assert 8 <= local.hour < 20, "quiet hours"
        days = [at.astimezone(zone).date() for name, at in self.sent if self.person[name] == person]
        recent = [day for day in days if day > local.date() - timedelta(days=10)]
        assert local.date() not in recent, "one a day"
        assert len(recent) < 2, "two in ten days"

    def settles(self) -> None:
        self.push()
        before, sent = self.pool.counts(), len(self.post.sent)
        self.push()
        assert (self.pool.counts(), len(self.post.sent)) == (before, sent), "law 10"


@pytest.mark.heavy
@examples(25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(life=st.lists(OPERATIONS, min_size=6, max_size=30))
def test_the_policy_holds_whatever_happens(store: Store, life: list[tuple]):
    with store.writing() as connection:
        for table in reversed(metadata.sorted_tables):
            if table.name not in ("counters", "tokens"):
                connection.execute(table.delete())
    lived = Life(store)
    for what, *arguments in life:
        getattr(lived, what)(*arguments)
    lived.settles()
