"""What of an address may be logged."""

import pytest

from connectors.redaction import redacted, without


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://api.example/v3/jobs?per_page=2&cursor=abc", "https://api.example/v3/jobs?per_page=…&cursor=…"),
        ("https://user:secret@api.example:8443/x", "https://api.example:8443/x"),
        ("https://api.example/lists/a1/members/0123456789abcdef0123", "https://api.example/lists/a1/members/…"),
        ("https://api.example/people/ada@people.example", "https://api.example/people/…"),
        ("https://api.example/people/ada%40people.example", "https://api.example/people/…"),
        ("https://api.example/hook/eyJhbGciOiJIUzI1NiJ9.e30.abcdef", "https://api.example/hook/…"),
        ("https://api.example/v3/application_stages#secret", "https://api.example/v3/application_stages"),
        ("https://api.example/x?baretoken", "https://api.example/x?…"),
        ("jobs?token=t", "jobs?token=…"),
        ("https://[broken", "…"),
        ("https://api.example:port/x", "…"),
    ],
)
def test_an_address_is_shown_without_what_is_nobodys_business(url: str, shown: str) -> None:
    assert redacted(url) == shown


def test_secrets_are_taken_out_of_a_text() -> None:
    assert without("key abc and abcdef, twice abc", ["abc", "", "abcdef"]) == "key … and …, twice …"
