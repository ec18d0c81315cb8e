"""Which definition of a segment is in force: the YAML's, or, where it changed since, the one that was applied last.

A segment that has been evaluated is active: people were told things by it. Another definition in YAML is held until
somebody has seen what it would do and applied it (`catchment segments preview` and `apply`). Wording, owner and
description change freely. A segment that is new, or comes back, is in force at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, Row, select

from talent_pool.installation import Installation
from talent_pool.segments.definition import SegmentDefinition
from talent_pool.segments.rule_tree import Contactable, leaves
from talent_pool.segments.vocabulary import Surroundings
from talent_pool.store.database import Store
from talent_pool.store.tables import segments


@dataclass(frozen=True, slots=True)
class Standing:
    """The definitions in force by name, and the names of those that differ from the YAML."""

    definitions: Mapping[str, SegmentDefinition]
    held: frozenset[str]


def surroundings(installation: Installation) -> Surroundings:
    """Return what rules may ask of the installation."""
    connections = installation.connections.values()
    return Surroundings(frozenset(one.name for one in connections if one.acknowledges_applicants))


def version_of(definition: SegmentDefinition, installation: Installation) -> str:
    """Return the version that memberships of this segment are opened under."""
    asked = {
        condition.field.name
        for leaf in leaves(definition.rule)
        if not isinstance(leaf, Contactable)
        for condition in leaf.conditions
    }
    return definition.version(*(surroundings(installation).acknowledging if "acknowledged" in asked else ()))


def standing(store: Store, installation: Installation) -> Standing:
    """Return what is in force, segment by segment of the installation."""
    with store.reading() as connection:
        return standing_in(connection, installation)


def standing_in(connection: Connection, installation: Installation) -> Standing:
    """Return the same, as this connection sees it."""
    active = segments.c.evaluated_at.is_not(None), segments.c.name.in_(sorted(installation.segments))
    rows = {row.name: row for row in connection.execute(select(segments).where(*active))}
    found: dict[str, SegmentDefinition] = {}
    held: set[str] = set()
    for name, written in installation.segments.items():
        before = _held_back(rows[name], written, installation) if name in rows else None
        found[name] = before or written
        if before is not None:
            held.add(name)
    return Standing(found, frozenset(held))


def as_in_force(store: Store, installation: Installation) -> Installation:
    """Return the installation with the definitions that are in force."""
    found = standing(store, installation)
    return replace(installation, segments=found.definitions) if found.held else installation


def _held_back(row: Row[Any], written: SegmentDefinition, installation: Installation) -> SegmentDefinition | None:
    """Return the definition that stays in force instead of the one written, or None.

    Compared by what they mean to this version of the code: an upgrade that counts versions otherwise holds nothing.
    A definition that this version cannot read any more cannot stay in force.
    """
    new = version_of(written, installation)
    if new in (row.version, row.approved):
        return None
    try:
        old = SegmentDefinition.model_validate(row.definition)
    except ValidationError:
        return None
    return None if version_of(old, installation) == new else old
