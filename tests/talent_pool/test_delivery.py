"""Laws 1, 2, 9 and 10 on the way out: nothing lost, nothing doubled, nothing taken that was not ours."""

import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from connectors.contract import Action, Fate, Push, RowOutcome, Signal
from connectors.errors import Misconfigured, Unavailable
from connectors.records import Channel
from talent_pool.delivery import deliver as delivery
from talent_pool.delivery import outbox, push_ledger
from talent_pool.delivery.gate import Sending
from talent_pool.store import leases
from talent_pool.store.database import Store
from talent_pool.store.runs import latest
from talent_pool.store.tables import (
    applications,
    consent_statements,
    deliveries,
    holdings,
    people,
    push_rows,
    runs,
    suppressions,
)
from tests.talent_pool.outbound import (
    APPLICANTS,
    NOW,
    ON,
    SEGMENTS,
    Killed,
    Pool,
    Post,
    Shelf,
    installation,
    post_settings,
    shelf_settings,
    shelf_settings_of,
)

ROOT = Path(__file__).resolve().parents[2]
TAG = "silver_medallists"


def _members(pool: Pool, *names: str) -> None:
    for name in names:
        pool.join("silver_medallists", pool.person(name))


def _shelved(shelf: Shelf) -> set[str]:
    return {address.partition("@")[0] for address, _ in shelf.held}


def test_a_second_run_with_nothing_new_sends_nothing_and_writes_only_its_run(store: Store):
    pool, shelf, post = Pool(store), Shelf(), Post()
    _members(pool, "ann", "bob", "cy")
    pool.join("silver_medallists", pool.person("dee", consents=False))
    pool.join("silver_medallists", pool.person("eve", None))
    shelf.answers["cy@example.org"] = RowOutcome("", Fate.REJECTED, "refused", "bad name")
    pool.application("ann", 1)
    pool.application("bob", 2, NOW - timedelta(days=60))
    first = [pool.deliver(one) for one in (shelf, post)]
    before, requests = pool.counts(), (shelf.requests, post.requests)
    second = [pool.deliver(one) for one in (shelf, post)]
    assert pool.counts() == before
    assert (shelf.requests, post.requests) == requests
    assert [report.fates[Fate.SENT] for report in first] == [2, 1]
    assert [report.fates[Fate.SENT] for report in second] == [0, 0]
    assert [report.requests for report in second] == [0, 0]
    # what stands is still told in full
    assert second[0].fates[Fate.SUPPRESSED] == 2
    assert second[0].fates[Fate.REJECTED] == 1
    assert second[1].fates[Fate.SUPPRESSED] == 1
    assert not pool.unbalanced()


def test_changed_fields_are_sent_again_and_others_left_alone(store: Store):
    pool, shelf = Pool(store), Shelf()
    _members(pool, "ann", "bob")
    pool.deliver(shelf)
    pool.rename("bob", "Robert")
    report = pool.deliver(shelf)
    assert (report.fates[Fate.SENT], report.fates[Fate.UNCHANGED]) == (1, 1)
    assert shelf.held["bob@example.org", TAG]["first_name"] == "Robert"
    assert shelf.asked[-1].known


def test_only_what_we_put_there_is_taken_out(store: Store):
    pool, shelf = Pool(store), Shelf()
    shelf.held["zoe@example.org", TAG] = {}
    shelf.held["ann@example.org", "their own tag"] = {}
    _members(pool, "ann", "bob")
    pool.deliver(shelf)
    pool.leave("silver_medallists", "per_ann")
    pool.consent("bob", "bob@example.org", "refused")
    report = pool.deliver(shelf)
    assert report.fates[Fate.REMOVED] == 2
    assert {row.reason for row in report.rows} == {"Not in the segment any more.", "The person refused this purpose."}
    assert set(shelf.held) == {("zoe@example.org", TAG), ("ann@example.org", "their own tag")}
    assert not pool.unbalanced()
    assert pool.deliver(shelf).fates[Fate.SUPPRESSED] == 1


