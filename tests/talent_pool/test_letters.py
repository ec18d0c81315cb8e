"""Messages: what the shipped templates say, and what a template may not do."""

import re
from datetime import date
from pathlib import Path

import pytest

from connectors.errors import Misconfigured
from talent_pool.delivery.letters import Stationery
from talent_pool.delivery.recipients import working_days_after

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
