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

from collections.abc import Sequence
from typing import Any, cast

from connectors.records import Purpose
from talent_pool.segments.field_conditions import listed, mapping, of_field, refuse_protected
from talent_pool.segments.rule_tree import Condition, Contactable, Group, Leaf, Node, Path, Quantifier, RuleError
from talent_pool.segments.vocabulary import ENTITIES, OF_A_USER, WITHIN, Entity

_QUANTIFIERS: tuple[Quantifier, ...] = ("all", "any", "none")


def parse(who: Any, subject: str) -> Group:
    """Return the tree of a rule for a segment of `subject`s. Raises RuleError."""
    written_groups = mapping(who)
    if not written_groups:
        raise RuleError((), "a rule holds `all`, `any` or `none`, each a list of conditions.")
    for key in written_groups:
        if key not in _QUANTIFIERS:
            raise RuleError((key,), "here stands `all`, `any` or `none`; conditions go into their lists.")
    return Group("all", tuple(_group(key, parts, subject, (key,)) for key, parts in written_groups.items()))


def _group(quantifier: str, conditions: Any, subject: str, path: Path) -> Group:
    if not isinstance(conditions, list | tuple) or not conditions:
        raise RuleError(path, "give a list with at least one condition.")
    parts = tuple(_node(condition, subject, (*path, index)) for index, condition in enumerate(listed(conditions)))
    return Group(cast("Quantifier", quantifier), parts)


def _node(condition: Any, subject: str, path: Path) -> Node:
    pairs = list(mapping(condition).items())
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
        refuse_protected(name, path)
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
        for condition in of_field(entity, field_name, question, subject, place)
    )
    if len(conditions) > 1 and any(one.operator == "local_day" for one in conditions):
        raise RuleError(path, "a question with `is` stands on a line of its own.")
    return Leaf(entity, conditions, _sentence(entity, conditions, subject), path)


def _fields(value: Any, prefix: str, path: Path) -> list[tuple[str, Any, Path]]:
    asked = mapping(value)
    if not asked:
        raise RuleError(path, "give one or more `field: value` in braces, or write the field behind a dot.")
    return [(f"{prefix}{key}", question, (*path, key)) for key, question in asked.items()]


def _sentence(entity: Entity, conditions: Sequence[Condition], subject: str) -> str:
    texts = " and ".join(condition.text for condition in conditions)
    if entity.name in WITHIN[subject]:
        return f"{entity.name} {texts}"
    return f"{entity.phrase} with {texts}"
