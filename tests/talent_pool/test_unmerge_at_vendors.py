"""Merge, push, un-merge, push: every tool of a vendor ends as if the merge had never been.

Over real HTTP, SMTP and files, beside a twin world in which nobody is ever merged. What stays different is this, and
nothing else:

- Messages. What was sent while two were one cannot be unsent. A message about an application goes out once in both
  worlds, to the same address. One about a person is never sent twice for one person or to one address; whoever was one
  with another may have had hers at the other's address, or have had one that she alone would not have had.
- Refusals made meanwhile stay with every part; the twin's people each make them for themselves.
- Contacts that were made for a membership that ended stay at Mailchimp, HubSpot and SendGrid, without tag or list, as
  do their fields: nothing of a tool's is deleted by leaving a segment. So does a file, without rows.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given
from hypothesis import strategies as st

from connectors.contract import Fate
from connectors.records import Channel
from talent_pool.landing.inbox import Inbox
from tests.examples import examples
from tests.talent_pool.twins import DESTINATIONS, SEGMENTS, Somebody, Tools, World

NAMES = ("ann", "bob", "cy", "dee")
PEOPLE = st.tuples(
    *(
        st.builds(
            Somebody,
            name=st.just(name),
            last_name=st.sampled_from([None, f"Of{name}"]),
            company=st.sampled_from([None, f"{name} Ltd"]),
            phone=st.booleans(),
            consents=st.sampled_from([True, True, False]),
            at_board=st.booleans(),
            outcomes=st.lists(st.sampled_from(["pending", "rejected"]), max_size=2).map(tuple),
        )
        for name in NAMES
    )
)
PAIRS = st.lists(st.sampled_from(NAMES), min_size=2, max_size=2, unique=True).map(tuple)
MERGE = st.tuples(st.just("merge"), PAIRS)
PUSH = st.tuples(st.just("push"), st.lists(st.sampled_from(sorted(DESTINATIONS)), min_size=1, unique=True))
OPERATIONS = st.one_of(
    MERGE,
    PUSH,
    PUSH,
    st.tuples(st.just("unmerge"), st.integers(0, 2)),
    st.tuples(st.just("refuse"), st.sampled_from(NAMES), st.sampled_from([Channel.EMAIL, Channel.SMS])),
    st.tuples(st.just("do_not_contact"), st.sampled_from(NAMES)),
)
LIVES = st.builds(
    lambda before, merge, push, after: [*before, merge, push, *after],
    st.lists(OPERATIONS, max_size=3), MERGE, PUSH, st.lists(OPERATIONS, max_size=4),
)  # fmt: skip


class Twins:
    """The same life in both worlds, but for the merges."""

    def __init__(self, merged: World, twin: World) -> None:
        self.merged, self.twin = merged, twin
        self.worlds = (merged, twin)
        self.pairs: list[tuple[str, str]] = []
        self.were_one: defaultdict[str, set[str]] = defaultdict(set)
        self.no: dict[Channel, set[str]] = {Channel.EMAIL: set(), Channel.SMS: set()}

    def do(self, what: str, *given: Any) -> None:
        for world in self.worlds:
            world.later()
        getattr(self, what)(*given)

    def merge(self, pair: tuple[str, str]) -> None:
        if self.merged.merge(*pair):
            self.pairs.append(pair)
            one = self.merged.one_with(pair[0])
            for name in one:
                self.were_one[name] |= one

    def unmerge(self, number: int) -> None:
        if self.pairs:
            self.merged.unmerge(*self.pairs.pop(number % len(self.pairs)))

    def refuse(self, name: str, channel: Channel) -> None:
        one = self.merged.one_with(name)
        self.merged.refuse({name}, channel)
        self.twin.refuse(one, channel)
        self.no[channel] |= one

    def do_not_contact(self, name: str) -> None:
        one = self.merged.one_with(name)
        self.merged.do_not_contact({name})
        self.twin.do_not_contact(one)
        for refused in self.no.values():
            refused.update(one)

    def push(self, names: list[str]) -> None:
        for world in self.worlds:
            before = len(world.sent)
            for name in names:
                world.push(name)
            for _, segment, address in world.sent[before:]:
                definition = SEGMENTS[segment]
                refused = {world.address(one, definition.channel) for one in self.no[definition.channel]}
                assert definition.type == "service" or address not in refused, "nobody is written to after a no"

    def part(self) -> None:
        """Undo what merges are left."""
        while self.pairs:
            self.do("unmerge", 0)

    def agree(self) -> None:
        """Hold both worlds against each other."""
        assert self.merged.tools.holds() == self.twin.tools.holds()
        assert self.merged.tools.theirs() == self.twin.tools.theirs()
        for world in self.worlds:
            assert world.tools.violations() == []
        for name, segment in SEGMENTS.items():
            ours, theirs = (
                Counter(address for _, told, address in world.sent if told == name) for world in self.worlds
            )
            if segment.subject == "application":
                assert ours == theirs, "an application is written about once, to its own address"
                continue
            assert max(ours.values(), default=1) == 1, "no address has one message twice"
            self._differ_only_by_merges(segment.channel, set(ours), set(theirs))

    def _differ_only_by_merges(self, channel: Channel, ours: set[str], theirs: set[str]) -> None:
        addresses = {self.merged.address(name, channel): name for name in NAMES}
        reached, expected = ({addresses[one] for one in told} for told in (ours, theirs))
        for name in reached - expected:
            assert self.were_one[name], "whoever was never merged hears what she would have heard"
        for name in expected - reached:
            assert self.were_one[name] & reached, "whoever was never merged hears what she would have heard"

    def settled(self) -> None:
        """A second push sends nothing and takes nothing away."""
        for name in DESTINATIONS:
            fates = self.merged.push(name).fates
            assert not fates[Fate.SENT]
            assert not fates[Fate.REMOVED]


@contextmanager
def _twins(new_store: Any, folder: Path, people: tuple[Somebody, ...], known: int) -> Iterator[Twins]:
    new_store.give_back()
    with ExitStack() as stack:
        worlds: list[World] = []
        for name in ("merged", "twin"):
            number = len(list(folder.iterdir()))
            place = folder / f"{number}_{name}"
            place.mkdir()
            tools = stack.enter_context(Tools(place))
            tools.seed(people[:known])
            inbox = Inbox(f"sqlite:///{place / 'inbox.db'}")
            stack.callback(inbox.close)
            worlds.append(World(new_store(), inbox, tools, people))
        yield Twins(*worlds)


def _lived(new_store: Any, folder: Path, people: tuple[Somebody, ...], known: int, life: Any, order: list[str]) -> int:
    """Live in both worlds, compare them, and return how many people were one with another meanwhile."""
    with _twins(new_store, folder, people, known) as twins:
        for what, *given in life:
            twins.do(what, *given)
        twins.part()
        twins.do("push", order)
        twins.agree()
        twins.settled()
        return len(twins.were_one)


ANN = Somebody("ann", "Ofann", at_board=True, company="ann Ltd", outcomes=("pending", "rejected"))
BOB = Somebody("bob", outcomes=("rejected",))
CY = Somebody("cy", "Ofcy", outcomes=("pending",))
ALL = sorted(DESTINATIONS)


@pytest.mark.heavy
def test_after_a_merge_is_undone_every_tool_is_as_if_it_had_never_been(new_store: Any, tmp_path: Path) -> None:
    life = [("push", ALL), ("merge", ("ann", "bob")), ("push", ALL[::-1]), ("refuse", "bob", Channel.SMS)]
    _lived(new_store, tmp_path, (ANN, BOB, CY, Somebody("dee")), 2, life, ALL)


@pytest.mark.heavy
@examples(
    8, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(people=PEOPLE, known=st.integers(0, 3), life=LIVES, order=st.permutations(ALL))
def test_whatever_happens_meanwhile_every_tool_is_as_if_nobody_had_been_merged(
    new_store: Any, tmp_path: Path, people: tuple[Somebody, ...], known: int, life: Any, order: list[str]
) -> None:
    event(f"people who were merged: {_lived(new_store, tmp_path, people, known, life, order)}")
