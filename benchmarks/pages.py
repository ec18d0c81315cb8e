"""A Greenhouse that does nothing but hand out pages rendered beforehand, so that the client is what is measured."""

import asyncio
import contextlib
import multiprocessing
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

PER_PAGE = 500
_FIRST = ("Ada", "Linus", "Grace", "Mehmet", "Yuki", "Olga", "José", "Nguyễn", "Fatima", "Łukasz", "Chloé", "Siobhán")
_LAST = ("Okafor", "Müller", "Schmidt", "Nowak", "García", "Tanaka", "O'Neill", "van der Berg", "Kaya", "Petrova")


def candidate(number: int) -> dict[str, Any]:
    """Return one candidate as Harvest v3 gives it, about 1.2 kB, the same for the same number."""
    chance = random.Random(number)
    first, last = chance.choice(_FIRST), f"{chance.choice(_LAST)}{number % 997}"
    at = (datetime(2025, 1, 1, tzinfo=UTC) + timedelta(seconds=chance.randrange(40_000_000))).isoformat()
    return {
        "id": number,
        "first_name": first,
        "last_name": last,
        "preferred_name": None,
        "company": f"Company {number % 5000}",
        "title": "Engineer",
        "private": False,
        "can_email": number % 40 != 0,
        "email_addresses": [{"value": f"{first}.{last}.{number}@example.com".lower(), "type": "personal"}],
        "phone_numbers": [{"value": f"+1 202 555 {number % 10000:04d}", "type": "mobile"}],
        "addresses": [{"value": f"{number % 900} Main Street, Springfield", "type": "home"}],
        "website_addresses": [{"value": f"https://people.example.com/{number}", "type": "personal"}],
        "social_media_addresses": [{"value": f"https://www.linkedin.com/in/person-{number}"}],
        "tags": ["engineering", "remote"] if number % 3 else [],
        "time_zone": "America/New_York",
        "linked_user_ids": [],
        "custom_fields": {
            f"field_{index}": {"name": f"Field {index}", "type": "short_text", "value": f"value {number % 100}"}
            for index in range(4)
        },
        "created_at": at,
        "updated_at": at,
        "last_activity_at": at,
    }


def _rendered(count: int) -> list[bytes]:
    return [
        orjson.dumps([candidate(number) for number in range(start, max(start - PER_PAGE, 0), -1)])
        for start in range(count, 0, -PER_PAGE)
    ]


def _serve(count: int, ready: Any) -> None:
    pages = _rendered(count)

    def answer(target: str, port: int) -> tuple[bytes, str]:
        path, _, query = target.partition("?")
        if path.endswith("/token"):
            token = {"access_token": "bench", "token_type": "bearer", "expires_at": "2099-01-01T00:00:00Z"}
            return orjson.dumps(token), ""
        if not path.endswith("/candidates"):
            return b"[]", ""
        place = int(query.partition("cursor=")[2] or 0)
        following = f'Link: <http://127.0.0.1:{port}/v3/candidates?cursor={place + 1}>; rel="next"\r\n'
        return pages[place], following if place + 1 < len(pages) else ""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        port = writer.get_extra_info("sockname")[1]
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionResetError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
                await reader.readexactly(int(headers.get("content-length", 0)))
                body, extra = answer(head.split(" ", 2)[1], port)
                start = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                writer.write(f"{start}{extra}Content-Length: {len(body)}\r\n\r\n".encode() + body)
                await writer.drain()
        writer.close()

    async def run() -> None:
        server = await asyncio.start_server(handle, "127.0.0.1", 0, limit=2**20)
        ready.send(server.sockets[0].getsockname()[1])
        async with server:
            await server.serve_forever()

    asyncio.run(run())


@contextlib.contextmanager
def served(count: int) -> Iterator[int]:
    """Serve `count` candidates on loopback, from a process of its own, and give the port."""
    receiving, sending = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(count, sending), daemon=True)
    process.start()
    try:
        yield receiving.recv()
    finally:
        process.terminate()
        process.join()
