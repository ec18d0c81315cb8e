"""JSON Resume 1.3.1: one file with a résumé or a list of them, or a folder of such files.

The profile keeps work, education and skills, without contact data, pictures and other people's references.
Format: https://jsonresume.org/schema.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from connectors.contract import Json
from connectors.errors import Malformed
from connectors.files import FileSource, survey, unreadable
from connectors.records import Candidate, Record
from connectors.rows import identity, url_of
from connectors.shapes import is_list, is_object

_PROFILE = (
    "work",
    "volunteer",
    "education",
    "awards",
    "certificates",
    "publications",
    "skills",
    "languages",
    "projects",
)
_NEVER = ("image", "picture", "photo", "birthDate", "gender", "nationality", "maritalStatus")


class JsonResume(FileSource):
    """Résumés in files. One is told by e-mail, phone and name together, or by the field of basics named by `key`."""

    connector = "json_resume"

    def _records(self, raw: Json) -> Iterable[Record]:
        resume = raw["resume"]
        basics: Any = resume.get("basics") or {}
        if not is_object(basics):
            raise Malformed("basics is not an object.")
        person: dict[str, Any] = {"remote_id": raw["id"], "origins": ("import",)}
        if basics.get("name"):
            person["full_name"] = basics["name"]
        if basics.get("email"):
            person["email_addresses"] = [{"value": basics["email"]}]
        if basics.get("phone"):
            person["phone_numbers"] = [{"value": basics["phone"]}]
        if urls := _urls(basics):
            person["urls"] = urls
        if location := _location(basics.get("location")):
            person["location"] = location
        person |= _present_work(resume, basics)
        if profile := _profile(resume, basics):
            person["profile"] = profile
        yield Candidate.model_validate(person)

    def _fingerprint(self, path: Path) -> str:
        digest = hashlib.sha256()
        for file in _files(path):
            digest.update(f"{file.name}:{survey(file).sha256}\n".encode())
        return digest.hexdigest()

    def _objects(self, path: Path) -> Iterator[Json]:
        number = 0
        for file in _files(path):
            content = file.read_bytes()
            try:
                read = orjson.loads(content.removeprefix(b"\xef\xbb\xbf"))
            except orjson.JSONDecodeError:
                number += 1
                yield unreadable(number, content.decode(errors="replace"), "the file is not JSON.")
                continue
            for resume in read if is_list(read) else [read]:
                number += 1
                yield self._object(number, resume)

    def _object(self, number: int, resume: Any) -> Json:
        if not is_object(resume) or not is_object(resume.get("basics")):
            return unreadable(number, orjson.dumps(resume).decode(), "it is not a JSON Resume: it has no basics.")
        basics = {name: value for name, value in resume["basics"].items() if name not in _NEVER}
        if self.settings.key:
            key = str(basics.get(self.settings.key) or "")
        else:
            key = identity(*(str(basics.get(name) or "") for name in ("email", "phone", "name")))
        if not key:
            return unreadable(number, orjson.dumps(resume).decode(), "it has no e-mail address, phone or name.")
        return {"id": key, "row": number, "resume": {**resume, "basics": basics}}


def _files(path: Path) -> list[Path]:
    """Return the file itself, or a folder's *.json in order of name."""
    return sorted(path.glob("*.json")) if path.is_dir() else [path]


def _urls(basics: Mapping[str, Any]) -> list[dict[str, str]]:
    profiles: list[Any] = basics.get("profiles") or []
    values = [basics.get("url"), *(one.get("url") for one in profiles if is_object(one))]
    return [url_of(value) for value in values if value]


def _location(given: Any) -> dict[str, str]:
    if not is_object(given):
        return {}
    names = {"city": "city", "region": "region", "countryCode": "country_code", "postalCode": "postal_code"}
    return {ours: given[theirs] for theirs, ours in names.items() if given.get(theirs)}


def _present_work(resume: Mapping[str, Any], basics: Mapping[str, Any]) -> dict[str, str]:
    """Return company and title: those of the first position without an end, else what the person calls themselves."""
    work: list[Any] = resume.get("work") or []
    present = next((one for one in work if is_object(one) and not one.get("endDate")), Json())
    found = {"company": present.get("name"), "title": present.get("position") or basics.get("label")}
    return {field: value for field, value in found.items() if value}


def _profile(resume: Mapping[str, Any], basics: Mapping[str, Any]) -> dict[str, Any]:
    kept = {section: resume[section] for section in _PROFILE if resume.get(section)}
    about = {name: basics[name] for name in ("label", "summary") if basics.get(name)}
    return {**({"basics": about} if about else {}), **kept}
