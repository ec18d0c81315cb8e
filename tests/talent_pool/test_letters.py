"""Messages: what the shipped templates say, and what a template may not do."""

import re
from datetime import date
from pathlib import Path

import pytest

from connectors.errors import Misconfigured
from talent_pool.delivery.letters import Stationery
from talent_pool.delivery.member import working_days_after

FIELDS = {
    "first_name": "Ann", "last_name": "Example", "job_title": "Engineer", "sender": "Northwind Careers",
    "answer_by": date(2026, 10, 19), "language": None, "unsubscribe_url": "https://pool.example/u/token",
}  # fmt: skip
SHIPPED = ("acknowledge_new_applicants", "referred_not_contacted", "silver_medallists", "passive_talent")


@pytest.mark.parametrize("name", SHIPPED)
@pytest.mark.parametrize("blank", [(), ("first_name", "job_title", "answer_by")])
def test_each_shipped_message_reads_well_with_and_without_its_fields(name: str, blank: tuple[str, ...]):
    letter = Stationery().write(name, FIELDS | dict.fromkeys(blank))
    assert letter.subject
    for body in (letter.text, letter.html):
        assert "None" not in body
        assert "{{" not in body
        assert "https://pool.example/u/token" in body
        assert "Northwind Careers" in body
        assert ("Hello Ann," in body) == (not blank)
    assert "<style" not in letter.html
    assert "style=" in letter.html


def test_the_acknowledgement_says_by_when_she_hears_back():
    letter = Stationery().write("acknowledge_new_applicants", FIELDS)
    assert "You will hear from us by Monday, 19 October 2026" in letter.text
    assert letter.subject == "We have your application for Engineer"


def test_names_cannot_bring_markup_in():
    letter = Stationery().write("acknowledge_new_applicants", FIELDS | {"first_name": "<script>x</script>"})
    assert "<script>" not in letter.html
    assert "&lt;script&gt;" in letter.html


def test_a_companys_own_template_comes_first_and_a_language_before_it(tmp_path: Path):
    (tmp_path / "silver_medallists.txt").write_text("Subject: Ours\n\nHello {{ first_name }}\n")
    (tmp_path / "silver_medallists.html").write_text("<p>Hello {{ first_name }}</p>")
    (tmp_path / "silver_medallists.de.txt").write_text("Subject: Unser\n\nHallo {{ first_name }}\n")
    stationery = Stationery([tmp_path])
    assert stationery.write("silver_medallists", FIELDS).subject == "Ours"
    assert stationery.write("silver_medallists", FIELDS | {"language": "de-AT"}).subject == "Unser"
    assert stationery.write("silver_medallists", FIELDS | {"language": "../../etc"}).subject == "Ours"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Subject: {{ nothing_such }}\n\n", "cannot be filled"),
        ("Subject: {{ ().__class__.__mro__ }}\n\n", "cannot be filled"),
        ("Subject: {% if %}\n\n", "cannot be filled"),
        ("Hello\n", "does not begin with a line `Subject:"),
    ],
)
def test_a_template_that_is_wrong_or_reaches_out_is_refused(tmp_path: Path, text: str, told: str):
    (tmp_path / "mine.txt").write_text(text)
    (tmp_path / "mine.html").write_text("<p></p>")
    with pytest.raises(Misconfigured, match=re.escape(told)):
        Stationery([tmp_path]).write("mine", FIELDS)


def test_a_template_that_is_missing_is_named():
    with pytest.raises(Misconfigured, match=r"nowhere\.txt and nowhere\.html"):
        Stationery().write("nowhere", FIELDS)


@pytest.mark.parametrize(
    ("start", "days", "end"),
    [
        (date(2026, 10, 5), 1, date(2026, 10, 6)),
        (date(2026, 10, 9), 1, date(2026, 10, 12)),
        (date(2026, 10, 10), 1, date(2026, 10, 12)),
        (date(2026, 10, 5), 10, date(2026, 10, 19)),
    ],
)
def test_working_days_leave_weekends_out(start: date, days: int, end: date):
    assert working_days_after(start, days) == end


TEXT = {"first_name": "Ann", "job_title": None, "sender": "Northwind", "unsubscribe_url": None, "answer_by": None}


@pytest.mark.parametrize(
    "name", ["acknowledge_new_applicants", "passive_talent", "silver_medallists", "referred_not_contacted"]
)
def test_shipped_text_messages_are_short_and_marketing_says_how_to_end_it(name: str):
    service = name == "acknowledge_new_applicants"
    for fields in (TEXT, {**TEXT, "first_name": None}):
        message = Stationery().write_short(name, fields, marketing=not service)
        assert 20 < len(message.text) <= 160, "one part of a text message"
        assert "\n" not in message.text
        assert message.text.endswith("Reply STOP to opt out.") is not service
        assert message.fields == {"text": message.text}


def test_a_text_message_may_bring_a_picture_and_speak_a_language(tmp_path: Path):
    (tmp_path / "hello.sms.txt").write_text(
        "Media: https://pool.example/a.png\nHello {{ first_name }}. STOP ends it.\n"
    )
    (tmp_path / "hello.de.sms.txt").write_text("Hallo {{ first_name }}. STOP beendet es.\n")
    stationery = Stationery([tmp_path])
    picture = stationery.write_short("hello", TEXT, marketing=True)
    assert picture.fields == {"text": "Hello Ann. STOP ends it.", "media_url": "https://pool.example/a.png"}
    assert stationery.write_short("hello", {**TEXT, "language": "de-CH"}, marketing=True).text.startswith("Hallo Ann")


@pytest.mark.parametrize(
    ("template", "complaint"),
    [("Hello.", "how to end it"), ("{{ nothing }} STOP", "cannot be filled"), ("STOP" * 500, "1600 characters")],
)
def test_a_text_message_that_cannot_go_out_so_is_refused(tmp_path: Path, template: str, complaint: str):
    (tmp_path / "hello.sms.txt").write_text(template)
    with pytest.raises(Misconfigured, match=complaint):
        Stationery([tmp_path]).write_short("hello", TEXT, marketing=True)
    with pytest.raises(Misconfigured, match=r"nobody\.sms\.txt"):
        Stationery([tmp_path]).write_short("nobody", TEXT, marketing=True)
