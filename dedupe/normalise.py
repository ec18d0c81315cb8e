"""A candidate record in the form in which it is compared. The raw record is kept where it was.

A pure function of one record. Placeholders ("noemail@…", "unknown", 000000) count as missing, for a blank never
matches. Birth dates, gender and other protected attributes are not read: there is no field for them here.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote, urlsplit

from anyascii import anyascii
from nicknames import NickNamer

from connectors.records import Candidate

_PARTICLES = frozenset(
    "da das de del della den der des di do dos du e el la las le los ter van von vom y zu zur bin ibn al".split()
)
_TITLES = frozenset("dr prof mr mrs ms miss mx sir phd md mba jr sr ii iii dipl ing msc bsc".split())
_LEGAL_FORMS = frozenset(
    "inc incorporated llc ltd limited corp corporation co company plc gmbh ag kg se sa sas sarl srl spa bv nv oy ab "
    "as pty pvt kk group holding holdings the".split()
)
_BLANKS = frozenset("n/a na none null nil unknown unbekannt anonymous anonym test tbd xxx - . ? candidate applicant".split())
_PLACEHOLDER_LOCALS = frozenset(
    "test none noemail nomail no-email no-mail no.email no_email noreply no-reply na n/a unknown anonymous placeholder "
    "noone nobody abc xxx asdf example user email mail keine.email sinemail".split()
)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_WORD = re.compile(r"[a-z0-9]+")
_PROFILE_PATHS = {"linkedin.com": r"/(?:in|pub)/([^/]+)", "github.com": r"/([^/]+)", "xing.com": r"/profile/([^/]+)"}
_NICKNAMES = NickNamer()


@dataclass(frozen=True, slots=True)
class Normalised:
    """One record's comparable form; every text is lower-case ASCII, every tuple sorted, None or empty where missing.

    `name`: all name parts in one order, the first name canonical. `first`: canonical first name. `name_key`: who
    somebody is, coarsely: tells one person's records that hold a value from those of several people.
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
    city: str | None = None
    employer: str | None = None
    title: str | None = None


def normalised(record_id: str, candidate: Candidate, region: str | None, organisation: str) -> Normalised:
    """Return the comparable form of `candidate`; numbers without a country are read as of `region` (alpha-2)."""
    first, last = _name_parts(candidate)
    emails = _distinct(_email(one.value) for one in candidate.email_addresses)
    linkedins, profiles = _profiles(url.value for url in candidate.urls)
    tokens = sorted(filter(None, (*first, *last)))
    canonical = _canonical(first[0]) if first else None
    return Normalised(
        record_id=record_id,
        organisation=organisation,
        name=" ".join(sorted(filter(None, (canonical, *first[1:], *last)))) or None,
        first=canonical,
        last=" ".join(last) or None,
        skeleton=_skeleton(tokens),
        name_key=_name_key(canonical, last, tokens),
        emails=emails,
        locals=_distinct(_telling_local(address) for address in emails),
        phones=_distinct(phone(one.value, region) for one in candidate.phone_numbers),
        linkedins=linkedins,
        profiles=profiles,
        city=_city(candidate),
        employer=_words(candidate.company, _LEGAL_FORMS),
        title=_words(candidate.title, frozenset()),
    )


def words(text: str | None) -> list[str]:
    """Return the lower-case ASCII words of a text in any script; each ideogram's reading is a word."""
    if not text or text.strip().lower() in _BLANKS:
        return []
    return _WORD.findall(_CAMEL.sub(" ", anyascii(text)).replace("'", "").lower())


def _name_parts(candidate: Candidate) -> tuple[list[str], list[str]]:
    first = [word for word in words(candidate.first_name) if word not in _TITLES]
    last = [word for word in words(candidate.last_name) if word not in _TITLES | _PARTICLES]
    if first or last:
        return first, last
    full = candidate.full_name or ""
    before, comma, after = full.partition(",")
    if comma and words(after):  # "Family, Given"
        return [w for w in words(after) if w not in _TITLES], [w for w in words(before) if w not in _PARTICLES]
    whole = [word for word in words(full) if word not in _TITLES | _PARTICLES]
    return whole[:1], whole[1:]


@lru_cache(maxsize=100_000)
def _canonical(first: str) -> str:
    """Return the formal name that `first` is short for, if the English lists know one; else `first`."""
    formal = _NICKNAMES.canonicals_of(first)
    return min(formal, key=lambda name: (len(name), name)) if formal else first


def _skeleton(tokens: Iterable[str]) -> str | None:
    """Return consonants alone, order kept out: what two transliterations of one name still share."""
    bones = sorted(re.sub(r"(.)\1+", r"\1", re.sub(r"[aeiouyhw]", "", token)) for token in tokens)
    joined = " ".join(filter(None, bones))
    return joined if len(joined) >= 4 else None


def _name_key(first: str | None, last: list[str], tokens: list[str]) -> str:
    """Name parts' initials, in one order: what typos, nicknames and swapped names of one person mostly keep."""
    if not tokens:
        return ""
    initials = sorted({first[0] if first else "", *(word[0] for word in last)} - {""})
    return "".join(initials)


def _email(value: str) -> str | None:
    """Fold for comparison alone: no plus tag; no dots where the provider ignores them. None for a placeholder."""
    local, at, domain = value.strip().lower().rpartition("@")
    if not at or not local or "." not in domain:
        return None
    local = local.partition("+")[0]
    if domain in ("gmail.com", "googlemail.com"):
        local, domain = local.replace(".", ""), "gmail.com"
    if not local or local in _PLACEHOLDER_LOCALS or re.fullmatch(r"(.)\1*", local):
        return None
    return f"{local}@{domain}"


def _telling_local(address: str) -> str | None:
    """Return the part before the @ if it is long enough to tell somebody."""
    local = address.partition("@")[0]
    return local if len(local) >= 6 else None


@lru_cache(maxsize=100_000)
def phone(value: str, region: str | None) -> str | None:
    """Return a number as E.164, or None where it is none or a placeholder."""
    digits = re.sub(r"\D", "", value)
    if len(digits) < 7 or len(set(digits[-7:])) <= 1 or "1234567" in digits:
        return None
    import phonenumbers  # its tables take a while to load, and reading the pool needs none of them

    try:
        parsed = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def _profiles(urls: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return (LinkedIn slugs, all profiles): pages that are unique to a person."""
    linkedins: set[str] = set()
    others: set[str] = set()
    for url in urls:
        parts = urlsplit(url if "//" in url else f"//{url}")
        host = (parts.hostname or "").removeprefix("www.").removeprefix("m.")
        for site, pattern in _PROFILE_PATHS.items():
            if (host == site or host.endswith(f".{site}")) and (match := re.match(pattern, parts.path)):
                slug = f"{site.partition('.')[0]}:{unquote(match.group(1)).lower().rstrip('/')}"
                (linkedins if site == "linkedin.com" else others).add(slug)
    return tuple(sorted(linkedins)), tuple(sorted(linkedins | others))


def _city(candidate: Candidate) -> str | None:
    place = candidate.location
    if place is None:
        return None
    return _words(place.city or (place.raw or "").split(",")[0], frozenset())


def _words(text: str | None, left_out: frozenset[str]) -> str | None:
    return " ".join(word for word in words(text) if word not in left_out) or None


def _distinct(values: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(sorted({value for value in values if value}))