def test_who_leaves_an_upserted_segment_stays_there_until_they_say_no(store: Store):
    pool, shelf = Pool(store), Shelf(settings=shelf_settings_of("upsert"))
    _members(pool, "ann", "bob")
    pool.deliver(shelf)
    pool.leave("silver_medallists", "per_ann")
    pool.rename("bob", "Robert")
    pool.deliver(shelf)
    assert {address for address, _ in shelf.held} == {"ann@example.org", "bob@example.org"}
    assert shelf.held["bob@example.org", TAG]["first_name"] == "Robert"
    pool.consent("ann", "ann@example.org", "refused", at=NOW)
    report = pool.deliver(shelf)
    assert (set(shelf.held), report.fates[Fate.REMOVED]) == ({("bob@example.org", TAG)}, 1)
    assert not pool.unbalanced()


def test_what_is_only_added_is_never_written_again(store: Store):
    pool, shelf = Pool(store), Shelf(settings=shelf_settings_of("add"))
    _members(pool, "ann")
    pool.deliver(shelf)
    pool.rename("ann", "Anna")
    _members(pool, "bob")
    report = pool.deliver(shelf)
    assert (report.fates[Fate.SENT], report.fates[Fate.UNCHANGED]) == (1, 1)
    assert shelf.held["ann@example.org", TAG]["first_name"] == "Ann"
    pool.consent("ann", "ann@example.org", "refused", at=NOW)
    assert pool.deliver(shelf).fates[Fate.REMOVED] == 1
    assert not pool.unbalanced()


def test_a_changed_address_moves_the_entry(store: Store):
    from sqlalchemy import update

    from talent_pool.store.addresses import address_key
    from talent_pool.store.tables import people, person_addresses

    pool, shelf = Pool(store), Shelf()
    _members(pool, "ann")
    pool.deliver(shelf)
    new = "ann@new.example"
    with store.writing() as connection:
        key = address_key(store, Channel.EMAIL, new)
        connection.execute(update(person_addresses).values(address=new, address_key=key))
        connection.execute(update(people).values(primary_email=new))
    pool.consent("ann", new)
    report = pool.deliver(shelf)
    assert set(shelf.held) == {(new, TAG)}
    assert (report.fates[Fate.SENT], report.fates[Fate.REMOVED], report.eligible) == (1, 1, 2)
    assert not pool.unbalanced()


def test_an_address_written_in_other_letters_is_not_taken_out(store: Store):
    from sqlalchemy import update

    from talent_pool.store.tables import people, person_addresses

    pool, shelf = Pool(store), Shelf()
    _members(pool, "ann")
    pool.deliver(shelf)
    with store.writing() as connection:
        connection.execute(update(person_addresses).values(address="Ann@Example.org"))
        connection.execute(update(people).values(primary_email="Ann@Example.org"))
    assert pool.deliver(shelf).fates[Fate.REMOVED] == 0


def test_two_members_with_one_address_are_one_entry(store: Store):
    pool, shelf = Pool(store), Shelf()
    for name in ("ann", "bob"):
        pool.join("silver_medallists", pool.person(name, "family@example.org"))
    report = pool.deliver(shelf)
    assert (report.fates[Fate.SENT], report.fates[Fate.SUPPRESSED]) == (1, 1)
    assert len(shelf.asked) == 1
    assert pool.deliver(shelf).fates[Fate.UNCHANGED] == 1


def test_a_rejected_row_is_tried_again_only_with_something_new(store: Store):
    pool, shelf = Pool(store), Shelf()
    _members(pool, "ann", "bob")
    shelf.answers["ann@example.org"] = RowOutcome("", Fate.REJECTED, "refused", "the vendor's own words")
    assert pool.deliver(shelf).fates[Fate.REJECTED] == 1
    assert pool.deliver(shelf).requests == 0
    shelf.answers.clear()
    pool.rename("ann", "Anna")
    assert pool.deliver(shelf).fates[Fate.SENT] == 1


def test_a_deferred_row_is_tried_again(store: Store):
    pool, post = Pool(store), Post()
    pool.person("ann")
    pool.application("ann", 1)
    post.answers["ann@example.org"] = RowOutcome("", Fate.DEFERRED, "later")
    assert pool.deliver(post).fates[Fate.DEFERRED] == 1
    post.answers.clear()
    assert pool.deliver(post).fates[Fate.SENT] == 1
    assert len(pool.rows(deliveries)) == 1
    assert not pool.unbalanced()


