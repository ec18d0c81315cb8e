"""The grammar of rules: YAML in, a checked tree out.

    who:
      all:
        - application.kind: application            a value, or a list of them (one of)
        - application.furthest_stage: {at_least: final_interview}
        - application.applied_at: {within_days: 3}
        - application: {outcome: rejected, job.status: open}     one application that is both
        - may_be_contacted: future_jobs
        - any: [...]                               groups stand within groups
      none:
        - event: {type: first_human_contact, at: {after: application.applied_at}}

`all`, `any` and `none` beside each other must all hold. In a segment of applications `application` is the one it is
about, and `other_application` any other of the same person; in a segment of people it is any of theirs. A segment of
interviews asks its own `interview` and the application that this belongs to; one of matches (a new job for somebody
who applied for one like it) its `match` and the past application; one of users the `user`, the interviews that they
hold and the applications that they recruit for.

    every field        {not: x} (unknown counts as not), {known: true|false}
    stages             {at_least: …}, {at_most: …}
    times              {within_days|within_hours|within_working_days: n}            n or less ago
                       {older_than_days|older_than_hours|older_than_working_days: n}  n or more ago
                       {in_next_days|in_next_hours: n}                              ahead, n or less
                       {after|before: 2026-01-31 or a time of the subject, as in application.applied_at}
                       {is: today|tomorrow}   of an interview that the segment is about, by the candidate's calendar
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal, cast

from connectors.records import PROTECTED_ATTRIBUTES, Purpose, Stage
from talent_pool.segments.calendar import NOW, Span
from talent_pool.segments.vocabulary import ENTITIES, OF_A_USER, WITHIN, Entity, Field, Kind

Path = tuple[str | int, ...]
Quantifier = Literal["all", "any", "none"]
_QUANTIFIERS: tuple[Quantifier, ...] = ("all", "any", "none")
_UNITS = ("working_days", "days", "hours")
_AHEAD_UNITS = ("days", "hours")
_LOCAL_DAYS = {"today": 0, "tomorrow": 1}


class RuleError(ValueError):
    """A rule cannot be understood. `path` leads to the place inside `who`."""

    def __init__(self, path: Path, message: str) -> None:
        self.path = path
        super().__init__(f"{written(path)}: {message}")


@dataclass(frozen=True, slots=True)
class Reference:
    """Another time of the subject, in place of a date."""

    entity: str
    field: Field


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time around now: later than `since` ago, and not later than `until` ago. None is unbounded."""

    since: Span | None
    until: Span | None


@dataclass(frozen=True, slots=True)
class Condition:
    """One question to one field. `operator`: in, not_in, at_least, at_most, known, window, after, before, local_day.

    `local_day`: the value is how many days ahead it is in the candidate's calendar.
    """

    field: Field
    operator: str
    value: Any
    text: str


@dataclass(frozen=True, slots=True)
class Leaf:
    """Conditions on one and the same thing: the subject meets them, or at least one thing of hers does."""

    entity: Entity
    conditions: tuple[Condition, ...]
    text: str
    path: Path = ()
    """Where it stands inside `who`."""


@dataclass(frozen=True, slots=True)
class Contactable:
    """That consent and suppressions let the person be written to for a purpose."""

    purpose: Purpose
    text: str


@dataclass(frozen=True, slots=True)
class Group:
    """All, any or none of its parts."""

    quantifier: Quantifier
    parts: tuple["Node", ...]


Node = Group | Leaf | Contactable


def written(path: Path) -> str:
    """Return a path as a person reads it: `who.all[2].application`."""
    text = "who"
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text


def parse(who: Any, subject: str) -> Group:
    """Return the tree of a rule for a segment of `subject`s. Raises RuleError."""
    written_groups = _mapping(who)
    if not written_groups:
        raise RuleError((), "a rule holds `all`, `any` or `none`, each a list of conditions.")
    for key in written_groups:
        if key not in _QUANTIFIERS:
            raise RuleError((key,), "here stands `all`, `any` or `none`; conditions go into their lists.")
    return Group("all", tuple(_group(key, parts, subject, (key,)) for key, parts in written_groups.items()))


def leaves(node: Node) -> list[Leaf | Contactable]:
    """Return the conditions of a tree from left to right."""
    if isinstance(node, Group):
        return [leaf for part in node.parts for leaf in leaves(part)]
    return [node]


def without(node: Node, unwanted: Leaf | Contactable) -> Node | None:
    """Return a tree with one condition left out, and groups that this empties; None where nothing is left."""
    if not isinstance(node, Group):
        return None if node is unwanted else node
    parts = tuple(part for one in node.parts if (part := without(one, unwanted)) is not None)
    return Group(node.quantifier, parts) if parts else None


