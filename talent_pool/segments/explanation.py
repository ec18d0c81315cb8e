"""Why somebody is in a segment, since when, and what would take her out; or why she is not in it."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Connection, select

from connectors.errors import Misconfigured
from talent_pool.installation import Installation
from talent_pool.people.person_ids import existing
from talent_pool.segments import judgement
from talent_pool.segments.compiler import CompiledSegment
from talent_pool.segments.evaluation import compiled
from talent_pool.segments.in_force import standing_in
from talent_pool.segments.ledger import open_memberships_of
from talent_pool.segments.vocabulary import ENTITIES
from talent_pool.store.database import Store
from talent_pool.store.tables import applications


def explain(store: Store, installation: Installation, segment: str, person: str, now: datetime) -> list[str]:
    """Return sentences about one person and one segment. `person` is any id that ever stood for her.

    Raises Misconfigured for a segment that there is not, and NoSuchPerson.
    """
    if segment not in installation.segments:
        known = ", ".join(sorted(installation.segments))
        raise Misconfigured(f"There is no segment {segment!r}; there are {known}.")
    with store.reading() as connection:
        person_id = person if person.startswith("usr_") else existing(connection, person)
        definition = standing_in(connection, installation).definitions[segment]
        rule = compiled(connection, definition, installation, now)
        subject_ids = _subjects(connection, rule, person_id)
        answered = judgement.truths(connection, store, rule, subject_ids)
        members = open_memberships_of(connection, [segment], subject_ids)[segment]
    if not subject_ids:
        about = rule.definition.subject
        kind = {"match": "new job like one they applied for"}.get(about, about)
        return [f"{person_id} has no {kind}, and {segment} is about {about}{'es' if about == 'match' else 's'}."]
    sentences: list[str] = []
    for subject_id in subject_ids:
        member = members.get(subject_id)
        since = f"in {segment} since {member.since:%Y-%m-%d %H:%M} UTC" if member else f"not in {segment}"
        sentences.append(f"{subject_id} is {since}.")
        if subject_id in answered:
            known, due = answered[subject_id]
            sentences.extend(_reasons(rule, known, due, is_member=member is not None))
        else:
            sentences.append("  It belongs to nobody who is active in the segment's organisation.")
    return sentences


def _reasons(rule: CompiledSegment, known: list[bool], due: datetime | None, *, is_member: bool) -> Iterator[str]:
    holds = rule.holds(known)
    for leaf, truth in zip(rule.leaves, known, strict=True):
        yield f"  {'yes' if truth else 'no '}  {leaf.text}"
    decisive = "; ".join(rule.reasons(known, holds=holds))
    if holds:
        yield f"  The rule holds because: {decisive}. Whatever ends this takes her out."
    else:
        yield f"  The rule does not hold because: {decisive}."
    if holds != is_member:
        yield "  The next evaluation will change the membership."
    if due is not None:
        yield f"  Time alone could change this on {due:%Y-%m-%d %H:%M} UTC."


def _subjects(connection: Connection, rule: CompiledSegment, person_id: str) -> list[str]:
    if rule.definition.subject in ("person", "user"):
        return [person_id]
    query = select(applications.c.id).where(applications.c.person_id == person_id).order_by(applications.c.id)
    subject = ENTITIES[rule.definition.subject].table
    if subject is applications:
        return list(connection.execute(query).scalars())
    of_hers = subject.c.application_id.in_(query.order_by(None))
    return list(connection.execute(select(subject.c.id).where(of_hers).order_by(subject.c.id)).scalars())
