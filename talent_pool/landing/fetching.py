"""Fetching the next page while this one is landed."""

import gc
import sys
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

_Page = TypeVar("_Page")


def ahead(pages: Generator[_Page]) -> Generator[_Page]:
    """Yield `pages`, asking for the next one in a thread of its own while the caller works; never more than one ahead.

    An error while fetching comes out after the pages before it were handed over. `pages` is closed at the end.
    """
    try:
        with ThreadPoolExecutor(1, thread_name_prefix="fetch") as thread:
            coming = thread.submit(next, pages, None)
            while (page := coming.result()) is not None:
                coming = thread.submit(next, pages, None)
                yield page
    finally:
        pages.close()


@contextmanager
def undisturbed() -> Generator[None]:
    """Look for cyclic garbage seldom, and let two threads take turns often, while pages are landed.

    Pages are many small objects without cycles, and looking for some costs a third of all. The thread that writes
    needs Python's lock briefly and often, and would wait each time for as long as the fetching one may keep it.
    """
    thresholds, interval = gc.get_threshold(), sys.getswitchinterval()
    gc.set_threshold(100_000, 50, 100)
    sys.setswitchinterval(0.000_5)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        sys.setswitchinterval(interval)
