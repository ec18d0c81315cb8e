"""One destination in Dagster: the push, the tool downstream, its schedule, its promises."""

import dagster as dg

from connectors.contract import DestinationSettings, Fate, SignalReceiver
from dagster_project.conditions import safe_to_push
from dagster_project.failures import told
from dagster_project.resources import TalentPool
from talent_pool.delivery import signals
from talent_pool.delivery.deliver import PushReport, deliver, read_back
from talent_pool.delivery.gate import Sending
from talent_pool.landing import conservation

GROUP = "destinations"
ACCOUNTED = "every_member_is_accounted_for"
ACCEPTED = "the_destination_took_every_row"


class Approval(dg.Config):
    """What the Launchpad offers."""

    dry_run: bool = False
    """Say what would be sent, and send nothing."""
    approve: bool = False
    """Say yes to a push that would reach more people than `max_recipients`."""


def segment_key(name: str) -> dg.AssetKey:
    """Return the key of a segment's asset."""
    return dg.AssetKey(["catchment", "segments", name])


def destination_key(name: str) -> dg.AssetKey:
    """Return the key of a destination's asset."""
    return dg.AssetKey(["catchment", "destinations", name])


def destination_definitions(settings: DestinationSettings) -> dg.Definitions:
    """Return everything that Dagster knows of one destination."""
    key = destination_key(settings.name)
    asset = _asset(settings, key)
    tool = dg.AssetSpec(
        ["vendor", f"{settings.connector}_of_{settings.name}"],
        deps=[key],
        group_name="tools",
        kinds={settings.connector},
        description=f"{settings.name} ({settings.connector}), where it lives.",
    )
    job = dg.define_asset_job(f"push_{settings.name}", selection=[key], executor_def=dg.in_process_executor)
    schedules = (
        [
            dg.ScheduleDefinition(
                name=f"push_{settings.name}",
                job=job,
                cron_schedule=settings.schedule,
                execution_timezone=settings.time_zone,
                description=f"Sends what changed to {settings.name}. Switch it off to pause this one destination.",
            )
        ]
        if settings.schedule
        else []
    )
    sensor = dg.AutomationConditionSensorDefinition(
        f"push_{settings.name}_when_safe",
        target=dg.AssetSelection.assets(key),
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Asks for a push to {settings.name} when a segment was evaluated and every promise holds.",
    )
    return dg.Definitions(assets=[asset, tool], jobs=[job], schedules=schedules, sensors=[sensor])


def _asset(settings: DestinationSettings, key: dg.AssetKey) -> dg.AssetsDefinition:
    # No retry policy: a message that may have gone out is never sent again by a machine.
    @dg.asset(
        key=key,
        deps=[segment_key(push.segment) for push in settings.pushes],
        group_name=GROUP,
        owners=[settings.owner],
        kinds={settings.connector},
        tags={"organisation": settings.organisation},
        description=f"What {settings.name} should hold or was sent: {', '.join(p.segment for p in settings.pushes)}.",
        code_version="1",
        pool=f"account_{settings.name}",
        automation_condition=safe_to_push,
        check_specs=[
            dg.AssetCheckSpec(
                ACCOUNTED,
                asset=key,
                blocking=True,
                description=(
                    "eligible = unchanged + sent + removed + suppressed + rejected + deferred + pending + unknown"
                ),
            ),
            dg.AssetCheckSpec(
                ACCEPTED, asset=key, description="No row was refused by the destination, and none is in doubt."
            ),
        ],
    )
    def destination(context: dg.AssetExecutionContext, config: Approval, pool: TalentPool) -> dg.MaterializeResult:
        with told(context), pool.open() as opened:
            account = opened.destination(settings.name)
            for caller in signals.callers_waiting(opened.inbox):
                if isinstance(told_by := opened.destination(caller), SignalReceiver):
                    signals.take_calls(opened.store, opened.inbox, told_by, opened.now)
            read_back(opened.store, account, opened.now)
            report = deliver(
                opened.store,
                opened.installation,
                account,
                opened.now,
                sending=Sending.of(opened.home),
                dry_run=config.dry_run,
                approve=config.approve,
            )
            remainder = None if config.dry_run else conservation.unbalanced(opened.store, report.run_id)
        return _result(key, report, remainder)

    return destination


def _result(key: dg.AssetKey, report: PushReport, remainder: str | None) -> dg.MaterializeResult:
    numbers: dict[str, int] = {fate.value: report.fates.get(fate, 0) for fate in Fate}
    doubtful = numbers[Fate.REJECTED] + numbers[Fate.UNKNOWN]
    return dg.MaterializeResult(
        asset_key=key,
        metadata={**numbers, "eligible": report.eligible, "requests": report.requests, "run_id": report.run_id},
        check_results=[
            dg.AssetCheckResult(
                check_name=ACCOUNTED,
                passed=remainder is None,
                description=remainder or "Every member of the segments is accounted for.",
                metadata=numbers,
            ),
            dg.AssetCheckResult(
                check_name=ACCEPTED,
                passed=doubtful == 0,
                severity=dg.AssetCheckSeverity.WARN,
                description=(
                    f"{doubtful} rows were refused or are in doubt: `catchment push {report.destination} --dry-run`."
                    if doubtful
                    else "The destination took every row."
                ),
            ),
        ],
    )
