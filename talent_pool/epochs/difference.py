"""What another model would change: people as they are beside those whom a rebuild found, free of any database."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from talent_pool.epochs.rebuild import Rebuilt

Cluster = frozenset[str]


@dataclass(frozen=True)
class Difference:
    """Changes among records that have somebody now and are live; the others are none of the model's doing.

    `merges`: {records that would be one person: those who hold them now}. `splits`: {person: the parts that their
    records would fall into}. Whoever gives a record to somebody else is in both.
    """

    people_before: int
    people_after: int
    merges: Mapping[Cluster, tuple[str, ...]]
    splits: Mapping[str, Sequence[Cluster]]

    @property
    def people(self) -> set[str]:
        """Whoever would merge or split."""
        return {person for whose in self.merges.values() for person in whose} | self.splits.keys()

    @property
    def records(self) -> set[str]:
        """The records of all that would merge or split."""
        parts = [part for parts in self.splits.values() for part in parts]
        return {name for cluster in (*self.merges, *parts) for name in cluster}

    @property
    def told(self) -> list[str]:
        """All of it, in words that are equal for equal differences."""
        merges = [f"merge {' '.join(sorted(cluster))} of {' '.join(whose)}" for cluster, whose in self.merges.items()]
        splits = [f"split {name} {sorted(sorted(part) for part in parts)}" for name, parts in self.splits.items()]
        return sorted(merges + splits)


def difference(found: Rebuilt) -> Difference:
    """Compare people as they are with those who would be."""
    holder = {name: person for name, person in found.holder.items() if name in found.records}
    merges: dict[Cluster, tuple[str, ...]] = {}
    parts: defaultdict[str, list[Cluster]] = defaultdict(list)
    after = 0
    for cluster in found.clusters:
        own: defaultdict[str, set[str]] = defaultdict(set)
        for name in cluster & holder.keys():
            own[holder[name]].add(name)
        after += bool(own)
        if len(own) > 1:
            merges[frozenset(name for held in own.values() for name in held)] = tuple(sorted(own))
        for person, held in own.items():
            parts[person].append(frozenset(held))
    splits = {person: held for person, held in sorted(parts.items()) if len(held) > 1}
    return Difference(len(parts), after, merges, splits)
