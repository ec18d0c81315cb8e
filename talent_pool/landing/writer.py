"""Writing prepared pages: the first of a sync by this process, many by one beside it.

A long sync is as fast as its processor: one process fetches and parses, another one writes, each on a core of its
own. A short one is over before a second process has started, so it does without. Either way pages are written in
their order, each with its cursor; several that wait for the writer are written in one transaction.
"""

import contextlib
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator
from typing import IO, Any

from talent_pool.landing.fetching import undisturbed
from talent_pool.landing.pages import Landing, Sorted, commit
from talent_pool.landing.payload_rows import Origin
from talent_pool.store.database import Store
from talent_pool.store.leases import Lease
from talent_pool.store.unavailable import StoreUnavailable

ALONE = 2_000
"""Objects that a sync lands by itself before it starts a writer, which costs half a second of a processor."""
AT_ONCE = 4
"""Pages that may be under way to the writer at the same time, and that one transaction takes."""
UNDER_WAY = AT_ONCE + 3
"""Pages that may be prepared and not yet committed: one in hand, and one fetched ahead, besides those."""
_PIPE_BYTES = 1 << 20


class Writer:
    """Writes the pages of one sync. `alone`: how many objects before a process of its own does it."""

    def __init__(self, landing: Landing, alone: int = ALONE) -> None:
        self._landing = landing
        self._left = alone
        self._beside: _Beside | None = None

    def put(self, page: Sorted) -> Iterator[Sorted]:
        """Write a page, and yield those that are committed by now, in their order. Raises Busy, StoreUnavailable."""
        landing = self._landing
        if self._left > 0:
            self._left -= page.counts.read
            commit(landing.store, landing.origin, landing.lease, [page])
            yield page
            return
        if self._beside is None:
            self._beside = _Beside(landing.store, landing.origin, landing.lease)
        yield from self._beside.put(page)

    def flush(self) -> Iterator[Sorted]:
        """Wait until all that was put is committed, and yield it. Raises Busy, StoreUnavailable."""
        if self._beside is not None:
            yield from self._beside.flush()

    def close(self) -> None:
        """End the process, after what it was given."""
        if self._beside is not None:
            self._beside.close()


class _Beside:
    """A process that writes; what it is given and what it answers goes through pipes that nobody else can read."""

    def __init__(self, store: Store, origin: Origin, lease: Lease) -> None:
        command = [sys.executable, "-m", "talent_pool.landing.writer"]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, pipesize=_PIPE_BYTES)  # noqa: S603 - ours
        assert self._process.stdin  # noqa: S101 - both are pipes
        assert self._process.stdout  # noqa: S101
        self._to, self._from = self._process.stdin, self._process.stdout
        self._under_way: deque[Sorted] = deque()
        self._send((store.url.render_as_string(hide_password=False), store.key, origin, lease))

    def put(self, page: Sorted) -> Iterator[Sorted]:
        self._under_way.append(page)
        self._send(page)
        while len(self._under_way) > AT_ONCE:
            yield self._answered()

    def flush(self) -> Iterator[Sorted]:
        while self._under_way:
            yield self._answered()

    def close(self) -> None:
        with contextlib.suppress(BrokenPipeError):  # it has ended already, and said why
            self._to.close()
        self._process.wait()
        self._from.close()

    def _send(self, message: object) -> None:
        try:
            pickle.dump(message, self._to, pickle.HIGHEST_PROTOCOL)
            self._to.flush()
        except BrokenPipeError:
            self._answered()

    def _answered(self) -> Sorted:
        try:
            answer = pickle.load(self._from)  # noqa: S301 - our own process
        except EOFError:
            answer = StoreUnavailable(
                "The process that writes to the store was stopped. What it had committed stays; run again to go on."
            )
        if isinstance(answer, BaseException):
            self._under_way.clear()
            raise answer
        page = self._under_way.popleft()
        page.counts = answer  # of the process that wrote: it alone knows what was erased meanwhile
        return page


def main() -> None:
    """Write what comes through standard input until it ends, and answer each page after it is committed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started it ends it, after the pages under way
    incoming, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing else may be printed between the answers
    url, key, origin, lease = pickle.load(incoming)  # noqa: S301 - our own process
    waiting: queue.SimpleQueue[Sorted | None] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(incoming, waiting), daemon=True).start()
    store = Store(url, key)
    with undisturbed():
        while pages := _next(waiting):
            try:
                commit(store, origin, lease, pages)
            except Exception as error:  # noqa: BLE001 - whatever it is, who started this raises it
                _answer(answers, error)
                return
            for page in pages:
                _answer(answers, page.counts)
    store.close()


def _receive(incoming: IO[bytes], waiting: "queue.SimpleQueue[Sorted | None]") -> None:
    try:
        with contextlib.suppress(EOFError, pickle.UnpicklingError):  # who started this ended, maybe within a page
            while True:
                waiting.put(pickle.load(incoming))  # noqa: S301 - our own process
    finally:
        waiting.put(None)


def _next(waiting: "queue.SimpleQueue[Sorted | None]") -> list[Sorted]:
    """Return the pages that wait, at least one; none at the end."""
    pages: list[Sorted] = []
    try:
        while len(pages) < AT_ONCE and (page := waiting.get(block=not pages)) is not None:
            pages.append(page)
    except queue.Empty:
        return pages
    if len(pages) < AT_ONCE:
        waiting.put(None)  # the end, for the next call
    return pages


def _answer(answers: IO[bytes], answer: Any) -> None:
    try:
        message = pickle.dumps(answer)
    except Exception:  # noqa: BLE001 - an error that cannot be told is still one
        message = pickle.dumps(RuntimeError(f"writing to the store stopped with {type(answer).__name__}"))
    answers.write(message)
    answers.flush()


if __name__ == "__main__":
    main()
