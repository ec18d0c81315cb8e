"""Which messages would go if some people joined a segment: planned as a push plans them, and sent to nobody."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Literal

from sqlalchemy import Connection

from connectors.contract import Awaited, Cleared, DestinationSettings, RowOutcome, SignalPage
from connectors.records import Channel
from talent_pool.delivery import outbox, recipients
from talent_pool.delivery.gate import Sending, Way
from talent_pool.delivery.member import Member
from talent_pool.installation import Installation
from talent_pool.segments.definition import SegmentDefinition
from talent_pool.store.database import Store

WOULD_GO = "would go"


class _OnPaper:
    """A destination that is asked for its name alone."""

    kind: ClassVar[Literal["state", "message"]] = "message"
    channel: ClassVar[Channel] = Channel.ANY
    batch: ClassVar[int] = 1
    fields: frozenset[str] = frozenset()

    def __init__(self, settings: DestinationSettings) -> None:
        self.settings = settings

    @property
    def requests(self) -> int:
        return 0

    def apply(self, rows: Sequence[Cleared], now: datetime) -> Iterator[RowOutcome]:  # noqa: ARG002 - the contract's
        raise AssertionError("a forecast sends nothing")

    def followed(self, job: str, rows: Sequence[Awaited], now: datetime) -> Iterator[RowOutcome]:  # noqa: ARG002 - as above
        yield from ()

    def read_back(self, cursor: Any, now: datetime) -> Iterator[SignalPage]:  # noqa: ARG002 - the contract's
        yield from ()

    def lost(self, tag: str) -> bool:  # noqa: ARG002 - the contract's
        return False

    def receipt(self) -> dict[str, Any]:
        return {}

    def check(self) -> str:
        return "on paper"


def forecast(
    connection: Connection,
    store: Store,
    installation: Installation,
    segment: SegmentDefinition,
    joining: Mapping[str, str],
    now: datetime,
    messages_by: Collection[str],
) -> dict[str, dict[str, int]]:
    """Return for each destination of `messages_by` that pushes the segment what would become of those who join.

    {subject: person} join. As if sending were on: what keeps a message back here is consent or policy.
    """
    told: dict[str, dict[str, int]] = {}
    for name in sorted(messages_by):
        settings = installation.destinations[name]
        for push in settings.pushes:
            if push.segment != segment.name:
                continue
            way = Way(store, _OnPaper(settings), Sending("on"), now, installation.policies)
            members = recipients.would_be(connection, store, segment, joining, name, now)
            rows = outbox.plan(connection, way, push, segment, members, write=_nothing)
            fates = Counter(row.fate.value if row.fate else WOULD_GO for row in rows)
            told[name] = dict(sorted(fates.items()))
    return told


def _nothing(template: str, member: Member) -> dict[str, Any]:  # noqa: ARG001 - a writer of letters
    return {}
