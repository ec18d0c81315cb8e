"""Keys: what two records must have in common before they are compared at all, and when a value stops counting."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import NamedTuple

from dedupe.normalise import Normalised

MOST_NAMES = 4
"""A contact held under more names than this is an agency's, a switchboard's or a placeholder: it tells nobody apart."""


class Key(NamedTuple):
    """One value of one kind."""

    kind: str
    value: str


PERSONAL = frozenset({"email", "phone", "profile"})
"""Kinds of which a value belongs to somebody, unless many hold it."""


def keys(record: Normalised) -> list[Key]:
    """Return every key of a record, each once, in a fixed order; none for a record without name and contact."""
    found = [Key("email", value) for value in record.emails]
    found += [Key("phone", value) for value in record.phones]
    found += [Key("profile", value) for value in record.profiles]
    found += [Key("local", value) for value in record.locals]
    found += [Key("name", name) for name in _names(record)]
    if record.skeleton and record.city:
        found.append(Key("skeleton_city", f"{record.skeleton}|{record.city}"))
    if record.last and record.first:
        start = f"{record.last[:5]}|{record.first[0]}"
        if record.city:
            found.append(Key("start_city", f"{start}|{record.city}"))
        if record.employer:
            found.append(Key("start_employer", f"{start}|{record.employer}"))
    if record.first and record.employer and record.city:
        found.append(Key("first_employer_city", f"{record.first}|{record.employer}|{record.city}"))
    return found


def _names(record: Normalised) -> list[str]:
    """Return the whole name, once for each formal name that the first name may be short for."""
    if not record.name or not record.last:
        return []
    if not record.first:
        return [record.name]
    others = record.name.split()
    others.remove(record.first)
    return sorted(" ".join(sorted((form, *others))) for form in record.forms)


def is_shared(kind: str, name_keys: Collection[str]) -> bool:
    """Say whether a value stands under so many different names that it says nothing of one person.

    A pure function of who holds it now, so that the order of arrival cannot matter. Records without a name hold a
    value for nobody in particular, and do not count.
    """
    return kind in PERSONAL | {"local"} and len({name for name in name_keys if name}) > MOST_NAMES


def shared_keys(records: Iterable[Normalised]) -> set[Key]:
    """Return the keys that stand under many names among these records."""
    holders: defaultdict[Key, set[str]] = defaultdict(set)
    for record in records:
        for key in keys(record):
            holders[key].add(record.name_key)
    return {key for key, names in holders.items() if is_shared(key.kind, names)}
