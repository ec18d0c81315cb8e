"""One connection in Dagster: the vendor upstream, its asset, its schedule, its promises."""

from collections.abc import Sequence
from datetime import timedelta

import dagster as dg

from connectors.contract import Connection
from dagster_project.failures import retries, told
from dagster_project.resources import TalentPool
from talent_pool.landing import conservation
from talent_pool.landing.priority import give_way
from talent_pool.landing.sync import SyncReport, sync

GROUP = "sources"
ACCOUNTED = "every_object_is_accounted_for"
READABLE = "every_object_could_be_read"
_COLUMNS = dg.TableSchema(
    columns=[
        dg.TableColumn("id", "text", "birth id, the same for ever"),
        dg.TableColumn("record_type", "text", "candidate, application, job, …"),
        dg.TableColumn("remote_id", "text", "the vendor's own id"),
        dg.TableColumn("body", "json", "the record's fields by our names"),
        dg.TableColumn("landed_at", "timestamp", "when it was first stored"),
    ]
)


class Sync(dg.Config):
    """What the Launchpad offers."""

    full_refresh: bool = False
    """Read everything again from the beginning; what has not changed costs a look-up."""


def source_key(name: str) -> dg.AssetKey:
    """Return the key of a connection's asset."""
    return dg.AssetKey(["catchment", "sources", name])


def source_definitions(connection: Connection) -> dg.Definitions:
    """Return everything that Dagster knows of one connection."""
    key = source_key(connection.name)
    vendor = dg.AssetSpec(
        ["vendor", connection.connector],
        group_name="vendors",
        kinds={connection.connector},
        description=f"{connection.connector}, where it lives.",
    )
    asset = _asset(connection, key, vendor.key)
    job = dg.define_asset_job(f"sync_{connection.name}", selection=[key], executor_def=dg.in_process_executor)
    schedules: Sequence[dg.ScheduleDefinition] = (
        [
            dg.ScheduleDefinition(
                name=f"sync_{connection.name}",
                job=job,
                cron_schedule=connection.schedule,
                execution_timezone=connection.time_zone,
                description=f"Reads {connection.name}. Switch it off to pause this one connection.",
            )
        ]
        if connection.schedule
        else []
    )
    return dg.Definitions(assets=[vendor, asset], jobs=[job], schedules=schedules)


def _asset(connection: Connection, key: dg.AssetKey, vendor: dg.AssetKey) -> dg.AssetsDefinition:
    @dg.asset(
        key=key,
        deps=[vendor],
        group_name=GROUP,
        owners=[connection.owner],
        kinds={connection.connector, "sql"},
        tags={"organisation": connection.organisation},
        description=f"Every candidate, application and statement that {connection.name} holds, as it holds them.",
        code_version="1",
        pool=f"vendor_{connection.connector}",
        metadata={
            "dagster/table_name": "records",
            "dagster/column_schema": _COLUMNS,
            "connection": connection.name,
        },
        freshness_policy=dg.FreshnessPolicy.time_window(timedelta(hours=connection.fresh_within_hours)),
        retry_policy=retries(),
        check_specs=[
            dg.AssetCheckSpec(
                ACCOUNTED,
                asset=key,
                blocking=True,
                description="read = new + changed + same + stale + deleted + duplicate + quarantined",
            ),
            dg.AssetCheckSpec(
                READABLE,
                asset=key,
                description="Nothing went to quarantine; `catchment quarantine` shows what did and why.",
            ),
        ],
    )
    def source(context: dg.AssetExecutionContext, config: Sync, pool: TalentPool) -> dg.MaterializeResult:
        give_way()
        with told(context), pool.open() as opened:
            report = sync(
                opened.store,
                opened.inbox,
                opened.source(connection.name),
                opened.now,
                full_refresh=config.full_refresh,
                on_page=lambda stream, counts: context.log.info("%s: %d objects", stream, counts.read),
            )
            remainder = conservation.unbalanced(opened.store, report.run_id)
        return _result(key, report, remainder)

    return source


def _result(key: dg.AssetKey, report: SyncReport, remainder: str | None) -> dg.MaterializeResult:
    counts = report.counts
    numbers = {
        "read": counts.read,
        "new": counts.new,
        "changed": counts.changed,
        "same": counts.same,
        "stale": counts.stale,
        "deleted": counts.deleted,
        "duplicate": counts.duplicate,
        "quarantined": counts.quarantined,
    }
    return dg.MaterializeResult(
        asset_key=key,
        metadata={**numbers, "dagster/row_count": counts.read, "run_id": report.run_id},
        check_results=[
            dg.AssetCheckResult(
                check_name=ACCOUNTED,
                passed=remainder is None,
                description=remainder or "Every object read is accounted for.",
                metadata=numbers,
            ),
            dg.AssetCheckResult(
                check_name=READABLE,
                passed=counts.quarantined == 0,
                severity=dg.AssetCheckSeverity.WARN,
                description=(
                    f"{counts.quarantined} objects could not be read and wait in quarantine. "
                    "Run `catchment quarantine` for the reasons."
                    if counts.quarantined
                    else "Every object could be read."
                ),
                metadata={"quarantined": counts.quarantined},
            ),
        ],
    )
