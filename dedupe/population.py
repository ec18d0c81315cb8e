"""How often names are met among people, and so how many namesakes somebody has by chance.

Two records of one name are one person where the name is rare, and a question where the pool holds fifty of it. The
frequencies are frozen with the model, so that a pair's weight depends on its two records and the model alone.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

from pydantic import BaseModel, ConfigDict

from dedupe.normalise import Normalised

LEAST_HOLDERS = 10
"""A part of a name that fewer records bear is not written down: it would tell of somebody."""
SHIPPED_COUNTS_AS = 5_000
"""Records that the shipped frequencies stand for, when those of a pool or a file are counted beside them."""
_UNCOUNTED = LEAST_HOLDERS // 3
_AN_INITIAL = 0.05
"""About the share of people whose name begins with a given letter."""


class Population(BaseModel):
    """Shares of people by parts of their names, and for how many people namesakes are reckoned.

    `shares`: {part of a name in lower-case ASCII: share of people who bear it}; any other part has the share `rare`.
    `counts`: {part: records} among `records` of a pool's or a file's own, which stand beside those shares.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    people: int
    rare: float
    shares: Mapping[str, float]
    records: int = 0
    counts: Mapping[str, int] = {}

    def namesakes(self, name: str | None) -> float:
        """Return how many people would bear this name by chance, if its parts had nothing to do with each other."""
        expected = float(self.people)
        for part in (name or "").split():
            expected *= _AN_INITIAL if len(part) == 1 else self._share(part)
        return expected

    def _share(self, part: str) -> float:
        shipped = self.shares.get(part, self.rare)
        if not self.records:
            return shipped
        own = self.counts.get(part, _UNCOUNTED)
        return (own + SHIPPED_COUNTS_AS * shipped) / (self.records + SHIPPED_COUNTS_AS)


def counted(records: Iterable[Normalised], shipped: Population, *, of: int = 0) -> Population:
    """Return the population that these records are, the shipped shares standing in where they are few.

    The order of the records does not matter. `of`: how many there are in all, where `records` are a sample of them.
    """
    parts: Counter[str] = Counter()
    total = 0
    for record in records:
        if record.name:
            parts.update(set(record.name.split()))
            total += 1
    counts = {part: count for part, count in sorted(parts.items()) if count >= LEAST_HOLDERS}
    people = max(total, of, shipped.people)
    return shipped.model_copy(update={"people": people, "records": total, "counts": counts})
