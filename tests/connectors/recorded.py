"""Reads `fixtures/<connector>.yaml` and plays the vendor that it describes, with faults where a test asks for them."""

import base64
import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import orjson
import requests
import responses
import yaml
from responses import matchers

from connectors.contract import Connection, Delivery, Stream
from connectors.source import Source, open_source
from tests.connectors.transport import RequestsTransport

FIXTURES = Path(__file__).parent / "fixtures"
Exchange = Mapping[str, Any]


class _Loader(yaml.SafeLoader):
    """YAML in which a date stays the text that the vendor sends."""


_Loader.yaml_implicit_resolvers = {
    letter: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
    for letter, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True)
class Recorded:
    """One vendor's fixture."""

    connector: str
    told: Mapping[str, Any]

    @property
    def environ(self) -> dict[str, str]:
        return dict(self.told.get("environ") or {})

    @property
    def secrets(self) -> Sequence[str]:
        return self.told.get("secrets") or ()

    @property
    def credential(self) -> Sequence[Exchange]:
        return self.told.get("credential") or ()

    @property
    def now(self) -> datetime:
        return datetime.fromisoformat(self.told["now"])

    @property
    def later_now(self) -> datetime:
        return datetime.fromisoformat(self.told["later_now"])

    @property
    def streams(self) -> Mapping[str, Mapping[str, Any]]:
        return self.told.get("streams") or {}

    @property
    def file(self) -> Mapping[str, Any]:
        return self.told.get("files") or {}

    def deliveries(self, kind: str = "deliveries") -> list[tuple[Mapping[str, Any], Delivery]]:
        """Return each delivery as it is told, and as the intake keeps it."""
        return [(told, self._delivery(told, number)) for number, told in enumerate(self.told.get(kind) or ())]

    def connection(self, folder: Path) -> Connection:
        given = {"name": self.connector, **(self.told.get("connection") or {})}
        settings = {
            name: value.replace("{folder}", str(folder)) if isinstance(value, str) else value
            for name, value in (given.pop("settings", None) or {}).items()
        }
        return Connection(connector=self.connector, settings=settings, **given)

    def open(self, folder: Path, environ: Mapping[str, str] | None = None) -> Source:
        """Open the source; it reaches nothing outside `answering`."""
        environ = self.environ if environ is None else environ
        return open_source(self.connection(folder), environ, None, RequestsTransport())

    def stream(self, source: Source, name: str) -> Stream:
        return next(stream for stream in source.streams() if stream.name == name)

    @contextmanager
    def answering(self, pages: Sequence[Exchange], *, faults: Sequence["Fault"] = ()) -> Iterator["Answering"]:
        """Answer `pages` and all that is asked beside them; each fault comes before what it stands in front of."""
        with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
            for fault in faults:
                for _ in range(fault.times):
                    _add(mock, {"request": fault.exchange["request"], "response": fault.response})
            beside = [*self.credential, *(self.told.get("beside") or ())]
            for exchange in beside:
                _add(mock, exchange)
            vendor_side = Answering([_add(mock, exchange) for exchange in pages])
            try:
                yield vendor_side
            finally:
                vendor_side.calls.extend(mock.calls)

    def _delivery(self, told: Mapping[str, Any], number: int) -> Delivery:
        body = base64.b64decode(told["body_base64"]) if "body_base64" in told else told["body"].encode()
        headers = {name: str(value) for name, value in (told.get("headers") or {}).items()}
        return Delivery(self.connector, f"key-{number}", self.now, headers, body)


@dataclass(frozen=True)
class Fault:
    """What the vendor says `times` before it answers `exchange` as it should."""

    exchange: Exchange
    response: Mapping[str, Any]
    times: int = 1


@dataclass(frozen=True)
class Answering:
    """A vendor at work. `pages` count how often each was asked for; `calls` are known once it is over."""

    pages: Sequence[responses.BaseResponse]
    calls: list[Any] = field(default_factory=list)

    @property
    def statuses(self) -> list[int]:
        """The statuses of all answers given, in order."""
        return [call.response.status_code for call in self.calls if isinstance(call.response, requests.Response)]


@lru_cache
def recorded(connector: str) -> Recorded:
    """Return a connector's fixture. Raises AssertionError with what to do if there is none."""
    path = FIXTURES / f"{connector}.yaml"
    if not path.exists():
        raise AssertionError(f"add tests/connectors/fixtures/{connector}.yaml (its form: fixtures/README.md)")
    return Recorded(connector, yaml.load(path.read_text(), _Loader))


@contextmanager
def refusing_all(status: int = 401) -> Iterator[list[Any]]:
    """Answer whatever is asked with one status; gives the list of calls, known once it is over."""
    calls: list[Any] = []
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        for method in (responses.GET, responses.POST):
            mock.add(method, re.compile(".*"), json={"error": "no"}, status=status)
        try:
            yield calls
        finally:
            calls.extend(mock.calls)


def changed(raw: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy of `raw` with the values at dotted paths replaced."""
    result = copy.deepcopy(dict(raw))
    for path, value in changes.items():
        holder, last = _holder(result, path)
        holder[last] = value
    return result


def without(raw: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Return a copy of `raw` without the field at a dotted path, which it must have."""
    result = copy.deepcopy(dict(raw))
    holder, last = _holder(result, path)
    del holder[last]
    return result


def has(raw: Any, path: str) -> bool:
    """Say whether there is a field at a dotted path."""
    try:
        holder, last = _holder(raw, path)
        holder[last]
    except (LookupError, TypeError):
        return False
    return True


def _holder(raw: Any, path: str) -> tuple[Any, Any]:
    *steps, last = path.split(".")
    for step in steps:
        raw = raw[int(step) if isinstance(raw, list) else step]
    return raw, int(last) if isinstance(raw, list) else last


def _add(mock: responses.RequestsMock, exchange: Exchange) -> responses.BaseResponse:
    request, response = exchange["request"], exchange.get("response") or {}
    parts = urlsplit(request["url"])
    asked = dict(parse_qsl(parts.query, keep_blank_values=True)) | {
        name: str(value) for name, value in (request.get("params") or {}).items()
    }
    match: list[Any] = [matchers.query_param_matcher(asked)]
    if "headers" in request:
        match.append(matchers.header_matcher(request["headers"]))
    if "json" in request:
        match.append(matchers.json_params_matcher(request["json"]))
    if "form" in request:
        match.append(matchers.urlencoded_params_matcher({k: str(v) for k, v in request["form"].items()}))
    body = response.get("body", b"")
    if "json" in response:
        body = orjson.dumps(response["json"])
    return mock.add(
        request.get("method", "GET"),
        urlunsplit(parts._replace(query="")),
        match=match,
        status=response.get("status", 200),
        headers=response.get("headers"),
        content_type="application/json",
        body=body,
    )
