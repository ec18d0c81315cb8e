"""What one push is told to have done, to those who asked for it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from connectors.contract import Action, Fate
from talent_pool.delivery.push_ledger import Planned, PushRow


@dataclass(frozen=True, slots=True)
class PushReport:
    """What one run did at one destination. `fates` add up to `eligible`.

    `eligible`: the segments' members now, and those still held who are members no more. `rows`: of a dry run all
    that would change, with what would be sent; of a real one the first thousand that are not unchanged.
    """

    run_id: str
    destination: str
    eligible: int
    fates: dict[Fate, int]
    requests: int
    rows: list[PushRow] = field(default_factory=list[PushRow])


def fates_of(rows: Sequence[Planned], resting: int = 0) -> dict[Fate, int]:
    """Count rows by fate, a row to be attempted by the one that it is about to have, and members who rest."""
    fates = dict.fromkeys(Fate, 0) | {Fate.UNCHANGED: resting}
    for row in rows:
        fates[_expected(row)] += 1
    return fates


def _expected(row: Planned) -> Fate:
    """Return a row's fate, or the one it is about to have."""
    return row.fate or (Fate.REMOVED if row.leaving.action is Action.REMOVE else Fate.SENT)


def shown(row: Planned) -> PushRow:
    """Return a row as people see it."""
    leaving = row.leaving
    return PushRow(
        segment=row.segment,
        subject_id=row.subject_id,
        person_id=row.person_id,
        action=leaving.action,
        address=leaving.address,
        fate=_expected(row),
        reason=row.reason,
        vendor_reason=row.vendor_reason,
        tag=leaving.tag,
        fields=leaving.fields,
        unsubscribe_url=leaving.unsubscribe_url,
    )
