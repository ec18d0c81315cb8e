"""Questions to single fields: what may be asked of each kind, and how it reads as a sentence."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Literal, cast

from connectors.records import PROTECTED_ATTRIBUTES, Stage
from talent_pool.segments.calendar import NOW, Span
from talent_pool.segments.rule_tree import Condition, Path, Reference, RuleError, Window
from talent_pool.segments.vocabulary import ENTITIES, WITHIN, Entity, Field, Kind

_UNITS = ("working_days", "days", "hours")
_AHEAD_UNITS = ("days", "hours")
_LOCAL_DAYS = {"today": 0, "tomorrow": 1}


def of_field(entity: Entity, name: str, question: Any, subject: str, path: Path) -> list[Condition]:
    """Return what is asked of the field `name`, at least one condition. Raises RuleError."""
    field = entity.fields.get(name)
    if field is None:
        refuse_protected(name.rpartition(".")[2], path)
        raise RuleError(path, f"{entity.name} has no field {name!r}; it has {', '.join(sorted(entity.fields))}.")
    if isinstance(question, Mapping):
        operators = mapping(cast("Mapping[Any, Any]", question))
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
    shown = ["yes" if one is True else "no" if one is False else str(one) for one in listed(value)]
    text = " or ".join(shown)
    return Condition(field, operator, values, f"{field.name} is {'not ' if operator == 'not_in' else ''}{text}")


def _values(field: Field, value: Any, path: Path) -> list[Any]:
    values = listed(value)
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


def refuse_protected(name: str, path: Path) -> None:
    """Raise RuleError for a protected attribute."""
    if name in PROTECTED_ATTRIBUTES:
        raise RuleError(path, f"{name!r} is a protected attribute; no segment may use it.")


def mapping(value: Any) -> dict[str, Any]:
    """Return a YAML mapping with its keys as text; empty for anything else."""
    if not isinstance(value, Mapping):
        return {}
    return {str(key): one for key, one in cast("Mapping[Any, Any]", value).items()}


def listed(value: Any) -> list[Any]:
    """Return a YAML list as it is, and anything else as a list of one."""
    return list(cast("Sequence[Any]", value)) if isinstance(value, list | tuple) else [value]
