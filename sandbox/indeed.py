"""Indeed Apply as a sender: signed applications, posted again until they are answered for good.

Facts: docs.indeed.com (application delivery, message signature). 2xx is delivered; 409 is a duplicate and never sent
again; other 4xx are final too; 5xx and silence are tried again.
"""

import base64
import hashlib
import hmac
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import orjson

_TRIES = 4


def sign(secret: str, body: bytes) -> str:
    """Return the value of X-Indeed-Signature for a raw body."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha1).digest()).decode()


def deliver(
    applications: Iterable[Mapping[str, Any]],
    url: str,
    secret: str,
    *,
    pause: float = 0.2,
    at_once: int = 4,
) -> Counter[str]:
    """Post each application; return how many ended in which answer (a status, or `unreachable`)."""
    with (
        httpx.Client(timeout=30, follow_redirects=False, trust_env=False, verify=False) as client,
        ThreadPoolExecutor(at_once) as pool,
    ):
        return Counter(pool.map(lambda one: _post(client, url, secret, orjson.dumps(one), pause), applications))


def _post(client: httpx.Client, url: str, secret: str, body: bytes, pause: float) -> str:
    headers = {"Content-Type": "application/json; charset=UTF-8", "X-Indeed-Signature": sign(secret, body)}
    answer = "unreachable"
    for attempt in range(_TRIES):
        try:
            status = client.post(url, content=body, headers=headers).status_code
        except httpx.TransportError:
            answer = "unreachable"
        else:
            answer = str(status)
            if status < 500:
                break
        if attempt + 1 < _TRIES:
            time.sleep(pause * 2**attempt)
    return answer
