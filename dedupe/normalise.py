"""A candidate record in the form in which it is compared. The raw record is kept where it was.

A pure function of one record. Placeholders ("noemail@…", "unknown", 000000) count as missing, for a blank never
matches. Birth dates, gender and other protected attributes are not read: there is no field for them here.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any
from urllib.parse import unquote, urlsplit

import orjson
from anyascii import anyascii
from nicknames import NickNamer

from connectors.records import Candidate

_PARTICLES = frozenset(
    "da das de del della den der des di do dos du e el la las le los ter van von vom y zu zur bin ibn al".split()  # noqa: SIM905
)
_TITLES = frozenset("dr prof mr mrs ms miss mx sir phd md mba jr sr ii iii dipl ing msc bsc".split())  # noqa: SIM905
_LEGAL_FORMS = frozenset(
    """
    inc incorporated llc ltd limited corp corporation co company plc gmbh ag kg se sa sas sarl srl spa bv nv oy
    ab as pty pvt kk group holding holdings the
    """.split()  # noqa: SIM905 - words read better than quotes
)
_BLANKS = frozenset(
    "n/a none nil unknown unbekannt anonymous anonym tbd xxx - . ? candidate applicant".split()  # noqa: SIM905
)
_BLANKS_ALONE = _BLANKS | {"", "na", "null", "test"}
"""Blank where nothing else is said; beside another part of a name, they are somebody's name."""
_PLACEHOLDER_LOCALS = frozenset(
    """
    test none noemail nomail no-email no-mail no.email no_email noreply no-reply na n/a unknown anonymous
    placeholder noone nobody abc xxx asdf example user email mail keine.email sinemail
    """.split()  # noqa: SIM905 - words read better than quotes
)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_WORD = re.compile(r"[a-z0-9]+")
_VOWELS = re.compile(r"[aeiouyhw]")
_DOUBLED = re.compile(r"(.)\1+")
_NOT_DIGITS = re.compile(r"\D")
_PROFILE_PATHS = {
    "linkedin.com": re.compile(r"/(?:in|pub)/([^/]+)"),
    "github.com": re.compile(r"/([^/]+)"),
    "xing.com": re.compile(r"/profile/([^/]+)"),
}
_OLD_LINKEDIN = re.compile(r"/pub/([^/]+)/(.*[^/])/*$")
_SITES_OWN_PAGES = frozenset({"orgs", "about", "features", "login", "search", "settings", "topics", "explore"})
_FIRST_IDEOGRAM = "\u2e80"
_NICKNAMES = NickNamer()


@dataclass(frozen=True, slots=True)
class Normalised:
    """One record's comparable form; every text is lower-case ASCII, every tuple sorted, None or empty where missing.

    `name`: all name parts in one order. `forms`: the first name, and the formal names that it may be short for.
    `skeleton`: consonants of the name. `name_key`: who somebody is, coarsely: tells one person's records that hold a
    value from those of several people.
    """

    record_id: str
    organisation: str
    name: str | None = None
    first: str | None = None
    last: str | None = None
    skeleton: str | None = None
    name_key: str = ""
    emails: tuple[str, ...] = ()
    locals: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    linkedins: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    street: str | None = None
    postcode: str | None = None
    city: str | None = None
    employer: str | None = None
    title: str | None = None
    forms: tuple[str, ...] = ()


_FIELDS = tuple(one.name for one in fields(Normalised))
_TUPLES = tuple(place for place, one in enumerate(fields(Normalised)) if one.default == ())


def normalised(record_id: str, candidate: Candidate, region: str | None, organisation: str) -> Normalised:
    """Return the comparable form of `candidate`; numbers without a country are read as of `region` (alpha-2).

    Where there is no `region`, the candidate's own country stands in.
    """
    first, last = _name_parts(candidate)
    region = region or (candidate.location.country_code if candidate.location else None)
    emails = _distinct(email(one.value) for one in candidate.email_addresses)
    linkedins, profiles = _profiles(url.value for url in candidate.urls)
    tokens = sorted((*first, *last))
    forms = _formal(first[0]) if first else ()
    return Normalised(
        record_id=record_id,
        organisation=organisation,
        name=" ".join(tokens) or None,
        first=first[0] if first else None,
        last=" ".join(last) or None,
        skeleton=_skeleton(tokens),
        name_key=_name_key(forms, last),
        emails=emails,
        locals=_distinct(_telling_local(address) for address in emails),
        phones=_distinct(phone(one.value, region) for one in candidate.phone_numbers),
        linkedins=linkedins,
        profiles=profiles,
        numbers=_distinct(_number(one) for one in candidate.person_numbers),
        street=_street(candidate),
        postcode=_postcode(candidate),
        city=_city(candidate),
        employer=_without(words(candidate.company), _LEGAL_FORMS),
        title=" ".join(words(candidate.title)) or None,
        forms=forms,
    )


def form_of(record: Normalised) -> str:
    """Return a record as text that `read_form` reads; both belong to one version of this module."""
    return orjson.dumps([getattr(record, name) for name in _FIELDS]).decode()


def read_form(text: str) -> Normalised:
    """Return the record that `form_of` wrote."""
    values: list[Any] = orjson.loads(text)
    for place in _TUPLES:
        values[place] = tuple(values[place])
    return Normalised(*values)


def is_blank(text: str | None) -> bool:
    """Say whether a text says nothing: empty, or a placeholder such as "n/a"."""
    return text is None or text.strip().lower() in _BLANKS_ALONE


def words(text: str | None) -> list[str]:
    """Return the lower-case ASCII words of a text in any script, none for a placeholder."""
    return [] if text is None or is_blank(text) else _words(text)


