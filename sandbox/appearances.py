"""A person as sources see them: 1.7 records each on average, every one with its own gaps, spellings and age.

Whatever shares neither e-mail nor phone with another record of its person is mostly given other evidence (a profile's
address, or the same employer and city), so that a good matcher can find it; a small rest stays beyond anybody's reach.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from random import Random

from sandbox import noise
from sandbox.people import Person, Phone, agency, people

CONNECTIONS = ("greenhouse", "typeform", "indeed_apply", "careers_form", "referral_links", "archive")
_SHARES = (0.50, 0.13, 0.13, 0.08, 0.05, 0.11)
_CARRIES = {
    "greenhouse": {"email", "phone", "city", "company", "linkedin", "github"},
    "typeform": {"email", "phone", "city", "company", "linkedin"},
    "indeed_apply": {"email", "phone", "city", "company", "linkedin"},
    "careers_form": {"email", "phone"},
    "referral_links": {"email", "phone", "linkedin"},
    "archive": {"email", "phone", "city", "company", "linkedin"},
}
PLACEHOLDER_EMAILS = ("noemail@example.com", "test@test", "na@na.example", "none@none.example", "unknown@example.org")
PLACEHOLDER_PHONES = ("0000000000", "+1 111 111 1111", "1234567890", "n/a")
_TWO_YEARS = timedelta(days=730)
_PRIME = 2_147_483_647


@dataclass(slots=True)
class Appearance:
    """One record of one person at one source. None says that the source holds nothing there."""

    connection: str
    remote_id: str
    person: int
    at: datetime
    first_name: str
    last_name: str
    full_name: str
    email: str | None = None
    second_email: str | None = None
    phone: str | None = None
    city: str | None = None
    country: str | None = None
    company: str | None = None
    title: str | None = None
    linkedin: str | None = None
    github: str | None = None
    time_zone: str | None = None
    language: str | None = None
    agency: str | None = None
    future_jobs: bool = False
    marketing: bool = False
    can_email: bool = True
    evidence: tuple[str | None, str | None] = (None, None)
    """The e-mail and number behind the spelling, as far as they are the person's alone."""


def stream(count: int, seed: int, now: datetime) -> Iterator[tuple[Person, list[Appearance]]]:
    """Yield every person with their records, in constant memory."""
    for person in people(count, seed):
        yield person, appearances(person, Random(f"records {seed} {person.number}"), seed, now)


def appearances(person: Person, rng: Random, seed: int, now: datetime) -> list[Appearance]:
    """Return one person's records, the oldest first."""
    count = rng.choices((1, 2, 3, 4, 5), (0.52, 0.29, 0.12, 0.05, 0.02))[0]
    moments = sorted(_moment(rng, now) for _ in range(count))
    found: list[Appearance] = []
    for index, at in enumerate(moments):
        found.append(_appearance(person, rng, seed, index, at, newest=index == count - 1))
        if index:
            _leave_evidence(person, rng, found)
    return found


def _moment(rng: Random, now: datetime) -> datetime:
    if rng.random() < 0.04:
        return now - timedelta(minutes=5 + int(rng.random() * 2_860))
    return now - timedelta(seconds=int(172_800 + rng.random() ** 1.3 * (_TWO_YEARS.total_seconds() - 172_800)))


