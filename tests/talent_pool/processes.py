"""Processes of their own, to be killed or to run at once. Forked, for to start anew costs a second each."""

import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Engine, event

from talent_pool.store import driver


def started(work: Callable[..., object], *arguments: Any) -> int:
    """Start `work` in a process of its own and return its id; it must open its own store."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        work(*arguments)
        code = 0
    except BaseException:  # noqa: BLE001 - a child must never return into the test
        traceback.print_exc()
    finally:
        os._exit(code)


def ended(child: int) -> int:
    """Wait for a process; its exit code, or minus the signal that killed it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def all_at_once(tasks: Sequence[tuple[Any, ...]]) -> list[int]:
    """Run each (function, arguments...) in a process of its own, all at once; return their exit codes."""
    return [ended(child) for child in [started(*task) for task in tasks]]


def die_at(point: int) -> None:
    """Let this process be killed as by `kill -9` when it comes to its `point`-th statement or commit."""
    passed = 0

    def _count(*_: object) -> None:
        nonlocal passed
        passed += 1
        if passed == point:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "before_cursor_execute", _count)
    event.listen(Engine, "after_cursor_execute", _count)
    event.listen(Engine, "commit", _count)
    _listen_to_the_driver(_count)


def _listen_to_the_driver(count: Callable[..., None]) -> None:
    """Count as well what goes around SQLAlchemy, whichever modules have it by name."""
    plain = driver.run

    def _counted(*given: Any) -> Any:
        count()
        rows = plain(*given)
        count()
        return rows

    for module in list(sys.modules.values()):
        if getattr(module, "run", None) is plain:
            module.run = _counted  # pyright: ignore[reportAttributeAccessIssue]
