"""What rules may speak of: things, their fields, and where these stand in the store.

Names of people, postcodes and school years stand in for protected attributes: they may be asked about, and
`talent_pool.segments.lint` warns of every rule that does. The protected attributes themselves are in no table.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, get_args

from sqlalchemy import ColumnElement, FromClause, Text, case, func, select, type_coerce

from connectors.records import (
    Application,
    Candidate,
    Channel,
    ConsentStatus,
    Interaction,
    Job,
    Outcome,
    Purpose,
    Stage,
    StatedBy,
)
from talent_pool.segments.json_part import json_part
from talent_pool.store.tables import (
    applications,
    consent_statements,
    deliveries,
    events,
    interviews,
    job_matches,
    jobs,
    people,
    records,
    users,
)


class Kind(StrEnum):
    """What sort of value a field holds, which decides what may be asked of it."""

    TEXT = "text"
    CHOICE = "choice"
    STAGE = "stage"
    FLAG = "flag"
    TIME = "time"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a field may depend on besides its row. `acknowledging`: connections that acknowledge applicants."""

    acknowledging: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Field:
    """One field: `column` says what it is, given the table (or an alias of it)."""

    name: str
    kind: Kind
    column: Callable[[FromClause, Surroundings], ColumnElement[Any]]
    choices: tuple[str, ...] = ()
    folded: bool = False
    """Compared without regard to capitals."""


def _choices(model: Any, field: str) -> tuple[str, ...]:
    """Return the values that a record's Literal field may take."""
    found: list[str] = []
    waiting = [model.model_fields[field].annotation]
    while waiting:
        annotation = waiting.pop(0)
        for argument in get_args(annotation):
            found.append(argument) if isinstance(argument, str) else waiting.append(argument)
    return tuple(found)


def _of(name: str, kind: Kind, choices: Sequence[str] = (), column: str | None = None) -> Field:
    return Field(name, kind, lambda table, _: table.c[column or name], tuple(choices))


def _listed(name: str, document: str, choices: Sequence[str] = ()) -> Field:
    return Field(name, Kind.LIST, lambda table, _: json_part(table.c[document], name), tuple(choices))


def _inside(name: str, document: str, path: str) -> Field:
    """Return a field of texts somewhere inside a JSON document, compared without regard to capitals."""
    return Field(name, Kind.LIST, lambda table, _: func.lower(json_part(table.c[document], path)), folded=True)


def _stage(name: str, column: str) -> Field:
    def rank(table: FromClause, _: Surroundings) -> ColumnElement[Any]:
        return case({stage.value: stage.rank for stage in Stage}, value=table.c[column])

    return Field(name, Kind.STAGE, rank, tuple(Stage))


def _of_the_job(name: str, kind: Kind, choices: Sequence[str] = ()) -> Field:
    def column(table: FromClause, _: Surroundings) -> ColumnElement[Any]:
        job = jobs.alias()
        value = json_part(job.c.body, name) if kind is Kind.LIST else job.c[name]
        return select(value).where(job.c.id == table.c.job_id).scalar_subquery()

    return Field(f"job.{name}", kind, column, tuple(choices))


def _acknowledged(table: FromClause, surroundings: Surroundings) -> ColumnElement[Any]:
    by_connection = table.c.connection.in_(sorted(surroundings.acknowledging))
    return by_connection | table.c.acknowledged_at.is_not(None)


def _named(*fields: Field) -> Mapping[str, Field]:
    return {field.name: field for field in fields}


PERSON = _named(
    _of("relationship", Kind.CHOICE, _choices(Candidate, "relationship")),
    _of("city", Kind.TEXT),
    _of("region", Kind.TEXT),
    _of("country_code", Kind.TEXT),
    _of("language", Kind.TEXT),
    _of("time_zone", Kind.TEXT),
    _of("company", Kind.TEXT),
    _of("title", Kind.TEXT),
    _of("email", Kind.TEXT, column="primary_email"),
    _of("phone", Kind.TEXT, column="primary_phone"),
    _of("is_private", Kind.FLAG),
    _of("first_seen_at", Kind.TIME),
    _of("last_activity_at", Kind.TIME),
    _listed("origins", "golden", _choices(Candidate, "origins")),
    _listed("tags", "golden"),
    _inside("skills", "golden", "profile.skills"),
    # Proxies: each of these makes the linter speak.
    _inside("postal_code", "golden", "location.postal_code"),
    _inside("school_year", "golden", "profile.education"),
    _inside("degree", "golden", "profile.education"),
    _of("full_name", Kind.TEXT),
    _of("first_name", Kind.TEXT),
    _of("last_name", Kind.TEXT),
)

