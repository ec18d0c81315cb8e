"""How well a grouping of records agrees with who they truly belong to."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

Record = tuple[str, str]
"""(connection, remote id)."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Shares between 0 and 1; an empty denominator counts as 1."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """Return the harmonic mean."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def pairwise(found: Mapping[Record, Hashable], truth: Mapping[Record, Hashable]) -> Agreement:
    """Compare pairs in one cluster with pairs of one person; a record missing in `found` is a cluster alone."""
    both: Counter[tuple[Hashable, Hashable]] = Counter()
    people: Counter[Hashable] = Counter()
    clusters: Counter[Hashable] = Counter()
    for record, person in truth.items():
        cluster = found.get(record, ("alone", record))
        both[cluster, person] += 1
        people[person] += 1
        clusters[cluster] += 1
    right = _pairs(both.values())
    said, true = _pairs(clusters.values()), _pairs(people.values())
    return Agreement(right / said if said else 1.0, right / true if true else 1.0)


def b_cubed(found: Mapping[Record, Hashable], truth: Mapping[Record, Hashable]) -> Agreement:
    """Compare record by record (Bagga and Baldwin 1998): the share of its cluster, and of its person, that is right."""
    clusters: dict[Hashable, list[Record]] = defaultdict(list)
    people: Counter[Hashable] = Counter(truth.values())
    for record in truth:
        clusters[found.get(record, ("alone", record))].append(record)
    precision = recall = 0.0
    for members in clusters.values():
        for person, right in Counter(truth[record] for record in members).items():
            precision += right * right / len(members)
            recall += right * right / people[person]
    count = len(truth) or 1
    return Agreement(precision / count if truth else 1.0, recall / count if truth else 1.0)


def by_shared_email(addresses: Mapping[Record, Sequence[str]]) -> dict[Record, int]:
    """Return the clusters of the plainest matcher: whoever shares an address, but for its case, is one."""
    cluster_of = {record: number for number, record in enumerate(addresses)}
    members = {number: [record] for record, number in cluster_of.items()}
    holder: dict[str, Record] = {}
    for record, emails in addresses.items():
        for email in emails:
            other = holder.setdefault(email.strip().lower(), record)
            into, gone = sorted((cluster_of[record], cluster_of[other]))
            if into != gone:
                for each in members[gone]:
                    cluster_of[each] = into
                members[into] += members.pop(gone)
    return cluster_of


def _pairs(sizes: Iterable[int]) -> int:
    return sum(size * (size - 1) // 2 for size in sizes)