def _mapping(value: Any) -> dict[str, Any]:
    """Return a YAML mapping with its keys as text; empty for anything else."""
    if not isinstance(value, Mapping):
        return {}
    return {str(key): one for key, one in cast("Mapping[Any, Any]", value).items()}


def _listed(value: Any) -> list[Any]:
    """Return a YAML list as it is, and anything else as a list of one."""
    return list(cast("Sequence[Any]", value)) if isinstance(value, list | tuple) else [value]


def _group(quantifier: str, conditions: Any, subject: str, path: Path) -> Group:
    if not isinstance(conditions, list | tuple) or not conditions:
        raise RuleError(path, "give a list with at least one condition.")
    parts = tuple(_node(condition, subject, (*path, index)) for index, condition in enumerate(_listed(conditions)))
    return Group(cast("Quantifier", quantifier), parts)


def _node(condition: Any, subject: str, path: Path) -> Node:
    pairs = list(_mapping(condition).items())
    if len(pairs) != 1:
        raise RuleError(path, "a condition is one line `field: value`; begin each with its own dash.")
    key, value = pairs[0]
    path = (*path, key)
    if key in _QUANTIFIERS:
        return _group(key, value, subject, path)
    if key == "may_be_contacted":
        return _contactable(value, path)
    return _leaf(key, value, subject, path)


def _contactable(value: Any, path: Path) -> Contactable:
    if value not in tuple(Purpose):
        raise RuleError(path, f"name a purpose: {', '.join(Purpose)}.")
    purpose = Purpose(value)
    return Contactable(purpose, f"may be contacted about {purpose.value}")


def _leaf(key: str, value: Any, subject: str, path: Path) -> Leaf:
    name, _, field = key.partition(".")
    if name == "job":
        name, field = "application", f"job.{field}" if field else "job"
    entity = ENTITIES.get(name)
    if entity is None:
        _refuse_protected(name, path)
        known = ", ".join(sorted({*ENTITIES, "job", "may_be_contacted"}))
        raise RuleError(path, f"there is no {name!r}; conditions begin with {known}.")
    if name == "other_application" and "application" not in WITHIN[subject]:
        raise RuleError(path, "other_application needs a segment with `subject: application`.")
    if subject == "user" and name not in OF_A_USER:
        raise RuleError(path, f"a segment of users asks about {', '.join(OF_A_USER)}.")
    if name in ("user", "match") and name != subject:
        raise RuleError(path, f"{name} needs a segment with `subject: {name}`.")
    whole = field in ("", "job")
    asked = _fields(value, "job." if field else "", path) if whole else [(field, value, path)]
    conditions = tuple(
        condition
        for field_name, question, place in asked
        for condition in _conditions(entity, field_name, question, subject, place)
    )
    if len(conditions) > 1 and any(one.operator == "local_day" for one in conditions):
        raise RuleError(path, "a question with `is` stands on a line of its own.")
    return Leaf(entity, conditions, _sentence(entity, conditions, subject), path)


def _fields(value: Any, prefix: str, path: Path) -> list[tuple[str, Any, Path]]:
    asked = _mapping(value)
    if not asked:
        raise RuleError(path, "give one or more `field: value` in braces, or write the field behind a dot.")
    return [(f"{prefix}{key}", question, (*path, key)) for key, question in asked.items()]


def _sentence(entity: Entity, conditions: Sequence[Condition], subject: str) -> str:
    texts = " and ".join(condition.text for condition in conditions)
    if entity.name in WITHIN[subject]:
        return f"{entity.name} {texts}"
    return f"{entity.phrase} with {texts}"


def _refuse_protected(name: str, path: Path) -> None:
    if name in PROTECTED_ATTRIBUTES:
        raise RuleError(path, f"{name!r} is a protected attribute; no segment may use it.")


def _conditions(entity: Entity, name: str, question: Any, subject: str, path: Path) -> list[Condition]:
    field = entity.fields.get(name)
    if field is None:
        _refuse_protected(name.rpartition(".")[2], path)
        raise RuleError(path, f"{entity.name} has no field {name!r}; it has {', '.join(sorted(entity.fields))}.")
    if isinstance(question, Mapping):
        operators = _mapping(cast("Mapping[Any, Any]", question))
        if not operators:
            raise RuleError(path, "the braces are empty.")
        if "is" in operators and (entity.name, subject) != ("interview", "interview"):
            raise RuleError(path, "`is` is asked of the interview in a segment with `subject: interview`.")
        return [_operated(field, operator, value, subject, (*path, operator)) for operator, value in operators.items()]
    if field.kind is Kind.TIME:
        raise RuleError(path, "a time is asked for in braces, as in {within_days: 3}.")
    return [_equals(field, "in", question, path)]


