"""Invented people to train on: one's records at several sources, with what really happens to names and addresses.

Names come from Faker's lists. It is not the sandbox's generator, which stays unseen so that it can judge the model.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from anyascii import anyascii
from faker import Faker
from nicknames import NickNamer

from connectors.records import Candidate, EmailAddress, Location, PhoneNumber, Url

_LOCALES = (
    "en_US", "en_GB", "de_DE", "fr_FR", "es_ES", "it_IT", "pl_PL", "pt_BR", "sv_SE", "nl_NL", "tr_TR", "cs_CZ", "hu_HU",
    "ro_RO", "en_IN", "vi_VN", "ru_RU", "uk_UA", "el_GR", "zh_CN", "ko_KR",
)  # fmt: skip
_TITLES = ("Engineer", "Data Analyst", "Nurse", "Account Manager", "Product Manager", "Accountant", "Driver",
           "Teacher", "Sales Representative", "Designer", "Recruiter", "Electrician", "Chef", "Project Manager",
           "Scientist")  # fmt: skip
_DOMAINS = ("mail.example", "post.example", "inbox.example", "example.com", "example.org", "example.net")

_NICKNAMES = NickNamer()


@dataclass(frozen=True, slots=True)
class _Person:
    number: int
    first: str
    last: str
    emails: list[str]
    phones: list[str]
    cities: list[str]
    employers: list[str]
    title: str
    slug: str | None
    other_last: str | None = field(default=None)


def records(people: int, seed: int) -> Iterator[tuple[int, str, Candidate]]:
    """Yield (person, record id, candidate) of `people` persons, one to five records each, repeatably by seed."""
    chance = random.Random(seed)
    for person in _population(people, chance):
        for number in range(chance.choices((1, 2, 3, 4, 5), (35, 30, 20, 10, 5))[0]):
            yield person.number, f"rec_{person.number:06d}_{number}", _seen(person, chance)


def _population(count: int, chance: random.Random) -> Iterator[_Person]:
    fakers = {locale: Faker(locale) for locale in _LOCALES}
    for faker in fakers.values():
        faker.seed_instance(chance.randrange(2**32))
    fakers["en_US"].seed_instance(chance.randrange(2**32))
    places = [fakers["en_US"].city() for _ in range(80)]
    firms = [fakers["en_US"].company() for _ in range(max(60, count // 12))]
    agencies = [f"office@agency{number}.example" for number in range(4)]
    taken: set[str] = set()
    previous: _Person | None = None
    number = 0
    while number < count:
        locale = chance.choices(_LOCALES, [10 if name.startswith("en") else 2 for name in _LOCALES])[0]
        person = _person(number, fakers[locale], chance, places, firms, taken)
        if previous and chance.random() < 0.07:  # a family: one name, often one address or phone
            person = replace(
                person,
                last=previous.last,
                cities=previous.cities,
                emails=previous.emails[:1] if chance.random() < 0.5 else person.emails,
                phones=previous.phones[:1] if chance.random() < 0.5 else person.phones,
                employers=previous.employers if chance.random() < 0.15 else person.employers,
            )
        elif previous and chance.random() < 0.05:  # a namesake, sometimes of the same town
            person = replace(
                person, first=previous.first, last=previous.last,
                cities=previous.cities if chance.random() < 0.6 else person.cities,
            )  # fmt: skip
        elif chance.random() < 0.02:
            person = replace(person, emails=[chance.choice(agencies)])
        yield person
        previous = person
        number += 1


def _address(forms: Sequence[str], chance: random.Random, taken: set[str]) -> str:
    """Return an address that nobody has: a mailbox is one account's, and shared by a household at most."""
    address = f"{chance.choice(forms)}@{chance.choice(_DOMAINS)}"
    while address in taken:
        address = f"{chance.choice(forms)}{chance.randrange(10_000)}@{chance.choice(_DOMAINS)}"
    taken.add(address)
    return address


def _person(
    number: int, faker: Faker, chance: random.Random, places: list[str], firms: list[str], taken: set[str]
) -> _Person:
    first, last = faker.first_name(), faker.last_name()
    plain_first, plain_last = (anyascii(part).lower().replace(" ", "") for part in (first, last))
    forms = (f"{plain_first}.{plain_last}", f"{plain_first[:1]}{plain_last}", f"{plain_last}{chance.randrange(100)}",
             f"{plain_first}{chance.randrange(1960, 2006)}", f"{plain_first}_{plain_last}{chance.randrange(10)}",
             )  # fmt: skip
    emails = [_address(forms, chance, taken) for _ in range(2)]
    phones = [f"+1{chance.choice('23456789')}{chance.randrange(10**8, 10**9)}" for _ in range(2)]
    return _Person(
        number, first, last, emails, phones,
        cities=[places[min(int(chance.expovariate(1 / 18)), 79)] for _ in range(2)],
        employers=[firms[min(int(chance.expovariate(4 / len(firms))), len(firms) - 1)] for _ in range(2)],
        title=chance.choice(_TITLES),
        slug=f"{plain_first}-{plain_last}-{chance.randrange(16**5):05x}" if chance.random() < 0.6 else None,
        other_last=faker.last_name() if chance.random() < 0.08 else None,
    )  # fmt: skip


def _which(chance: random.Random, options: list[str], moved: float) -> str:
    return options[1] if len(options) > 1 and chance.random() < moved else options[0]


def _seen(person: _Person, chance: random.Random) -> Candidate:
    """Return the person as one source happens to hold them."""
    fields: dict[str, object] = {"remote_id": "1", **_name(person, chance), **_contact(person, chance)}
    if chance.random() < 0.7:
        fields["location"] = Location(city=_which(chance, person.cities, 0.2))
    if chance.random() < 0.6:
        firm = _which(chance, person.employers, 0.35)
        fields["company"] = _typo(firm, chance) if chance.random() < 0.06 else firm
    if chance.random() < 0.5:
        level = chance.choice(("Senior", "Lead"))
        fields["title"] = person.title if chance.random() < 0.7 else f"{level} {person.title}"
    if person.slug and chance.random() < 0.5:
        fields["urls"] = (Url(value=f"https://www.linkedin.com/in/{person.slug}"),)
    return Candidate.model_validate(fields)


def _name(person: _Person, chance: random.Random) -> dict[str, str]:
    if chance.random() < 0.02:
        return {}
    first, last = person.first, person.last
    if person.other_last and chance.random() < 0.4:
        last = person.other_last
    first, last = _written(first, chance), _written(last, chance)
    if chance.random() < 0.12:
        first = _short(first, chance)
    if chance.random() < 0.03:
        first, last = last, first
    if chance.random() < 0.04:
        first, last = first.upper(), last.upper()
    return {"full_name": f"{first} {last}"} if chance.random() < 0.15 else {"first_name": first, "last_name": last}


def _contact(person: _Person, chance: random.Random) -> dict[str, object]:
    fields: dict[str, object] = {}
    if chance.random() < 0.82:
        address = _which(chance, person.emails, 0.28)
        fields["email_addresses"] = (EmailAddress(value=_typo(address, chance) if chance.random() < 0.01 else address),)
    if chance.random() < 0.7:
        number = _which(chance, person.phones, 0.25)
        fields["phone_numbers"] = (PhoneNumber(value=_typo(number, chance) if chance.random() < 0.02 else number),)
    return fields


def _written(name: str, chance: random.Random) -> str:
    dice = chance.random()
    if dice < 0.15:
        return anyascii(name)
    return _typo(name, chance) if dice < 0.20 else name


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
    return chance.choice((before + after, before + after[0] + here + after[1:], before + here + here + after))
