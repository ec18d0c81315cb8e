"""How the things that rules speak of are tied to the subject of a segment, or to the subject's person."""

from sqlalchemy import ColumnElement, FromClause, and_

from talent_pool.segments.vocabulary import WITHIN
from talent_pool.store.tables import applications, people, person_records, users

WRITTEN = ("sending", "sent", "unknown")
"""States of a message that may have reached somebody."""


def ways(  # noqa: PLR0911 - one for each thing
    entity: str, table: FromClause, subject: str, organisation: str, *, any_state: bool
) -> list[ColumnElement[bool]]:
    """Return how `table`, which holds an `entity`, is tied to a `subject`: one way, or several.

    `any_state`: messages count in whatever state, and not those alone that may have reached somebody.
    """
    if subject == "user":
        by = table.c.user_id if entity == "interview" else table.c.recruiter_id
        return [and_(table.c.connection == users.c.connection, by == users.c.remote_id)]
    match entity:
        case "application":
            return [and_(table.c.person_id == people.c.id, table.c.organisation == organisation)]
        case "other_application":
            mine = table.c.person_id == people.c.id
            return [and_(mine, table.c.organisation == organisation, table.c.id != applications.c.id)]
        case "event" | "interview":
            return _around_applications(entity, table, subject, organisation)
        case "message":
            states = [] if any_state else [table.c.state.in_(WRITTEN)]
            to_her = (table.c.person_id == people.c.id, _of_her_records(table.c.candidate_record_id))
            return [and_(way, table.c.organisation == organisation, *states) for way in to_her]
        case "source":
            return [and_(_of_her_records(table.c.id), table.c.record_type == "candidate", table.c.removed_at.is_(None))]
        case "consent":
            return [and_(_of_her_records(table.c.record_id), table.c.organisation == organisation)]
        case name:
            raise AssertionError(f"nothing ties {name} to a subject")


def _around_applications(entity: str, table: FromClause, subject: str, organisation: str) -> list[ColumnElement[bool]]:
    """Tie what happened around an application, or around a candidate, to the subject's one or to all of hers."""
    about_one = "application" in WITHIN[subject]
    mine = applications.alias()
    of_them = and_(
        mine.c.person_id == people.c.id, mine.c.organisation == organisation, table.c.application_id == mine.c.id
    )
    of_it = table.c.application_id == applications.c.id
    if entity == "interview":
        return [of_it] if about_one else [of_them]
    if not about_one:
        return [of_them, _of_her_records(table.c.candidate_record_id)]
    of_the_candidate = table.c.candidate_record_id == applications.c.candidate_record_id
    return [of_it, and_(table.c.application_id.is_(None), of_the_candidate)]


def _of_her_records(column: ColumnElement[str]) -> ColumnElement[bool]:
    """Tie a column to the person's records. Joined, not IN: the database then begins with her few records."""
    held = person_records.alias()
    return and_(held.c.person_id == people.c.id, column == held.c.record_id)
