"""Law 8: one gate, and no way around it."""

import ast
from pathlib import Path

import pytest

from connectors.contract import Fate
from connectors.records import Channel, Purpose
from talent_pool.consent import refuse
from talent_pool.delivery import gate
from talent_pool.delivery.gate import Sending
from talent_pool.home import Home
from talent_pool.store.database import Store
from tests.talent_pool.outbound import NOW, ON, Pool, Post, Shelf, post_settings, shelf_settings

ROOT = Path(__file__).resolve().parents[2]
HOUSE = ("connectors", "dedupe", "talent_pool", "assets", "dagster_project", "web", "sandbox", "benchmarks")


def _makers(source: str) -> bool:
    """Say whether a module names `Cleared` where it could make one: a call, a replace, or an alias of it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", None)
            if name == "Cleared":
                return True
            if name in ("replace", "__new__", "partial", "map") and any(
                "cleared" in ast.dump(argument).lower() for argument in node.args
            ):
                return True
        if isinstance(node, ast.ImportFrom | ast.Import):
            for alias in node.names:
                if alias.name == "Cleared" and alias.asname:
                    return True
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name) and node.value.id == "Cleared":
            return True
    return False


def test_nobody_but_the_gate_makes_a_cleared_row():
    makers = {
        str(path.relative_to(ROOT))
        for part in HOUSE
        for path in (ROOT / part).rglob("*.py")
        if _makers(path.read_text())
    }
    assert makers == {"talent_pool/delivery/gate.py"}


@pytest.mark.parametrize(
    "text",
    ["Cleared(1)", "contract.Cleared(1)", "replace(cleared, address=1)", "C = Cleared", "from x import Cleared as C"],
)
def test_the_search_for_makers_finds_each_way_of_making_one(text: str):
    assert _makers(text)


def test_a_person_without_consent_is_suppressed_with_the_reason(store: Store):
    pool, shelf = Pool(store), Shelf()
    pool.join("silver_medallists", pool.person("ann", consents=False))
    report = pool.deliver(shelf)
    assert report.fates[Fate.SUPPRESSED] == 1
    assert report.rows[0].reason == "No consent for this purpose is known."
    assert not shelf.asked


@pytest.mark.parametrize("state", ["restricted", "archived", "erasure_pending", "erased", "ended"])
def test_only_active_people_are_written_to(store: Store, state: str):
    pool, shelf = Pool(store), Shelf()
    pool.join("silver_medallists", pool.person("ann", state=state))
    assert pool.deliver(shelf).fates[Fate.SUPPRESSED] == 1
    assert not shelf.asked


def test_nobody_without_an_address_is_lost_sight_of(store: Store):
    pool, shelf = Pool(store), Shelf()
    pool.join("silver_medallists", pool.person("ann", None))
    report = pool.deliver(shelf)
    assert (report.eligible, report.fates[Fate.SUPPRESSED]) == (1, 1)
    assert "no address" in report.rows[0].reason


def test_sending_off_defers_and_the_dry_run_still_shows_the_message(store: Store):
    pool, post = Pool(store), Post()
    pool.person("ann")
    pool.application("ann", 1)
    off = Sending("off")
    report = pool.deliver(post, off, dry_run=True)
    assert report.rows[0].reason == gate.SENDING_OFF
    assert "Job 1" in report.rows[0].fields["subject"]
    assert pool.deliver(post, off).fates[Fate.DEFERRED] == 1
    assert not post.sent
    assert pool.deliver(post, ON).fates[Fate.SENT] == 1


def test_the_allowlist_holds_addresses_and_domains(store: Store):
    pool, shelf = Pool(store), Shelf()
    for name, email in (("ann", "Ann@Example.org"), ("bob", "bob@else.example"), ("cy", "cy@other.example")):
        pool.join("silver_medallists", pool.person(name, email))
    sending = Sending.of(Home(sending="allowlist", allowlist=" ann@example.org, @else.example "))
    report = pool.deliver(shelf, sending)
    assert {row.address for row in shelf.asked} == {"Ann@Example.org", "bob@else.example"}
    assert report.fates[Fate.DEFERRED] == 1


def test_redirected_messages_go_to_one_address_and_state_goes_nowhere(store: Store):
    pool = Pool(store)
    pool.join("silver_medallists", pool.person("ann"))
    pool.application("ann", 1)
    sending = Sending("on", redirect="trial@example.net")
    post, shelf = Post(), Shelf()
    pool.deliver(post, sending)
    assert [row.address for row in post.sent] == ["trial@example.net"]
    assert pool.deliver(shelf, sending).fates[Fate.DEFERRED] == 1
    assert not shelf.asked


def test_the_verdict_is_taken_again_when_each_batch_leaves(store: Store):
    """Somebody opts out while the first batch is under way; the second batch must not hold her."""
    pool = Pool(store)
    names = ["ann", "bob", "cy", "dee", "eve", "flo"]
    for name in names:
        pool.join("silver_medallists", pool.person(name))

    class Busy(Shelf):
        def apply(self, rows, now):
            if not self.asked:
                refuse(
                    store, organisation="default", channel=Channel.EMAIL, purpose=Purpose.FUTURE_JOBS,
                    kind="one_click", at=NOW, address="flo@example.org",
                )  # fmt: skip
            yield from super().apply(rows, now)

    report = pool.deliver(Busy(settings=shelf_settings()))
    assert report.fates[Fate.SENT] == 5
    assert [row.subject_id for row in report.rows if row.fate is Fate.SUPPRESSED] == ["per_flo"]
    assert not pool.unbalanced()


def test_an_opt_out_under_a_variant_address_reaches_the_person(store: Store):
    pool, post = Pool(store), Post(settings=post_settings("referred_not_contacted"))
    pool.join("referred_not_contacted", pool.person("ann", "ann.example@gmail.com"))
    refuse(
        store, organisation="default", channel=Channel.EMAIL, purpose=Purpose.FUTURE_JOBS, kind="one_click",
        at=NOW, address="AnnExample+jobs@googlemail.com",
    )  # fmt: skip
    assert pool.deliver(post).fates[Fate.SUPPRESSED] == 1
    assert not post.sent


def test_of_two_addresses_the_one_that_may_be_written_to_is_taken(store: Store):
    from sqlalchemy import insert

    from talent_pool.store.addresses import address_key
    from talent_pool.store.tables import person_addresses

    pool, shelf = Pool(store), Shelf()
    pool.join("silver_medallists", pool.person("ann", consents=False))
    with store.writing() as connection:
        connection.execute(
            insert(person_addresses).values(
                person_id="per_ann",
                record_id="rec_ann",
                channel="email",
                address="second@example.net",
                address_key=address_key(store, Channel.EMAIL, "second@example.net"),
                is_primary=False,
            )
        )
    pool.consent("ann", "second@example.net")
    pool.deliver(shelf)
    assert [row.address for row in shelf.asked] == ["second@example.net"]
    assert shelf.asked[0].consented
