"""Addresses folded for comparison, and their keyed hashes.

Folding goes further than a mail server would: a refusal under one spelling must reach its siblings. What is written
to is always the address as the source holds it, never the folded one.
"""

import re
import unicodedata
from contextlib import suppress
from typing import Literal

import idna

from connectors.records import Channel
from talent_pool.store.database import Store

_GMAIL = frozenset({"gmail.com", "googlemail.com"})
_NOT_DIGITS = re.compile(r"\D")


def folded(channel: Channel, address: str) -> str:
    """Return `address` in the one spelling that all its variants share.

    E-mail: lower case, the domain as ASCII (IDNA), without a plus-tag, at Gmail without dots. Telephone: digits, with
    `+` in front where the country is told. Anything else: lower case with single spaces.
    """
    address = unicodedata.normalize("NFKC", address).strip()
    kind = _kind(channel, address)
    if kind == "email":
        return _folded_email(address.casefold())
    if kind == "phone":
        return _folded_phone(address)
    return " ".join(address.casefold().split())


def address_key(store: Store, channel: Channel, address: str) -> str:
    """Return the keyed hash under which statements and suppressions of `address` are kept.

    A number has one key for calls and for messages; `Channel.ANY` takes the kind from the address's own form.
    """
    normal = unicodedata.normalize("NFKC", address).strip()
    return store.hashed("address", _kind(channel, normal), folded(channel, address))


def _kind(channel: Channel, address: str) -> Literal["email", "phone", "post"]:
    if channel is Channel.EMAIL:
        return "email"
    if channel in (Channel.SMS, Channel.PHONE):
        return "phone"
    if channel is Channel.POST:
        return "post"
    if "@" in address:
        return "email"
    return "phone" if not any(letter.isalpha() for letter in address) else "post"


def _folded_email(address: str) -> str:
    local, at, domain = address.rpartition("@")
    if not at:
        return address
    domain = domain.rstrip(".")
    if not domain.isascii():
        with suppress(idna.IDNAError):  # not a domain that can be looked up; its own spelling still tells it apart
            domain = idna.encode(domain, uts46=True).decode()
    if not local.startswith('"'):
        local = local.partition("+")[0] or local
        if domain in _GMAIL:
            local, domain = local.replace(".", ""), "gmail.com"
    return f"{local}@{domain}"


def _folded_phone(number: str) -> str:
    digits = _NOT_DIGITS.sub("", number.replace("(0)", ""))
    if number.startswith("+"):
        return f"+{digits}"
    return f"+{digits[2:]}" if digits.startswith("00") else digits