APPLICATION = _named(
    _of("kind", Kind.CHOICE, _choices(Application, "kind")),
    _of("connection", Kind.TEXT),
    _of("applied_at", Kind.TIME),
    _stage("stage", "stage"),
    _of("stage_name", Kind.TEXT),
    _of("stage_entered_at", Kind.TIME),
    Field("furthest_stage", Kind.STAGE, lambda table, _: table.c.furthest_rank, tuple(Stage)),
    _of("outcome", Kind.CHOICE, tuple(Outcome)),
    _of("outcome_at", Kind.TIME),
    _of("outcome_learned_at", Kind.TIME),
    _of("on_hold", Kind.FLAG),
    _of("reject_reason", Kind.TEXT),
    _of("source_name", Kind.TEXT),
    _of(
        "source_family",
        Kind.CHOICE,
        ("job_board", "ats", "portal", "referral", "agency", "sourcing", "event", "import"),
    ),
    _of("referred", Kind.FLAG),
    _of("acknowledged_at", Kind.TIME),
    Field("acknowledged", Kind.FLAG, _acknowledged),
    _of("landed_at", Kind.TIME),
    _of_the_job("name", Kind.TEXT),
    _of_the_job("status", Kind.CHOICE, _choices(Job, "status")),
    _of_the_job("confidential", Kind.FLAG),
    _of_the_job("connection", Kind.TEXT),
    _of_the_job("departments", Kind.LIST),
    _of_the_job("offices", Kind.LIST),
)

EVENT = _named(
    _of("type", Kind.CHOICE, _choices(Interaction, "type")),
    _of("at", Kind.TIME),
    _of("actor", Kind.CHOICE, _choices(Interaction, "actor")),
    _of("precision", Kind.CHOICE, _choices(Interaction, "precision")),
    _of("connection", Kind.TEXT),
)

INTERVIEW = _named(
    _of("state", Kind.CHOICE, ("invited", "booked", "cancelled", "held")),
    _of("invited_at", Kind.TIME),
    _of("booked_at", Kind.TIME),
    _of("starts_at", Kind.TIME),
    _of("ends_at", Kind.TIME),
    _of("place", Kind.TEXT),
    _of("video_url", Kind.TEXT),
    _of("booking_url", Kind.TEXT),
    _of("connection", Kind.TEXT),
    _of("feedback_given_at", Kind.TIME),
)

USER = _named(
    _of("email", Kind.TEXT),
    _of("connection", Kind.TEXT),
    _of("active", Kind.FLAG),
    Field("roles", Kind.LIST, lambda table, _: type_coerce(table.c.roles, Text)),
)

MATCH = _named(
    _of("found_at", Kind.TIME),
    _of_the_job("name", Kind.TEXT),
    _of_the_job("status", Kind.CHOICE, _choices(Job, "status")),
    _of_the_job("confidential", Kind.FLAG),
    _of_the_job("connection", Kind.TEXT),
    _of_the_job("departments", Kind.LIST),
    _of_the_job("offices", Kind.LIST),
)

MESSAGE = _named(
    _of("segment", Kind.TEXT),
    _of("destination", Kind.TEXT),
    _of("channel", Kind.CHOICE, tuple(Channel)),
    _of("purpose", Kind.CHOICE, tuple(Purpose)),
    _of("state", Kind.CHOICE, ("planned", "sending", "sent", "rejected", "deferred", "unknown", "expired")),
    _of("planned_at", Kind.TIME),
    _of("sent_at", Kind.TIME),
)

SOURCE = _named(
    _of("connection", Kind.TEXT),
    _of("created_at", Kind.TIME, column="remote_created_at"),
    _of("updated_at", Kind.TIME, column="remote_updated_at"),
    _of("landed_at", Kind.TIME),
)

CONSENT = _named(
    _of("purpose", Kind.CHOICE, tuple(Purpose)),
    _of("channel", Kind.CHOICE, tuple(Channel)),
    _of("status", Kind.CHOICE, tuple(ConsentStatus)),
    _of("stated_by", Kind.CHOICE, tuple(StatedBy)),
    _of("lawful_basis", Kind.CHOICE, ("consent", "legitimate_interest", "contract", "legal_obligation")),
    _of("stated_at", Kind.TIME),
    _of("expires_at", Kind.TIME),
)


@dataclass(frozen=True, slots=True)
class Entity:
    """A thing that conditions speak of. `phrase` names one of them in a sentence."""

    name: str
    table: FromClause
    fields: Mapping[str, Field]
    phrase: str


ENTITIES: Mapping[str, Entity] = {
    entity.name: entity
    for entity in (
        Entity("person", people, PERSON, "the person"),
        Entity("application", applications, APPLICATION, "an application"),
        Entity("other_application", applications, APPLICATION, "another application"),
        Entity("event", events, EVENT, "an event"),
        Entity("interview", interviews, INTERVIEW, "an interview"),
        Entity("user", users, USER, "a user"),
        Entity("match", job_matches, MATCH, "a new job like one applied for"),
        Entity("message", deliveries, MESSAGE, "a message of ours"),
        Entity("source", records, SOURCE, "a record at a source"),
        Entity("consent", consent_statements, CONSENT, "a statement of consent"),
    )
}
"""Every thing by its name. `job.…` is short for `application.job.…`."""

WITHIN: Mapping[str, tuple[str, ...]] = {
    "person": ("person",),
    "application": ("application", "person"),
    "interview": ("interview", "application", "person"),
    "match": ("match", "application", "person"),
    "user": ("user",),
}
"""What stands beside each kind of subject, one of each: questions to it are answered by its own row."""

OF_A_USER = ("user", "interview", "application")
"""What may be asked of a user: of themselves, of interviews that they hold, of applications that they look after."""
