"""What truly leaves a destination over HTTP, and its judgement by the vendor's own API description."""

import json
from pathlib import Path
from urllib.parse import parse_qsl

import httpx
from openapi_core import OpenAPI
from openapi_core.testing import MockRequest, MockResponse

SPECS = Path(__file__).parent / "specs"


class Listening(httpx.BaseTransport):
    """A real transport that keeps each request and its answer; it may lose answers to requests that were made."""

    def __init__(self, *, lose: str = "") -> None:
        self.heard: list[tuple[httpx.Request, httpx.Response]] = []
        self.lose = lose
        self._inner = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._inner.handle_request(request)
        body = answer.read()
        self.heard.append((request, answer))
        if self.lose and request.method == self.lose:
            raise httpx.ReadError("the connection was lost", request=request)
        return httpx.Response(answer.status_code, headers=answer.headers, content=body, request=request)

    def close(self) -> None:
        self._inner.close()


def described(name: str) -> OpenAPI:
    """Open one description; calls are judged as if they had gone to its first server."""
    return OpenAPI.from_dict(json.loads((SPECS / name).read_text()))


def judge(spec: OpenAPI, heard: list[tuple[httpx.Request, httpx.Response]]) -> int:
    """Raise if a request, or a 2xx answer to one, is not as described; return how many were judged."""
    host = spec.spec["servers"][0]["url"]
    for sent, answer in heard:
        kind = sent.headers.get("content-type", "").partition(";")[0]
        request = MockRequest(
            host,
            sent.method.lower(),
            sent.url.path,
            args=dict(parse_qsl(sent.url.query.decode())),
            headers=dict(sent.headers),
            data=sent.content or None,
            content_type=kind or "application/json",
        )
        spec.validate_request(request)
        if answer.is_success:
            spec.validate_response(request, MockResponse(answer.content, answer.status_code))
    return len(heard)
