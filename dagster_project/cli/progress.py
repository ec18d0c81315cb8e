"""A bar on standard error while something long goes on, for somebody who watches."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Pages = Callable[[str, Any], None]
"""Told of each page: the stream, and its counts."""


def _unseen(_stream: str, _counts: Any) -> None:
    """Tell nobody."""


@contextmanager
def watched(name: str) -> Iterator[Pages]:
    """Show how far the sync of `name` is; nothing at all where nobody watches."""
    if not sys.stderr.isatty():
        yield _unseen
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(name, total=None, read=0)

        def page(stream: str, counts: Any) -> None:
            progress.advance(task, counts.read)
            read = int(progress.tasks[0].completed)
            progress.update(task, description=f"{name}: {stream}, {read:,} read")

        yield page
