"""Invented people to train on: one's records at several sources, with what really happens to names and addresses.

Names come from Faker's lists. It is not the sandbox's generator, which stays unseen so that it can judge the model.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from anyascii import anyascii
from faker import Faker
from nicknames import NickNamer

from connectors.records import Candidate, EmailAddress, Location, PhoneNumber, Url

LOCALES = (
    "en_US", "en_GB", "de_DE", "fr_FR", "es_ES", "it_IT", "pl_PL", "pt_BR", "sv_SE", "nl_NL", "tr_TR", "cs_CZ", "hu_HU",
    "ro_RO", "en_IN", "vi_VN", "ru_RU", "uk_UA", "el_GR", "zh_CN", "ko_KR", "ja_JP", "ar_AA", "hi_IN", "he_IL",
)  # fmt: skip
_ENGLISH = 10
"""An English locale counts as often as this many others."""
_TITLES = ("Engineer", "Data Analyst", "Nurse", "Account Manager", "Product Manager", "Accountant", "Driver",
           "Teacher", "Sales Representative", "Designer", "Recruiter", "Electrician", "Chef", "Project Manager",
           "Scientist")  # fmt: skip
_DOMAINS = ("mail.example", "post.example", "inbox.example", "example.com", "example.org", "example.net")

_NICKNAMES = NickNamer()
_Option = TypeVar("_Option")


_STREETS = ("Mill", "Church", "Station", "Park", "Garden", "Harbour", "Castle", "School", "Victoria", "Linden", "Rosen",
            "Bahnhof", "Market", "River", "Forest", "Meadow", "Abbey", "Bridge", "Chapel", "Orchard")  # fmt: skip
_WAYS = ("Street", "Road", "Avenue", "Lane", "Close", "Weg", "Platz", "Drive", "Court", "Crescent")


@dataclass(frozen=True, slots=True)
class Lot:
    """How many people, of how many first and as many last names: of all that there are where `most_names` is None.

    `locales`: Faker's, all as frequent as each other; those of the training, most of them English, where none is given.
    `numbered`: the share of records that tell a personal number. `related`: the share of people who are of the family
    of the one before. `each`: how many records everybody has, where not one to five and now and then up to twenty.
    """

    people: int
    most_names: int | None = None
    locales: tuple[str, ...] = ()
    numbered: float = 0.1
    related: float = 0.07
    each: int | None = None


@dataclass(frozen=True, slots=True)
class _Home:
    street: str
    postcode: str
    city: str


@dataclass(frozen=True, slots=True)
class _Person:
    number: int
    first: str
    last: str
    emails: list[str]
    phones: list[str]
    homes: list[_Home]
    employers: list[str]
    title: str
    slug: str | None
    personal_numbers: list[str]
    other_last: str | None = field(default=None)


def records(lot: Lot, seed: int) -> Iterator[tuple[int, str, Candidate]]:
    """Yield (person, record id, candidate): what the lot says, the same by seed.

    A third of the sources are careless (several errors a record), and a fifth tell little more than a name.
    """
    chance = random.Random(seed)
    for person in _population(lot, chance):
        count = lot.each or chance.choices((1, 2, 3, 4, 5, 20), (70, 60, 40, 20, 9, 1))[0]
        for number in range(count if count <= 5 or lot.each else chance.randrange(6, 21)):
            yield person.number, f"rec_{person.number:06d}_{number}", _seen(person, lot, chance)


def names(count: int, seed: int) -> Iterator[tuple[str, str, str]]:
    """Yield `count` times (culture, first name, last name), as often as the training people bear them."""
    chance = random.Random(seed)
    namer = _Namer(chance, Lot(count))
    for _ in range(count):
        culture, first, last = namer.drawn()
        yield (culture, first, last) if chance.random() > 0.15 else (culture, anyascii(first), anyascii(last))


class _Namer:
    """Draws names of one culture at a time."""

    def __init__(self, chance: random.Random, lot: Lot) -> None:
        self._chance = chance
        self._fakers = [(locale, Faker(locale)) for locale in lot.locales or LOCALES]
        for _, faker in self._fakers:
            faker.seed_instance(chance.randrange(2**32))
        weights = [_ENGLISH if name.startswith("en") else 2 for name in LOCALES]
        self._weights = None if lot.locales else weights
        self._few = [self.drawn()[1:] for _ in range(lot.most_names or 0)]

    def name(self) -> tuple[str, str]:
        """Return (first, last)."""
        if not self._few or self._chance.random() < 0.1:
            return self.drawn()[1:]
        return self._chance.choice(self._few)[0], self._chance.choice(self._few)[1]

    def last(self) -> str:
        return self.name()[1]

    def drawn(self) -> tuple[str, str, str]:
        """Return (culture, first, last) of all names that there are."""
        culture, faker = self._chance.choices(self._fakers, self._weights)[0]
        return culture, faker.first_name(), faker.last_name()


def _population(lot: Lot, chance: random.Random) -> Iterator[_Person]:
    namer = _Namer(chance, lot)
    english = Faker("en_US")
    english.seed_instance(chance.randrange(2**32))
    places = [english.city() for _ in range(80)]
    firms = [english.company() for _ in range(max(60, lot.people // 12))]
    agencies = [f"office@agency{number}.example" for number in range(4)]
    taken: set[str] = set()
    previous: _Person | None = None
    for number in range(lot.people):
        person = _person(number, namer, chance, places, firms, taken)
        if previous and chance.random() < lot.related:  # a family: one name, often one address or phone
            person = replace(
                person,
                last=previous.last,
                homes=previous.homes,
                emails=previous.emails[:1] if chance.random() < 0.5 else person.emails,
                phones=previous.phones[:1] if chance.random() < 0.5 else person.phones,
                employers=previous.employers if chance.random() < 0.15 else person.employers,
            )
        elif previous and chance.random() < 0.03:  # a namesake, sometimes of the same town
            nearby = [replace(one, city=previous.homes[0].city) for one in person.homes]
            person = replace(
                person,
                first=previous.first,
                last=previous.last,
                homes=nearby if chance.random() < 0.4 else person.homes,
            )
        elif chance.random() < 0.02:
            person = replace(person, emails=[chance.choice(agencies)])
        yield person
        previous = person


def _address(forms: Sequence[str], chance: random.Random, taken: set[str]) -> str:
    """Return an address that nobody has: a mailbox is one account's, and shared by a household at most."""
    address = f"{chance.choice(forms)}@{chance.choice(_DOMAINS)}"
    while address in taken:
        address = f"{chance.choice(forms)}{chance.randrange(10_000)}@{chance.choice(_DOMAINS)}"
    taken.add(address)
    return address


