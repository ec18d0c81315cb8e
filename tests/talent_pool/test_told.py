"""What a mailbox says counts for whom a message went to, and for nobody else."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from connectors.contract import Signal
from connectors.records import Channel
from talent_pool.delivery.signals import read_back
from talent_pool.store.addresses import address_key
from talent_pool.store.database import Store
from talent_pool.store.tables import deliveries, suppressions
from tests.talent_pool.outbound import NOW, Pool, Post


@pytest.fixture
def pool(store: Store) -> Pool:
    return Pool(store)


@dataclass
class Mailbox(Post):
    """A message destination whose signals come from a mailbox that anybody may write to."""

    heard: list[tuple[str, str]] = field(default_factory=list)

    def tell(self, address: str, row_id: str, kind: str = "bounced") -> None:
        at = NOW + timedelta(minutes=len(self.signals))
        self.signals.append(Signal(address, Channel.EMAIL, kind, at, "m", row_id))


def suppressed(pool: Pool) -> set[tuple[str, str]]:
    return {(row.address_key, row.reason) for row in pool.rows(suppressions)}


def key(pool: Pool, address: str) -> str:
    return address_key(pool.store, Channel.EMAIL, address)


def test_a_bounce_counts_for_the_address_its_row_was_sent_to(pool: Pool):
    pool.person("ann")
    pool.application("ann", 1)
    post = Mailbox()
    pool.deliver(post)
    (sent,) = pool.rows(deliveries)
    post.tell("ann.private@elsewhere.example", sent.id)
    read_back(pool.store, post, NOW)
    assert suppressed(pool) == {(key(pool, "ann@example.org"), "bounced")}


def test_without_its_row_it_counts_only_for_an_address_we_wrote_to(pool: Pool):
    pool.person("ann")
    pool.person("bob")
    pool.application("ann", 1)
    post = Mailbox()
    pool.deliver(post)
    post.tell("bob@example.org", "")
    post.tell("bob@example.org", "dlv_" + "0" * 32, "complained")
    post.tell("", "dlv_" + "0" * 32)
    read_back(pool.store, post, NOW)
    assert suppressed(pool) == set(), "anybody could have written that"
    post.tell("Ann@Example.org", "")
    read_back(pool.store, post, NOW)
    assert suppressed(pool) == {(key(pool, "ann@example.org"), "bounced")}