def _operated(field: Field, operator: str, value: Any, subject: str, path: Path) -> Condition:
    if operator == "known":
        if not isinstance(value, bool):
            raise RuleError(path, "say true or false.")
        return Condition(field, "known", value, f"{field.name} is {'known' if value else 'unknown'}")
    if operator == "not" and field.kind is not Kind.TIME:
        return _equals(field, "not_in", value, path)
    if operator in ("at_least", "at_most") and field.kind is Kind.STAGE:
        rank = _values(field, value, path)[0]
        return Condition(field, operator, rank, f"{field.name} is {operator.replace('_', ' ')} {value}")
    if operator in ("after", "before") and field.kind is Kind.TIME:
        return Condition(field, operator, _instant(value, subject, path), f"{field.name} is {operator} {value}")
    if operator == "is" and field.kind is Kind.TIME:
        if value not in _LOCAL_DAYS:
            raise RuleError(path, "say today or tomorrow.")
        return Condition(field, "local_day", _LOCAL_DAYS[value], f"{field.name} is {value} where the candidate is")
    if field.kind is Kind.TIME and (found := _window(operator, value, path)) is not None:
        window, text = found
        return Condition(field, "window", window, f"{field.name} is {text}")
    raise RuleError(path, f"{field.name} can be asked {_operators(field)}.")


def _operators(field: Field) -> str:
    if field.kind is Kind.TIME:
        spans = [f"{word}_{unit}" for word in ("within", "older_than") for unit in _UNITS]
        return ", ".join([*spans, *(f"in_next_{unit}" for unit in _AHEAD_UNITS), "is", "after", "before", "known"])
    return "at_least, at_most, not, known" if field.kind is Kind.STAGE else "not, known"


def _equals(field: Field, operator: str, value: Any, path: Path) -> Condition:
    values = _values(field, value, path)
    shown = ["yes" if one is True else "no" if one is False else str(one) for one in _listed(value)]
    text = " or ".join(shown)
    return Condition(field, operator, values, f"{field.name} is {'not ' if operator == 'not_in' else ''}{text}")


def _values(field: Field, value: Any, path: Path) -> list[Any]:
    values = _listed(value)
    if not values or None in values:
        raise RuleError(path, "no value is given; for what is not known write {known: false}.")
    if field.kind is Kind.FLAG:
        if not all(isinstance(one, bool) for one in values):
            raise RuleError(path, f"{field.name} is true or false.")
        return values
    wrong = [one for one in values if isinstance(one, bool) or not isinstance(one, str | int | float)]
    if wrong:
        raise RuleError(path, f"{field.name} is compared with words.")
    words = [str(one) for one in values]
    unknown = [word for word in words if field.choices and word not in field.choices]
    if unknown:
        raise RuleError(path, f"{field.name} is never {unknown[0]!r}; it is one of {', '.join(field.choices)}.")
    return [Stage(word).rank for word in words] if field.kind is Kind.STAGE else words


def _instant(value: Any, subject: str, path: Path) -> datetime | Reference:
    name, _, field = value.partition(".") if isinstance(value, str) else ("", "", "")
    if field and name in WITHIN[subject]:
        found = ENTITIES[name].fields.get(field)
        if found is None or found.kind is not Kind.TIME:
            times = ", ".join(key for key, one in ENTITIES[name].fields.items() if one.kind is Kind.TIME)
            raise RuleError(path, f"{name} has no time {field!r}; it has {times}.")
        return Reference(name, found)
    try:
        moment = instant(value)
    except ValueError:
        raise RuleError(path, f"give a date such as 2026-01-31, or a time of the {subject}.") from None
    return moment


def instant(value: Any) -> datetime:
    """Return a date or time as YAML gives it, in UTC; without a zone it is UTC. Raises ValueError."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    elif isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    if not isinstance(value, datetime):
        raise ValueError("not a date")  # noqa: TRY004 - whoever asks takes one kind of error
    return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def _window(operator: str, value: Any, path: Path) -> tuple[Window, str] | None:
    for word, units in (("within", _UNITS), ("older_than", _UNITS), ("in_next", _AHEAD_UNITS)):
        for unit in units:
            if operator == f"{word}_{unit}":
                return _spanned(word, unit, value, path)
    return None


def _spanned(word: str, unit: str, value: Any, path: Path) -> tuple[Window, str]:
    whole = unit == "working_days"
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float) or value <= 0:
        raise RuleError(path, f"give a {'whole ' if whole else ''}number above 0.")
    span = Span(value, cast('Literal["hours", "days", "working_days"]', unit))
    if word == "within":
        return Window(span, NOW), f"not more than {span} ago"
    if word == "older_than":
        return Window(None, span), f"{span} ago or more"
    return Window(NOW, Span(-value, span.unit)), f"in the next {span}"
