"""Commits deliveries together: those that arrive while one commit is under way share the next, and its flush to disk.

Each is answered after its own commit, as if it had been alone; under load there are fewer commits, not later answers.
"""

import asyncio
from collections import deque

from starlette.concurrency import run_in_threadpool

from connectors.contract import Delivery
from talent_pool.landing.inbox import Inbox
from talent_pool.store.unavailable import StoreUnavailable

MOST = 50
"""Deliveries in one commit."""

_Entry = tuple[Delivery, str]


class Together:
    """The way into the inbox for requests of one event loop."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._waiting: deque[tuple[_Entry, asyncio.Future[bool]]] = deque()
        self._committing: asyncio.Task[None] | None = None

    async def put(self, delivery: Delivery, organisation: str) -> bool:
        """Commit one delivery; False if it is there already. Raises StoreUnavailable."""
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(((delivery, organisation), future))
        if self._committing is None or self._committing.done():
            self._committing = asyncio.create_task(self._commit())
        return await future

    async def _commit(self) -> None:
        while self._waiting:
            some = [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]
            try:
                fates = await run_in_threadpool(self._inbox.put_all, [entry for entry, _ in some])
            except Exception as error:  # noqa: BLE001 - it belongs to whoever waits
                await self._one_by_one(some, error)
            else:
                for (_, future), new in zip(some, fates, strict=True):
                    _settle(future, new)

    async def _one_by_one(self, some: list[tuple[_Entry, asyncio.Future[bool]]], error: Exception) -> None:
        """Let a delivery that cannot be stored fail alone; where the store itself is away, all have failed."""
        for entry, future in some:
            fate: bool | Exception = error
            if len(some) > 1 and not isinstance(error, StoreUnavailable):
                try:
                    fate = await run_in_threadpool(self._inbox.put, *entry)
                except Exception as own:  # noqa: BLE001 - as above
                    fate = own
            _settle(future, fate)


def _settle(future: asyncio.Future[bool], fate: bool | Exception) -> None:  # noqa: FBT001 - what put_all says
    if future.done():  # whoever waited is gone
        return
    if isinstance(fate, Exception):
        future.set_exception(fate)
    else:
        future.set_result(fate)