def _appearance(person: Person, rng: Random, seed: int, index: int, at: datetime, *, newest: bool) -> Appearance:
    connection = rng.choices(CONNECTIONS, _SHARES)[0]
    by_agency = person.agency is not None and connection in ("greenhouse", "archive") and rng.random() < 0.75
    first, last, full = _name(person, rng, connection, newest=newest)
    record = Appearance(
        connection=connection,
        remote_id=_remote_id(connection, seed, person.number * 8 + index),
        person=person.number,
        at=at,
        first_name=first,
        last_name=last,
        full_name=full,
        language=person.culture.language,
        future_jobs=rng.random() < 0.55,
        marketing=rng.random() < 0.32,
        can_email=rng.random() > 0.04,
    )
    carries = _CARRIES[connection]
    _contact(person, rng, record, by_agency=by_agency)
    job = person.jobs[-1] if newest or rng.random() < 0.7 else rng.choice(person.jobs)
    city = person.cities[-1] if newest or rng.random() < 0.6 else person.cities[0]
    if "company" in carries and rng.random() < 0.82:
        record.company = noise.company_spelling(rng, job.company) if rng.random() < 0.15 else job.company
    if "company" in carries and rng.random() < 0.85:
        record.title = noise.title_spelling(job.title) if rng.random() < 0.2 else job.title
    if "city" in carries and rng.random() < 0.85:
        record.city = noise.city_spelling(rng, city) if rng.random() < 0.3 else city
        record.country = person.culture.country if city == person.cities[-1] and rng.random() < 0.8 else None
    if "linkedin" in carries and person.linkedin and rng.random() < 0.5:
        record.linkedin = noise.linkedin_spelling(rng, person.linkedin)
    if "github" in carries and person.github and rng.random() < 0.6:
        record.github = f"https://github.com/{person.github}"
    if connection == "greenhouse" and rng.random() < 0.6:
        record.time_zone = person.culture.time_zone
    if by_agency and person.agency is not None:
        record.agency = agency(person.agency).name
    return record


def _contact(person: Person, rng: Random, record: Appearance, *, by_agency: bool) -> None:
    """Draw e-mail and phone: the current ones mostly, an older one, a shared one, a placeholder, or none."""
    own = record.connection in ("careers_form", "indeed_apply")
    chance = rng.random()
    if by_agency and person.agency is not None and chance < 0.9:
        record.email = agency(person.agency).email
    elif person.family_email and not own and chance < 0.3:
        record.email = person.family_email
    else:
        _own_email(person, rng, record, must=own)
    chance = rng.random()
    if by_agency and person.agency is not None and chance < 0.5:
        record.phone = _spelled(rng, agency(person.agency).phone)
    elif person.family_phone and chance < 0.4:
        record.phone = _spelled(rng, person.family_phone)
    elif chance < 0.56:
        _own_phone(person, rng, record, 0)
    elif chance < 0.74:
        _own_phone(person, rng, record, 1)
    elif chance < 0.755 and not own:
        record.phone = rng.choice(PLACEHOLDER_PHONES)


def _own_email(person: Person, rng: Random, record: Appearance, *, must: bool) -> None:
    chance = rng.random()
    if chance < 0.77 or (must and chance >= 0.91):
        chosen = person.emails[0]
    elif chance < 0.91:
        chosen = person.emails[1]
    elif chance < 0.925:
        record.email = rng.choice(PLACEHOLDER_EMAILS)
        return
    else:
        return
    record.evidence = (chosen, record.evidence[1])
    record.email = _typed(rng, chosen)
    if record.connection == "greenhouse" and rng.random() < 0.1:
        record.second_email = person.emails[1] if chosen == person.emails[0] else person.emails[0]


def _typed(rng: Random, email: str) -> str:
    chance = rng.random()
    if chance < 0.04:
        return email.title() if chance < 0.02 else email.upper()
    if chance < 0.06:
        return email.replace("@", "+jobs@")
    if chance < 0.075:
        local, domain = email.split("@")
        slipped = noise.typo(rng, local)
        # two dots in a row, or one at the end, would be no address at all
        return email if ".." in slipped or slipped[-1] == "." else f"{slipped}@{domain}"
    return email


def _own_phone(person: Person, rng: Random, record: Appearance, index: int) -> None:
    number = person.phones[index]
    record.evidence = (record.evidence[0], number.national)
    record.phone = _spelled(rng, number)


def _spelled(rng: Random, number: Phone) -> str:
    return noise.phone_spelling(rng, number.country_code, number.trunk, number.national)


