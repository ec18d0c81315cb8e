"""Invented people: who they truly are, before any source writes down its view of them.

People come in groups of 500 that are drawn from a generator of their own, so that a file of any size is a stream, a
smaller one is the beginning of a larger one, and relatives and namesakes are found near each other.
All addresses are at reserved or invented domains (RFC 2606). Phone numbers are valid in form, invented, never dialled.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from random import Random

from sandbox import names
from sandbox.cultures import BY_KEY, CULTURES, Culture
from sandbox.names import Part
from sandbox.noise import unaccented

GROUP = 500
_STEMS = (  # noqa: SIM905 - words read better than quotes
    "Norrland Alpine Harbor Copper Cedar Lumen Quarry Meridian Tidewater Falcon Ember Juniper Granite Willow "
    "Orchard Beacon Solstice Atlas Verdant Cobalt Saffron Driftwood Summit Prairie Lighthouse Amber "
    "Northgate Riverbend Hawthorn Sterling Cascade Boreal Anchor Keystone Larkspur Mistral Onyx Pinewood "
    "Redwood Sierra Tamarack Umber Vesper Westwind Yarrow Zephyr Brightwater Clearfield Dunmore Eastvale "
    "Foxglove Glenmore Highmark Ironbridge Kestrel Longford Maplecrest Nightingale Oakhurst Palisade"
).split()
_TAILS = (  # noqa: SIM905 - words read better than quotes
    "Logistics;Software;Health;Foods;Robotics;Energy;Insurance;Studios;Retail;Biotech;Analytics;Security;"
    "Payments;Media;Travel;Automotive;Labs;Consulting;Textiles;Education;Aerospace;Marine;Bank;Games;"
    "Mobility;Telecom;Farms;Pharma;Works;Systems;& Sons;Brothers;Partners;Group;Industries;Instruments;"
    "Materials;Networks;Home;Outdoor"
).split(";")
_ROLES = (  # noqa: SIM905 - words read better than quotes
    "Software Engineer;Data Engineer;Data Analyst;Product Manager;Project Manager;Account Manager;"
    "Sales Manager;Nurse;Warehouse Operator;UX Designer;Marketing Manager;Financial Analyst;Accountant;"
    "Recruiter;Customer Support Agent;Mechanical Engineer;DevOps Engineer;Quality Engineer;Teacher;"
    "Office Manager;Legal Counsel;Buyer;Electrician;Chef"
).split(";")
_LEVELS = ("", "", "", "Senior ", "Senior ", "Junior ", "Lead ", "Head of ")
_MAIL_DOMAINS = (
    *("mail.example",) * 9,
    *("inbox.example",) * 6,
    *("example.com",) * 4,
    *("post.example",) * 3,
    "example.org",
    "example.net",
    "webmail.example",
    "letterbox.example",
)
_LOCAL_PARTS = ("{f}.{l}{n}", "{f}{l}{n}", "{i}{l}{n}", "{l}.{f}{n}", "{f}_{l}{n}", "{f}{n}", "{i}.{l}{n}")


@dataclass(frozen=True, slots=True)
class Phone:
    """A number in its parts: +49, the 0 dialled at home, and the rest."""

    country_code: str
    trunk: str
    national: str


@dataclass(frozen=True, slots=True)
class Job:
    """Where somebody works or worked, and as what."""

    company: str
    title: str


@dataclass(slots=True)
class Person:
    """One true person. `cities` and `jobs` are in order of time, the latest last; addresses the current one first."""

    number: int
    culture: Culture
    woman: bool
    given: Part
    middle: str
    family: Part
    earlier_family: Part | None
    cities: tuple[str, ...]
    jobs: tuple[Job, ...]
    emails: tuple[str, str]
    phones: tuple[Phone, Phone]
    linkedin: str | None
    github: str | None
    junior: bool = False
    family_email: str | None = None
    family_phone: Phone | None = None
    agency: int | None = None


@dataclass(frozen=True, slots=True)
class Agency:
    """A recruitment agency: the one address and switchboard under which it sends in everybody."""

    name: str
    email: str
    phone: Phone


def people(count: int, seed: int) -> Iterator[Person]:
    """Yield `count` people, the same ones for the same seed."""
    for group in range(-(-count // GROUP)):
        rng = Random(f"people {seed} {group}")
        neighbours: list[Person] = []
        for number in range(group * GROUP, (group + 1) * GROUP):
            neighbours.append(_person(rng, number, neighbours))
        # always whole groups, since a later relative adds to an earlier one what they share
        yield from neighbours[: count - group * GROUP]


def agency(number: int) -> Agency:
    """Return the agency of this number."""
    stem = _STEMS[number % len(_STEMS)]
    suffix = "" if number < len(_STEMS) else str(number // len(_STEMS))
    domain = f"{stem.lower()}{suffix}-staffing.example"
    return Agency(
        f"{stem} Staffing{suffix and ' ' + suffix}",
        f"candidates@{domain}",
        phone_of(BY_KEY["en_US"], 9_000_000 + number),
    )


def phone_of(culture: Culture, index: int) -> Phone:
    """Return the number of this index; all different up to the size of the plan (2.7 million in the smallest)."""
    code, trunk, heads, digits = culture.phone
    room = 10**digits
    head, line = divmod((index * 1_000_003 + 271_828) % (room * len(heads)), room)
    return Phone(code, trunk, f"{heads[head]}{line:0{digits}d}")


@cache
def _employers() -> list[str]:
    rng = Random("employers")
    every = [f"{stem} {tail}" for stem in _STEMS for tail in _TAILS]
    rng.shuffle(every)
    weights = [1 / (rank + 8) ** 0.7 for rank in range(len(every))]
    scale = 12_000 / sum(weights)
    return [name for name, weight in zip(every, weights, strict=True) for _ in range(max(1, round(weight * scale)))]


@cache
def _culture_bag() -> list[Culture]:
    return [culture for culture in CULTURES for _ in range(round(culture.weight * 1000))]


def _person(rng: Random, number: int, neighbours: list[Person]) -> Person:
    culture = rng.choice(_culture_bag())
    woman = rng.random() < 0.5
    given = names.draw_given(rng, culture, woman=woman)
    family = names.draw_family(rng, culture, woman=woman)
    home = culture.cities[int(rng.random() ** 1.7 * len(culture.cities))]
    cities = (
        (rng.choice(_abroad(rng).cities if rng.random() < 0.4 else culture.cities), home)
        if rng.random() < 0.12
        else (home,)
    )
    person = Person(
        number=number,
        culture=culture,
        woman=woman,
        given=given,
        middle=names.draw_middle(rng, culture) if rng.random() < 0.35 else "",
        family=family,
        earlier_family=names.draw_family(rng, culture, woman=woman) if woman and rng.random() < 0.06 else None,
        cities=cities,
        jobs=tuple(_job(rng) for _ in range(1 + int(rng.random() ** 2 * 3))),
        emails=("", ""),
        phones=(phone_of(culture, number * 2), phone_of(culture, number * 2 + 1)),
        linkedin=None,
        github=None,
    )
    if neighbours and rng.random() < 0.065:
        _relate(rng, person, rng.choice(neighbours))
    if rng.random() < 0.05:
        person.agency = number // 300 * 2 + int(rng.random() * 2)
    _addresses(rng, person)
    return person


def _abroad(rng: Random) -> Culture:
    return rng.choice(_culture_bag())


def _job(rng: Random) -> Job:
    every = _employers()
    return Job(every[int(rng.random() * len(every))], rng.choice(_LEVELS) + rng.choice(_ROLES))


def _relate(rng: Random, person: Person, other: Person) -> None:
    """Make `person` a relative at the same address, a child of the same name, or only a namesake in the same town."""
    kind = rng.random()
    person.culture, person.cities = other.culture, (other.cities[-1],)
    person.family, person.phones = (
        other.family,
        (
            phone_of(other.culture, person.number * 2),
            phone_of(other.culture, person.number * 2 + 1),
        ),
    )
    if kind < 0.2:
        person.given, person.middle, person.woman = other.given, "", other.woman
        return
    person.earlier_family = None
    if kind < 0.25:
        person.given, person.woman, person.junior = other.given, other.woman, True
    else:
        person.given = names.draw_given(rng, other.culture, woman=person.woman)
        while person.given.text == other.given.text:
            person.given = names.draw_given(rng, other.culture, woman=person.woman)
    if other.family_phone is None:
        other.family_phone = phone_of(other.culture, 4_000_000 + other.number)
    person.family_phone = other.family_phone
    if other.family_email is None and rng.random() < 0.6:
        other.family_email = f"family.{_plain(other.family.text)}{other.number}@{rng.choice(_MAIL_DOMAINS)}"
    person.family_email = other.family_email


def _addresses(rng: Random, person: Person) -> None:
    person.emails = (_email(rng, person, 0), _email(rng, person, 1))
    slug = f"{_plain(person.given.text)}-{_plain(person.family.text)}"
    if rng.random() < 0.78:
        # injective, and reads like the suffix a profile site appends
        person.linkedin = f"{slug}-{(person.number * 2654435761 + 97) % (1 << 32):08x}"
    if rng.random() < 0.18:
        person.github = f"{_plain(person.given.text)[:6]}{_plain(person.family.text)[:5]}{person.number}"


def _email(rng: Random, person: Person, index: int) -> str:
    """Return an address that no other person has: its number is the person's and the address's own."""
    first, last = _plain(person.given.text), _plain(person.family.text)
    local = rng.choice(_LOCAL_PARTS).format(f=first, l=last, i=first[:1], n=person.number * 2 + index + 3)
    if index and rng.random() < 0.5:
        company = _plain(person.jobs[0].company)
        return f"{local}@{company}.example"
    return f"{local}@{rng.choice(_MAIL_DOMAINS)}"


def _plain(text: str) -> str:
    return "".join(letter for letter in unaccented(text).lower() if letter.isalnum())
