"""Dagster says only *when* to look; what waits is a row in the store, so that no wake-up can be lost."""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from assets.people import POOL, fairness_check
from dagster_project.resources import opened
from talent_pool.installation import Installation
from talent_pool.store.work import waiting

Job = Any
"""What `dg.define_asset_job` returns; its type has no public name."""
_ACTIVE = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]


def _running(context: dg.SensorEvaluationContext, job: str) -> bool:
    return bool(context.instance.get_runs(dg.RunsFilter(job_name=job, statuses=_ACTIVE), limit=1))


def inbox_sensor(jobs: Sequence[Job]) -> dg.SensorDefinition:
    """Return the sensor that syncs a connection when deliveries wait for it."""

    @dg.sensor(
        name="intake_inbox",
        jobs=list(jobs),
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Deliveries, forms and clicks wait in the inbox: sync their connection.",
    )
    def intake_inbox(context: dg.SensorEvaluationContext):  # noqa: ANN202 - read by Dagster
        with opened() as pool:
            names = sorted(set(pool.inbox.connections_waiting()) & set(pool.installation.connections))
        asked = [name for name in names if not _running(context, f"sync_{name}")]
        if not asked:
            return dg.SkipReason("Nothing new waits in the inbox.")
        return [dg.RunRequest(job_name=f"sync_{name}") for name in asked]

    return intake_inbox


def pool_job(installation: Installation) -> Job:
    """Return the job that turns what landed into people and segments."""
    # how fair the model is changes with the epoch, not with every record: the check is run by whoever asks for it
    people = dg.AssetSelection.assets(*POOL) - dg.AssetSelection.checks(fairness_check)
    return dg.define_asset_job(
        "resolve_pool",
        selection=people | dg.AssetSelection.groups("segments") if installation.segments else people,
        executor_def=dg.in_process_executor,
        description="Resolves new and changed records into people, then evaluates every segment.",
    )


def pool_sensor(job: Job) -> dg.SensorDefinition:
    """Return the sensor that resolves when records wait, and evaluates when a rule with time has come due."""

    @dg.sensor(
        name="work_waits_in_the_pool",
        job=job,
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Records landed, people changed, or a segment's rule has come due.",
    )
    def work_waits(context: dg.SensorEvaluationContext):  # noqa: ANN202 - read by Dagster
        with opened() as pool:
            found = waiting(pool.store, pool.now)
        if not (found.records or found.people or found.due or found.outdated):
            return dg.SkipReason("No record waits, nobody changed, nothing has come due.")
        if _running(context, "resolve_pool"):
            return dg.SkipReason("The pool is being resolved already.")
        return dg.RunRequest()

    return work_waits
