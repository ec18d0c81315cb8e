"""Sends httpx traffic through `requests`, so that `responses` can answer it."""

import httpx
import requests

_RAISED_AS = (
    (requests.exceptions.ConnectTimeout, httpx.ConnectTimeout),
    (requests.exceptions.Timeout, httpx.ReadTimeout),
    (requests.exceptions.ChunkedEncodingError, httpx.RemoteProtocolError),
    (requests.exceptions.ConnectionError, httpx.ConnectError),
)
"""What requests calls a failure, and what httpx does, the narrower first."""


class RequestsTransport(httpx.BaseTransport):
    """An httpx transport over one `requests.Session`. A request that nothing answers is a fault of the test's."""

    def __init__(self) -> None:
        self.session = requests.Session()
        self.session.trust_env = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        # as text, which is what the matchers of `responses` read
        text = request.read().decode(errors="surrogateescape") or None
        prepared = requests.Request(request.method, str(request.url), data=text).prepare()
        prepared.headers.update((name.decode(), value.decode()) for name, value in request.headers.raw)
        try:
            answer = self.session.send(prepared, allow_redirects=False)
        except requests.exceptions.RequestException as error:
            failure = _failure(request, error)
        else:
            return _undone(request, answer)
        # out here, so that nothing of what requests said hangs on it
        raise failure

    def close(self) -> None:
        self.session.close()


def _failure(request: httpx.Request, error: requests.exceptions.RequestException) -> Exception:
    if "doesn't match any registered mock" in str(error):
        return AssertionError(f"the fixture has no answer to {request.method} {request.url}\n{error}")
    raised = next((ours for theirs, ours in _RAISED_AS if isinstance(error, theirs)), httpx.ReadError)
    return raised("the connection failed", request=request)


def _undone(request: httpx.Request, answer: requests.Response) -> httpx.Response:
    """Return the answer, whose encoding requests has undone already."""
    kept = [(name, value) for name, value in answer.headers.items() if name.lower() != "content-encoding"]
    return httpx.Response(answer.status_code, headers=kept, content=answer.content, request=request)
