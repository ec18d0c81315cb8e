"""Indeed Apply: the vendor's documented sample, newer applications, and what must never be stored."""

import base64
import hashlib
from datetime import UTC, datetime

import orjson
import pytest

from connectors.contract import Answers, Connection, Delivery, Receiver
from connectors.errors import Malformed, Misconfigured, SignatureRefused
from connectors.source import open_source

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECRET = "Y0ur api secret key not shared &$%@"
FILE = b"%PDF-1.4 a resume of some length, for it to be seen"
RESUME = {
    "headline": "Engineer of engines",
    "summary": "Builds engines.",
    "publicProfileUrl": "https://www.indeed.com/r/123456",
    "phoneNumber": "512-555-0199",
    "location": {"city": "Austin, TX"},
    "skills": "Steam, Brass",
    "positions": {
        "_total": 2,
        "values": [
            {"title": "Apprentice", "company": "Old Example Ltd", "startDateYear": "2001", "startDateMonth": "9",
             "endDateYear": "2007", "endDateMonth": "-1", "endCurrent": False},
            {"title": "Lead", "company": "Example Ltd", "location": "Austin, TX", "startDateMonth": "09",
             "startDateYear": "2007", "endDateYear": "-1", "endCurrent": True, "description": "Leads."},
        ],
    },
    "educations": {"_total": 1, "values": [{"degree": "B.A.", "field": "Steam", "school": "MIX", "endDate": "2000"}]},
    "links": {"_total": 1, "values": [{"url": "https://github.com/ada"}]},
    "certifications": {"_total": 1, "values": [{"title": "Boilers", "startDateMonth": "02", "startDateYear": "2008"}]},
    "awards": {"_total": 1, "values": [{"title": "Best", "dateMonth": "04", "dateYear": "2009", "description": "!"}]},
    "publications": {"_total": 1, "values": [{"title": "Steam", "dateYear": "2010", "dateMonth": "10", "dateDay": 4}]},
    "militaryServices": {"_total": 1, "values": [{"branch": "a branch nobody may keep"}]},
}  # fmt: skip
BODY = {
    "id": "ab" * 32,
    "appliedOnMillis": 1_772_000_000_123,
    "locale": "en_US",
    "job": {"jobId": "J7", "jobKey": "k7", "jobTitle": "Engineer"},
    "applicant": {
        "fullName": "Ada Example",
        "firstName": "Ada",
        "lastName": "Example",
        "email": "ada@example.com",
        "phoneNumber": "512-555-0100",
        "resume": {
            "json": RESUME,
            "text": "resume text nobody may keep",
            "html": "<p>resume html nobody may keep</p>",
            "file": {"contentType": "application/pdf", "fileName": "ada.pdf", "data": base64.b64encode(FILE).decode()},
        },
    },
    "analytics": {"ip": "192.0.2.77", "userAgent": "Agent/9", "device": "mobile"},
    "questionsAndAnswers": {"questionsAndAnswers": [{"question": {"id": "1"}, "answer": "yes"}]},
    "demographicQuestionsAndAnswers": {"questionsAndAnswers": [{"answer": {"label": "a label nobody may keep"}}]},
}


@pytest.fixture
def indeed():
    return open_source(Connection(name="indeed_apply", connector="indeed_apply"), {"INDEED_APPLY_SECRET": SECRET})


def raw_of(indeed, body):
    ((stream, raw),) = indeed.objects(Delivery("indeed_apply", "k", NOW, {}, orjson.dumps(body)))
    assert stream == "applications"
    return raw


def test_it_answers_as_indeed_expects(indeed):
    assert isinstance(indeed, Receiver)
    assert indeed.answers == Answers(accepted=200, duplicate=409, bad_signature=401, malformed=422, too_large=413)
    assert indeed.streams() == ()


def test_the_vendors_signature_vector(indeed):
    body = b"{'locale':'en_US','applicant':{'fullName':'John Doe','email':'john.doe@example.com'}}"
    indeed.authenticate({"x-indeed-signature": "SGadPKocf3HD1LYXm3xGObB6hzk="}, body)
    for headers, changed in (({}, body), ({"X-Indeed-Signature": "SGadPKocf3HD1LYXm3xGObB6hzk="}, body + b"\n")):
        with pytest.raises(SignatureRefused) as refused:
            indeed.authenticate(headers, changed)
        assert SECRET not in str(refused.value)


def test_without_a_secret_it_does_not_open():
    with pytest.raises(Misconfigured, match="INDEED_APPLY_SECRET"):
        open_source(Connection(name="indeed_apply", connector="indeed_apply"), {})


def test_files_and_protected_answers_are_cut_out(indeed):
    raw = raw_of(indeed, BODY)
    text = orjson.dumps(raw).decode()
    for never in ("nobody may keep", "192.0.2.77", "Agent/9", base64.b64encode(FILE).decode()[:20]):
        assert never not in text
    assert raw["analytics"] == {"device": "mobile"}
    assert raw["applicant"]["resume"]["file"] == {
        "contentType": "application/pdf",
        "fileName": "ada.pdf",
        "bytes": len(FILE),
        "sha256": hashlib.sha256(FILE).hexdigest(),
    }
    assert raw["applicant"]["resume"]["text_file"]["bytes"] == len("resume text nobody may keep")
    assert raw["questionsAndAnswers"] == BODY["questionsAndAnswers"]