def test_two_applications_are_two_messages_and_each_goes_once(store: Store):
    pool, post = Pool(store), Post()
    pool.person("ann")
    pool.application("ann", 1)
    pool.application("ann", 2)
    pool.deliver(post)
    pool.deliver(post)
    assert len(post.sent) == 2
    assert len({row.fields["subject"] for row in post.sent}) == 2


def test_what_is_past_its_use_or_before_its_push_is_never_sent(store: Store):
    pool = Pool(store)
    pool.person("ann")
    pool.application("ann", 1, NOW - timedelta(days=8))
    pool.application("ann", 2, NOW - timedelta(days=2))
    settings = post_settings().model_copy(
        update={"pushes": (Push(segment="acknowledge_new_applicants", since=(NOW - timedelta(days=1)).isoformat()),)}
    )
    post = Post(settings=settings)
    report = pool.deliver(post)
    assert {row.reason for row in report.rows} == {outbox.TOO_EARLY}
    late = Post()
    reasons = {row.reason for row in pool.deliver(late).rows if row.fate is Fate.SUPPRESSED}
    assert reasons == {outbox.EXPIRED}
    assert len(late.sent) == 1


def test_a_message_push_without_since_is_refused_in_plain_words(store: Store):
    post = Post(settings=post_settings().model_copy(update={"pushes": (Push(segment="acknowledge_new_applicants"),)}))
    with pytest.raises(Misconfigured, match="has no `since`"):
        Pool(store).deliver(post)


@pytest.mark.parametrize("after", [1, 2, 3, 4, 5])
def test_killed_after_the_vendor_took_it_no_message_goes_twice(store: Store, after: int):
    """The vendor has the message and we have not its answer: the worst moment there is."""
    pool = Pool(store)
    pool.person("ann")
    for number in range(5):
        pool.application("ann", number)
    post = Post(kill_after=after)
    with pytest.raises(Killed):
        pool.deliver(post)
    post.kill_after = None
    report = pool.deliver(post)
    subjects = [row.row_id for row in post.sent]
    assert len(subjects) == len(set(subjects)) == 5
    assert report.fates[Fate.UNKNOWN] == 1
    assert report.fates[Fate.SENT] == 5 - after
    assert report.fates[Fate.UNCHANGED] == after - 1
    assert pool.deliver(post).requests == 0
    # the run that was cut off says so, the others add up
    assert len(pool.unbalanced()) == 1
    assert "eligible" in pool.unbalanced()[0]


_TO_THE_DEATH = """
import os, sys
from pathlib import Path
from tests.conftest import KEY
from talent_pool.store.database import Store
from tests.talent_pool.outbound import Pool, Post

class Dying(Post):
    def apply(self, rows, now):
        for row in rows:
            with Path(sys.argv[2]).open("a") as arrived:
                arrived.write(row.row_id + "\\n")
            self.requests += 1
            if self.requests == 3:
                os._exit(9)
            from connectors.contract import Fate, RowOutcome
            yield RowOutcome(row.row_id, Fate.SENT)

Pool(Store(sys.argv[1], KEY)).deliver(Dying())
"""


@pytest.mark.heavy
def test_a_process_that_dies_between_answer_and_commit_doubles_nothing(store: Store, tmp_path: Path):
    pool, arrived = Pool(store), tmp_path / "arrived"
    pool.person("ann")
    for number in range(5):
        pool.application("ann", number)
    url = store.url.render_as_string(hide_password=False)
    script = tmp_path / "dying.py"
    script.write_text(_TO_THE_DEATH)
    died = subprocess.run(
        [sys.executable, script, url, arrived], check=False, env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=ROOT
    )
    assert died.returncode == 9
    post = Post()
    report = pool.deliver(post)
    went = arrived.read_text().split() + [row.row_id for row in post.sent]
    assert len(went) == len(set(went)) == 5
    assert report.fates == dict.fromkeys(Fate, 0) | {Fate.UNCHANGED: 2, Fate.UNKNOWN: 1, Fate.SENT: 2}


