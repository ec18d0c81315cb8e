"""All segments, evaluated in one step."""

from collections.abc import Sequence
from typing import Any

import dagster as dg
from sqlalchemy import func, select

from assets.people import PEOPLE
from dagster_project.destinations import segment_key
from dagster_project.failures import told
from dagster_project.resources import OpenPool, TalentPool
from talent_pool.installation import Installation
from talent_pool.segments import evaluate
from talent_pool.segments.definition import SegmentDefinition
from talent_pool.segments.evaluation import SegmentCounts
from talent_pool.store.tables import memberships

EXISTS = "everybody_in_it_exists"
IN_FORCE = "definition_is_in_force"


def segments_asset(installation: Installation) -> dg.AssetsDefinition:
    """Return one step that evaluates every segment, each an asset of its own with its own checks."""
    definitions = installation.segments.values()
    checks = [check for segment in definitions for check in _promises(segment)]

    @dg.multi_asset(
        name="segments", specs=[_spec(segment) for segment in definitions], check_specs=checks, pool="segments"
    )
    def segments(context: dg.AssetExecutionContext, pool: TalentPool):  # noqa: ANN202 - Dagster reads the annotation as an output type
        with told(context), pool.open() as opened:
            report = evaluate(opened.store, opened.installation, opened.now)
            strays = _strays(opened, list(opened.installation.segments))
        for name, counts in report.segments.items():
            yield _result(name, counts, strays.get(name, 0), is_held=name in report.held)

    return segments


def _spec(segment: SegmentDefinition) -> dg.AssetSpec:
    return dg.AssetSpec(
        segment_key(segment.name),
        deps=[PEOPLE],
        group_name="segments",
        owners=[segment.owner],
        kinds={"sql", segment.type},
        tags={"organisation": segment.organisation, "purpose": segment.purpose.value},
        description=segment.description,
        code_version="1",
    )


def _promises(segment: SegmentDefinition) -> list[dg.AssetCheckSpec]:
    return [
        dg.AssetCheckSpec(
            EXISTS,
            asset=segment_key(segment.name),
            blocking=True,
            description="Every open membership is of a person who is in the pool.",
        ),
        dg.AssetCheckSpec(
            IN_FORCE,
            asset=segment_key(segment.name),
            description="The segment means what its YAML says; a change is held until it was previewed and applied.",
        ),
    ]


def _result(name: str, counts: SegmentCounts, strays: int, *, is_held: bool) -> dg.MaterializeResult[Any]:
    held = f"Held as it was: `catchment segments preview {name}` shows what would change."
    return dg.MaterializeResult(
        asset_key=segment_key(name),
        metadata={
            "dagster/row_count": counts.members,
            "members": counts.members,
            "entered": counts.entered,
            "left": counts.left,
        },
        check_results=[
            dg.AssetCheckResult(
                check_name=EXISTS,
                asset_key=segment_key(name),
                passed=strays == 0,
                description=f"{strays} memberships without a person.",
            ),
            dg.AssetCheckResult(
                check_name=IN_FORCE,
                asset_key=segment_key(name),
                passed=not is_held,
                severity=dg.AssetCheckSeverity.WARN,
                description=held if is_held else "As it is written.",
            ),
        ],
    )


def _strays(opened: OpenPool, names: Sequence[str]) -> dict[str, int]:
    query = (
        select(memberships.c.segment, func.count())
        .where(memberships.c.until.is_(None), memberships.c.person_id.is_(None), memberships.c.segment.in_(names))
        .group_by(memberships.c.segment)
    )
    with opened.store.reading() as connection:
        return {row[0]: int(row[1]) for row in connection.execute(query)}