def _words(text: str) -> list[str]:
    """Each ideogram's reading is a word, as a name's are not written apart."""
    if not text.isascii():
        plain = anyascii(text)
        text = _CAMEL.sub(" ", plain) if any(letter >= _FIRST_IDEOGRAM for letter in text) else plain
    return _WORD.findall(text.replace("'", "").lower())


def _name_parts(candidate: Candidate) -> tuple[list[str], list[str]]:
    """Return (given names, family names)."""
    given, family = candidate.first_name or "", candidate.last_name or ""
    if not (is_blank(given) and is_blank(family)):
        return _part(given, _TITLES), _part(family, _TITLES | _PARTICLES)
    full = "" if is_blank(candidate.full_name) else candidate.full_name or ""
    before, comma, after = full.partition(",")
    if comma and words(after):  # "Family, Given"
        return _part(after, _TITLES), _part(before, _TITLES | _PARTICLES)
    whole = [word for word in _part(full, _TITLES) if word not in _BLANKS]
    return whole[:1], _kept(whole[1:], _PARTICLES)


def _part(text: str, left_out: frozenset[str]) -> list[str]:
    return [] if text.strip().lower() in _BLANKS else _kept(_words(text), left_out)


def _kept(parts: list[str], left_out: frozenset[str]) -> list[str]:
    """Leave words out, unless nothing would be left: Do, Van and Al are whole names as well."""
    return [word for word in parts if word not in left_out] or parts


@lru_cache(maxsize=100_000)
def _formal(first: str) -> tuple[str, ...]:
    """Return `first` and the names that the English lists know it to be short for; two that share one may be one."""
    return tuple(sorted({first, *(name for name in _NICKNAMES.canonicals_of(first) if name.isalpha())}))


def _skeleton(tokens: Iterable[str]) -> str | None:
    """Return consonants alone, order kept out: what two transliterations of one name still share."""
    bones = sorted(_DOUBLED.sub(r"\1", _VOWELS.sub("", token)) for token in tokens)
    joined = " ".join(filter(None, bones))
    return joined if len(joined) >= 4 else None


def _name_key(forms: tuple[str, ...], last: list[str]) -> str:
    """Name parts' initials, in one order: what typos, nicknames and swapped names of one person mostly keep."""
    return "".join(sorted({form[0] for form in forms[:1]} | {word[0] for word in last}))


def email(value: str) -> str | None:
    """Fold for comparison alone: no plus tag; no dots where the provider ignores them. None for a placeholder."""
    local, at, domain = value.strip().lower().rpartition("@")
    if not at or "." not in domain:
        return None
    local = local.partition("+")[0]
    if domain in {"gmail.com", "googlemail.com"}:
        local, domain = local.replace(".", ""), "gmail.com"
    if not local or local in _PLACEHOLDER_LOCALS or (len(local) > 2 and local.count(local[0]) == len(local)):
        return None
    return f"{local}@{domain}"


def _telling_local(address: str) -> str | None:
    """Return the part before the @ if it is long enough to tell somebody."""
    local = address.partition("@")[0]
    return local if len(local) >= 6 else None


@lru_cache(maxsize=100_000)
def phone(value: str, region: str | None) -> str | None:
    """Return a number as E.164, or None where it is none or a placeholder."""
    import phonenumbers  # its tables take a while to load, and reading the pool needs none of them

    digits = _NOT_DIGITS.sub("", value)
    if len(digits) < 7 or len(set(digits[-7:])) <= 1 or "1234567" in digits:
        return None
    try:
        parsed = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _profiles(urls: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return (LinkedIn slugs, all profiles): pages that are unique to a person."""
    found = {slug for url in urls if (slug := _profile(url))}
    return tuple(sorted(slug for slug in found if slug.startswith("linkedin:"))), tuple(sorted(found))


def _profile(url: str) -> str | None:
    """Return "site:slug" for a personal page at a site we know; what is no address at all is no page."""
    try:
        parts = urlsplit(url if "//" in url else f"//{url}")
        host = parts.hostname or ""
    except ValueError:
        return None
    for site, pattern in _PROFILE_PATHS.items():
        if (host == site or host.endswith(f".{site}")) and (match := pattern.match(parts.path)):
            slug = unquote(match.group(1)).lower()
            if old := _OLD_LINKEDIN.match(parts.path):  # the name alone is everybody's of that name
                slug = f"pub/{old.group(1)}/{old.group(2)}".lower()
            return None if slug in _SITES_OWN_PAGES or is_blank(slug) else f"{site.partition('.')[0]}:{slug}"
    return None


def _city(candidate: Candidate) -> str | None:
    place = candidate.location
    return (" ".join(words(place.city or (place.raw or "").split(",")[0])) or None) if place else None


def _street(candidate: Candidate) -> str | None:
    """Return street and house, its words in one order: a house's number stands before or after its street."""
    place = candidate.location
    return " ".join(sorted(words(place.street))) or None if place else None


def _postcode(candidate: Candidate) -> str | None:
    """Return a postcode; 00000 is a placeholder."""
    place = candidate.location
    code = "".join(words(place.postal_code)) if place else ""
    return code if len(set(code)) > 1 else None


def _number(value: str) -> str | None:
    """Return a personal number without blanks and signs; None for one too short or too uniform to be somebody's."""
    number = "".join(words(value))
    return number if len(number) >= 4 and len(set(number)) > 1 else None


def _without(told: list[str], left_out: frozenset[str]) -> str | None:
    return " ".join(_kept(told, left_out)) or None


def _distinct(values: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(sorted({value for value in values if value}))
