"""What a segment's rule says of its subjects: SQL's answers, consent's answers, and the reasons in words."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select

from connectors.records import Purpose
from talent_pool import consent
from talent_pool.segments.compiler import Answer, CompiledSegment
from talent_pool.segments.ledger import Judged, chunks
from talent_pool.segments.rules import Contactable, Group, Node
from talent_pool.store.database import Store


def candidates(connection: Connection, store: Store, segment: CompiledSegment, scope: Any) -> dict[str, Judged]:
    """Judge those in `scope` who are in the segment, or whom time alone could bring in; by subject."""
    return _judged(connection, store, segment, [segment.candidates(scope)])


def subjects(
    connection: Connection, store: Store, segment: CompiledSegment, subject_ids: Sequence[str]
) -> dict[str, Judged]:
    """Judge these subjects, so far as they are in the pool."""
    return _judged(connection, store, segment, [segment.named(part) for part in chunks(subject_ids)])


def truths(
    connection: Connection, store: Store, segment: CompiledSegment, subject_ids: Sequence[str]
) -> dict[str, tuple[Answer, list[bool], datetime | None]]:
    """Return for these subjects each condition's answer, and the next instant at which one could change."""
    return _known(connection, store, segment, [segment.named(part) for part in chunks(subject_ids)])


def _judged(
    connection: Connection, store: Store, segment: CompiledSegment, queries: Sequence[Select[Any]]
) -> dict[str, Judged]:
    found: dict[str, Judged] = {}
    for subject_id, (answer, known, due) in _known(connection, store, segment, queries).items():
        holds = segment.holds(known)
        decisive = reasons(segment.tree, [leaf.text for leaf in segment.leaves], known, holds=holds)
        found[subject_id] = Judged(
            subject_id, answer.person_id, holds, "; ".join(decisive), due if answer.possible else None
        )
    return found


def _known(
    connection: Connection, store: Store, segment: CompiledSegment, queries: Sequence[Select[Any]]
) -> dict[str, tuple[Answer, list[bool], datetime | None]]:
    answers = [segment.answer(row) for query in queries for row in connection.execute(query)]
    verdicts = _verdicts(connection, store, segment, answers)
    found: dict[str, tuple[Answer, list[bool], datetime | None]] = {}
    for answer in answers:
        known: list[bool] = []
        dues = [answer.due]
        for leaf, truth in zip(segment.leaves, answer.truths, strict=True):
            if isinstance(leaf, Contactable):
                verdict = verdicts[leaf.purpose].get(answer.person_id)
                known.append(verdict is not None and verdict.allowed)
                dues.append(verdict.until if verdict else None)
            else:
                known.append(bool(truth))
        found[answer.subject_id] = (answer, known, min((at for at in dues if at is not None), default=None))
    return found


def _verdicts(
    connection: Connection, store: Store, segment: CompiledSegment, answers: Sequence[Answer]
) -> Mapping[Purpose, Mapping[str, consent.Verdict]]:
    """Ask consent for those alone whom the other conditions leave in doubt."""
    definition = segment.definition
    asked = {leaf.purpose for leaf in segment.leaves if isinstance(leaf, Contactable)}
    if not asked:
        return {}
    person_ids = {answer.person_id for answer in answers}
    return {
        purpose: consent.reachable(
            connection,
            store,
            person_ids,
            organisation=definition.organisation,
            purpose=purpose,
            channel=definition.channel,
            now=segment.now,
        )
        for purpose in asked
    }


def reasons(node: Node, texts: Sequence[str], known: Sequence[bool], *, holds: bool) -> list[str]:
    """Return the conditions that make the rule hold, or keep it from holding, as they stand."""
    remaining = list(zip(texts, known, strict=True))
    _, decisive = _decided(node, remaining)
    return decisive[holds]


def _decided(node: Node, remaining: list[tuple[str, bool]]) -> tuple[bool, Mapping[bool, list[str]]]:
    """Return whether `node` holds, and which conditions say that it does (True) and that it does not (False)."""
    if not isinstance(node, Group):
        text, holds = remaining.pop(0)
        return holds, {holds: [text if holds else f"not: {text}"], not holds: []}
    parts = [_decided(part, remaining) for part in node.parts]
    yes = [text for holds, said in parts if holds for text in said[True]]
    no = [text for holds, said in parts if not holds for text in said[False]]
    if node.quantifier == "none":
        return not any(holds for holds, _ in parts), {True: no, False: yes}
    holds = all(part for part, _ in parts) if node.quantifier == "all" else any(part for part, _ in parts)
    return holds, {True: yes, False: no}