def test_an_application_is_a_candidate_and_an_application(indeed):
    candidate, application = indeed.parse("applications", raw_of(indeed, BODY))
    told = candidate.model_dump(mode="json", exclude_unset=True)
    assert told.pop("profile") == {
        "basics": {"label": "Engineer of engines", "summary": "Builds engines."},
        "work": [
            {"name": "Old Example Ltd", "position": "Apprentice", "startDate": "2001-09", "endDate": "2007"},
            {
                "name": "Example Ltd",
                "position": "Lead",
                "location": "Austin, TX",
                "summary": "Leads.",
                "startDate": "2007-09",
            },
        ],
        "education": [{"institution": "MIX", "area": "Steam", "studyType": "B.A.", "endDate": "2000"}],
        "skills": [{"name": "Steam"}, {"name": "Brass"}],
        "certificates": [{"name": "Boilers", "date": "2008-02"}],
        "awards": [{"title": "Best", "summary": "!", "date": "2009-04"}],
        "publications": [{"name": "Steam", "releaseDate": "2010-10-04"}],
    }
    assert told == {
        "remote_id": BODY["id"],
        "remote_created_at": "2026-02-25T06:13:20.123000Z",
        "full_name": "Ada Example",
        "first_name": "Ada",
        "last_name": "Example",
        "email_addresses": [{"value": "ada@example.com"}],
        "phone_numbers": [{"value": "512-555-0100"}],
        "urls": [
            {"value": "https://www.indeed.com/r/123456"},
            {"value": "https://github.com/ada", "url_type": "github"},
        ],
        "location": {"raw": "Austin, TX"},
        "language": "en-US",
        "company": "Example Ltd",
        "title": "Lead",
        "origins": ["applied"],
    }
    assert application.model_dump(mode="json", exclude_unset=True) == {
        "remote_id": BODY["id"],
        "remote_created_at": "2026-02-25T06:13:20.123000Z",
        "candidate_id": BODY["id"],
        "kind": "application",
        "applied_at": "2026-02-25T06:13:20.123000Z",
        "job_id": "J7",
        "posting_id": "k7",
        "source": {"name": "Indeed", "family": "job_board"},
        "attachments": [
            {"id": f"{BODY['id']}:resume", "kind": "resume", "file_name": "ada.pdf", "content_type": "application/pdf",
             "bytes": len(FILE), "sha256": hashlib.sha256(FILE).hexdigest()}
        ],
    }  # fmt: skip


def test_only_what_came_is_set(indeed):
    body = {"id": "x1", "job": {}, "applicant": {"fullName": "Bo Example", "email": "", "resume": None}}
    candidate, application = indeed.parse("applications", raw_of(indeed, body))
    assert candidate.model_fields_set == {"remote_id", "origins", "full_name"}
    assert application.model_fields_set == {"remote_id", "candidate_id", "kind", "source"}


def test_older_applications_are_told_by_job_and_address(indeed):
    body = {name: value for name, value in BODY.items() if name != "id"}
    key = indeed.delivery_key({}, orjson.dumps(body))
    shouted = {**body, "applicant": {**body["applicant"], "email": "ADA@example.com", "fullName": "Ada B. Example"}}
    assert indeed.delivery_key({}, orjson.dumps(shouted)) == key == raw_of(indeed, body)["id"]
    assert indeed.delivery_key({}, orjson.dumps({**body, "job": {"jobId": "J8"}})) != key


def test_indeeds_own_sample_has_base64_that_is_not_strict(indeed):
    resume = {"file": {"contentType": "application/octet-stream", "data": "SGVsbG8h=", "fileName": "John_Doe.pdf"}}
    raw = raw_of(indeed, {**BODY, "applicant": {**BODY["applicant"], "resume": resume}})
    assert raw["applicant"]["resume"]["file"]["bytes"] == len(b"Hello!")
    resume["file"]["data"] = "A"
    unmeasured = raw_of(indeed, {**BODY, "applicant": {**BODY["applicant"], "resume": resume}})
    assert unmeasured["applicant"]["resume"]["file"] == {
        "contentType": "application/octet-stream",
        "fileName": "John_Doe.pdf",
    }


@pytest.mark.parametrize(
    ("body", "names"),
    [
        (b"", "not JSON"),
        (b"[]", "not a JSON object"),
        (orjson.dumps({**BODY, "job": None}), "key job"),
        (orjson.dumps({**BODY, "applicant": "Ada"}), "key applicant"),
        (orjson.dumps({**BODY, "applicant": {"email": "ada@example.com"}}), "applicant.fullName"),
        (orjson.dumps({"job": {"jobId": "J"}, "applicant": {"fullName": "Ada"}}), "key id"),
        (orjson.dumps({**BODY, "id": ["x"]}), "id is not text"),
    ],
)
def test_what_cannot_be_an_application_is_refused_by_name(indeed, body, names):
    with pytest.raises(Malformed, match=names):
        indeed.delivery_key({}, body)


@pytest.mark.parametrize("change", [{"appliedOnMillis": "soon"}, {"locale": {}}, {"analytics": 5}])
def test_odd_values_are_refused_by_parsing_or_harmless(indeed, change):
    raw = raw_of(indeed, {**BODY, **change})
    if "analytics" in change:
        assert len(list(indeed.parse("applications", raw))) == 2
    else:
        with pytest.raises(Malformed, match=next(iter(change))):
            list(indeed.parse("applications", raw))
