"""Laws 1, 8, 9 and 10 over random lives of a pool: joins, leaves, opt-outs, new names, pushes, kills, refusals."""

from collections import Counter
from datetime import timedelta

from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from connectors.contract import Fate, RowOutcome
from connectors.errors import Unavailable
from connectors.records import Channel, Purpose
from talent_pool import consent
from talent_pool.delivery import brake, push_ledger
from talent_pool.store.database import Store
from talent_pool.store.runs import latest
from talent_pool.store.tables import metadata
from tests.examples import examples
from tests.talent_pool.outbound import NOW, Killed, Pool, Post, Shelf, post_settings, shelf_settings

NAMES = ("ann", "bob", "cy", "dee")
SEGMENTS = ("silver_medallists", "passive_talent")
OPERATIONS = st.one_of(
    st.tuples(st.just("join"), st.sampled_from(NAMES), st.sampled_from(SEGMENTS)),
    st.tuples(st.just("leave"), st.sampled_from(NAMES), st.sampled_from(SEGMENTS)),
    st.tuples(st.just("opt_out"), st.sampled_from(NAMES)),
    st.tuples(st.just("rename"), st.sampled_from(NAMES)),
    st.tuples(st.just("refused_by_vendor"), st.sampled_from(NAMES), st.sampled_from(["rejected", "deferred", ""])),
    st.tuples(st.just("brake"), st.booleans()),
    st.tuples(st.just("push")),
    st.tuples(st.just("kill"), st.integers(1, 4)),
    st.tuples(st.just("outage")),
)
LIVES = st.lists(OPERATIONS, min_size=4, max_size=25)


class Life:
    """One pool with a state and a message destination, and what must be true of them whatever happens."""

    def __init__(self, store: Store) -> None:
        self.pool, self.store = Pool(store), store
        self.shelf = Shelf(settings=shelf_settings(*SEGMENTS))
        self.post = Post(settings=post_settings(*SEGMENTS))
        self.foreign = {("zoe@example.org", "silver_medallists"): {}, ("ann@example.org", "newsletter"): {}}
        self.shelf.held.update(self.foreign)
        self.joined: set[tuple[str, str]] = set()
        self.opted_out: set[str] = set()
        self.puts_after_no: list[str] = []
        self.renames = 0
        self.hour = 0
        for name in NAMES:
            self.pool.person(name)

    def do(self, operation: tuple) -> None:
        what, *arguments = operation
        getattr(self, what)(*arguments)

    def join(self, name: str, segment: str) -> None:
        if (name, segment) not in self.joined:
            self.pool.join(segment, f"per_{name}")
            self.joined.add((name, segment))

    def leave(self, name: str, segment: str) -> None:
        self.pool.leave(segment, f"per_{name}")
        self.joined.discard((name, segment))

    def opt_out(self, name: str) -> None:
        consent.refuse(
            self.store, organisation="default", channel=Channel.EMAIL, purpose=Purpose.FUTURE_JOBS, kind="one_click",
            at=NOW, address=f"{name.upper()}+x@example.org",
        )  # fmt: skip
        self.opted_out.add(name)

    def rename(self, name: str) -> None:
        self.renames += 1
        self.pool.rename(name, f"Name{self.renames}")

    def refused_by_vendor(self, name: str, fate: str) -> None:
        for destination in (self.shelf, self.post):
            destination.answers.pop(f"{name}@example.org", None)
            if fate:
                destination.answers[f"{name}@example.org"] = RowOutcome("", Fate(fate), "as told")

    def brake(self, pulled: bool) -> None:
        (brake.pull(self.store, "test", NOW) if pulled else brake.release(self.store))

    def push(self) -> None:
        for destination in (self.shelf, self.post):
            self._push(destination)

    def kill(self, after: int) -> None:
        for destination in (self.shelf, self.post):
            done = len(destination.asked) if destination is self.shelf else destination.requests
            destination.kill_after = done + after
            self._push(destination)
            destination.kill_after = None

    def outage(self) -> None:
        for destination in (self.shelf, self.post):
            destination.fail_with = Unavailable("away")
            self._push(destination)
            destination.fail_with = None

    def _push(self, destination: Shelf) -> None:
        asked, sent = len(self.shelf.asked), len(self.post.sent)
        self.hour += 1
        killed = False
        try:
            self.pool.deliver(destination, now=NOW + timedelta(hours=self.hour))
        except Unavailable:
            pass
        except Killed:
            killed = True
        reached = [row for row in self.shelf.asked[asked:] if row.action != "remove"] + self.post.sent[sent:]
        # law 8: nobody is reached after a no
        assert not {row.address.partition("@")[0] for row in reached} & self.opted_out
        with self.store.reading() as connection:
            told = push_ledger.remainder(connection, latest(self.store, "push", destination.settings.name).id)
        # law 1: everybody is accounted for, and a run that was cut off is seen to be
        assert (told is None) == (not killed)

    def holds(self) -> None:
        # law 9: what others put there is there
        assert self.foreign.keys() <= self.shelf.held.keys()
        # at most once each
        assert max(Counter(row.row_id for row in self.post.sent).values(), default=1) == 1

    def settles(self) -> None:
        brake.release(self.store)
        self.shelf.answers.clear()
        self.post.answers.clear()
        for name in NAMES:
            self.rename(name)
        self.push()
        wanted = {(f"{name}@example.org", tag) for name, tag in self.joined if name not in self.opted_out}
        ours = self.shelf.held.keys() - self.foreign.keys()
        assert wanted <= ours
        # what is there beyond was put there by a run that died before it could commit so, or it would be gone
        self.stray = ours - wanted
        before, requests = self.pool.counts(), (self.shelf.requests, self.post.requests)
        self.push()
        # law 10: nothing new, nothing sent, nothing written
        assert self.pool.counts() == before
        assert (self.shelf.requests, self.post.requests) == requests


def _emptied(store: Store) -> Store:
    with store.writing() as connection:
        for table in reversed(metadata.sorted_tables):
            if table.name not in ("counters", "tokens"):
                connection.execute(table.delete())
    return store


@examples(20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(life=st.one_of(LIVES, LIVES.map(lambda life: [one for one in life if one[0] != "kill"])))
def test_whatever_happens_the_laws_hold(store: Store, life: list[tuple]):
    lived = Life(_emptied(store))
    for operation in life:
        lived.do(operation)
        lived.holds()
    lived.settles()
    lived.holds()
    if not any(operation[0] == "kill" for operation in life):
        assert not lived.stray, "without a kill a destination holds exactly the members, and what was never ours"