def _name(person: Person, rng: Random, connection: str, *, newest: bool) -> tuple[str, str, str]:
    """Return (first, last, full) as this source has it."""
    given, family = person.given, person.family
    if person.earlier_family is not None and not newest:
        family = person.earlier_family
    chance = rng.random()
    if given.native and family.native and chance < 0.22:
        full = (
            f"{family.native}{given.native}"
            if person.culture.key in ("zh_CN", "ja_JP", "ko_KR")
            else f"{given.native} {family.native}"
        )
        return given.native, family.native, full
    first = rng.choice(given.others) if given.others and rng.random() < 0.4 else given.text
    last = rng.choice(family.others) if family.others and rng.random() < 0.4 else family.text
    if person.junior and rng.random() < 0.5:
        last += " Jr."
    first, last = _respelled(person, rng, first, last)
    if person.middle and rng.random() < 0.25:
        first = f"{first} {person.middle if rng.random() < 0.4 else person.middle[0] + '.'}"
    swap = connection in ("typeform", "archive", "careers_form") and rng.random() < (
        0.12 if person.culture.family_first else 0.02
    )
    if swap:
        first, last = last, first
    chance = rng.random()
    if chance < 0.03:
        first, last = first.upper(), last.upper()
    elif chance < 0.06:
        first, last = first.lower(), last.lower()
    full = f"{last} {first}" if person.culture.family_first and rng.random() < 0.5 else f"{first} {last}"
    return first, last, full


def _respelled(person: Person, rng: Random, first: str, last: str) -> tuple[str, str]:
    chance = rng.random()
    if chance < 0.09:
        others = noise.nicknames_of(first)
        return (others[int(rng.random() ** 2 * len(others))] if others else first), last
    if chance < 0.175:
        return _slipped(rng, first, last) if chance < 0.15 else (f"{first[0]}.", last)
    if chance < 0.235:
        return noise.unaccented(first), noise.unaccented(last)
    if chance < 0.26 and person.culture.key == "de_DE":
        return noise.german(first), noise.german(last)
    if chance < 0.30 and " " in last:
        return first, (last.split(maxsplit=1)[0] if person.culture.two_family_names else noise.joined(last))
    return first, last


def _slipped(rng: Random, first: str, last: str) -> tuple[str, str]:
    return (noise.typo(rng, first), last) if rng.random() < 0.4 else (first, noise.typo(rng, last))


def _leave_evidence(person: Person, rng: Random, found: list[Appearance]) -> None:
    """Give the newest record something in common with an earlier one, unless it has already or is of the lost 5 %."""
    record = found[-1]
    if any(_shares_contact(record, other) for other in found[:-1]) or rng.random() < 0.05:
        return
    carries = _CARRIES[record.connection]
    with_profile = [other for other in found[:-1] if "linkedin" in _CARRIES[other.connection]]
    if "linkedin" in carries and with_profile and person.linkedin and rng.random() < 0.75:
        other = rng.choice(with_profile)
        for each in (record, other):
            each.linkedin = each.linkedin or noise.linkedin_spelling(rng, person.linkedin)
        return
    with_company = [other for other in found[:-1] if "company" in _CARRIES[other.connection]]
    if "company" in carries and with_company and not person.junior:
        other = rng.choice(with_company)
        job = person.jobs[-1]
        for each in (record, other):
            each.company, each.city, each.title = job.company, person.cities[-1], each.title or job.title
            each.first_name, each.last_name = person.given.text, person.family.text
            each.full_name = f"{person.given.text} {person.family.text}"
        return
    other = rng.choice(found[:-1])
    if rng.random() < 0.5 or other.connection == "careers_form":
        # only an address can tie these two together
        record.email = other.email = person.emails[0]
        record.evidence, other.evidence = (person.emails[0], record.evidence[1]), (person.emails[0], other.evidence[1])
        return
    for each in (record, other):
        _own_phone(person, rng, each, 0)


def _shares_contact(one: Appearance, other: Appearance) -> bool:
    mine, theirs = one.evidence, other.evidence
    return (mine[0] is not None and mine[0] == theirs[0]) or (mine[1] is not None and mine[1] == theirs[1])


def _remote_id(connection: str, seed: int, number: int) -> str:
    """Return an id in the source's own form; never the same for two records, and telling nothing of the person."""
    if connection == "greenhouse":
        return str(10_000_000 + number * 1_103_515_245 % _PRIME)
    digest = blake2b(f"{connection} {seed} {number}".encode(), digest_size=32).hexdigest()
    if connection == "indeed_apply":
        return digest
    if connection == "typeform":
        return digest[:32]
    return f"C{number * 48_271 % _PRIME:010d}" if connection == "archive" else f"sub_{digest[:24]}"
