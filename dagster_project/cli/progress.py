"""A bar on standard error while something long goes on, for somebody who watches."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Pages = Callable[[str, Any], None]
"""Told of each page: the stream, and its counts."""


Step = Callable[[str], None]
"""Told what goes on now."""


def _unseen(*_told: Any) -> None:
    """Tell nobody."""


@contextmanager
def watched(name: str) -> Iterator[Pages]:
    """Show how far the sync of `name` is; nothing at all where nobody watches."""
    with stepping(name) as step:
        counted = 0

        def page(stream: str, counts: Any) -> None:
            nonlocal counted
            counted += counts.read
            step(f"{name}: {stream}, {counted:,} read")

        yield page


@contextmanager
def stepping(first: str = "") -> Iterator[Step]:
    """Show what goes on now, and for how long; nothing at all where nobody watches."""
    if not sys.stderr.isatty():
        yield _unseen
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(first, total=None)
        yield lambda told: progress.update(task, description=told)
