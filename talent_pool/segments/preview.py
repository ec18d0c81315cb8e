"""What a segment's definition would do before it is in force: who joins, who leaves, which messages would go.

Nothing is written. A definition that changed in YAML is put in force by `apply`, with the token of its preview.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, select, update

from connectors.errors import Misconfigured
from talent_pool import preview_tokens
from talent_pool.delivery.forecast import forecast
from talent_pool.installation import Installation
from talent_pool.refused import Refused
from talent_pool.segments import in_force, judgement, ledger, lint, scope
from talent_pool.segments.compiler import CompiledSegment
from talent_pool.segments.definition import SegmentDefinition
from talent_pool.segments.evaluation import SegmentsReport, evaluate
from talent_pool.segments.reading import Judged
from talent_pool.store.database import Store
from talent_pool.store.lookup import rows_with
from talent_pool.store.tables import people, segments, users

_EXAMPLES = 20


@dataclass(frozen=True, slots=True)
class Example:
    """One subject that would join or leave. `who` is a name where one is known; for the eyes of whoever decides."""

    change: str
    subject_id: str
    person_id: str | None
    who: str
    because: str


@dataclass(frozen=True, slots=True)
class SegmentPreview:
    """What putting a definition in force would do at `as_of`.

    `messages`: for each destination that sends messages about it, {what would become of those who join: how many}.
    `warnings`: sentences, and how many are left out by that condition alone. `token` stands for joins and leaves.
    """

    name: str
    as_of: datetime
    is_new: bool
    changed: bool
    token: str
    members_now: int
    members_then: int
    joins: int
    leaves: int
    messages: Mapping[str, Mapping[str, int]]
    warnings: Sequence[tuple[str, int]]
    examples: Sequence[Example] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class _Difference:
    rule: CompiledSegment
    is_new: bool
    changed: bool
    members: int
    joins: Mapping[str, Judged]
    leaves: Mapping[str, tuple[str | None, str]]
    """{subject: (person, why)}."""

    def token(self, store: Store, version: str) -> str:
        return preview_tokens.token(
            store, "segment", self.rule.definition.name, version, "joins", *sorted(self.joins),
            "leaves", *sorted(self.leaves),
        )  # fmt: skip


def preview(
    store: Store,
    installation: Installation,
    name: str,
    now: datetime,
    *,
    definition: SegmentDefinition | None = None,
    messages_by: Collection[str] = (),
) -> SegmentPreview:
    """Say what the installation's definition of segment `name`, or else `definition`, would do; nothing is written.

    `messages_by`: the destinations that send messages. Raises Misconfigured for a segment that there is not.
    """
    wanted = definition or _defined(installation, name)
    version = in_force.version_of(wanted, installation)
    with store.reading() as connection:
        found = _difference(connection, store, installation, wanted, now)
        joining = {subject: one.person_id for subject, one in found.joins.items()}
        return SegmentPreview(
            name=name,
            as_of=now,
            is_new=found.is_new,
            changed=found.changed,
            token=found.token(store, version),
            members_now=found.members,
            members_then=found.members + len(found.joins) - len(found.leaves),
            joins=len(found.joins),
            leaves=len(found.leaves),
            messages=forecast(connection, store, installation, wanted, joining, now, messages_by),
            warnings=[
                (warned.sentence, lint.excluded_alone(connection, store, found.rule, warned.leaf))
                for warned in lint.warnings(wanted)
            ],
            examples=_examples(connection, found),
        )


def apply(store: Store, installation: Installation, name: str, token: str, now: datetime) -> SegmentsReport:
    """Put the YAML's definition in force, if it still does what the preview with this token showed; evaluate it.

    Raises Refused, with nothing done, for another token and where nothing is held.
    """
    wanted = _defined(installation, name)
    version = in_force.version_of(wanted, installation)
    with store.reading() as connection:
        if name not in in_force.standing_in(connection, installation).held:
            raise Refused(f"{name} is in force as it is written; there is nothing to apply.")
        found = _difference(connection, store, installation, wanted, now)
    preview_tokens.must_match(
        token, found.token(store, version), f"segment {name}", f"catchment segments preview {name}"
    )
    with store.writing() as connection:
        connection.execute(update(segments).where(segments.c.name == name).values(approved=version))
    return evaluate(store, installation, now)


def _defined(installation: Installation, name: str) -> SegmentDefinition:
    if name not in installation.segments:
        known = ", ".join(sorted(installation.segments))
        raise Misconfigured(f"There is no segment {name!r}; there are {known}.")
    return installation.segments[name]


def _difference(
    connection: Connection, store: Store, installation: Installation, wanted: SegmentDefinition, now: datetime
) -> _Difference:
    row = connection.execute(select(segments).where(segments.c.name == wanted.name)).first()
    begun = wanted.since_at or (row.activated_at if row else now)
    rule = CompiledSegment(wanted, begun, now, in_force.surroundings(installation))
    (panel,) = judgement.panels([rule])
    holds: dict[str, Judged] = {}
    members: dict[str, str | None] = {}
    for part in scope.of_segment(connection, wanted):
        judged = judgement.candidates(connection, store, panel, part)
        holds |= {subject: one for subject, one in judged.items() if one.holds}
        opened = ledger.open_memberships(connection, part)[wanted.name]
        members |= {subject: member.person_id for subject, member in opened.items()}
    gone = sorted(members.keys() - holds.keys())
    why = judgement.subjects(connection, store, panel, gone)
    return _Difference(
        rule,
        is_new=row is None or row.evaluated_at is None,
        changed=row is None or in_force.version_of(wanted, installation) != row.version,
        members=len(members),
        joins={subject: one for subject, one in sorted(holds.items()) if subject not in members},
        leaves={
            subject: (members[subject], why[subject].because if subject in why else "is not in the pool any more")
            for subject in gone
        },
    )


def _examples(connection: Connection, found: _Difference) -> list[Example]:
    """Return twenty: as many who join as who leave, or more of one kind where the other is short of them."""
    joins = [("joins", subject, one.person_id, one.because) for subject, one in found.joins.items()]
    leaves = [("leaves", subject, person, because) for subject, (person, because) in found.leaves.items()]
    half = _EXAMPLES // 2
    shown = joins[: max(half, _EXAMPLES - len(leaves))] + leaves[: max(half, _EXAMPLES - len(joins))]
    ids = {person for _, _, person, _ in shown if person}
    named: dict[str, str] = {}
    for table, text in ((people, people.c.full_name), (users, users.c.name)):
        query = select(table.c.id, text.label("name"))
        named |= {row.id: row.name for row in rows_with(connection, query, table.c.id, ids) if row.name}
    return [
        Example(change, subject, person, named.get(person or "", "no name"), because)
        for change, subject, person, because in shown
    ]