@pytest.mark.parametrize("after", [1, 2, 3, 4, 5])
def test_killed_in_the_middle_state_ends_as_if_it_had_not_been(store: Store, after: int):
    pool, shelf = Pool(store), Shelf(kill_after=after)
    _members(pool, "ann", "bob", "cy", "dee", "eve")
    with pytest.raises(Killed):
        pool.deliver(shelf)
    shelf.kill_after = None
    pool.leave("silver_medallists", "per_ann")
    pool.deliver(shelf)
    # ann may be there unknown to us only if the kill came before we could commit that we put her there
    assert _shelved(shelf) - {"ann"} == {"bob", "cy", "dee", "eve"}
    assert pool.deliver(shelf).requests == 0


def test_a_value_that_we_brought_and_have_no_more_is_emptied_and_no_other(store: Store):
    pool, shelf = Pool(store), Shelf()
    _members(pool, "ann", "bob")
    with store.writing() as connection:
        connection.execute(people.update().where(people.c.id == "per_bob").values(last_name=None))
    pool.deliver(shelf)
    with store.writing() as connection:
        connection.execute(people.update().values(last_name=None, first_name="Other"))
    pool.deliver(shelf)
    told = {row.address.partition("@")[0]: row.emptied for row in shelf.asked[-2:]}
    assert told == {"ann": {"last_name"}, "bob": set()}
    with store.writing() as connection:
        connection.execute(people.update().values(first_name="Another"))
    pool.deliver(shelf)
    assert {row.emptied for row in shelf.asked[-2:]} == {frozenset()}, "it is said once"


def test_a_row_in_doubt_is_never_announced_again(store: Store):
    pool = Pool(store)
    pool.person("ann")
    pool.application("ann", 1)
    post = Post(kill_after=1)
    with pytest.raises(Killed):
        pool.deliver(post)
    with store.reading() as connection:
        assert connection.execute(deliveries.select()).one().state == "sending"
    way = delivery.Way(store, post, ON, NOW)
    from tests.talent_pool.outbound import SEGMENTS

    segment = SEGMENTS["acknowledge_new_applicants"]
    with store.reading() as connection:
        members = delivery.recipients.members(connection, store, segment, "post", NOW)
    row = outbox._row(way, post.settings.pushes[0], segment, members[0], "acknowledge_new_applicants")
    with pytest.raises(RuntimeError, match="in doubt"), store.writing() as connection:
        outbox.announce(connection, way, row, "run_1")


def test_an_unreachable_destination_defers_everything_and_says_so(store: Store):
    pool, shelf, post = Pool(store), Shelf(), Post()
    _members(pool, "ann", "bob", "cy", "dee")
    pool.application("ann", 1)
    for one in (shelf, post):
        one.fail_with = Unavailable("shelf cannot be reached. Try again later.")
        with pytest.raises(Unavailable):
            pool.deliver(one)
        run = latest(store, "push", one.settings.name)
        assert run.state == "failed"
        assert run.error == "shelf cannot be reached. Try again later."
        assert run.counts["deferred"] == run.counts["eligible"]
        one.fail_with = None
        assert pool.deliver(one).fates[Fate.DEFERRED] == 0
    assert len(shelf.held) == 4
    assert len(post.sent) == 1
    assert not pool.unbalanced()


def test_a_push_that_would_reach_many_waits_for_a_yes(store: Store):
    pool, shelf = Pool(store), Shelf(settings=shelf_settings(max_recipients=2))
    _members(pool, "ann", "bob", "cy")
    report = pool.deliver(shelf)
    assert report.fates[Fate.DEFERRED] == 3
    assert "catchment push shelf --yes" in report.rows[0].reason
    assert pool.deliver(shelf, approve=True).fates[Fate.SENT] == 3
    pool.rename("ann", "Anna")
    pool.rename("bob", "Bo")
    pool.rename("cy", "Cyrus")
    assert pool.deliver(shelf).fates[Fate.SENT] == 3, "people it reaches already need no new yes"


