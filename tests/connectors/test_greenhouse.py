"""Greenhouse: windows of time, stale links, what its objects mean, and what is never kept."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
import responses
from responses import matchers

from connectors.contract import Connection, Delivery, Json, Page
from connectors.errors import Misconfigured, SignatureRefused, Unavailable
from connectors.http import VendorError
from connectors.records import (
    Application,
    Candidate,
    ConsentStatement,
    ConsentStatus,
    Deletion,
    Interaction,
    Outcome,
    Purpose,
    Record,
    Reference,
    RemovalCause,
    Stage,
    StatedBy,
)
from connectors.source import Source, open_source
from connectors.sources.greenhouse.protected import is_protected
from connectors.sources.greenhouse.stages import StageNames
from sandbox.generator import generate
from sandbox.greenhouse import Greenhouse as Vendor
from sandbox.serving import Serving
from tests.connectors.transport import RequestsTransport

BASE = "https://harvest.greenhouse.io/v3"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ENVIRON = {"GREENHOUSE_CLIENT_ID": "id", "GREENHOUSE_CLIENT_SECRET": "se", "GREENHOUSE_WEBHOOK_SECRET": "wh"}


def _source(**settings: Any) -> Source:
    connection = Connection(name="greenhouse", connector="greenhouse", settings={"page_size": 2, **settings})
    return open_source(connection, ENVIRON, None, RequestsTransport())


@pytest.fixture
def vendor() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.add(
            "POST",
            "https://auth.greenhouse.io/token",
            json={"access_token": "t", "expires_at": "2099-01-01T00:00:00.000Z"},
        )
        yield mock


def _page(vendor: responses.RequestsMock, asked: Json, ids: list[int], following: str | None = None) -> None:
    headers = {"Link": f'<{BASE}/candidates?cursor={following}>; rel="next"'} if following else {}
    body = [{"id": number, "created_at": "2026-01-01T00:00:00.000Z"} for number in ids]
    match = [matchers.query_param_matcher(asked)]
    vendor.add("GET", f"{BASE}/candidates", json=body, headers=headers, match=match)


def _window(since: str, until: str) -> Json:
    return {"per_page": "2", "updated_at": f"gte|{since}|lte|{until}"}


def _read(source: Source, cursor: Json | None, now: datetime = NOW, stream: str = "candidates") -> list[Page]:
    found = next(each for each in source.streams() if each.name == stream)
    return list(source.pages(found, cursor, now))


def _ids(pages: list[Page]) -> list[int]:
    return [raw["id"] for page in pages for raw in page.objects]


# how far a read goes


def test_the_first_read_is_unfiltered_and_whole(vendor: responses.RequestsMock) -> None:
    _page(vendor, {"per_page": "2"}, [3, 2], "b")
    _page(vendor, {"cursor": "b"}, [1])
    pages = _read(_source(), None)
    assert _ids(pages) == [3, 2, 1]
    assert [page.ends_full_read for page in pages] == [False, True]
    assert pages[0].cursor == {"from": None, "to": "2026-03-01T11:55:00Z", "next": "b"}
    assert pages[1].cursor == {"from": None, "to": "2026-03-01T11:55:00Z", "next": None}


def test_the_next_read_overlaps_the_one_before_and_keeps_its_distance_from_now(vendor: responses.RequestsMock) -> None:
    _page(vendor, _window("2026-03-01T11:25:00Z", "2026-03-01T12:58:00Z"), [2])
    cursor = {"from": None, "to": "2026-03-01T11:55:00Z", "next": None}
    pages = _read(_source(lag_minutes=2, overlap_minutes=30), cursor, NOW + timedelta(hours=1))
    assert not pages[-1].ends_full_read
    assert pages[-1].cursor == {"from": "2026-03-01T11:25:00Z", "to": "2026-03-01T12:58:00Z", "next": None}


def test_a_cursor_never_moves_back(vendor: responses.RequestsMock) -> None:
    _page(vendor, _window("2026-03-01T11:45:00Z", "2026-03-01T11:55:00Z"), [])
    cursor = {"from": None, "to": "2026-03-01T11:55:00Z", "next": None}
    assert _read(_source(), cursor, NOW - timedelta(days=1))[-1].cursor["to"] == "2026-03-01T11:55:00Z"  # type: ignore[index]


def test_a_read_resumed_in_its_window_goes_on_with_the_window_after_it(vendor: responses.RequestsMock) -> None:
    _page(vendor, {"cursor": "b"}, [1])
    _page(vendor, _window("2026-03-01T11:45:00Z", "2026-03-02T11:55:00Z"), [9, 1])
    cursor = {"from": None, "to": "2026-03-01T11:55:00Z", "next": "b"}
    pages = _read(_source(), cursor, NOW + timedelta(days=1))
    assert _ids(pages) == [1, 9, 1]
    assert [page.ends_full_read for page in pages] == [True, False]


@pytest.mark.parametrize("status", [404, 410, 422])
def test_a_stale_page_link_begins_the_window_again(vendor: responses.RequestsMock, status: int) -> None:
    stale = [matchers.query_param_matcher({"cursor": "stale"})]
    vendor.add("GET", f"{BASE}/candidates", status=status, match=stale)
    since, until = "2026-03-01T10:00:00Z", "2026-03-01T11:55:00Z"
    _page(vendor, _window(since, until), [3, 2], "fresh")
    _page(vendor, {"cursor": "fresh"}, [1])
    pages = _read(_source(), {"from": since, "to": until, "next": "stale"})
    assert _ids(pages) == [3, 2, 1]
    assert pages[-1].cursor == {"from": since, "to": until, "next": None}


def test_a_vendor_that_refuses_its_own_links_for_ever_ends_the_read(vendor: responses.RequestsMock) -> None:
    _page(vendor, {"per_page": "2"}, [3, 2], "b")
    vendor.add("GET", f"{BASE}/candidates", status=422, match=[matchers.query_param_matcher({"cursor": "b"})])
    with pytest.raises(Unavailable, match="its own page links"):
        _read(_source(), None)


def test_a_request_that_is_wrong_by_itself_is_not_taken_for_a_stale_link(vendor: responses.RequestsMock) -> None:
    vendor.add("GET", f"{BASE}/candidates", status=422)
    with pytest.raises(VendorError, match="422"):
        _read(_source(), None)


def test_a_proxy_is_asked_for_every_page(vendor: responses.RequestsMock) -> None:
    proxy = "https://proxy.example/gh"
    link = {"Link": f'<{BASE}/candidates?cursor=b>; rel="next"'}
    first = [matchers.query_param_matcher({"per_page": "2"})]
    second = [matchers.query_param_matcher({"cursor": "b"})]
    vendor.add("GET", f"{proxy}/candidates", json=[{"id": 1}], headers=link, match=first)
    vendor.add("GET", f"{proxy}/candidates", json=[{"id": 2}], match=second)
    assert _ids(_read(_source(base_url=proxy), None)) == [1, 2]


def test_small_listings_are_read_whole_each_time(vendor: responses.RequestsMock) -> None:
    asked = [matchers.query_param_matcher({"per_page": "2", "include_defaults": "true"})]
    vendor.add("GET", f"{BASE}/rejection_reasons", json=[{"id": 1, "name": "Other"}], match=asked)
    cursor = {"from": None, "to": "2026-03-01T11:55:00Z", "next": None}
    assert _read(_source(), cursor, NOW, "rejection_reasons")[-1].ends_full_read


def test_what_the_key_may_not_read_can_be_left_out() -> None:
    names = [stream.name for stream in _source(leave_out=["offers", "scorecards"]).streams()]
    assert "candidates" in names
    assert not {"offers", "scorecards"} & set(names)
    with pytest.raises(Misconfigured, match=r"leave_out names \['offer'\]"):
        _source(leave_out=["offer"])


def test_a_user_id_is_asked_for_in_the_token(vendor: responses.RequestsMock) -> None:
    vendor.add("GET", f"{BASE}/candidates", json=[])
    _source(user_id="77").check()
    assert vendor.calls[0].request.body == "grant_type=client_credentials&sub=77"


# what objects mean


def _parsed(stream: str, raw: Json, **settings: Any) -> list[Record]:
    return list(_source(**settings).parse(stream, raw))


def _one(records: list[Record], kind: type[Any]) -> Any:
    (found,) = (record for record in records if isinstance(record, kind))
    return found


@pytest.mark.parametrize(
    ("name", "stage"),
    [
        ("Application Review", Stage.APPLIED),
        ("Preliminary Phone Screen", Stage.SCREENING),
        ("Recruiter Screen", Stage.SCREENING),
        ("Phone Interview", Stage.SCREENING),
        ("Take Home Test", Stage.ASSESSMENT),
        ("Face to Face", Stage.INTERVIEW),
        ("On-site", Stage.INTERVIEW),
        ("Technical Interview", Stage.INTERVIEW),
        ("Final Interview", Stage.FINAL_INTERVIEW),
        ("Executive Interview", Stage.FINAL_INTERVIEW),
        ("Reference Check", Stage.FINAL_INTERVIEW),
        ("Offer", Stage.OFFER),
        ("Probetag", Stage.SCREENING),
    ],
)
def test_step_names_are_read_as_stages(name: str, stage: Stage) -> None:
    assert StageNames({}).stage(name) is stage


def test_a_company_s_own_names_go_first() -> None:
    (step,) = _parsed("job_interview_stages", {"id": 1, "job_id": 2, "name": "Probetag"}, stages={"probe": "interview"})
    assert step.model_dump(include={"stage", "job_id"}) == {"stage": Stage.INTERVIEW, "job_id": "2"}
    with pytest.raises(Misconfigured, match="stages"):
        _source(stages={"probe": "tryout"})
    with pytest.raises(Misconfigured, match="stages"):
        _source(stages={"probe(": "interview"})


APPLICATION: Json = {
    "id": 5, "candidate_id": 6, "job_id": 7, "prospect": False, "status": "rejected", "stage_id": 8,
    "stage_name": "Executive Interview", "rejected_at": "2026-02-03T00:00:00.000Z", "source_id": 1, "referrer_id": None,
    "created_at": "2026-01-01T00:00:00.000Z", "updated_at": "2026-02-03T00:00:00.000Z",
}  # fmt: skip


def test_a_rejected_application_keeps_how_far_it_came() -> None:
    application: Application = _one(_parsed("applications", APPLICATION), Application)
    assert application.stage is Stage.FINAL_INTERVIEW
    assert application.outcome is Outcome.REJECTED
    assert application.outcome_at == datetime(2026, 2, 3, tzinfo=UTC)
    assert application.source
    assert application.source.remote_id == "1"
    assert application.referrer is None
    assert "referrer" in application.model_fields_set
    assert "recruiter_id" not in application.model_fields_set


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("in_process", Outcome.PENDING),
        ("hired", Outcome.HIRED),
        ("converted", Outcome.TRANSFERRED),
        ("a_status_of_next_year", None),
    ],
)
def test_a_status_is_an_outcome(status: str, outcome: Outcome | None) -> None:
    application = _one(_parsed("applications", APPLICATION | {"status": status, "rejected_at": None}), Application)
    assert application.outcome is outcome
    assert application.outcome_at is None


def test_an_application_may_be_answered_and_a_prospect_said_nothing() -> None:
    consent: ConsentStatement = _one(_parsed("applications", APPLICATION), ConsentStatement)
    assert (consent.purpose, consent.status, consent.lawful_basis) == (
        Purpose.THIS_APPLICATION,
        ConsentStatus.GIVEN,
        "contract",
    )
    assert consent.evidence.kind == "application"
    assert consent.candidate_id == "6"
    assert consent.stated_at == datetime(2026, 1, 1, tzinfo=UTC)
    (prospect,) = _parsed("applications", APPLICATION | {"prospect": True, "stage_name": None})
    assert isinstance(prospect, Application)
    assert (prospect.kind, prospect.applied_at, prospect.stage) == ("prospect", None, None)


CANDIDATE: Json = {
    "id": 6,
    "first_name": "Bo",
    "created_at": "2026-01-01T00:00:00Z",
    "updated_at": "2026-02-01T00:00:00Z",
}


def test_can_email_is_a_no_but_never_a_yes() -> None:
    for yes in (True, None):
        assert [type(record) for record in _parsed("candidates", CANDIDATE | {"can_email": yes})] == [Candidate]
    said = [
        each for each in _parsed("candidates", CANDIDATE | {"can_email": False}) if isinstance(each, ConsentStatement)
    ]
    assert {statement.purpose for statement in said} == {Purpose.FUTURE_JOBS, Purpose.MARKETING}
    assert {statement.status for statement in said} == {ConsentStatus.REFUSED}
    assert {statement.stated_by for statement in said} == {StatedBy.VENDOR_DEFAULT}
    assert {statement.channel for statement in said} == {"email"}


def test_missing_null_and_empty_are_three_things() -> None:
    (bare,) = _parsed("candidates", CANDIDATE)
    assert bare.model_fields_set == {"remote_id", "remote_created_at", "remote_updated_at", "first_name"}
    (emptied,) = _parsed("candidates", CANDIDATE | {"company": None, "phone_numbers": [], "addresses": []})
    assert {"company", "phone_numbers", "location"} <= emptied.model_fields_set


def test_a_reason_says_who_ended_it_and_ids_of_different_kinds_do_not_meet() -> None:
    reason = {"id": 1, "name": "Took another offer", "type": {"id": 2, "name": "They rejected us"}}
    source = {"id": 1, "name": "Referral", "type": {"id": 4, "name": "Referrals"}}
    made = [
        _one(_parsed(stream, raw), Reference) for stream, raw in (("rejection_reasons", reason), ("sources", source))
    ]
    assert [reference.remote_id for reference in made] == ["reject_reason:1", "source:1"]
    assert made[0].details["by"] == "candidate"
    assert made[1].details["family"] == "referral"


def test_a_step_never_come_to_is_no_entry() -> None:
    step = {"id": 1, "application_id": 2, "job_interview_stage_id": 3, "exited_at": None}
    assert _parsed("application_stages", step | {"entered_at": None, "current": False}) == []
    assert len(_parsed("application_stages", step | {"entered_at": None, "current": True})) == 1


def test_interviews_and_offers_tell_what_happened_and_when() -> None:
    interview = {
        "id": 1,
        "application_id": 2,
        "scheduled_at": "2026-01-01T00:00:00Z",
        "starts_at": "2026-01-05T09:00:00Z",
    }

    def _types(stream: str, raw: Json) -> list[str]:
        return [record.type for record in _parsed(stream, raw) if isinstance(record, Interaction)]

    assert _types("interviews", interview | {"status": "scheduled"}) == ["interview_booked"]
    assert _types("interviews", interview | {"status": "complete"}) == ["interview_booked", "interview_held"]
    assert _types("interviews", interview | {"status": "canceled"}) == ["interview_cancelled"]
    where = {"location": "Room 2", "video_conferencing_url": None}
    (booked,) = _parsed("interviews", interview | {"status": "scheduled"} | where)
    assert isinstance(booked, Interaction)
    assert (booked.details["place"], booked.details["video_url"]) == ("Room 2", None)
    (silent,) = _parsed("interviews", interview | {"status": "scheduled"})
    assert isinstance(silent, Interaction)
    assert not {"place", "video_url"} & set(silent.details), "what is missing is not null"
    offer = {"id": 1, "application_id": 2, "sent_on": "2026-02-01", "resolved_at": "2026-02-03T00:00:00Z"}
    assert _types("offers", offer | {"status": "Rejected"}) == ["offer_made", "offer_declined"]
    assert _types("offers", {"id": 1, "application_id": 2, "status": "Created", "sent_on": None}) == []
    made = _parsed("offers", offer | {"status": "Created"})[0]
    assert isinstance(made, Interaction)
    assert (made.at, made.precision) == (datetime(2026, 2, 1, tzinfo=UTC), "day")
    assert _types("scorecards", {"id": 1, "application_id": 2, "submitted_at": None}) == ["feedback_due"]


# what is never kept


@pytest.mark.parametrize(
    "name", ["gender", "Veteran Status", "date_of_birth", "What is your race?", "How old are you?", "Age"]
)
def test_protected_attributes_are_known_by_their_names(name: str) -> None:
    assert is_protected(name)


@pytest.mark.parametrize("name", ["Language", "Manager", "Stage of company", "Agency", "Notice period", "Average pay"])
def test_other_names_are_not_taken_for_protected_ones(name: str) -> None:
    assert not is_protected(name)


def test_protected_answers_are_cut_before_a_page_is_kept(vendor: responses.RequestsMock) -> None:
    raw = APPLICATION | {
        "answers": [{"question": "Your gender?", "answer": "nobodys"}, {"question": "Why us?", "answer": "kept"}],
        "custom_fields": {"x": {"name": "Disability", "value": "nobodys"}, "pay": {"name": "Pay", "value": "kept"}},
    }
    vendor.add("GET", f"{BASE}/applications", json=[raw, "no object", {"id": 9, "custom_fields": 5, "answers": {}}])
    (page,) = _read(_source(), None, NOW, "applications")
    text = orjson.dumps(page.objects[0]).decode()
    assert "nobodys" not in text
    assert text.count("kept") == 2
    assert page.objects[1:] == ["no object", {"id": 9, "custom_fields": 5, "answers": {}}]


# webhooks


def _delivered(body: Json, **settings: Any) -> list[Record]:
    source: Any = _source(**settings)
    delivery = Delivery("greenhouse", "evt", NOW, {}, orjson.dumps(body))
    return [record for stream, raw in source.objects(delivery) for record in source.parse(stream, raw)]


def test_a_merge_names_where_the_candidate_went() -> None:
    person = {"id": 1, "new_candidate_id": 2}
    (gone,) = _delivered({"action": "merge_candidate", "payload": {"person": person}})
    assert isinstance(gone, Deletion)
    assert (gone.deleted_type, gone.cause, gone.merged_into, gone.at) == (
        "candidate",
        RemovalCause.MERGED_UPSTREAM,
        "2",
        NOW,
    )


def test_a_deleted_interview_takes_both_of_its_moments() -> None:
    gone = _delivered({"action": "interview_deleted", "payload": {"interview": {"id": 3}}})
    assert [record.remote_id for record in gone] == ["interview:3:booked", "interview:3:held"]


def test_a_webhook_is_never_newer_than_what_harvest_says_of_the_same_moment() -> None:
    application = {
        "id": 5, "status": "active", "applied_at": "2026-01-01T00:00:00Z", "last_activity_at": "2026-02-01T00:00:00Z",
        "candidate": {"id": 6, "first_name": "Bo", "created_at": "2026-01-01T00:00:00Z"}, "jobs": [],
        "current_stage": {"id": 8, "name": "Onsite"},
    }  # fmt: skip
    records = _delivered({"action": "application_updated", "payload": {"application": application}})
    versions = {record.remote_updated_at for record in records if isinstance(record, Candidate | Application)}
    assert versions == {datetime(2026, 2, 1, tzinfo=UTC)}
    assert _one(records, Application).stage is Stage.INTERVIEW


def test_without_a_secret_no_delivery_is_trusted() -> None:
    environ = {name: value for name, value in ENVIRON.items() if "WEBHOOK" not in name}
    source: Any = open_source(Connection(name="greenhouse", connector="greenhouse"), environ)
    with pytest.raises(SignatureRefused, match="GREENHOUSE_WEBHOOK_SECRET"):
        source.authenticate({"Signature": "sha256 "}, b"{}")


# over real HTTP


def test_what_the_sandbox_plays_is_read_whole_and_then_by_its_changes() -> None:
    world = generate(40, 7)
    vendor = Vendor(world.greenhouse)
    with Serving({"greenhouse": vendor.app}) as serving:
        url = serving.urls["greenhouse"]
        environ = {
            "GREENHOUSE_BASE_URL": f"{url}/v3", "GREENHOUSE_TOKEN_URL": f"{url}/token",
            "GREENHOUSE_CLIENT_ID": vendor.client_id, "GREENHOUSE_CLIENT_SECRET": vendor.client_secret,
            "GREENHOUSE_WEBHOOK_SECRET": vendor.webhook_secret,
        }  # fmt: skip
        connection = Connection(name="greenhouse", connector="greenhouse", settings={"page_size": 40})
        source: Any = open_source(connection, environ)
        cursor: Json | None = None
        for stream in source.streams():
            pages = list(source.pages(stream, None, world.now))
            # service accounts are nobody, and Greenhouse does not list them
            there = [number for number, one in vendor.resources[stream.name].items() if "service_account" not in one]
            assert sorted(_ids(pages)) == sorted(there)
            assert pages[-1].ends_full_read
            for page in pages:
                for raw in page.objects:
                    list(source.parse(stream.name, raw))
            if stream.name == "candidates":
                cursor = pages[-1].cursor
        one = max(vendor.resources["candidates"])
        vendor.update_candidate(one, world.now + timedelta(hours=1), company="Newly Named")
        changed = _read(source, cursor, world.now + timedelta(hours=2))
        assert one in _ids(changed)
        assert len(_ids(changed)) < len(vendor.resources["candidates"])
        headers, body = vendor.webhook("delete_candidate", vendor.delete_candidate(one))
        source.authenticate(headers, body)
        gone = _delivered(orjson.loads(body))
        assert {record.remote_id for record in gone if isinstance(record, Deletion)} >= {str(one)}
