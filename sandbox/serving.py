"""Many small servers on loopback in one process: each on a port of its own, all in one event loop of one thread."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator, Mapping
from typing import Self

import uvicorn
from starlette.types import ASGIApp

from sandbox.smtp import MailSink


class _Server(uvicorn.Server):
    """One server among several, so that the process's signals are nobody's but the process's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Serving:
    """Servers that are up: `urls` by name, and `mail_port` if a mail server is among them. Use as a context manager."""

    def __init__(self, apps: Mapping[str, ASGIApp], mail: MailSink | None = None) -> None:
        self.urls: dict[str, str] = {}
        self.mail_port: int | None = None
        self._mail = mail
        self._servers: list[tuple[_Server, socket.socket]] = []
        for name, app in apps.items():
            listening = _listen()
            self.urls[name] = f"http://127.0.0.1:{listening.getsockname()[1]}"
            config = uvicorn.Config(
                app, log_level="critical", access_log=False, lifespan="off", timeout_graceful_shutdown=1
            )  # pyright: ignore[reportArgumentType] - plain ASGI
            self._servers.append((_Server(config), listening))
        self._mail_socket = _listen() if mail else None
        if self._mail_socket:
            self.mail_port = self._mail_socket.getsockname()[1]
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._done: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="sandbox", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(30):
            raise TimeoutError("the sandbox's servers did not start within 30 seconds")
        return self

    def __exit__(self, *_reason: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop every server and wait until they are gone."""
        if self._loop is not None and self._done is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join(20)

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._done = asyncio.get_running_loop(), asyncio.Event()
        tasks = [asyncio.create_task(server.serve(sockets=[listening])) for server, listening in self._servers]
        mail = None
        if self._mail and self._mail_socket:
            mail = await self._loop.create_server(self._mail.protocol, sock=self._mail_socket)
        while not all(server.started for server, _ in self._servers):  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.005)
        self._ready.set()
        await self._done.wait()
        for server, _ in self._servers:
            server.should_exit = True
        if mail:
            mail.close()
        await asyncio.gather(*tasks)
        for _, listening in self._servers:
            listening.close()
        # connections of the mail server end with their transports
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()


def _listen() -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", 0))
    listening.listen(256)
    listening.setblocking(False)
    return listening
