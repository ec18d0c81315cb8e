"""Reads a request's body, but never more than is allowed."""

from fastapi import Request
from starlette.requests import ClientDisconnect

from web.problems import Problem

LARGEST_BODY = 25 * 1024 * 1024
"""Bytes. Indeed names no maximum for a résumé in base64; mail systems stop at about this."""


async def body_of(request: Request, *, most: int = LARGEST_BODY, status: int = 413) -> bytes:
    """Return the raw body. Refuses it with `status` as soon as it passes `most` bytes, declared or not."""
    too_large = Problem(status, f"The body is larger than {most >> 20} MB. Send a smaller file.")
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > most:
        raise too_large
    chunks, size = [], 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > most:
                raise too_large
            chunks.append(chunk)
    except ClientDisconnect:
        raise Problem(400, "The body ended early. Send it again.") from None
    return b"".join(chunks)
