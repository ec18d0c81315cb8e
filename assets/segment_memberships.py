"""All segments, evaluated in one step."""

from collections.abc import Sequence

import dagster as dg
from sqlalchemy import func, select

from assets.people import PEOPLE
from dagster_project.destinations import segment_key
from dagster_project.failures import told
from dagster_project.resources import OpenPool, TalentPool
from talent_pool.installation import Installation
from talent_pool.segments import evaluate
from talent_pool.store.tables import memberships


def segments_asset(installation: Installation) -> dg.AssetsDefinition:
    """Return one step that evaluates every segment, each an asset of its own with its own blocking check."""
    definitions = installation.segments.values()
    specs = [
        dg.AssetSpec(
            segment_key(segment.name),
            deps=[PEOPLE],
            group_name="segments",
            owners=[segment.owner],
            kinds={"sql", segment.type},
            tags={"organisation": segment.organisation, "purpose": segment.purpose.value},
            description=segment.description,
            code_version="1",
        )
        for segment in definitions
    ]
    checks = [
        dg.AssetCheckSpec(
            "everybody_in_it_exists",
            asset=segment_key(segment.name),
            blocking=True,
            description="Every open membership is of a person who is in the pool.",
        )
        for segment in definitions
    ]
    checks += [
        dg.AssetCheckSpec(
            "definition_is_in_force",
            asset=segment_key(segment.name),
            description="The segment means what its YAML says; a change is held until it was previewed and applied.",
        )
        for segment in definitions
    ]

    @dg.multi_asset(name="segments", specs=specs, check_specs=checks, pool="segments")
    def segments(context: dg.AssetExecutionContext, pool: TalentPool):  # noqa: ANN202 - Dagster reads the annotation as an output type
        with told(context), pool.open() as opened:
            report = evaluate(opened.store, opened.installation, opened.now)
            strays = _strays(opened, list(opened.installation.segments))
        for name, counts in report.segments.items():
            yield dg.MaterializeResult(
                asset_key=segment_key(name),
                metadata={
                    "dagster/row_count": counts.members,
                    "members": counts.members,
                    "entered": counts.entered,
                    "left": counts.left,
                },
                check_results=[
                    dg.AssetCheckResult(
                        check_name="everybody_in_it_exists",
                        asset_key=segment_key(name),
                        passed=strays.get(name, 0) == 0,
                        description=f"{strays.get(name, 0)} memberships without a person.",
                    ),
                    dg.AssetCheckResult(
                        check_name="definition_is_in_force",
                        asset_key=segment_key(name),
                        passed=name not in report.held,
                        severity=dg.AssetCheckSeverity.WARN,
                        description=f"Held as it was: `catchment segments preview {name}` shows what would change."
                        if name in report.held
                        else "As it is written.",
                    ),
                ],
            )

    return segments


def _strays(opened: OpenPool, names: Sequence[str]) -> dict[str, int]:
    query = (
        select(memberships.c.segment, func.count())
        .where(memberships.c.until.is_(None), memberships.c.person_id.is_(None), memberships.c.segment.in_(names))
        .group_by(memberships.c.segment)
    )
    with opened.store.reading() as connection:
        return {row[0]: int(row[1]) for row in connection.execute(query)}
