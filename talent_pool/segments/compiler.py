"""A segment's rule at one instant: its conditions, and what follows for the rule from the answers to them."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from talent_pool.segments.calendar import NOW, Span
from talent_pool.segments.definition import SegmentDefinition
from talent_pool.segments.rule_tree import Condition, Contactable, Group, Leaf, Node, Window, leaves, without
from talent_pool.segments.vocabulary import ENTITIES, Surroundings

HOLDS, MAY_HOLD, MAY_FAIL = 1, 2, 4
"""The bits of an answer to a condition: it holds now, and what it could come to by the passing of time alone."""


class CompiledSegment:
    """A segment's rule at `now`. An event's own two conditions (its age) stand before the written ones."""

    def __init__(
        self,
        definition: SegmentDefinition,
        activated_at: datetime,
        now: datetime,
        surroundings: Surroundings,
        tree: Node | None = None,
    ) -> None:
        self.definition = definition
        self.now = now
        self.surroundings = surroundings
        self.tree: Node = tree or Group("all", (*_of_an_event(definition, activated_at), definition.rule))
        self.leaves = leaves(self.tree)

    def without(self, leaf: Leaf | Contactable) -> "CompiledSegment":
        """Return the same rule with one of its conditions left out."""
        tree = without(self.tree, leaf) or Group("all", ())
        return CompiledSegment(self.definition, self.now, self.now, self.surroundings, tree)

    def holds(self, known: Sequence[bool]) -> bool:
        """Put the rule together from the answers to its conditions."""
        return _together(self.tree, iter(known))

    def possible(self, answers: Sequence[int]) -> bool:
        """Say whether the rule holds or could come to hold by time alone; `answers`: the bits of each condition."""
        return _possible(self.tree, iter(answers), wanted=True)

    def reasons(self, known: Sequence[bool], *, holds: bool) -> list[str]:
        """Return the conditions that make the rule hold, or keep it from holding, as they stand."""
        _, yes, no = _decisive(self.tree, iter(known))
        return yes if holds else no


def _of_an_event(definition: SegmentDefinition, activated_at: datetime) -> tuple[Leaf, ...]:
    """Return the conditions that every event segment has: a fact after its activation, and of use still."""
    if not definition.event:
        return ()
    entity = ENTITIES[definition.subject]
    field = entity.fields[definition.counted_by]
    name = f"{entity.name} {field.name}"
    begun = Leaf(
        entity,
        (Condition(field, "not_before", activated_at, ""),),
        f"{name} is not before the segment's beginning",
    )
    ends: list[Leaf] = []
    if definition.useless_after_days:
        days = Span(definition.useless_after_days, "days")
        window = Condition(field, "window", Window(days, NOW), "")
        ends.append(Leaf(entity, (window,), f"{name} is not more than {days} ago (useless after)"))
    if definition.useless_after:
        end = entity.fields[definition.useless_after]
        ahead = Condition(end, "window", Window(NOW, None), "")
        ends.append(Leaf(entity, (ahead,), f"{entity.name} {end.name} is still ahead (useless after)"))
    return (begun, *ends)


def _together(node: Node, known: Iterator[bool]) -> bool:
    if not isinstance(node, Group):
        return next(known)
    answers = [_together(part, known) for part in node.parts]
    if node.quantifier == "none":
        return not any(answers)
    return all(answers) if node.quantifier == "all" else any(answers)


def _possible(node: Node, answers: Iterator[int], *, wanted: bool) -> bool:
    """Return whether `node` could be `wanted` (true or false), now or by the passing of time."""
    if not isinstance(node, Group):
        return bool(next(answers) & (MAY_HOLD if wanted else MAY_FAIL))
    inside = wanted if node.quantifier != "none" else not wanted
    parts = [_possible(part, answers, wanted=inside) for part in node.parts]
    every = wanted if node.quantifier != "any" else not wanted
    return all(parts) if every else any(parts)


def _decisive(node: Node, known: Iterator[bool]) -> tuple[bool, list[str], list[str]]:
    """Return whether `node` holds, which conditions say that it does, and which that it does not."""
    if not isinstance(node, Group):
        holds = next(known)
        return (True, [node.text], []) if holds else (False, [], [f"not: {node.text}"])
    parts = [_decisive(part, known) for part in node.parts]
    yes = [text for holds, said, _ in parts if holds for text in said]
    no = [text for holds, _, said in parts if not holds for text in said]
    if node.quantifier == "none":
        return not any(holds for holds, _, _ in parts), no, yes
    every = node.quantifier == "all"
    return (all if every else any)(holds for holds, _, _ in parts), yes, no
