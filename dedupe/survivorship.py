"""What is believed of a person, field by field, when several records say it: and who said so.

Rules, in the order in which they are asked: blank never wins; then each field's own rule; then trust, then the newer
observation, then the record that landed first, then the smaller id. So there is always exactly one answer.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from connectors.records import Candidate
from dedupe.normalise import email, is_blank, words


@dataclass(frozen=True, slots=True)
class Contribution:
    """One record's part in a person. `trust` ranks connections; a higher one is believed."""

    record_id: str
    connection: str
    candidate: Candidate
    observed_at: datetime
    trust: int
    landing_number: int


@dataclass(frozen=True, slots=True)
class Golden:
    """The surviving fields as JSON values, and for each: {record_id, connection, observed_at, rule, superseded[]}."""

    fields: dict[str, Any] = field(default_factory=dict[str, Any])
    provenance: dict[str, Any] = field(default_factory=dict[str, Any])


Body = Mapping[str, Any]
Rank = Callable[[Contribution, Body], tuple[Any, ...]]

_NAME = ("full_name", "first_name", "last_name")
_PLACE_OF_WORK = ("company", "title")
_RELATIONS = ("candidate", "former_employee", "employee")
_MERGED: Mapping[str, Callable[[Any], str]] = {
    "email_addresses": lambda one: one["value"].strip().lower() if email(one["value"]) else "",
    "phone_numbers": lambda one: "" if _is_filler(one["value"]) else re.sub(r"\D", "", one["value"])[-9:],
    "urls": lambda one: re.sub(r"^https?://(www\.)?|/$", "", one["value"].strip().lower()),
    "tags": lambda one: one.lower(),
    "origins": str,
}
"""Fields of many values, and what tells two values apart; a placeholder has no mark and is left out."""


def _trusted(said: Contribution, _body: Body) -> tuple[Any, ...]:
    return (said.trust, said.observed_at)


def _newest(said: Contribution, _body: Body) -> tuple[Any, ...]:
    return (said.observed_at, said.trust)


def _fullest(said: Contribution, body: Body) -> tuple[Any, ...]:
    return (len(str(body)), said.trust, said.observed_at)


_RULES: Mapping[str, tuple[str, Rank]] = {
    "preferred_name": ("most trusted", _trusted),
    "location": ("newest", _newest),
    "time_zone": ("newest", _newest),
    "language": ("newest", _newest),
    "profile": ("most complete", _fullest),
}


def golden(contributions: Sequence[Contribution]) -> Golden:
    """Return what survives of at least one record; the order of `contributions` does not matter."""
    bodies = [(one, one.candidate.model_dump(mode="json", exclude_unset=True)) for one in contributions]
    bodies.sort(key=lambda pair: (pair[0].landing_number, pair[0].record_id))
    result = Golden()
    _together(result, bodies, _NAME, "most trusted", _name_rank)
    _together(result, bodies, _PLACE_OF_WORK, "newest", _newest)
    for name, (rule, rank) in _RULES.items():
        _together(result, bodies, (name,), rule, rank)
    for name, same in _MERGED.items():
        _merged(result, bodies, name, same)
    _strongest(result, bodies, "is_private", lambda value: value is True, "any source says so")
    _strongest(result, bodies, "relationship", _RELATIONS.index, "closest to the company")
    _custom(result, bodies)
    fields = dict(result.fields)
    if not fields.get("full_name") and (parts := [fields[n] for n in ("first_name", "last_name") if fields.get(n)]):
        fields["full_name"] = " ".join(parts)
    return Golden(fields, result.provenance)


def _name_rank(said: Contribution, body: Body) -> tuple[Any, ...]:
    """Prefer names that are whole (no initials), then written as people write them, then trust."""
    parts = [words(body.get("first_name")), words(body.get("last_name"))]
    if not all(parts):
        parts = [[word] for word in words(body.get("full_name"))]
    whole = len(parts) > 1 and all(any(len(word) > 1 for word in part) for part in parts)
    text = f"{body.get('first_name') or ''}{body.get('last_name') or ''}{body.get('full_name') or ''}"
    return (whole, not text.isupper() and not text.islower(), said.trust, said.observed_at)