def test_a_dry_run_shows_exactly_what_goes_and_writes_nothing(store: Store):
    pool, shelf, post = Pool(store), Shelf(), Post()
    _members(pool, "ann", "bob")
    pool.application("ann", 1)
    before, runs_before = pool.counts(), len(pool.rows(runs))
    dry = [pool.deliver(one, dry_run=True) for one in (shelf, post)]
    assert pool.counts() == before
    assert len(pool.rows(runs)) == runs_before
    assert not shelf.asked
    real = [pool.deliver(one) for one in (shelf, post)]
    for shown, done in zip(dry, real, strict=True):
        assert shown.fates == done.fates
        assert shown.eligible == done.eligible
    sent, told = post.sent[0], dry[1].rows[0]
    assert (told.address, told.fields, told.unsubscribe_url) == (sent.address, sent.fields, sent.unsubscribe_url)
    assert [row.fields for row in dry[0].rows] == [row.fields for row in shelf.asked]


def test_one_writer_a_destination(store: Store):
    with leases.held(store, "destination:shelf", "somebody else", NOW), pytest.raises(leases.Busy):
        Pool(store).deliver(Shelf())


def test_a_bounce_is_remembered_everywhere_and_a_compliance_state_here_alone(store: Store):
    pool = Pool(store)
    shelf, post = Shelf(), Post(settings=post_settings("silver_medallists"))
    _members(pool, "ann", "bob")
    shelf.answers["ann@example.org"] = RowOutcome("", Fate.REJECTED, "no mailbox", None, "bounced")
    shelf.answers["bob@example.org"] = RowOutcome("", Fate.SUPPRESSED, "opted out there", None, "compliance_state")
    pool.deliver(shelf)
    assert {(row.reason, row.destination) for row in pool.rows(suppressions)} == {
        ("bounced", None),
        ("compliance_state", "shelf"),
    }
    pool.deliver(post)
    assert [row.address for row in post.sent] == ["bob@example.org"]
    assert pool.deliver(shelf).requests == 0


def test_what_a_destination_learned_is_read_back_once(store: Store):
    pool, shelf = Pool(store), Shelf()
    _members(pool, "ann", "bob", "cy")
    pool.deliver(shelf)
    shelf.signals = [
        Signal("ann@example.org", Channel.EMAIL, "unsubscribed", NOW, "1"),
        Signal("bob@example.org", Channel.EMAIL, "bounced", NOW, "2"),
        Signal("cy@example.org", Channel.EMAIL, "archived", NOW, "3"),
    ]
    assert delivery.read_back(store, shelf, NOW) == 3
    before = pool.counts()
    assert delivery.read_back(store, shelf, NOW) == 0
    assert pool.counts() == before
    assert {row.purpose for row in pool.rows(consent_statements) if row.status == "refused"} >= {"marketing"}
    assert len(pool.rows(suppressions)) == 1


def test_an_unsubscribe_at_the_destination_refuses_what_it_serves(store: Store):
    from sqlalchemy import insert

    from talent_pool.store.tables import segments
    from tests.talent_pool.outbound import MEDALLISTS

    pool, shelf = Pool(store), Shelf()
    with store.writing() as connection:
        connection.execute(
            insert(segments).values(
                name=TAG,
                organisation="default",
                version="1",
                definition=MEDALLISTS.model_dump(mode="json"),
                activated_at=NOW,
            )
        )
    _members(pool, "ann")
    pool.deliver(shelf)
    shelf.signals = [Signal("ann@example.org", Channel.EMAIL, "unsubscribed", NOW, "1")]
    delivery.read_back(store, shelf, NOW)
    assert pool.deliver(shelf).fates[Fate.REMOVED] == 1
    assert not shelf.held


def test_a_person_merged_after_being_written_to_is_not_written_to_again(store: Store):
    from sqlalchemy import insert

    from talent_pool.store.tables import person_aliases

    pool, post = Pool(store), Post(settings=post_settings("referred_not_contacted"))
    pool.join("referred_not_contacted", pool.person("ann"))
    pool.deliver(post)
    pool.leave("referred_not_contacted", "per_ann")
    pool.join("referred_not_contacted", pool.person("anna", "anna@else.example"))
    with store.writing() as connection:
        connection.execute(
            insert(person_aliases).values(id="per_ann", person_id="per_anna", since=NOW, minted_number=1)
        )
    report = pool.deliver(post)
    assert report.rows[0].reason == outbox.WRITTEN_TO
    assert len(post.sent) == 1


