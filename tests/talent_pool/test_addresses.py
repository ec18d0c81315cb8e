"""Addresses folded for comparison."""

import pytest

from connectors.records import Channel
from talent_pool.store.addresses import address_key, folded

EMAILS = [
    ("Anna.Berg@Example.COM", "anna.berg@example.com"),
    (" anna+jobs@example.com ", "anna@example.com"),
    ("a.n.n.a+x@googlemail.com", "anna@gmail.com"),
    ("anna@münchen.example", "anna@xn--mnchen-3ya.example"),
    ("anna@example.com.", "anna@example.com"),
    ('"anna+x"@example.com', '"anna+x"@example.com'),
    ("+x@example.com", "+x@example.com"),
    ("no address", "no address"),
    ("\uff41nna@example.com", "anna@example.com"),
]
NUMBERS = [
    ("+49 (0)170 123-45", "+4917012345"),
    ("0049 170 12345", "+4917012345"),
    ("(202) 555-0100", "2025550100"),
]


@pytest.mark.parametrize(("address", "expected"), EMAILS)
def test_email(address, expected):
    assert folded(Channel.EMAIL, address) == expected
    assert folded(Channel.EMAIL, expected) == expected


@pytest.mark.parametrize(("number", "expected"), NUMBERS)
def test_number(number, expected):
    assert folded(Channel.SMS, number) == folded(Channel.PHONE, number) == expected
    assert folded(Channel.SMS, expected) == expected


def test_post():
    assert folded(Channel.POST, " 1  Main Street\n Springfield") == "1 main street springfield"


def test_key_is_that_of_the_address_whatever_the_channel_is_called(store):
    assert address_key(store, Channel.ANY, "Anna@example.com") == address_key(
        store, Channel.EMAIL, "anna+x@example.com"
    )
    assert address_key(store, Channel.ANY, "+1 202") == address_key(store, Channel.SMS, "+1202")
    assert address_key(store, Channel.SMS, "+1202") == address_key(store, Channel.PHONE, "001202")
    assert address_key(store, Channel.EMAIL, "a@example.com") != address_key(store, Channel.EMAIL, "b@example.com")
