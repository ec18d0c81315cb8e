"""What every push said of every row: the ledger that conservation counts, and the memory of what was said last."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, func, insert, select

from connectors.contract import Action, Fate
from talent_pool.delivery.gate import Leaving
from talent_pool.store.lookup import rows_with
from talent_pool.store.tables import push_rows, runs


@dataclass(frozen=True, slots=True)
class Said:
    """What the newest push that said anything of a subject said."""

    fate: Fate
    reason: str
    fingerprint: str | None
    number: int = 0
    """Its place in the ledger."""


@dataclass(slots=True)
class Planned:
    """One row of a push: what is to be done, and in the end what became of it.

    `fate` is None while it is still to be attempted. `reaches`: it would reach somebody whom this push has not
    reached yet. `attempted`: it was handed to the destination. `waited`: an earlier attempt at it was put off;
    `waiting`: it is put off until a certain moment. `remote_id`: what the destination calls it. `moment`: the kind of
    human moment that it is, which no machine tells. `occasion`: which of several it is about, where there may be more.
    `filled`: the fields that it has a value for.
    """

    segment: str
    subject_id: str
    person_id: str | None
    leaving: Leaving
    address_key: str | None
    fingerprint: str
    reaches: bool = False
    fate: Fate | None = None
    reason: str = ""
    vendor_reason: str | None = None
    attempted: bool = False
    waited: bool = False
    waiting: bool = False
    template: str | None = None
    useless_after: Any = None
    remote_id: str | None = None
    moment: str | None = None
    occasion: str = ""
    filled: Sequence[str] = ()

    def becomes(self, fate: Fate, reason: str = "", vendor_reason: str | None = None) -> None:
        """Settle this row's fate."""
        self.fate, self.reason, self.vendor_reason = fate, reason, vendor_reason


@dataclass(frozen=True, slots=True)
class PushRow:
    """One row as people see it: what was, or in a dry run would be, sent to whom, and why or why not."""

    segment: str
    subject_id: str
    person_id: str | None
    action: Action
    address: str | None
    fate: Fate
    reason: str
    vendor_reason: str | None = None
    tag: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict[str, Any])
    unsubscribe_url: str | None = None


_SAID = select(push_rows.c.id, push_rows.c.subject_id, push_rows.c.fate, push_rows.c.reason, push_rows.c.fingerprint)


def last_said(connection: Connection, destination: str, segment: str, subjects: Collection[str]) -> dict[str, Said]:
    """Return what was last said of some subjects of one push."""
    newest = (
        select(func.max(push_rows.c.id).label("id"))
        .where(push_rows.c.destination == destination, push_rows.c.segment == segment)
        .group_by(push_rows.c.subject_id)
    )
    numbers = [row.id for row in rows_with(connection, newest, push_rows.c.subject_id, subjects)]
    return {
        row.subject_id: Said(Fate(row.fate), row.reason, row.fingerprint, row.id)
        for row in rows_with(connection, _SAID, push_rows.c.id, numbers)
    }


def write(connection: Connection, run_id: str, destination: str, rows: Sequence[Planned]) -> None:
    """Append rows whose fate is settled."""
    if rows:
        connection.execute(
            insert(push_rows),
            [
                {
                    "run_id": run_id,
                    "destination": destination,
                    "segment": row.segment,
                    "subject_id": row.subject_id,
                    "person_id": row.person_id,
                    "fate": (row.fate or Fate.UNKNOWN).value,
                    "reason": row.reason,
                    "vendor_reason": row.vendor_reason,
                    "fingerprint": row.fingerprint,
                }
                for row in rows
            ],
        )


def is_news(row: Planned, said: Said | None) -> bool:
    """Say whether a row that was not attempted has anything to add to the ledger."""
    if row.fate is Fate.UNCHANGED:
        return False
    if row.fate is Fate.SUPPRESSED and said is not None and said.fate is Fate.REMOVED:
        return False  # it was taken out, and why was said then
    return said is None or (said.fate, said.reason, said.fingerprint) != (row.fate, row.reason, row.fingerprint)


def remainder(connection: Connection, run_id: str) -> str | None:
    """Return what does not add up in one push, or None.

    eligible = unchanged + sent + removed + suppressed + rejected + deferred + pending + unknown, where each fate is
    what the ledger holds of this run plus what was said before and still stands (`counts.standing`).
    """
    counts: dict[str, Any] = connection.execute(select(runs.c.counts).where(runs.c.id == run_id)).scalar_one() or {}
    query = select(push_rows.c.fate, func.count()).where(push_rows.c.run_id == run_id).group_by(push_rows.c.fate)
    written = {fate: int(number) for fate, number in connection.execute(query)}
    standing: dict[str, int] = counts.get("standing", {})
    accounted = 0
    for fate in Fate:
        there = written.get(fate.value, 0) + standing.get(fate.value, 0)
        if there != counts.get(fate.value, 0):
            return f"{counts.get(fate.value, 0)} rows were reported {fate.value}, and the ledger accounts for {there}."
        accounted += there
    if accounted != counts.get("eligible", 0):
        return f"{counts.get('eligible', 0)} rows were eligible, and {accounted} are accounted for."
    return None
