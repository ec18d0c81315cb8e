"""How often names are met among people, and so how many namesakes somebody has by chance.

Two records of one name are one person where the name is rare, and a question where the pool holds fifty of it. The
parts of a name go together by culture: Wang and Wei are each borne by few of the world's people, but half of them by
the same. So shares are kept culture by culture; the report on fairness is what shows it matters. All is frozen
with the model, so that a pair's weight depends on its two records and the model alone.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache

from pydantic import BaseModel, ConfigDict, field_serializer

from dedupe.normalise import Normalised

LEAST_HOLDERS = 10
"""A part of a name that fewer records bear is not written down: it would tell of somebody."""
SHIPPED_COUNTS_AS = 5_000
"""Records that the shipped shares stand for, when those of a pool or a file are counted beside them."""
MOST_OF_ALL = 0.2
"""Where more than this share of those that tell a city, an employer or the like tell the same, it says nothing."""
_LEAST_ALIKE = 50
_TOLD = ("postcode", "city", "employer", "title")
OTHER = "other"
"""The culture of names that no other has a part of."""
_AN_INITIAL = 0.05
"""About the share of people whose name begins with a given letter."""


class Population(BaseModel):
    """Shares of people by culture and parts of their names, and for how many people namesakes are reckoned.

    `cultures`: {culture: share of people}. `shares`: {part of a name in lower-case ASCII: {culture: share of its people
    who bear it}}; any other part has the share `rare`. `records` and `counts` are of the same form, records of a
    pool's or a file's own in place of shares, and stand beside them. `everywhere`: {field: values that so many of those
    records have that they tell nobody}.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    people: int
    rare: float
    cultures: Mapping[str, float]
    shares: Mapping[str, Mapping[str, float]]
    records: Mapping[str, int] = {}
    counts: Mapping[str, Mapping[str, int]] = {}
    everywhere: Mapping[str, frozenset[str]] = {}

    @field_serializer("everywhere")
    def _in_order(self, told: Mapping[str, frozenset[str]]) -> dict[str, list[str]]:
        return {field: sorted(values) for field, values in told.items()}  # one model is always the same text

    def telling(self, record: Normalised) -> Normalised:
        """Return a record without the values that are everywhere: they count as missing."""
        blank = [field for field, values in self.everywhere.items() if getattr(record, field) in values]
        return replace(record, **dict.fromkeys(blank)) if blank else record

    def namesakes(self, name: str | None) -> float:
        """Return how many people would bear this name by chance, if within a culture its parts are independent."""
        parts = (name or "").split()
        return self.people * sum(chance for _, chance in self._chances(parts)) if parts else float(self.people)

    def culture(self, name: str) -> str:
        """Return the culture that a name is most likely of."""
        return max(self._chances(name.split()), key=lambda one: (one[1], one[0]))[0]

    def _chances(self, parts: Sequence[str]) -> list[tuple[str, float]]:
        """Return (culture, chance that somebody is of it and bears all these parts) of each that knows one of them."""
        known = {OTHER, *(one for part in parts for held in (self.shares, self.counts) for one in held.get(part, ()))}
        own = sum(self.records.values())
        found: list[tuple[str, float]] = []
        for culture in sorted(known):
            of_all = self.cultures[culture]
            chance = (self.records.get(culture, 0) + SHIPPED_COUNTS_AS * of_all) / (own + SHIPPED_COUNTS_AS)
            found.append((culture, chance * math.prod(self._share(part, culture) for part in parts)))
        return found

    def _share(self, part: str, culture: str) -> float:
        if len(part) == 1:
            return _AN_INITIAL
        shipped = self.shares.get(part, _NONE).get(culture, self.rare)
        own = self.records.get(culture, 0)
        if not own:
            return shipped
        weight = SHIPPED_COUNTS_AS * self.cultures[culture]
        return (self.counts.get(part, _NO_COUNT).get(culture, 0) + weight * shipped) / (own + weight)


_NONE: Mapping[str, float] = {}
_NO_COUNT: Mapping[str, int] = {}


def counted(records: Iterable[Normalised], shipped: Population, *, of: int = 0) -> Population:
    """Return the population that these records are, the shipped shares standing in where they are few.

    The order of the records does not matter. `of`: how many there are in all, where `records` are a sample of them.
    """
    by_culture: Counter[str] = Counter()
    parts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    told: Mapping[str, Counter[str]] = {field: Counter() for field in _TOLD}
    culture_of = cache(shipped.culture)  # one person's records mostly bear one name
    total = 0
    for record in records:
        total += 1
        for field, values in told.items():
            if value := getattr(record, field):
                values[value] += 1
        if record.name:
            culture = culture_of(record.name)
            by_culture[culture] += 1
            for part in set(record.name.split()):
                parts[part][culture] += 1
    many = {part: {c: n for c, n in sorted(held.items()) if n >= LEAST_HOLDERS} for part, held in sorted(parts.items())}
    everywhere = {field: _everywhere(values) for field, values in told.items()}
    return shipped.model_copy(
        update={
            "people": max(total, of, shipped.people),
            "records": dict(sorted(by_culture.items())),
            "counts": {part: held for part, held in many.items() if held},
            "everywhere": {field: values for field, values in everywhere.items() if values},
        }
    )


def _everywhere(values: Counter[str]) -> frozenset[str]:
    total = sum(values.values())
    return frozenset(v for v, count in values.items() if count >= _LEAST_ALIKE and count > MOST_OF_ALL * total)