def _together(
    result: Golden, bodies: Sequence[tuple[Contribution, Body]], names: tuple[str, ...], rule: str, rank: Rank
) -> None:
    """Take `names` from one record, so that they fit each other."""
    told = [(one, {n: body[n] for n in names if _says(body.get(n))}) for one, body in bodies]
    told = [(one, values) for one, values in told if values]
    if not told:
        return
    # max keeps the first of equals: the record that landed first, then the smaller id
    winner, values = max(told, key=lambda pair: rank(*pair))
    others = [pair for pair in told if pair[0] is not winner]
    for name, value in values.items():
        _set(
            result,
            name,
            value,
            winner,
            rule,
            ((one, old[name]) for one, old in others if name in old and old[name] != value),
        )


def _merged(result: Golden, bodies: Sequence[tuple[Contribution, Body]], name: str, same: Callable[[Any], str]) -> None:
    """Keep every distinct value; the primary one, and the first, is the most trusted source's."""
    found: dict[str, Any] = {}
    first: Contribution | None = None
    for one, body in sorted(bodies, key=lambda pair: _trusted(*pair), reverse=True):
        values = body.get(name) or ()
        ordered = sorted(values, key=_is_secondary)
        for value in ordered:
            if mark := same(value):
                first = first or one
                found.setdefault(mark, value)
    if first is None:
        return
    kept = list(found.values())
    if name in ("email_addresses", "phone_numbers"):
        kept = [{**value, "is_primary": number == 0} for number, value in enumerate(kept)]
    _set(result, name, kept, first, "all sources together", ())


def _strongest(
    result: Golden, bodies: Sequence[tuple[Contribution, Body]], name: str, strength: Callable[[Any], Any], rule: str
) -> None:
    told = [(one, body[name]) for one, body in bodies if _says(body.get(name))]
    if told:
        winner, value = max(told, key=lambda pair: (strength(pair[1]), *_newest(pair[0], {})))
        _set(result, name, value, winner, rule, ((one, old) for one, old in told if old != value))


def _custom(result: Golden, bodies: Sequence[tuple[Contribution, Body]]) -> None:
    """Each custom field from whoever said it last; another source's field of the same key is the same field."""
    values: dict[str, Any] = {}
    last: Contribution | None = None
    for one, body in sorted(bodies, key=lambda pair: _newest(*pair)):
        custom: Mapping[str, Any] = body.get("custom_fields") or {}
        if told := {key: value for key, value in custom.items() if _says(value)}:
            values |= told
            last = one
    if last:
        _set(result, "custom_fields", dict(sorted(values.items())), last, "newest for each", ())


def _set(
    result: Golden, name: str, value: Any, winner: Contribution, rule: str, others: Iterable[tuple[Contribution, Any]]
) -> None:
    result.fields[name] = value
    result.provenance[name] = {
        **_source(winner),
        "rule": rule,
        "superseded": [{**_source(o), "value": v} for o, v in others],
    }


def _source(said: Contribution) -> dict[str, str]:
    return {
        "record_id": said.record_id,
        "connection": said.connection,
        "observed_at": said.observed_at.isoformat().replace("+00:00", "Z"),
    }


def _is_secondary(value: Any) -> bool:
    return not (isinstance(value, Mapping) and cast("Mapping[str, Any]", value).get("is_primary"))


def _is_filler(number: str) -> bool:
    digits = re.sub(r"\D", "", number)
    return not digits or len(set(digits[-7:])) == 1


def _says(value: Any) -> bool:
    if isinstance(value, str):
        return not is_blank(value)
    if isinstance(value, Mapping):
        return any(_says(one) for one in cast("Mapping[str, Any]", value).values())
    return value is not None and value not in ((), [])
