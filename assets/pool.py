"""The hand-made assets between sources and destinations: people, and all segments in one step."""

from collections.abc import Sequence

import dagster as dg
from sqlalchemy import func, select

from dagster_project.destinations import segment_key
from dagster_project.failures import retries, told
from dagster_project.resources import OpenPool, TalentPool
from dagster_project.sources import source_key
from talent_pool.installation import Installation
from talent_pool.people import reading as pool_people
from talent_pool.people.reading import Statistics
from talent_pool.resolution.resolve import ResolveReport, resolve_all
from talent_pool.segments import evaluate
from talent_pool.store.tables import memberships

GROUP = "pool"
PEOPLE = dg.AssetKey(["catchment", "people"])
_PEOPLE_COLUMNS = dg.TableSchema(
    columns=[
        dg.TableColumn("id", "text", "the person's id, for ever"),
        dg.TableColumn("full_name", "text", "chosen among the sources"),
        dg.TableColumn("primary_email", "text", "where the person is written to"),
        dg.TableColumn("golden", "json", "every surviving field"),
        dg.TableColumn("provenance", "json", "which source said so, and when"),
    ]
)
_LARGEST_UNSEEN = 50
"""More records than this in one person want somebody's look."""
_PEOPLE_PROMISES = [
    dg.AssetCheckSpec(
        "nobody_is_lost",
        asset=PEOPLE,
        blocking=True,
        description="Every live candidate record belongs to exactly one person, and every person has a record.",
    ),
    dg.AssetCheckSpec(
        "no_cluster_is_suspiciously_large",
        asset=PEOPLE,
        description=f"No person is made of more than {_LARGEST_UNSEEN} records that nobody looked at.",
    ),
]


def people_asset(installation: Installation) -> dg.AssetsDefinition:
    """Return the asset in which records of all connections become people."""

    @dg.asset(
        key=PEOPLE,
        deps=[source_key(name) for name in installation.connections],
        group_name=GROUP,
        owners=["data-engineering@example.com"],
        kinds={"splink", "duckdb", "sql"},
        description="The talent pool: each real person once, whichever sources know them.",
        code_version="1",
        pool="resolver",
        metadata={"dagster/table_name": "people", "dagster/column_schema": _PEOPLE_COLUMNS},
        retry_policy=retries(),
        check_specs=_PEOPLE_PROMISES,
    )
    def people(context: dg.AssetExecutionContext, pool: TalentPool) -> dg.MaterializeResult:
        with told(context), pool.open() as opened:
            report = resolve_all(opened.store, opened.installation, opened.now)
            statistics = pool_people.statistics(opened.store)
        return _people_result(report, statistics)

    return people


def _people_result(report: ResolveReport, statistics: Statistics) -> dg.MaterializeResult:
    return dg.MaterializeResult(
        metadata={
            "records_resolved": report.records,
            "created": report.created,
            "changed": report.changed,
            "merged": report.merged,
            "split": report.split,
            "ended": report.ended,
            "rebuilt_by_new_rules": report.rebuilt,
            "dagster/row_count": statistics.people,
            "candidate_records": statistics.records,
            "largest_cluster": statistics.largest_cluster,
        },
        check_results=[
            dg.AssetCheckResult(
                check_name="nobody_is_lost",
                passed=statistics.unattached == 0 and statistics.empty == 0,
                description=(
                    f"{statistics.unattached} records without a person, {statistics.empty} people without a record."
                ),
            ),
            dg.AssetCheckResult(
                check_name="no_cluster_is_suspiciously_large",
                passed=statistics.largest_cluster <= _LARGEST_UNSEEN,
                severity=dg.AssetCheckSeverity.WARN,
                description=f"The largest person is made of {statistics.largest_cluster} records.",
            ),
        ],
    )


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
                    )
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
