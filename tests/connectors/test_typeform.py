"""Typeform: answers become a candidate, and a tick a statement; pulled and delivered they are the same object."""

import hashlib
from datetime import UTC, datetime

import orjson
import pytest
import responses

from connectors.contract import Connection, Delivery
from connectors.errors import Malformed, SignatureRefused
from connectors.records import Application, Candidate, ConsentStatement
from connectors.source import open_source
from connectors.typeform_answers import normalised, questions
from talent_pool.landing.sync import sync
from tests.connectors.transport import RequestsTransport

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ENVIRON = {"TYPEFORM_TOKEN": "tfp_x", "TYPEFORM_WEBHOOK_SECRET": "s3cret"}
FIELDS = [
    {"id": "q1", "ref": "3f1c", "type": "short_text", "title": "What is your first name?"},
    {"id": "q2", "ref": "last_name", "type": "short_text", "title": "And after that, {{field:3f1c}}?"},
    {"id": "q3", "ref": "r3", "type": "email", "title": "Where can we write to you?"},
    {"id": "q4", "ref": "r4", "type": "phone_number", "title": "And call you?"},
    {
        "id": "g1",
        "ref": "r5",
        "type": "group",
        "title": "About your work",
        "properties": {"fields": [{"id": "q5", "ref": "r6", "type": "short_text", "title": "Where do you work?"}]},
    },
    {"id": "q6", "ref": "r7", "type": "website", "title": "A profile?"},
    {"id": "q7", "ref": "r8", "type": "multiple_choice", "title": "What is your gender?"},
    {"id": "q8", "ref": "r9", "type": "file_upload", "title": "Your CV"},
    {"id": "q9", "ref": "r10", "type": "legal", "title": "I agree to hear of future jobs."},
    {"id": "q10", "ref": "consent_marketing", "type": "yes_no", "title": "May we send you our newsletter?"},
    {"id": "q11", "ref": "r11", "type": "legal", "title": "I have read the privacy notice."},
    {"id": "q12", "ref": "r12", "type": "long_text", "title": "What made you leave your last company?"},
]


def answer(number: str, kind: str, value, field_type: str):
    return {"field": {"id": number, "type": field_type}, "type": kind, kind: value}


ANSWERS = [
    answer("q1", "text", "Ada", "short_text"),
    answer("q2", "text", "Example", "short_text"),
    answer("q3", "email", "ada@example.com", "email"),
    answer("q4", "phone_number", "+4930901820", "phone_number"),
    answer("q5", "text", "Example Ltd", "short_text"),
    answer("q6", "url", "https://www.linkedin.com/in/ada", "website"),
    answer("q7", "choice", {"label": "A label nobody may keep"}, "multiple_choice"),
    answer("q8", "file_url", "https://files.example/abc/My%20CV.pdf?sig=1", "file_upload"),
    answer("q9", "boolean", True, "legal"),
    answer("q10", "boolean", False, "yes_no"),
    answer("q11", "boolean", True, "legal"),
    answer("q12", "text", "It was time.", "long_text"),
]
RESPONSE = {
    "token": "tok1",
    "landed_at": "2026-02-28T10:00:00Z",
    "submitted_at": "2026-02-28T10:05:00Z",
    "hidden": {"utm_source": "newsletter", "utm_campaign": "spring", "ref": "lnk1", "job_id": "J7"},
    "answers": ANSWERS,
}


API = "https://api.typeform.com/forms/f1"


def source(**settings):
    connection = Connection(name="typeform", connector="typeform", settings={"form_id": "f1", **settings})
    return open_source(connection, ENVIRON, None, RequestsTransport())


def delivered(event, **settings):
    delivery = Delivery("typeform", "k", NOW, {}, orjson.dumps(event))
    return list(source(**settings).objects(delivery))


def event(**changes):
    definition = {"id": "f1", "title": "Join us", "fields": FIELDS}
    response = {"form_id": "f1", **RESPONSE, "definition": definition, "calculated": {"score": 1}, **changes}
    return {"event_id": "e1", "event_type": "form_response", "form_response": response}