def _person(
    number: int, namer: _Namer, chance: random.Random, places: list[str], firms: list[str], taken: set[str]
) -> _Person:
    first, last = namer.name()
    plain_first, plain_last = (anyascii(part).lower().replace(" ", "") for part in (first, last))
    forms = (f"{plain_first}.{plain_last}", f"{plain_first[:1]}{plain_last}", f"{plain_last}{chance.randrange(100)}",
             f"{plain_first}{chance.randrange(1960, 2006)}", f"{plain_first}_{plain_last}{chance.randrange(10)}",
             )  # fmt: skip
    emails = [_address(forms, chance, taken) for _ in range(2)]
    phones = [f"+1{chance.choice('23456789')}{chance.randrange(10**8, 10**9)}" for _ in range(2)]
    return _Person(
        number, first, last, emails, phones,
        homes=[_home(places, chance) for _ in range(2)],
        employers=[firms[min(int(chance.expovariate(4 / len(firms))), len(firms) - 1)] for _ in range(2)],
        title=chance.choice(_TITLES),
        slug=f"{plain_first}-{plain_last}-{chance.randrange(16**5):05x}" if chance.random() < 0.6 else None,
        personal_numbers=[str(chance.randrange(10**6, 10**7)) for _ in range(2)],
        other_last=namer.last() if chance.random() < 0.08 else None,
    )  # fmt: skip


def _home(places: list[str], chance: random.Random) -> _Home:
    place = min(int(chance.expovariate(1 / 18)), len(places) - 1)
    street = f"{chance.randrange(1, 200)} {chance.choice(_STREETS)} {chance.choice(_WAYS)}"
    return _Home(street, f"{10_000 + 100 * place + chance.randrange(20)}", places[place])


def _which(chance: random.Random, options: Sequence[_Option], moved: float) -> _Option:
    return options[1] if len(options) > 1 and chance.random() < moved else options[0]


def _seen(person: _Person, lot: Lot, chance: random.Random) -> Candidate:
    """Return the person as one source happens to hold them."""
    error = 0.2 if chance.random() < 0.33 else 0.04
    held = chance.random() < 0.8
    return Candidate.model_validate(
        {
            "remote_id": "1",
            **_name(person, chance, error),
            **(_contact(person, chance, error / 4) if held or chance.random() < 0.5 else {}),
            **(_place(person, chance, error) if held or chance.random() < 0.6 else {}),
            **(_work(person, chance, error) if held else {}),
            **(_number(person, chance, error) if held and chance.random() < lot.numbered else {}),
        }
    )


