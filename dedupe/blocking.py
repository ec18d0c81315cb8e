"""Keys: what two records must have in common before they are compared at all, and when a value stops counting."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from dedupe.addresses import houses
from dedupe.normalise import Normalised

MOST_NAMES = 4
"""A contact held under more names than this is an agency's, a switchboard's or a placeholder: it tells nobody apart."""
MOST_HOLDERS = 20
"""Records that one other value may bring together: what more of them share is no reason to compare them all."""
MOST_OF_ONE = 1_000
"""Records of one contact, be it under one name: an import gone wrong, and a million pairs that would say so."""


class Key(NamedTuple):
    """One value of one kind."""

    kind: str
    value: str


PERSONAL = frozenset({"email", "phone", "profile", "number"})
"""Kinds of which a value belongs to somebody, unless many hold it."""


CONTACTS = PERSONAL | {"local"}
"""Kinds that are left out of a comparison as well, once many hold a value."""


def keys(record: Normalised) -> list[Key]:
    """Return every key of a record, each once, in a fixed order; none for a record without name and contact."""
    found = contacts(record)
    found += [Key("name", name) for name in _names(record)]
    found += [Key(kind, "|".join(parts)) for kind, parts in _together(record).items() if all(parts)]
    return found


def contacts(record: Normalised) -> list[Key]:
    """Return those keys of a record that are of `CONTACTS`."""
    found = [Key("email", value) for value in record.emails]
    found += [Key("phone", value) for value in record.phones]
    found += [Key("profile", value) for value in record.profiles]
    found += [Key("number", value) for value in record.numbers]
    found += [Key("local", value) for value in record.locals]
    return found


def _together(record: Normalised) -> dict[str, tuple[str, ...]]:
    """Return what tells somebody only together; a part that is missing is empty."""
    first, last = record.first or "", record.last or ""
    city, employer, postcode, street = (
        part or "" for part in (record.city, record.employer, record.postcode, record.street)
    )
    house = " ".join(houses(street))
    start = f"{last[:5]}|{first[:1]}" if first and last else ""
    return {
        "last": (last, first[:1]),
        "skeleton": (record.skeleton or "",),
        "skeleton_city": (record.skeleton or "", city),
        "start_city": (start, city),
        "start_employer": (start, employer),
        "last_postcode": (last[:4], postcode),
        "first_postcode": (first, postcode),
        "first_employer_city": (first, employer, city),
        "street": (street,),
        "house_postcode": (house, postcode),
        "house_city": (house, city[:5]),
        "house_first": (house, first),
    }


def _names(record: Normalised) -> list[str]:
    """Return the whole name, once for each formal name that the first name may be short for."""
    if not record.name or not record.last:
        return []
    if not record.first:
        return [record.name]
    others = record.name.split()
    others.remove(record.first)
    return sorted(" ".join(sorted((form, *others))) for form in record.forms)


def is_shared(kind: str, holders: Mapping[str, int]) -> bool:
    """Say whether a value says nothing of one person. `holders`: {name key: records that hold the value under it}.

    A contact does not where it stands under many different names; any other value where many records have it.
    A pure function of who holds it now, so that the order of arrival cannot matter. Records without a name hold a
    value for nobody in particular, and are no name.
    """
    total = sum(holders.values())
    if kind in CONTACTS:
        return total > MOST_OF_ONE or sum(1 for name in holders if name) > MOST_NAMES
    return total > MOST_HOLDERS


def shared_keys(records: Iterable[Normalised]) -> set[Key]:
    """Return the keys that say nothing of one person among these records."""
    holders: defaultdict[Key, Counter[str]] = defaultdict(Counter)
    for record in records:
        for key in keys(record):
            holders[key][record.name_key] += 1
    return {key for key, names in holders.items() if is_shared(key.kind, names)}
