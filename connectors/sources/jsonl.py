"""JSON lines: one candidate a line, by our own field names (those of Merge's candidates).

A line is an object of connectors.records.Candidate; `applications` in it holds objects of Application, whose
`candidate_id` may be left out. `remote_id` identifies a line, or the field that `key` names.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from connectors.columns import is_protected
from connectors.contract import Json
from connectors.errors import Malformed
from connectors.files import FileSource, json_lines, unreadable
from connectors.records import Application, Candidate, Record
from connectors.rows import identity
from connectors.shapes import is_list, is_object


class JsonLines(FileSource):
    """One file of JSON lines. Fields that no record has are kept with the line and not read."""

    connector = "jsonl"

    def _records(self, raw: Json) -> Iterable[Record]:
        candidate = raw["candidate"]
        yield Candidate.model_validate(
            {"origins": ("import",), **_fields(Candidate, candidate), "remote_id": raw["id"]}
        )
        applications: Any = candidate.get("applications") or []
        if not is_list(applications):
            raise Malformed("applications is not a list.")
        for number, application in enumerate(applications, 1):
            if not is_object(application):
                raise Malformed("an application is not an object.")
            own = {"remote_id": f"{raw['id']}:{number}", **_fields(Application, application)}
            yield Application.model_validate({**own, "candidate_id": raw["id"]})

    def _objects(self, path: Path) -> Iterator[Json]:
        with path.open("rb") as file:
            for number, line in json_lines(file):
                yield self._object(number, line)

    def _object(self, number: int, line: bytes) -> Json:
        text = line.decode(errors="replace")
        try:
            candidate = orjson.loads(line.removeprefix(b"\xef\xbb\xbf"))
        except orjson.JSONDecodeError:
            return unreadable(number, text, "it is not JSON.")
        if not is_object(candidate):
            return unreadable(number, text, "it is not a JSON object.")
        key = candidate.get(self.settings.key or "remote_id")
        if self.settings.key and not key:
            return unreadable(number, text, "its key field is empty.")
        if not key:
            self._tell_unkeyed()
            key = _identity(candidate)
        if not key:
            return unreadable(number, text, "it has no e-mail address, phone or name to be told by.")
        kept = {name: value for name, value in candidate.items() if not is_protected(str(name))}
        return {"id": str(key), "row": number, "candidate": kept}


def _fields(kind: type[Record], given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name in kind.model_fields}


def _identity(candidate: Mapping[str, Any]) -> str | None:
    whole = candidate.get("full_name") or f"{candidate.get('first_name') or ''} {candidate.get('last_name') or ''}"
    return identity(_first(candidate.get("email_addresses")), _first(candidate.get("phone_numbers")), str(whole))


def _first(values: Any) -> str:
    """Return the first of several values, each as the records hold them."""
    if is_list(values) and values and is_object(values[0]):
        return str(values[0].get("value") or "")
    return ""