def parsed(raw, **settings):
    return list(source(**settings).parse("responses", raw))


def test_delivered_and_pulled_are_the_same_object():
    ((stream, raw),) = delivered(event())
    listed = {**RESPONSE, "response_id": "tok1", "metadata": {"user_agent": "x", "network_id": "n"}, "landing_id": "l"}
    with_refs = [
        {**a, "field": {**a["field"], "ref": questions({"fields": FIELDS})[a["field"]["id"]]["ref"]}} for a in ANSWERS
    ]
    pulled = normalised({**listed, "answers": with_refs}, "f1", questions({"fields": FIELDS}))
    assert stream == "responses"
    assert orjson.dumps(raw, option=orjson.OPT_SORT_KEYS) == orjson.dumps(pulled, option=orjson.OPT_SORT_KEYS)


def test_what_may_not_be_kept_is_not():
    ((_, raw),) = delivered(event())
    text = orjson.dumps(raw).decode()
    assert "nobody may keep" not in text
    assert "files.example" not in text, "links to files die, and open them to whoever has them"


def test_a_response_is_a_candidate_an_application_and_statements():
    ((_, raw),) = delivered(event())
    candidate, application, *statements = parsed(raw)
    assert isinstance(candidate, Candidate)
    assert candidate.model_dump(mode="json", exclude_unset=True) == {
        "remote_id": "tok1",
        "remote_created_at": "2026-02-28T10:05:00Z",
        "remote_updated_at": "2026-02-28T10:05:00Z",
        "first_name": "Ada",
        "last_name": "Example",
        "email_addresses": [{"value": "ada@example.com"}],
        "phone_numbers": [{"value": "+4930901820"}],
        "urls": [{"value": "https://www.linkedin.com/in/ada", "url_type": "linkedin"}],
        "company": "Example Ltd",
        "origins": ["applied"],
    }
    assert isinstance(application, Application)
    assert (application.kind, application.job_id) == ("application", "J7")
    assert application.referrer
    assert application.referrer.link_token == "lnk1"
    assert application.source
    assert (application.source.campaign, application.source.name) == ("spring", "newsletter")
    (file,) = application.attachments
    assert (file.kind, file.file_name) == ("resume", "My CV.pdf")
    future, marketing = statements
    assert (future.purpose, future.status, future.channel, future.address) == (
        "future_jobs", "given", "email", "ada@example.com",
    )  # fmt: skip
    assert future.evidence.wording_sha256 == hashlib.sha256(b"I agree to hear of future jobs.").hexdigest()
    assert (future.evidence.kind, future.evidence.form_id, future.stated_by) == ("form_tick", "f1", "candidate")
    assert (marketing.purpose, marketing.status) == ("marketing", "refused")


def test_a_tick_below_a_notice_allows_nothing_unless_the_settings_say_so():
    ((_, raw),) = delivered(event())
    told = parsed(raw, consents={"r11": "survey", "r10": None})
    assert [r.purpose for r in told if isinstance(r, ConsentStatement)] == ["marketing", "survey"]


def test_typeforms_own_example_consents_to_nothing():
    fields = [
        {"id": "e", "ref": "readable_ref_email", "type": "email", "title": "If you're OK with it, give us your email."},
        {"id": "f", "ref": "readable_ref_short_text", "type": "short_text", "title": "What is your first name?"},
        {"id": "l", "ref": "readable_ref_legal", "type": "legal", "title": "You accept that we share your answers."},
    ]
    answers = [
        answer("e", "email", "laura@example.com", "email"),
        answer("f", "text", "Laura", "short_text"),
        answer("l", "boolean", True, "legal"),
    ]
    ((_, raw),) = delivered(event(definition={"fields": fields}, answers=answers, hidden={}))
    candidate, application = parsed(raw)
    assert (candidate.first_name, candidate.email_addresses[0].value) == ("Laura", "laura@example.com")
    assert (application.kind, application.job_id) == ("talent_community", None)
    assert candidate.origins == ("talent_community",)


