"""Candidates to match, with their truth: the sandbox's people, or the harder ones of the training's generator.

`applicants` are the training's people as sources that take applications tell of them: each record holds an address, a
number or a profile. `training` has, besides, every tenth record with nothing to tell anybody apart by but a name.
`deep` are the same with twenty records each, `scripts` people whose names are mostly not written in Latin letters;
`name_and_city`, `name_and_phone`, `email` and `staff` are files of few columns.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import islice

from connectors.records import Candidate, EmailAddress, Location, PhoneNumber, Url
from dedupe.training_people import Lot, records
from sandbox.appearances import Appearance, stream
from sandbox.generator import DEFAULT_NOW

SEED = 20270101
"""Not one that the model was trained or judged on."""


def candidate_of(record: Appearance) -> Candidate:
    """Return what the sandbox holds of somebody as the candidate that a source would bring."""
    return Candidate(
        remote_id=record.remote_id,
        full_name=record.full_name,
        first_name=record.first_name,
        last_name=record.last_name,
        email_addresses=tuple(EmailAddress(value=one) for one in (record.email, record.second_email) if one),
        phone_numbers=(PhoneNumber(value=record.phone),) if record.phone else (),
        urls=tuple(Url(value=one) for one in (record.linkedin, record.github) if one),
        location=Location(city=record.city),
        company=record.company,
        title=record.title,
    )


def generated(world: str, count: int) -> tuple[list[Candidate], dict[str, int]]:
    """Return `count` candidates of a world, a person's own beside each other, and {remote id: person}."""
    told: list[Candidate] = []
    truth: dict[str, int] = {}
    for person, name, candidate in islice(WORLDS[world](count), count):
        truth[name] = person
        told.append(candidate.model_copy(update={"remote_id": name}))
    return told, truth


def _training(count: int) -> Iterator[tuple[int, str, Candidate]]:
    return records(Lot(max(100, count // 2)), SEED)


def _sandbox(count: int) -> Iterator[tuple[int, str, Candidate]]:
    for person, held in stream(count, SEED, DEFAULT_NOW):
        for record in held:
            yield person.number, f"{record.connection}:{record.remote_id}", candidate_of(record)


def _applicants(count: int) -> Iterator[tuple[int, str, Candidate]]:
    for person, name, candidate in records(Lot(max(100, count * 3 // 5)), SEED):
        if candidate.email_addresses or candidate.phone_numbers or candidate.urls:
            yield person, name, candidate


def _deep(count: int) -> Iterator[tuple[int, str, Candidate]]:
    return records(Lot(count // 20 + 1, each=20), SEED)


def _scripts(count: int) -> Iterator[tuple[int, str, Candidate]]:
    return records(Lot(max(100, count // 2), locales=_SCRIPTS), SEED)


def _only(*fields: str) -> Callable[[int], Iterator[tuple[int, str, Candidate]]]:
    """Return the training's people, of each record nothing but some of its fields."""

    def told(count: int) -> Iterator[tuple[int, str, Candidate]]:
        for person, name, candidate in records(Lot(max(100, 2 * count), numbered=0.8), SEED):
            kept = {field: getattr(candidate, field) for field in fields if getattr(candidate, field)}
            if "location" in kept:
                kept["location"] = Location(city=kept["location"].city)
            if kept:
                yield person, name, Candidate(remote_id="", **kept)

    return told


_SCRIPTS = ("ru_RU", "uk_UA", "el_GR", "zh_CN", "ko_KR", "ja_JP", "ar_AA", "he_IL", "hi_IN", "th_TH", "hy_AM")
_NAME = ("full_name", "first_name", "last_name")
WORLDS: Mapping[str, Callable[[int], Iterator[tuple[int, str, Candidate]]]] = {
    "applicants": _applicants,
    "training": _training,
    "sandbox": _sandbox,
    "deep": _deep,
    "scripts": _scripts,
    "name_and_city": _only(*_NAME, "location"),
    "name_and_phone": _only(*_NAME, "phone_numbers"),
    "email": _only("email_addresses"),
    "staff": _only(*_NAME, "person_numbers"),
}
