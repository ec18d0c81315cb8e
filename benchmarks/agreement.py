"""How far two groupings of the same records agree, pair by pair."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping

Agreement = tuple[float, float, float]
"""Precision, recall and F1."""


def agreement(people: Mapping[str, Hashable], truth: Mapping[str, Hashable]) -> Agreement:
    """Return pairwise precision, recall and F1 over clusters. Both: {record: whose it is}."""
    groups: defaultdict[Hashable, Counter[Hashable]] = defaultdict(Counter)
    for name, person in people.items():
        groups[person][truth[name]] += 1
    said = sum(_pairs(sum(held.values())) for held in groups.values())
    right = sum(_pairs(count) for held in groups.values() for count in held.values())
    true = sum(map(_pairs, Counter(truth[name] for name in people).values()))
    precision, recall = right / max(said, 1), right / max(true, 1)
    return precision, recall, 2 * precision * recall / max(precision + recall, 1e-9)


def shown(agreed: Agreement) -> str:
    """Return it as a line's end."""
    precision, recall, f1 = agreed
    return f"precision {precision:.4f}, recall {recall:.4f}, F1 {f1:.4f}"


def _pairs(count: int) -> int:
    return count * (count - 1) // 2