def test_fields_can_be_given():
    ((_, raw),) = delivered(event())
    assert parsed(raw, fields={"r6": "title"})[0].title == "Example Ltd"


def test_only_what_came_is_set():
    ((_, raw),) = delivered(event(answers=[], hidden={}))
    candidate, application = parsed(raw)
    assert candidate.model_fields_set == {"remote_id", "origins", "remote_created_at", "remote_updated_at"}
    assert "referrer" not in application.model_fields_set


@pytest.mark.parametrize("answers", [5, [5], [{"field": {}}], [{"field": {"id": "q1"}, "type": "text"}]])
def test_an_odd_response_waits_in_quarantine(answers):
    ((_, raw),) = delivered(event(answers=answers))
    with pytest.raises(Malformed, match="not in Typeform's shape"):
        parsed(raw)


def test_unfinished_responses_are_left_until_they_are_finished():
    assert delivered({**event(), "event_type": "form_response_partial"}) == []


def test_repeats_are_known_by_their_event():
    typeform = source()
    assert typeform.delivery_key({}, orjson.dumps(event())) == "e1"
    assert typeform.delivery_key({}, orjson.dumps({"form_response": {"token": "tok1"}})) == "tok1"
    for body in (b"[]", b"{", b"{}", b'{"form_response": {}}', b'{"form_response": 1}'):
        with pytest.raises(Malformed):
            typeform.delivery_key({}, body)


def test_without_a_secret_no_delivery_is_taken():
    closed = open_source(
        Connection(name="typeform", connector="typeform", settings={"form_id": "f1"}), {"TYPEFORM_TOKEN": "x"}
    )
    with pytest.raises(SignatureRefused, match="TYPEFORM_WEBHOOK_SECRET"):
        closed.authenticate({"Typeform-Signature": "sha256=x"}, b"{}")


def listed(token, at="2026-02-28T10:05:00Z"):
    return {**RESPONSE, "token": token, "submitted_at": at, "metadata": {"user_agent": "x"}}


def test_what_the_webhook_brought_is_the_same_when_it_is_pulled(store, inbox):
    assert inbox.put(Delivery("typeform", "e1", NOW, {}, orjson.dumps(event())), "default")
    with responses.RequestsMock() as vendor:
        vendor.add("GET", API, json={"id": "f1", "fields": FIELDS})
        vendor.add("GET", f"{API}/responses", json={"items": [listed("tok2", "2026-03-01T09:00:00Z"), listed("tok1")]})
        report = sync(store, inbox, source(), NOW)
    counts = dict(report.counts)
    # one delivered and two pulled, of which one is the delivered one again, met twice in this run
    assert (counts["read"], counts["new"], counts["duplicate"], counts["quarantined"]) == (3, 2, 1, 0)


def test_a_place_that_is_gone_begins_its_window_again():
    place = {"since": "2026-02-01T00:00:00Z", "before": "gone", "newest": "2026-03-01T09:00:00Z"}
    typeform = source(requests_per_second=1000)
    (stream,) = typeform.streams()
    with responses.RequestsMock() as vendor:
        vendor.add("GET", API, json={"id": "f1", "fields": FIELDS})
        vendor.add("GET", f"{API}/responses", json={"code": "NOT_FOUND"}, status=404)
        vendor.add("GET", f"{API}/responses", json={"items": [listed("tok1")]})
        (page,) = typeform.pages(stream, place, NOW)
        assert [call.request.params.get("before") for call in vendor.calls] == [None, "gone", None]
    assert page.cursor == {"since": "2026-03-01T09:00:00Z"}
    assert [raw["token"] for raw in page.objects] == ["tok1"]


def test_a_form_without_responses_starts_from_the_beginning_next_time():
    typeform = source(requests_per_second=1000)
    (stream,) = typeform.streams()
    with responses.RequestsMock() as vendor:
        vendor.add("GET", API, json={"id": "f1", "fields": FIELDS})
        vendor.add("GET", f"{API}/responses", json={"items": []})
        (page,) = typeform.pages(stream, None, NOW)
    assert (page.cursor, page.objects, page.ends_full_read) == (None, [], False)
