"""The pool: records of all connections become people in one step, seen as the assets that it passes through."""

from collections.abc import Iterator
from statistics import fmean, pstdev

import dagster as dg

from dagster_project.failures import retries, told
from dagster_project.resources import TalentPool
from dagster_project.sources import source_key
from dedupe import fairness
from talent_pool.epochs import stored as epochs
from talent_pool.installation import Installation
from talent_pool.people import reading
from talent_pool.people.matching import Matching, figures
from talent_pool.people.reading import Statistics
from talent_pool.resolution.resolve import ResolveReport, resolve_all

GROUP = "pool"
EPOCH = dg.AssetKey(["catchment", "epoch"])
KEYS = dg.AssetKey(["catchment", "keys"])
MATCHES = dg.AssetKey(["catchment", "matches"])
PEOPLE = dg.AssetKey(["catchment", "people"])
REVIEW = dg.AssetKey(["catchment", "review"])
POOL = (EPOCH, KEYS, MATCHES, PEOPLE, REVIEW)
_OWNERS = ["data-engineering@example.com"]
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
_RUNS_LOOKED_AT = 30
_LEAST_RUNS = 5
_LEAST_SPREAD = 0.01
"""Runs that were all alike do not make the next one, which differs by a hair, a matter for anybody."""
_LEAST_RECORDS = 100
"""Runs of fewer records say nothing of how often people merge."""
_PEOPLE_OF_A_CULTURE = 300
"""The check on fairness is a look, not the gate: that one runs with the tests, on four times as many."""
_CHECKS = [
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
    dg.AssetCheckSpec(
        "people_merge_as_often_as_usual",
        asset=PEOPLE,
        description="The share of merges lies within three deviations of that of the runs before.",
    ),
    dg.AssetCheckSpec(
        "fits_the_pool",
        asset=EPOCH,
        description="The pool is not many times the size that the match model reckons namesakes for.",
    ),
]


def people_asset(installation: Installation) -> dg.AssetsDefinition:
    """Return the step in which records of all connections become people."""

    @dg.multi_asset(
        name="people",
        specs=_specs(installation),
        check_specs=_CHECKS,
        pool="resolver",
        retry_policy=retries(),
    )
    def people(context: dg.AssetExecutionContext, pool: TalentPool):  # noqa: ANN202 - Dagster reads the annotation as an output type
        with told(context), pool.open() as opened:
            report = resolve_all(opened.store, opened.installation, opened.now)
            statistics, matching = reading.statistics(opened.store), figures(opened.store)
        yield from _results(report, statistics, matching, _usual(context.instance))

    return people


@dg.asset_check(
    asset=EPOCH,
    name="misses_no_group_of_names",
    description="Of invented people of many cultures, none are missed more than twice as often as all.",
)
def fairness_check(pool: TalentPool) -> dg.AssetCheckResult:
    """Look at the model in force; protected attributes play no part, cultures are those of invented names."""
    with pool.open() as opened, opened.store.reading() as connection:
        model = epochs.in_force(connection).model
    whole, *groups = fairness.report(model, people=_PEOPLE_OF_A_CULTURE)
    unfair = [f"{one.kind} {one.name}" for one in groups if not one.is_fair(whole)]
    return dg.AssetCheckResult(
        passed=not unfair,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"missed": whole.missed.share, "falsely_merged": whole.false.share, "groups": len(groups)},
        description=f"Missed much more often than all: {', '.join(unfair) or 'none'}.",
    )


def _specs(installation: Installation) -> list[dg.AssetSpec]:
    def spec(
        key: dg.AssetKey, deps: list[dg.AssetKey], kinds: set[str], description: str, **more: object
    ) -> dg.AssetSpec:
        return dg.AssetSpec(
            key, deps=deps, group_name=GROUP, owners=_OWNERS, kinds=kinds, description=description, code_version="2",
            metadata=dict(more),
        )  # fmt: skip

    sources = [source_key(name) for name in installation.connections]
    return [
        spec(EPOCH, [], {"json"}, "The match model in force: weights, thresholds, and how often names are met."),
        spec(KEYS, sources, {"sql"}, "What two records must have in common to be compared at all."),
        spec(MATCHES, [KEYS, EPOCH], {"splink", "duckdb"}, "Pairs that were compared, with the levels they agree in."),
        spec(
            PEOPLE,
            [MATCHES],
            {"sql"},
            "The talent pool: each real person once, whichever sources know them.",
            **{"dagster/table_name": "people", "dagster/column_schema": _PEOPLE_COLUMNS},
        ),
        spec(
            REVIEW, [MATCHES, PEOPLE], {"sql"}, "Pairs of people that wait for somebody's decision: `catchment review`."
        ),
    ]


