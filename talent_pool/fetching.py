"""Fetching the next page while this one is landed."""

import gc
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

_Page = TypeVar("_Page")


def ahead(pages: Iterator[_Page]) -> Generator[_Page]:
    """Yield `pages`, asking for the next one in a thread of its own while the caller works; never more than one ahead.

    An error while fetching comes out after the pages before it were handed over.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="fetch") as thread:
        coming = thread.submit(next, pages, None)
        while (page := coming.result()) is not None:
            coming = thread.submit(next, pages, None)
            yield page


@contextmanager
def seldom_collecting() -> Generator[None]:
    """Look for cyclic garbage seldom: pages are many small objects without cycles, and looking costs a third of all."""
    before = gc.get_threshold()
    gc.set_threshold(100_000, 50, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)
