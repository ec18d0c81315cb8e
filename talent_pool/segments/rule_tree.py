"""A rule as a tree: groups of conditions, each a question to the fields of one thing."""

from dataclasses import dataclass
from typing import Any, Literal

from connectors.records import Purpose
from talent_pool.segments.calendar import Span
from talent_pool.segments.vocabulary import Entity, Field

Path = tuple[str | int, ...]
Quantifier = Literal["all", "any", "none"]


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