def test_the_ledger_that_lost_a_row_is_found_out(store: Store):
    """Law 1's check can fail: it is broken here on purpose."""
    pool, shelf = Pool(store), Shelf()
    _members(pool, "ann", "bob")
    report = pool.deliver(shelf)
    with store.writing() as connection:
        lost = connection.execute(push_rows.select().limit(1)).one()
        connection.execute(push_rows.delete().where(push_rows.c.id == lost.id))
    with store.reading() as connection:
        told = push_ledger.remainder(connection, report.run_id)
    assert told == "2 rows were reported sent, and the ledger accounts for 1."


def test_errors_and_runs_hold_no_addresses(store: Store):
    pool, shelf = Pool(store), Shelf(fail_with=ValueError("ann@example.org"))
    _members(pool, "ann")
    with pytest.raises(ValueError, match="ann@"):
        pool.deliver(shelf)
    assert all("@" not in str(row.error) and "@" not in str(row.counts) for row in pool.rows(runs))


def test_removals_come_before_entries_and_kinds_are_not_mixed(store: Store):
    pool, shelf = Pool(store), Shelf(batch=10)
    _members(pool, "ann", "bob")
    pool.deliver(shelf)
    pool.leave("silver_medallists", "per_ann")
    pool.rename("bob", "Robert")
    _members(pool, "cy")
    shelf.asked.clear()
    report = pool.deliver(shelf)
    assert [(row.action, row.known) for row in shelf.asked] == [
        (Action.REMOVE, True),
        (Action.UPSERT, True),
        (Action.UPSERT, False),
    ]
    assert report.requests == 3
    assert [row.address for row in pool.rows(holdings)] == ["bob@example.org", "cy@example.org"]


def test_sending_off_takes_nothing_out_either(store: Store):
    pool, shelf = Pool(store), Shelf()
    _members(pool, "ann")
    pool.deliver(shelf)
    pool.leave("silver_medallists", "per_ann")
    assert pool.deliver(shelf, Sending("off")).fates[Fate.DEFERRED] == 1
    assert len(shelf.held) == 1
    assert pool.deliver(shelf).fates[Fate.REMOVED] == 1
    assert not pool.unbalanced()


def test_a_segment_alone_is_pushed_and_no_later_service_message_before_an_earlier_one(store: Store):
    answer = APPLICANTS.model_copy(update={"name": "early_rejection"})
    pool, post = Pool(store), Post(settings=post_settings("acknowledge_new_applicants", "early_rejection"))
    here = replace(installation(post.settings), segments={**SEGMENTS, answer.name: answer})
    for number, name in enumerate(("ann", "bob")):
        pool.person(name)
        applied = pool.application(name, number)
        pool.join("early_rejection", applied, f"per_{name}", subject_type="application")
    pool.leave("acknowledge_new_applicants", "app_bob_1")

    def pushed(*segments: str, dry_run: bool = False) -> dict[Fate, int]:
        report = delivery.deliver(store, here, post, NOW, ON, segments=segments, dry_run=dry_run)
        return {fate: number for fate, number in report.fates.items() if number}

    alone = {Fate.SENT: 1, Fate.DEFERRED: 1}
    assert pushed("early_rejection", dry_run=True) == alone
    assert pushed("early_rejection") == alone, "to ann the acknowledgement is still to go"
    assert pushed("acknowledge_new_applicants") == {Fate.SENT: 1}
    assert pushed("early_rejection") == {Fate.SENT: 1, Fate.UNCHANGED: 1}
    assert pool.unbalanced() == []


def test_two_applications_for_one_job_are_two_acknowledgements_and_none_later(store: Store):
    pool, post = Pool(store), Post()
    pool.person("ann")
    first = pool.application("ann", 1)
    again = first.replace("_1", "_again")
    with store.writing() as connection:
        (row,) = connection.execute(select(applications).where(applications.c.id == first)).mappings()
        named = {"id": again, "remote_id": again, "record_id": f"rec_{again}"}
        connection.execute(insert(applications).values(dict(row) | named))
    pool.join("acknowledge_new_applicants", again, "per_ann", subject_type="application")
    assert pool.deliver(post).fates[Fate.SENT] == 2
    assert pool.deliver(post).fates[Fate.SENT] == 0
