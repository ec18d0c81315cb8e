"""Levels of few pairs, in this process: what comes in while the pool is there, one record or some thousands.

The same levels as `dedupe.comparisons` says in SQL, which `dedupe.batch` computes; a test holds that the two agree.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache

from rapidfuzz.distance.DamerauLevenshtein import distance
from rapidfuzz.distance.JaroWinkler import similarity

from dedupe.addresses import houses, letters
from dedupe.blocking import Key, keys
from dedupe.comparisons import (
    CITY,
    EMAIL,
    EMPLOYER,
    FEWER_THAN,
    LAST_BITS,
    LONG_NUMBER,
    NAME,
    NAMESAKES,
    NEARLY_STREET,
    NUMBER,
    PHONE,
    POSTCODE,
    PROFILE,
    SOMEWHAT_STREET,
    STREET,
    TITLE,
)
from dedupe.normalise import Normalised
from dedupe.population import Population

Pair = tuple[str, str]
_MISSING = -1
_NO_VALUES: frozenset[str] = frozenset()


def pairs(
    records: Sequence[Normalised], focus: AbstractSet[str], shared: AbstractSet[Key], most: int
) -> set[Pair] | None:
    """Return every pair, in order of ids, that shares a key and touches `focus`; None where there are above `most`."""
    pools: defaultdict[str, list[Normalised]] = defaultdict(list)
    for record in records:
        pools[record.organisation].append(record)
    found: set[Pair] = set()
    for pool in pools.values():
        for inside, outside in _holders(pool, focus, shared):
            if len(inside) * (len(inside) + len(outside)) > 2 * most:
                return None
            for place, name in enumerate(inside):
                found.update((name, other) if name < other else (other, name) for other in inside[place + 1 :])
                found.update((name, other) if name < other else (other, name) for other in outside)
            if len(found) > most:
                return None
    return found


def _holders(
    pool: Iterable[Normalised], focus: AbstractSet[str], shared: AbstractSet[Key]
) -> Iterable[tuple[list[str], list[str]]]:
    """Return who in `focus` and who beside it holds each key that somebody in `focus` holds and that tells something.

    `pool` are records of one organisation. Of those outside most keys lead to nobody.
    """
    holders: dict[Key, tuple[list[str], list[str]]] = {}
    inside = [record for record in pool if record.record_id in focus]
    for record in inside:
        for key in keys(record):
            if key in holders:
                holders[key][0].append(record.record_id)
            elif key not in shared:
                holders[key] = ([record.record_id], [])
    for record in pool:
        if record.record_id not in focus:
            for key in keys(record):
                if key in holders:
                    holders[key][1].append(record.record_id)
    return holders.values()


def compared(
    records: Sequence[Normalised], wanted: Iterable[Pair], shared: AbstractSet[Key], population: Population
) -> list[tuple[str, str, dict[str, int]]]:
    """Return (record_a, record_b, levels) of the `wanted` pairs, in order of ids."""
    named = {record.record_id: record for record in records}
    seen: dict[str, _Own] = {}

    def own(name: str) -> _Own:
        if name not in seen:
            seen[name] = _own(named[name], shared, population)
        return seen[name]

    namesakes = cache(population.namesakes)  # of two records that are alike the names mostly are, too
    return [(a, b, _levels(own(a), own(b), namesakes)) for a, b in sorted(wanted)]


@dataclass(slots=True)
class _Own:
    """What a record has of its own: values that many share are left out."""

    record: Normalised
    tokens: frozenset[str]
    forms: frozenset[str]
    emails: frozenset[str]
    locals: frozenset[str]
    phones: frozenset[str]
    linkedins: frozenset[str]
    profiles: frozenset[str]
    numbers: frozenset[str]
    houses: frozenset[str]
    letters: frozenset[str]


def _own(record: Normalised, shared: AbstractSet[Key], population: Population) -> _Own:
    def kept(kind: str, values: tuple[str, ...]) -> frozenset[str]:
        return frozenset([value for value in values if (kind, value) not in shared]) if values else _NO_VALUES

    return _Own(
        population.telling(record),
        tokens=frozenset((record.name or "").split()),
        forms=frozenset(record.forms),
        emails=kept("email", record.emails),
        locals=kept("local", record.locals),
        phones=kept("phone", record.phones),
        linkedins=kept("profile", record.linkedins),
        profiles=kept("profile", record.profiles),
        numbers=kept("number", record.numbers),
        houses=frozenset(houses(record.street)),
        letters=frozenset(letters(record.street)),
    )


def _levels(a: _Own, b: _Own, namesakes: Callable[[str | None], float]) -> dict[str, int]:
    name = _name(a, b)
    under_two_names = name in (0, 1)
    return {
        NAME.name: name,
        NAMESAKES.name: _namesakes(a, b, name, namesakes),
        EMAIL.name: _email(a, b, under_two_names),
        PHONE.name: _phone(a, b, under_two_names),
        PROFILE.name: _profile(a, b),
        NUMBER.name: _number(a, b),
        STREET.name: _street(a, b, under_two_names),
        POSTCODE.name: _text_by_edits(a.record.postcode, b.record.postcode),
        CITY.name: _text(a.record.city, b.record.city, 0.9),
        EMPLOYER.name: _text(a.record.employer, b.record.employer, 0.9),
        TITLE.name: _text(a.record.title, b.record.title, 0.88),
    }


def _name(a: _Own, b: _Own) -> int:  # noqa: PLR0911 - one answer for each level, from the strongest on
    left, right = a.record, b.record
    if left.name is None or right.name is None:
        return _MISSING
    if left.name == right.name:
        return 9
    alike = a.tokens & b.tokens
    same_last = left.last is not None and left.last == right.last
    if (same_last and _is_short(a, b)) or (len(alike) >= 2 and len(alike) == min(len(a.tokens), len(b.tokens))):
        return 8
    if left.skeleton is not None and left.skeleton == right.skeleton:
        return 7
    if left.first and right.first and left.first[0] == right.first[0] and _alike(left.name, right.name, 0.93):
        return 6
    if not (left.first and left.last and right.first and right.last):
        return _name_in_part(a, b)
    if _is_similar(a, b):
        return 5
    if left.first == right.first:
        return 2
    return 1 if alike else 0


def _name_in_part(a: _Own, b: _Own) -> int:
    """Return the level of two names of which one is a first or a last name alone."""
    left, right = a.record, b.record
    if left.first and right.first and (a.forms & b.forms or _alike(left.first, right.first, 0.88)):
        return 4
    if left.last and right.last and _alike(left.last, right.last, 0.88):
        return 3
    return int(bool(a.tokens & b.tokens))


def _alike(left: str, right: str, least: float) -> bool:
    return similarity(left, right) >= least - LAST_BITS


def _is_short(a: _Own, b: _Own) -> bool:
    left, right = a.record.first, b.record.first
    if left is None or right is None:
        return False
    return bool(a.forms & b.forms) or left.startswith(right) or right.startswith(left)


def _is_similar(a: _Own, b: _Own) -> bool:
    left, right = a.record, b.record
    if not (left.first and left.last and right.first and right.last):
        return False
    if _alike(left.last, right.last, 0.88):
        is_initial = min(len(left.first), len(right.first)) == 1 and left.first[0] == right.first[0]
        if is_initial or a.forms & b.forms or _alike(left.first, right.first, 0.85):
            return True
    return _alike(left.first, right.last, 0.9) and _alike(left.last, right.first, 0.9)


def _namesakes(a: _Own, b: _Own, name: int, namesakes: Callable[[str | None], float]) -> int:
    if name < 3 or a.emails & b.emails or a.phones & b.phones or a.profiles & b.profiles or a.numbers & b.numbers:
        return _MISSING
    expected = max(namesakes(a.record.name), namesakes(b.record.name))
    return sum(expected < bound for bound in FEWER_THAN)


def _email(a: _Own, b: _Own, under_two_names: bool) -> int:  # noqa: FBT001 - a finding
    if not a.emails or not b.emails:
        return _MISSING
    if a.emails & b.emails:
        return 2 if under_two_names else 3
    return 1 if a.locals & b.locals else 0


def _phone(a: _Own, b: _Own, under_two_names: bool) -> int:  # noqa: FBT001 - a finding
    if not a.phones or not b.phones:
        return _MISSING
    if a.phones & b.phones:
        return 1 if under_two_names else 2
    return 0


def _profile(a: _Own, b: _Own) -> int:
    if a.profiles & b.profiles:
        return 1
    return 0 if a.linkedins and b.linkedins else _MISSING


def _number(a: _Own, b: _Own) -> int:
    if not a.numbers or not b.numbers:
        return _MISSING
    if a.numbers & b.numbers:
        return 2
    one, other = min(a.numbers), min(b.numbers)
    is_slip = min(len(one), len(other)) >= LONG_NUMBER and one[:-1] != other[:-1]
    return 1 if is_slip and distance(one, other, score_cutoff=1) <= 1 else 0


def _street(a: _Own, b: _Own, under_two_names: bool) -> int:  # noqa: FBT001 - a finding
    left, right = a.record.street, b.record.street
    if left is None or right is None:
        return _MISSING
    if left == right:
        return 2 if under_two_names else 5
    is_near = _share(a.letters, b.letters, NEARLY_STREET)
    if not a.houses & b.houses:
        return int(is_near)
    if under_two_names:
        return 2 if is_near else 0
    return 4 if is_near else 3 if _share(a.letters, b.letters, SOMEWHAT_STREET) else 0


def _share(one: frozenset[str], other: frozenset[str], least: int) -> bool:
    """Say whether two sets have at least `least` tenths of their members in common."""
    common = len(one & other)
    return common > 0 and 20 * common >= least * (len(one) + len(other))


def _text_by_edits(left: str | None, right: str | None) -> int:
    if left is None or right is None:
        return _MISSING
    if left == right:
        return 2
    return 1 if distance(left, right, score_cutoff=1) <= 1 else 0


def _text(left: str | None, right: str | None, similar: float) -> int:
    """Return the level of two texts: the same, similar, or others."""
    if left is None or right is None:
        return _MISSING
    if left == right:
        return 2
    return 1 if _alike(left, right, similar) else 0
