"""Our own careers form: a tick is a statement, an empty box is none, and nothing else is kept."""

from datetime import UTC, datetime

import orjson
import pytest

from connectors.contract import Connection, Delivery, Receiver
from connectors.errors import Malformed
from connectors.source import open_source

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
BODY = {
    "form_id": "careers",
    "submission_id": "sub1",
    "submitted_at": "2026-02-28T10:00:00+01:00",
    "first_name": " Ada ",
    "last_name": "Example",
    "email": "ada@example.com",
    "phone": "+4930901820",
    "job": "4021",
    "message": "Hello.",
    "consents": {"future_jobs": True, "marketing": False},
    "notice_id": "careers-privacy",
    "notice_version": "2026-01",
    "wording_sha256": "0" * 64,
    "language": "de",
    "ref": "lnk1",
    "utm": {"utm_source": "fair", "utm_campaign": "spring"},
    "website": "",
    "gender": "a value nobody may keep",
}


@pytest.fixture
def form():
    return open_source(Connection(name="careers_form", connector="careers_form"), {})


def raw_of(form, body):
    ((stream, raw),) = form.objects(Delivery("careers_form", "k", NOW, {}, orjson.dumps(body)))
    assert stream == "submissions"
    return raw


def test_a_submission(form):
    raw = raw_of(form, BODY)
    assert "nobody may keep" not in str(raw)
    assert raw["message"] == "Hello."
    candidate, application, statement = form.parse("submissions", raw)
    stamps = {"remote_created_at": "2026-02-28T09:00:00Z", "remote_updated_at": "2026-02-28T09:00:00Z"}
    assert candidate.model_dump(mode="json", exclude_unset=True) == {
        "remote_id": "sub1",
        **stamps,
        "first_name": "Ada",
        "last_name": "Example",
        "email_addresses": [{"value": "ada@example.com"}],
        "phone_numbers": [{"value": "+4930901820"}],
        "language": "de",
        "origins": ["applied"],
    }
    assert application.model_dump(mode="json", exclude_unset=True) == {
        "remote_id": "sub1",
        **stamps,
        "candidate_id": "sub1",
        "job_id": "4021",
        "kind": "application",
        "applied_at": "2026-02-28T09:00:00Z",
        "source": {"name": "careers", "family": "portal", "campaign": "spring", "utm": BODY["utm"]},
        "referrer": {"link_token": "lnk1"},
    }
    assert statement.model_dump(mode="json", exclude_unset=True) == {
        "remote_id": "sub1:future_jobs",
        **stamps,
        "candidate_id": "sub1",
        "address": "ada@example.com",
        "purpose": "future_jobs",
        "channel": "email",
        "status": "given",
        "stated_by": "candidate",
        "stated_at": "2026-02-28T09:00:00Z",
        "evidence": {
            "kind": "form_tick",
            "form_id": "careers",
            "notice_id": "careers-privacy",
            "notice_version": "2026-01",
            "wording_sha256": "0" * 64,
            "language": "de",
        },
    }


@pytest.mark.parametrize("consents", [None, {}, {"future_jobs": False, "marketing": False}])
def test_an_empty_box_says_nothing(form, consents):
    body = {name: value for name, value in BODY.items() if name != "consents"}
    if consents is not None:
        body["consents"] = consents
    assert [r.record_type for r in form.parse("submissions", raw_of(form, body))] == ["candidate", "application"]


def test_without_a_job_it_is_an_interest_in_working_here(form):
    body = {n: BODY[n] for n in ("submission_id", "first_name", "last_name", "email")}
    raw = raw_of(form, body)
    assert raw["submitted_at"] == NOW.isoformat(), "the intake's time stands in"
    candidate, application = form.parse("submissions", raw)
    assert (application.kind, candidate.origins) == ("talent_community", ("talent_community",))
    assert not {"referrer", "job_id"} & application.model_fields_set
    assert not {"phone_numbers", "language"} & candidate.model_fields_set


def test_anybody_may_send_it_and_a_repeat_is_known(form):
    assert isinstance(form, Receiver)
    form.authenticate({}, b"anything")
    body = orjson.dumps(BODY)
    assert form.delivery_key({}, body) == "sub1"
    anonymous = orjson.dumps({n: v for n, v in BODY.items() if n != "submission_id"})
    assert form.delivery_key({}, anonymous) == form.delivery_key({}, anonymous) != "sub1"
    assert raw_of(form, orjson.loads(anonymous))["id"] == form.delivery_key({}, anonymous)


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({"email": "not an address"}, "email"),
        ({"first_name": ""}, "first_name"),
        ({"consents": {"future_jobs": "perhaps"}}, "consents"),
        ({"wording_sha256": "x"}, "wording_sha256"),
        ({"submitted_at": "2026-02-28T10:00:00"}, "submitted_at"),
    ],
)
def test_what_is_wrong_is_named_and_not_repeated(form, change, names):
    with pytest.raises(Malformed, match=names) as refused:
        form.delivery_key({}, orjson.dumps({**BODY, **change}))
    assert "not an address" not in str(refused.value)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"5"])
def test_no_submission_at_all(form, body):
    with pytest.raises(Malformed):
        form.delivery_key({}, body)
