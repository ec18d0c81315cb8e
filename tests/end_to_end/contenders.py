"""Three ways to sync one connection and push to one destination: by command, by schedule, from the Launchpad.

Each is a process that lives through all rounds, so that none comes late because it has to import anything.
"""

import io
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier
from typing import Any, Literal

BUSY = "is being worked on already by"
_RETRIED = "dagster._core.definitions.events.Failure: "
"""What Dagster puts before the sentence of a try that another one follows."""
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one task of one round ended. `losses` are the sentences of each try that found the lease taken."""

    who: str
    task: str
    end: Literal["done", "busy", "failed"]
    losses: Sequence[str]
    words: str


def compete(who: str, pipe: Connection, barrier: Barrier) -> None:
    """Take part in each round whose moment comes through `pipe`, until None comes."""
    work = {"command": _by_command, "schedule": _by_schedule, "launchpad": _by_launchpad}[who]()
    pipe.send("ready")
    while (as_of := pipe.recv()) is not None:
        os.environ["CATCHMENT_AS_OF"] = as_of
        barrier.wait(120)
        pipe.send(list(work()))


def _by_command() -> Callable[[], Iterator[Outcome]]:
    from dagster_project.cli.main import main

    def typed(*arguments: str) -> Outcome:
        printed, code = io.StringIO(), 0
        with redirect_stdout(printed), redirect_stderr(printed):
            try:
                main.main(arguments, standalone_mode=False)
            except SystemExit as left:
                code = left.code
        words = printed.getvalue().strip()
        end = {0: "done", 3: "busy"}.get(code, "failed")
        return Outcome("command", arguments[0], end, [words] if end == "busy" else [], words)

    def work() -> Iterator[Outcome]:
        yield typed("sync", "greenhouse")
        yield typed("push", "mail", "--yes")

    return work


def _definitions() -> Any:
    import dagster as dg

    from dagster_project import definitions, sources

    # as patient as in earnest, and quicker about it: half a minute between tries is for vendors
    sources.retries = lambda: dg.RetryPolicy(max_retries=2, delay=0.3)
    return definitions.defs()


def _run(defs: Any, who: str, job: str, config: Mapping[str, Any], tags: Mapping[str, str]) -> Outcome:
    import dagster as dg

    with dg.DagsterInstance.ephemeral() as instance:
        done = defs.resolve_job_def(job).execute_in_process(
            instance=instance, raise_on_error=False, run_config={**QUIET, **config}, tags=dict(tags)
        )
    told = [_reason(event) for event in done.all_events if event.is_step_failure or event.is_step_up_for_retry]
    losses = [words for words in told if BUSY in words]
    lost = bool(told) and BUSY in told[-1]
    end = "done" if done.success else "busy" if lost else "failed"
    return Outcome(who, job.partition("_")[0], end, losses, " | ".join(told))


def _reason(event: Any) -> str:
    """Return what the Dagster UI shows first of a failed step, or of one that is to be tried again."""
    data = event.step_failure_data if event.is_step_failure else event.step_retry_data
    given = getattr(data, "user_failure_data", None)
    if given and given.description:
        return given.description
    return data.error.message.strip().removeprefix(_RETRIED) if data.error else ""


def _by_schedule() -> Callable[[], Iterator[Outcome]]:
    import dagster as dg

    defs = _definitions()

    def ticked(name: str) -> Outcome:
        at = datetime.fromisoformat(os.environ["CATCHMENT_AS_OF"])
        with dg.DagsterInstance.ephemeral() as instance:
            context = dg.build_schedule_context(instance, scheduled_execution_time=at)
            (request,) = defs.resolve_schedule_def(name).evaluate_tick(context).run_requests
        return _run(defs, "schedule", name, request.run_config, request.tags)

    def work() -> Iterator[Outcome]:
        yield ticked("sync_greenhouse")
        yield _run(defs, "schedule", "resolve_pool", {}, {})
        yield ticked("push_mail")

    return work


def _by_launchpad() -> Callable[[], Iterator[Outcome]]:
    defs = _definitions()

    def filled_in(job: str, op: str, config: Mapping[str, bool]) -> Outcome:
        return _run(defs, "launchpad", job, {"ops": {op: {"config": config}}}, {})

    def work() -> Iterator[Outcome]:
        yield filled_in("sync_greenhouse", "catchment__sources__greenhouse", {"full_refresh": True})
        yield filled_in("push_mail", "catchment__destinations__mail", {"approve": True})

    return work
