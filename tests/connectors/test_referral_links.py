"""Referral links: clicks without names, and people who are recommended and said nothing themselves."""

from datetime import UTC, datetime

import orjson
import pytest

from connectors.contract import Connection, Delivery, Receiver
from connectors.errors import Malformed
from connectors.source import open_source

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
CLICK = {"kind": "click", "id": "c1", "token": "lnk1", "at": "2026-02-28T10:00:00+00:00"}
REFERRAL = {
    "kind": "referral",
    "form_id": "referral",
    "submission_id": "sub1",
    "submitted_at": "2026-02-28T10:00:00+00:00",
    "referrer": {"name": "Rae Referrer", "email": "rae@example.org"},
    "candidate": {
        "first_name": "Ada",
        "last_name": "Example",
        "email": "ada@example.com",
        "linkedin": "https://www.linkedin.com/in/ada",
        "gender": "a value nobody may keep",
    },
    "token": "lnk1",
    "job": "4021",
    "consents": {"future_jobs": True, "marketing": True},
}


@pytest.fixture
def links():
    return open_source(Connection(name="referral_links", connector="referral_links"), {})


def parsed(links, body):
    ((stream, raw),) = links.objects(Delivery("referral_links", "k", NOW, {}, orjson.dumps(body)))
    assert "nobody may keep" not in str(raw)
    return stream, list(links.parse(stream, raw))


def test_a_click(links):
    stream, (click,) = parsed(links, CLICK)
    assert stream == "clicks"
    assert click.model_dump(mode="json", exclude_unset=True) == {
        "remote_id": "c1",
        "type": "referral_click",
        "at": "2026-02-28T10:00:00Z",
        "details": {"token": "lnk1"},
    }
    assert click.parent is None


def test_a_recommendation_states_nothing_in_the_candidates_name(links):
    stream, records = parsed(links, REFERRAL)
    assert stream == "referrals"
    assert [record.record_type for record in records] == ["candidate", "application"], "no consent, whatever is ticked"
    candidate, application = records
    assert (candidate.first_name, candidate.origins) == ("Ada", ("referred",))
    assert candidate.urls[0].url_type == "linkedin"
    assert "phone_numbers" not in candidate.model_fields_set
    assert (application.kind, application.job_id, application.candidate_id) == ("referral", "4021", "sub1")
    assert application.source.family == "referral"
    assert application.referrer.model_dump(exclude_unset=True) == {
        "name": "Rae Referrer",
        "email": "rae@example.org",
        "link_token": "lnk1",
    }
    assert application.applied_at == datetime(2026, 2, 28, 10, tzinfo=UTC)


def test_repeats_are_known(links):
    assert isinstance(links, Receiver)
    links.authenticate({}, b"")
    assert links.delivery_key({}, orjson.dumps(CLICK)) == "c1"
    assert links.delivery_key({}, orjson.dumps(REFERRAL)) == "sub1"
    anonymous = orjson.dumps({n: v for n, v in REFERRAL.items() if n != "submission_id"})
    assert links.delivery_key({}, anonymous) == links.delivery_key({}, anonymous)


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({}, "kind"),
        ({"kind": "visit"}, "kind"),
        ({"kind": "click", "at": "2026-02-28T10:00:00Z"}, "token"),
        ({**REFERRAL, "candidate": {"first_name": "Ada"}}, "candidate.last_name"),
        ({**REFERRAL, "referrer": {"name": "Rae", "email": "nowhere"}}, "referrer.email"),
    ],
)
def test_what_is_wrong_is_named(links, body, names):
    with pytest.raises(Malformed, match=names):
        links.delivery_key({}, orjson.dumps(body))


@pytest.mark.parametrize("body", [b"", b"{", b"[]"])
def test_nothing_readable(links, body):
    with pytest.raises(Malformed):
        links.delivery_key({}, body)