def _place(person: _Person, chance: random.Random, error: float) -> dict[str, Any]:
    home = _which(chance, person.homes, 0.2)
    told: dict[str, str] = {}
    if chance.random() < 0.85:
        told["city"] = _typo(home.city, chance) if chance.random() < error else home.city
    if chance.random() < 0.35:
        street = _addressed(home.street, chance)
        told["street"] = _typo(street, chance) if chance.random() < 2 * error else street
    if chance.random() < 0.4:
        told["postal_code"] = _typo(home.postcode, chance) if chance.random() < error else home.postcode
    return {"location": Location(**told)} if told else {}


def _addressed(street: str, chance: random.Random) -> str:
    """Return a street as one form or another takes it: with a building or flat, shortened, run together, houseless."""
    house, name, way = street.split()
    if chance.random() < 0.1:
        way = way[:2]
    written = chance.choices((f"{house} {name} {way}", f"{house} {name}{way}", f"{name} {way}"), (90, 5, 5))[0]
    if chance.random() < 0.1:
        written = f"{chance.choice(('Flat', 'Unit'))} {chance.randrange(1, 30)} {written}"
    return f"{written} {chance.choice(_STREETS)} House" if chance.random() < 0.06 else written


def _work(person: _Person, chance: random.Random, error: float) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if chance.random() < 0.6:
        firm = _which(chance, person.employers, 0.35)
        fields["company"] = _typo(firm, chance) if chance.random() < error else firm
    if chance.random() < 0.5:
        level = chance.choice(("Senior", "Lead"))
        fields["title"] = person.title if chance.random() < 0.7 else f"{level} {person.title}"
    if person.slug and chance.random() < 0.5:
        fields["urls"] = (Url(value=f"https://www.linkedin.com/in/{person.slug}"),)
    return fields


def _number(person: _Person, chance: random.Random, error: float) -> dict[str, Any]:
    number = _which(chance, person.personal_numbers, 0.1)  # a company's and an authority's
    return {"person_numbers": (_typo(number, chance) if chance.random() < 2 * error else number,)}


def _name(person: _Person, chance: random.Random, error: float) -> dict[str, str]:
    if chance.random() < 0.02:
        return {}
    first, last = person.first, person.last
    if person.other_last and chance.random() < 0.4:
        last = person.other_last
    first, last = _written(first, chance, error), _written(last, chance, error)
    if chance.random() < 0.12:
        first = _short(first, chance)
    if chance.random() < 0.03:
        first, last = last, first
    if chance.random() < 0.04:
        first, last = first.upper(), last.upper()
    if chance.random() < 0.03:
        return chance.choice(({"first_name": first}, {"last_name": last}))
    return {"full_name": f"{first} {last}"} if chance.random() < 0.15 else {"first_name": first, "last_name": last}


def _contact(person: _Person, chance: random.Random, error: float) -> dict[str, object]:
    fields: dict[str, object] = {}
    if chance.random() < 0.82:
        address = _which(chance, person.emails, 0.28)
        fields["email_addresses"] = (
            EmailAddress(value=_typo(address, chance) if chance.random() < error else address),
        )
    if chance.random() < 0.7:
        number = _which(chance, person.phones, 0.25)
        fields["phone_numbers"] = (PhoneNumber(value=_typo(number, chance) if chance.random() < error else number),)
    return fields


def _written(name: str, chance: random.Random, error: float) -> str:
    written = anyascii(name) if chance.random() < 0.15 else name
    return _typo(written, chance) if chance.random() < error else written


def _short(first: str, chance: random.Random) -> str:
    if chance.random() < 0.3:
        return first[:1] + "."
    options = sorted(_NICKNAMES.nicknames_of(first.lower()))
    return chance.choice(options).title() if options else first


def _typo(text: str, chance: random.Random) -> str:
    if len(text) < 3:
        return text
    at = chance.randrange(1, len(text) - 1)
    before, here, after = text[:at], text[at], text[at + 1 :]
    other = chance.choice("0123456789" if here.isdigit() else "aeiounrst")
    return chance.choice(
        (before + after, before + after[0] + here + after[1:], before + here + here + after, before + other + after)
    )