def _results(
    report: ResolveReport, statistics: Statistics, matching: Matching, usual: tuple[float, float] | None
) -> Iterator[dg.MaterializeResult]:
    yield dg.MaterializeResult(
        asset_key=EPOCH,
        metadata={"number": matching.epoch, "made_for_records": matching.made_for, "records": matching.records},
        check_results=[_fits(matching)],
    )
    yield dg.MaterializeResult(asset_key=KEYS, metadata={"dagster/row_count": matching.keys})
    precision = matching.labelled_precision
    yield dg.MaterializeResult(
        asset_key=MATCHES,
        metadata={
            "dagster/row_count": matching.edges,
            "sure_enough_to_merge": matching.sure,
            "labelled_pairs": matching.labelled,
            **({} if precision is None else {"precision_on_labelled": precision}),
        },
    )
    yield dg.MaterializeResult(
        asset_key=PEOPLE,
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
            "in_review": matching.review,
        },
        check_results=list(_promises(report, statistics, usual)),
    )
    yield dg.MaterializeResult(asset_key=REVIEW, metadata={"dagster/row_count": matching.review})


def _fits(matching: Matching) -> dg.AssetCheckResult:
    said = f"The epoch in force reckons namesakes among {matching.made_for} records; there are {matching.records}."
    return dg.AssetCheckResult(
        check_name="fits_the_pool",
        asset_key=EPOCH,
        passed=not matching.has_outgrown_its_epoch,
        severity=dg.AssetCheckSeverity.WARN,
        description=said + (" Run `catchment train`." if matching.has_outgrown_its_epoch else ""),
    )


def _promises(
    report: ResolveReport, statistics: Statistics, usual: tuple[float, float] | None
) -> Iterator[dg.AssetCheckResult]:
    yield dg.AssetCheckResult(
        check_name="nobody_is_lost",
        asset_key=PEOPLE,
        passed=statistics.unattached == 0 and statistics.empty == 0,
        description=f"{statistics.unattached} records without a person, {statistics.empty} people without a record.",
    )
    yield dg.AssetCheckResult(
        check_name="no_cluster_is_suspiciously_large",
        asset_key=PEOPLE,
        passed=statistics.largest_cluster <= _LARGEST_UNSEEN,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"The largest person is made of {statistics.largest_cluster} records.",
    )
    rate = report.merged / report.records if report.records else 0.0
    judged = usual is not None and report.records >= _LEAST_RECORDS
    low, high = usual or (0.0, 1.0)
    yield dg.AssetCheckResult(
        check_name="people_merge_as_often_as_usual",
        asset_key=PEOPLE,
        passed=not judged or low <= rate <= high,
        severity=dg.AssetCheckSeverity.WARN,
        description=(
            f"{rate:.1%} of the resolved records merged two people; usual are {low:.1%} to {high:.1%}."
            if judged
            else "Too few records, or too few runs before, to say what is usual."
        ),
    )


def _usual(instance: dg.DagsterInstance) -> tuple[float, float] | None:
    """Return the band in which the share of merges has lain; None before there were enough runs of enough records."""
    rates: list[float] = []
    for record in instance.fetch_materializations(PEOPLE, limit=_RUNS_LOOKED_AT).records:
        told_of = record.asset_materialization.metadata if record.asset_materialization else {}
        resolved, merged = (_number(told_of.get(name)) for name in ("records_resolved", "merged"))
        if resolved >= _LEAST_RECORDS:
            rates.append(merged / resolved)
    if len(rates) < _LEAST_RUNS:
        return None
    middle, spread = fmean(rates), max(pstdev(rates), _LEAST_SPREAD)
    return max(0.0, middle - 3 * spread), middle + 3 * spread


def _number(value: dg.MetadataValue | None) -> int:
    return value.value or 0 if isinstance(value, dg.IntMetadataValue) else 0
