"""What a record's values say: nothing at all, the same as another's, more than another's.

Values are JSON: texts, numbers, booleans, null, lists and dicts.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, cast

from dedupe.normalise import email, is_blank, words
from dedupe.survivorship_rules import RuleName

Values = Mapping[str, Any]
"""What one record says of fields that belong together, by field; those that say nothing are left out."""

_NOT_DIGITS = re.compile(r"\D")
_TWO_LETTERS = re.compile("[A-Za-z0-9]'*[A-Za-z0-9]")
_OF_OUR_FIELDS = frozenset({"name", "company_and_title", "location"})
"""What has parts that we know by name."""
_RELATIONS = ("candidate", "former_employee", "employee")


def says(value: Any) -> bool:
    """Say whether a value says anything; a placeholder does not, nor does what holds nothing else."""
    if isinstance(value, str):
        return not is_blank(value)
    if isinstance(value, dict):
        return any(map(says, cast("dict[str, Any]", value).values()))
    return value is not None and value != []


def _email_mark(address: str) -> str:
    return address.strip().lower() if email(address) else ""


def _phone_mark(number: str) -> str:
    digits = _NOT_DIGITS.sub("", number)
    return digits[-9:] if len(set(digits[-7:])) > 1 else ""


def _url_mark(url: str) -> str:
    page = url.strip().lower()
    bare = page.removeprefix("https://").removeprefix("http://")
    return (bare.removeprefix("www.") if bare != page else page).removesuffix("/")


MARKS: Mapping[str, Callable[[str], str]] = {
    "email_addresses": _email_mark,
    "phone_numbers": _phone_mark,
    "urls": _url_mark,
    "person_numbers": lambda number: "".join(words(number)),
    "tags": str.lower,
    "origins": str,
}
"""Fields of many values, and what tells two values apart; a placeholder has no mark and is left out."""


def strengths(unit: str, rule: RuleName, told: Mapping[int, Any]) -> Mapping[int, Any]:
    """Return how strongly each record's values speak under a rule; all alike where they do not matter to it."""
    found: Mapping[int, Any] | None = None
    if rule == "most_complete":
        found = {number: _completeness(unit, value) for number, value in told.items()}
    elif rule == "most_frequent":
        found = _votes({number: _steps(unit, value) for number, value in told.items()})
    elif rule == "any":
        found = {number: value is True for number, value in told.items()}
    elif rule == "closest":
        found = {number: _RELATIONS.index(value) for number, value in told.items()}
    if unit != "name":
        return found or dict.fromkeys(told, 0)
    whole = {
        number: _wholeness(values.get("first_name", ""), values.get("last_name", ""), values.get("full_name", ""))
        for number, values in told.items()
    }
    return {number: (whole[number], found[number]) for number in told} if found else whole


@lru_cache(maxsize=4096)  # a person's records mostly tell one name
def _wholeness(first: str, last: str, full: str) -> tuple[bool, bool]:
    """Prefer names that are whole (no initials), then written as people write them."""
    text = f"{first}{last}{full}"
    return _is_whole(first, last, full), not text.isupper() and not text.islower()


def _is_whole(first: str, last: str, full: str) -> bool:
    """Say whether a name has at least two parts, and none of them is an initial."""
    if _TWO_LETTERS.search(first) and _TWO_LETTERS.search(last):  # as most are, and the rest takes ten times as long
        return True
    parts = [words(first), words(last)]
    if not all(parts):
        parts = [[word] for word in words(full)]
    return len(parts) > 1 and all(any(len(word) > 1 for word in part) for part in parts)


def _completeness(unit: str, value: Any) -> tuple[int, int]:
    """Return how many of our own fields are filled in it, and the length of all text."""
    filled = value.values() if unit in _OF_OUR_FIELDS else (value,)
    return sum(map(says, filled)), len(str(value))


def _steps(unit: str, value: Any) -> tuple[Any, ...]:
    """Return what records have to agree in, the broadest first; None where this one says nothing of it."""
    if unit == "name":
        full, first, last = (words(value.get(name)) for name in ("full_name", "first_name", "last_name"))
        return (tuple(sorted(first + last if first and last else full or first + last)) or _folded(value),)
    if unit == "company_and_title":
        return tuple(_folded(value[name]) if name in value else None for name in ("company", "title"))
    if unit == "location":
        named = value.get("city") or (value.get("raw") or "").split(",")[0]
        return (_folded(named) if says(named) else None, _folded(value))
    return (_folded(value),)


def _votes(steps: Mapping[int, Sequence[Any]]) -> dict[int, tuple[int, ...]]:
    """Return for each step how many records go it together, all steps before it included."""
    going = Counter(tuple(own[: at + 1]) for own in steps.values() for at in range(len(own)) if own[at] is not None)
    return {number: tuple(going[tuple(own[: at + 1])] for at in range(len(own))) for number, own in steps.items()}


def _folded(value: Any) -> Any:
    """Return a value so that spellings of one thing are equal, and it can be counted."""
    if isinstance(value, str):
        return " ".join(value.casefold().split())
    if isinstance(value, Mapping):
        held = cast("Mapping[str, Any]", value)
        return tuple((name, _folded(one)) for name, one in sorted(held.items()) if says(one))
    if isinstance(value, list):
        return tuple(map(_folded, cast("list[Any]", value)))
    return str(value)
