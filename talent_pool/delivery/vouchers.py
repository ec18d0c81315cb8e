"""Single-use voucher codes: each is handed out once, to one message, and never again."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, func, select, update

from talent_pool.store.database import Store, take_lock
from talent_pool.store.tables import voucher_codes

NONE_LEFT = "No voucher code is left. Add some with `catchment vouchers add`."
SHOWN = "(a code of its own)"
"""What stands in place of a code where a message is only looked at."""


def add(store: Store, kind: str, codes: Iterable[str], now: datetime) -> int:
    """Put codes of a kind by; return how many were not there before."""
    rows = [{"kind": kind, "code": code, "added_at": now} for code in dict.fromkeys(codes) if code]
    before = counts(store).get(kind, (0, 0))
    if rows:
        with store.writing() as connection:
            connection.execute(store.insert(voucher_codes).on_conflict_do_nothing(), rows)
    return sum(counts(store).get(kind, (0, 0))) - sum(before)


def counts(store: Store) -> dict[str, tuple[int, int]]:
    """Return for each kind how many codes are left and how many are taken."""
    query = (
        select(voucher_codes.c.kind, func.count(), func.count(voucher_codes.c.delivery_id))
        .group_by(voucher_codes.c.kind)
        .order_by(voucher_codes.c.kind)
    )
    with store.reading() as connection:
        return {kind: (total - taken, taken) for kind, total, taken in connection.execute(query)}


def hand_out(connection: Connection, kind: str, delivery_ids: Sequence[str], now: datetime) -> dict[str, str]:
    """Return a code for each delivery, as far as there are any; one that has a code keeps it through every retry."""
    take_lock(connection, f"vouchers:{kind}")
    given: dict[str, str] = {}
    for start in range(0, len(delivery_ids), 500):
        part = delivery_ids[start : start + 500]
        query = select(voucher_codes).where(voucher_codes.c.kind == kind, voucher_codes.c.delivery_id.in_(part))
        given |= {row.delivery_id: row.code for row in connection.execute(query)}
    waiting = [one for one in delivery_ids if one not in given]
    free = (
        select(voucher_codes.c.code)
        .where(voucher_codes.c.kind == kind, voucher_codes.c.delivery_id.is_(None))
        .order_by(voucher_codes.c.added_at, voucher_codes.c.code)
        .limit(len(waiting))
    )
    for delivery_id, code in zip(waiting, connection.execute(free).scalars().all(), strict=False):
        connection.execute(
            update(voucher_codes)
            .where(voucher_codes.c.kind == kind, voucher_codes.c.code == code)
            .values(delivery_id=delivery_id, taken_at=now)
        )
        given[delivery_id] = code
    return given
