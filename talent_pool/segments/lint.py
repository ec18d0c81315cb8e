"""Warnings about rules: proxies for protected attributes, and knock-outs by a degree or a keyword.

Nothing is forbidden by them. They say what a condition stands in for, and `preview` shows whom it alone leaves out.
Facts: Illinois HB 3773 names the postcode as a proxy; a name stands in for origin and sex, a school year for age.
"""

from dataclasses import dataclass

from sqlalchemy import Connection

from talent_pool.segments import judgement, scope
from talent_pool.segments.compiler import CompiledSegment
from talent_pool.segments.definition import SegmentDefinition
from talent_pool.segments.rule_tree import Leaf, leaves, written
from talent_pool.store.database import Store

_NAME = "a name stands in for origin and sex"
_PROXIES = {
    "postal_code": "a postcode stands in for origin and income",
    "school_year": "a school year stands in for age",
    "full_name": _NAME,
    "first_name": _NAME,
    "last_name": _NAME,
}
_KNOCK_OUTS = {
    "degree": "a degree asked for leaves out whoever learned the work otherwise",
    "skills": "a keyword leaves out whoever says the same in other words",
    "title": "a keyword leaves out whoever says the same in other words",
    "tags": "a keyword leaves out whoever nobody put it on",
    "company": "a keyword leaves out whoever worked elsewhere",
}


@dataclass(frozen=True, slots=True)
class Warned:
    """One warning: `kind` is proxy or knock_out, `path` leads to the condition, `leaf` is it."""

    kind: str
    sentence: str
    leaf: Leaf

    @property
    def path(self) -> tuple[str | int, ...]:
        """The way to the condition from the segment's attributes."""
        return ("who", *self.leaf.path)


def warnings(definition: SegmentDefinition) -> list[Warned]:
    """Return what there is to warn of in a segment's rule, condition by condition."""
    found: list[Warned] = []
    for leaf in leaves(definition.rule):
        if not isinstance(leaf, Leaf) or leaf.entity.name != "person":
            continue
        for condition in leaf.conditions:
            name = condition.field.name
            if name in _PROXIES:
                found.append(Warned("proxy", f"{written(leaf.path)}: {_PROXIES[name]}.", leaf))
            elif name in _KNOCK_OUTS and condition.operator in ("in", "not_in"):
                found.append(Warned("knock_out", f"{written(leaf.path)}: {_KNOCK_OUTS[name]}.", leaf))
    return found


def excluded_alone(connection: Connection, store: Store, rule: CompiledSegment, leaf: Leaf) -> int:
    """Count whom one condition alone keeps out: they meet all the others."""
    same = next(one for one in rule.leaves if isinstance(one, Leaf) and one.path == leaf.path and one.text == leaf.text)
    (whole,), (reduced,) = judgement.panels([rule]), judgement.panels([rule.without(same)])
    count = 0
    for part in scope.whole_pool(connection):
        inside = judgement.candidates(connection, store, whole, part)
        meeting = judgement.candidates(connection, store, reduced, part)
        members = {name for name, one in inside.items() if one.holds}
        count += sum(one.holds for name, one in meeting.items() if name not in members)
    return count
