"""What is believed of a person, field by field, when several records say it: and who said so.

Asked in this order: blank never wins; then each field's own rule (`survivorship_rules`); then trust, then the newer
observation, then the record that landed first, then the smaller id. So there is always exactly one answer, whatever
the order in which the records come.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast

import orjson

from dedupe.survivorship_rules import DEFAULTS, FieldRule, RuleName, SurvivorshipRules
from dedupe.survivorship_values import MARKS, Values, says, strengths

Json = dict[str, Any]


class Contribution(NamedTuple):
    """One record's part in a person. `trust` ranks connections; a higher one is believed.

    `body` is the candidate as JSON, less the fields that the source left out:
    `model_dump(mode="json", exclude_unset=True)`.
    """

    record_id: str
    connection: str
    body: Mapping[str, Any]
    observed_at: datetime
    trust: int
    landing_number: int


class Golden(NamedTuple):
    """The surviving fields as JSON values, and for each: {record_id, connection, observed_at, rule, superseded[]}.

    Of fields that one record says together, one that it leaves out has no value, and a provenance where others'
    values are superseded.
    """

    fields: Json
    provenance: Json


_TOGETHER: Mapping[str, tuple[str, ...]] = {
    "name": ("full_name", "first_name", "last_name"),
    "company_and_title": ("company", "title"),
}
"""Fields that one record has to say together, so that they fit each other."""
_UNIT_OF = {name: name for name in SurvivorshipRules.model_fields if name not in _TOGETHER} | {
    name: unit for unit, names in _TOGETHER.items() for name in names
}
_IN_OUR_WORDS = frozenset({"relationship"})
"""Fields with words of ours, of which "candidate" is a placeholder anywhere else."""
_WITH_A_PRIMARY = frozenset({"email_addresses", "phone_numbers"})
_BY_SOURCE = frozenset({"most_trusted", "newest"})
"""Rules that do not look at the values."""
_BY_TIME = frozenset({"newest", "any", "closest"})
_WORDS: Mapping[RuleName, str] = {
    "most_trusted": "most trusted",
    "newest": "newest",
    "most_complete": "most complete",
    "most_frequent": "most frequent",
    "any": "any source says so",
    "closest": "closest to the company",
}
_MERGED_WORDS = {rule: f"all sources together, {said} first" for rule, said in _WORDS.items()} | {
    "most_trusted": "all sources together"
}


def golden(contributions: Sequence[Contribution], rules: SurvivorshipRules = DEFAULTS) -> Golden:
    """Return what survives of at least one record; the order of `contributions` does not matter."""
    hearing = _Hearing(contributions, rules)
    for unit, told in hearing.told.items():
        if unit in MARKS:
            hearing.merge(unit, told)
        elif unit in _TOGETHER:
            hearing.settle_together(unit, told)
        elif unit == "custom_fields":
            hearing.settle_each(unit, told)
        else:
            hearing.settle(unit, told)
    return Golden(hearing.fields, hearing.provenance)


class _Hearing:
    """All records of one person, numbered in the order in which they landed; and what has been settled so far.

    `told`: by unit and number of a record, what that record says; by field where the unit has several.
    """

    def __init__(self, contributions: Sequence[Contribution], rules: SurvivorshipRules) -> None:
        self._said = sorted(contributions, key=_landing) if len(contributions) > 1 else contributions
        self._sources = [_source(one) for one in self._said]
        self._rules = rules
        self._known_ranks: dict[bool, Sequence[tuple[Any, ...]]] = {}
        self.told: dict[str, dict[int, Any]] = {}
        self.fields: Json = {}
        self.provenance: Json = {}
        told = self.told
        for number, one in enumerate(self._said):
            for name, value in one.body.items():
                if (unit := _UNIT_OF.get(name)) is None or not (says(value) or (value and name in _IN_OUR_WORDS)):
                    continue
                if (own := told.get(unit)) is None:
                    own = told[unit] = {}
                if unit not in _TOGETHER:
                    own[number] = value
                elif number in own:
                    own[number][name] = value
                else:
                    own[number] = {name: value}

    def settle(self, name: str, told: Mapping[int, Any]) -> None:
        """Take a field from one record."""
        rule = self._rules.of(name)
        winner = self._best(name, rule, told)
        value = self.fields[name] = told[winner]
        superseded = [{**self._sources[number], "value": old} for number, old in told.items() if old != value]
        self._came(name, winner, _WORDS[rule.rule], superseded)

    def settle_together(self, unit: str, told: Mapping[int, Values]) -> None:
        """Take all fields of the unit from one record."""
        rule = self._rules.of(unit)
        winner = self._best(unit, rule, told)
        said, words = told[winner], _WORDS[rule.rule]
        values = _whole_name(said) if unit == "name" else said
        self.fields.update(values)
        if len(told) == 1:
            for name in said:
                self._came(name, winner, words, [])
            return
        for name in _TOGETHER[unit]:
            present = values.get(name)
            superseded = [
                {**self._sources[number], "value": own[name]}
                for number, own in told.items()
                if name in own and own[name] != present
            ]
            if (
                superseded and unit == "name" and name not in values
            ):  # what stands within the whole name is not superseded
                superseded = [one for one in superseded if one["value"] not in values["full_name"]]
            if name in said or superseded:
                self._came(name, winner, words, superseded)

    def settle_each(self, unit: str, told: Mapping[int, Values]) -> None:
        """Settle each key of the unit by itself; one key of two sources is the same field."""
        rule = self._rules.of(unit)
        by_key: dict[str, dict[int, Any]] = {}
        for number, values in told.items():
            for key, value in values.items():
                if says(value):
                    by_key.setdefault(key, {})[number] = value
        winners = {key: self._best(unit, rule, own) for key, own in sorted(by_key.items())}
        kept = self.fields[unit] = {key: by_key[key][number] for key, number in winners.items()}
        superseded: list[Json] = []
        for number in told if len(told) > 1 else ():
            old = {key: by_key[key][number] for key in kept if by_key[key].get(number, kept[key]) != kept[key]}
            if old:
                superseded.append({**self._sources[number], "value": old})
        best = max(winners.values(), key=self._ranks(rule).__getitem__)
        self._came(unit, best, f"{_WORDS[rule.rule]} for each", superseded)

    def merge(self, unit: str, told: Mapping[int, list[Any]]) -> None:
        """Keep every distinct value; the rule says which is the primary one, and the first."""
        rule, mark_of = self._rules.of(unit), MARKS[unit]
        marks: dict[str, str] = {}
        found: dict[str, tuple[int, Any]] = {}
        for number in self._ranked(rule, told):
            values = told[number]
            for value in sorted(values, key=_is_secondary) if len(values) > 1 else values:
                text = _text(value)
                if text in marks:  # sources mostly spell an address alike
                    continue
                mark = marks[text] = mark_of(text)
                if mark and mark not in found:
                    found[mark] = (number, value)
        if not found:
            return
        if rule.rule == "most_frequent":
            holders = Counter(mark for values in told.values() for mark in {marks[_text(value)] for value in values})
            found = {mark: found[mark] for mark in sorted(found, key=holders.__getitem__, reverse=True)}
        kept = list(found.values())
        if unit in _WITH_A_PRIMARY:
            self.fields[unit] = [{**one[1], "is_primary": one is kept[0]} for one in kept]
        else:
            self.fields[unit] = [one[1] for one in kept]
        self._came(unit, kept[0][0], _MERGED_WORDS[rule.rule], [])

    def _best(self, unit: str, rule: FieldRule, told: Mapping[int, Any]) -> int:
        """Return the number of the record that is believed."""
        if len(told) == 1:
            return next(iter(told))
        ranks = self._ranks(rule)
        if unit != "name" and rule.rule in _BY_SOURCE:
            return max(told, key=ranks.__getitem__)
        strong = strengths(unit, rule.rule, told)
        return max(told, key=lambda number: (strong[number], ranks[number]))

    def _ranked(self, rule: FieldRule, told: Mapping[int, list[Any]]) -> Iterable[int]:
        """Return the numbers of the records, the one that is believed first."""
        if len(told) == 1:
            return told
        ranked = sorted(told, key=self._ranks(rule).__getitem__, reverse=True)
        if rule.rule == "most_complete":
            ranked.sort(key=lambda number: -len(told[number]))
        return ranked

    def _ranks(self, rule: FieldRule) -> Sequence[tuple[Any, ...]]:
        """Return how each record ranks by the trust or the time that `rule` falls back on; no two are equal."""
        by_time = rule.rule in _BY_TIME
        if by_time in self._known_ranks and not rule.sources:
            return self._known_ranks[by_time]
        said, sources = self._said, rule.sources
        if sources:
            trust: list[Any] = [(_standing(one, sources), one.trust) for one in said]
        else:
            trust = [one.trust for one in said]
        if by_time:
            ranks = [(one.observed_at, trust[number], -number) for number, one in enumerate(said)]
        else:
            ranks = [(trust[number], one.observed_at, -number) for number, one in enumerate(said)]
        if not sources:
            self._known_ranks[by_time] = ranks
        return ranks

    def _came(self, name: str, winner: int, rule: str, superseded: list[Json]) -> None:
        self.provenance[name] = {**self._sources[winner], "rule": rule, "superseded": superseded}


def _landing(said: Contribution) -> tuple[int, str]:
    return said.landing_number, said.record_id


def _source(said: Contribution) -> dict[str, str]:
    # an eighth of isoformat's time, and the same text
    at = orjson.dumps(said.observed_at, option=orjson.OPT_UTC_Z)[1:-1].decode()
    return {"record_id": said.record_id, "connection": said.connection, "observed_at": at}


def _standing(said: Contribution, sources: Sequence[str]) -> int:
    return len(sources) - sources.index(said.connection) if said.connection in sources else 0


def _whole_name(said: Values) -> Values:
    """Return a name with the whole of its parts, where it is told in parts alone."""
    if "full_name" in said:
        return said
    return {**said, "full_name": " ".join(said[name] for name in ("first_name", "last_name") if name in said)}


def _text(value: Any) -> str:
    return cast("Json", value)["value"] if isinstance(value, dict) else value


def _is_secondary(value: Any) -> bool:
    return not (isinstance(value, dict) and cast("Json", value).get("is_primary"))
