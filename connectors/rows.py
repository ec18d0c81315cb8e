"""One row of a file, its columns known, as records: a candidate, and an application where the row tells of one.

A blank cell is a field that was not given. `N/A`, `-` and their like are blank too.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from connectors.columns import ordinal
from connectors.errors import Malformed
from connectors.records import Application, Candidate, Outcome, Record, Stage

_BLANK = frozenset({"", "-", "--", "n/a", "na", "none", "null", "nil", "#n/a", "unknown", "k.a."})
_SEVERAL = re.compile(r"\s*(?::::|;|\n)\s*")
_SEVERAL_EMAILS = re.compile(r"\s*(?::::|[;,\n])\s*")
_DATE = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})(?:[ ,T]+(\d{1,2}):(\d{2})(?::(\d{2}))?)?$")
_STAGES: Mapping[str, Stage] = {
    word: stage
    for stage, words in {
        Stage.APPLIED: "applied|new|application received|application review|received|inbox|beworben",
        Stage.SCREENING: "screening|screen|phone screen|recruiter screen|phone interview|cv review|review",
        Stage.ASSESSMENT: "assessment|test|take home|take-home|challenge|case study",
        Stage.INTERVIEW: "interview|interviewing|onsite|on-site|first interview|second interview|face to face",
        Stage.FINAL_INTERVIEW: "final_interview|final interview|final round|final",
        Stage.OFFER: "offer|offer made|offer extended|offered",
    }.items()
    for word in words.split("|")
}
_OUTCOMES: Mapping[str, Outcome] = {
    word: outcome
    for outcome, words in {
        Outcome.PENDING: "pending|active|open|in progress|in process|under review",
        Outcome.HIRED: "hired|accepted|offer accepted|eingestellt|embauche|contratado",
        Outcome.REJECTED: "rejected|not hired|declined by us|archived|abgelehnt|absage|refuse|rechazado|unsuccessful",
        Outcome.WITHDRAWN: "withdrawn|withdrew|offer declined|candidate withdrew|zurückgezogen|declined by candidate",
        Outcome.JOB_CLOSED: "job closed|job_closed|closed|position closed|cancelled",
        Outcome.TRANSFERRED: "transferred|moved",
    }.items()
    for word in words.split("|")
}


def identity(email: str, phone: str, name: str) -> str | None:
    """Return what a row is told by where no column identifies it; None if it has no e-mail, phone or name.

    All three together: two people may share an address, and a row that took another's place would be lost. A row in
    which one of them changes is a new record, and whether it is the same person is for matching to say.
    """
    parts = [email.strip().casefold(), re.sub(r"\D", "", phone), " ".join(name.casefold().split())]
    if not any(parts):
        return None
    return "row_" + hashlib.sha256("|".join(parts).encode()).hexdigest()[:24]


class Row:
    """The cells of one row by field. `region` (alpha-2) says whether 3/4/2024 is in March or in April."""

    def __init__(self, cells: Mapping[str, str], columns: Mapping[str, str], region: str | None = None) -> None:
        self._region = region
        self._by_field: dict[str, list[tuple[str, str]]] = {}
        for column, field in columns.items():
            if (value := cells.get(column, "").strip()).casefold() not in _BLANK:
                self._by_field.setdefault(field, []).append((column, value))

    def all(self, field: str) -> Sequence[tuple[str, str]]:
        """Return (column, value) of every cell of a field that is not blank."""
        return self._by_field.get(field, ())

    def first(self, field: str) -> str:
        """Return the first value of a field, or an empty text."""
        return next((value for _, value in self.all(field)), "")

    def emails(self) -> list[dict[str, Any]]:
        """Return the addresses, each once; a label in the column beside says what kind one is."""
        labels = {ordinal(column): _SEVERAL.split(value) for column, value in self.all("email_label")}
        found: dict[str, dict[str, Any]] = {}
        for column, value in self.all("email"):
            beside = labels.get(ordinal(column), [])
            for position, address in enumerate(_SEVERAL_EMAILS.split(value)):
                if "@" in address and address.casefold() not in found:
                    label = beside[position] if position < len(beside) else ""
                    found[address.casefold()] = {"value": address, **_labelled(label or column)}
        return list(found.values())

    def phones(self) -> list[dict[str, Any]]:
        """Return the numbers, each once, with their kind where the column's name says it."""
        found: dict[str, dict[str, Any]] = {}
        for column, value in self.all("phone"):
            for number in _SEVERAL.split(value):
                if sum(letter.isdigit() for letter in number) >= 4:
                    kind = next((k for k in ("mobile", "home", "work") if k in column.casefold()), None)
                    found.setdefault(number, {"value": number, **({"phone_number_type": kind} if kind else {})})
        return list(found.values())

    def moment(self, field: str) -> datetime | None:
        """Return a date or time; one without a zone is taken as UTC. Raises Malformed when it cannot be read."""
        if not (text := self.first(field)):
            return None
        try:
            read = datetime.fromisoformat(text)
        except ValueError:
            read = self._written_by_people(text)
        if read is None:
            raise Malformed(f"{field} is not a date. Write it as YYYY-MM-DD.")
        return read if read.tzinfo else read.replace(tzinfo=UTC)

    def _written_by_people(self, text: str) -> datetime | None:
        match = _DATE.match(text)
        if not match:
            return None
        first, second, year, *clock = (int(part or 0) for part in match.groups())
        american = "." not in text and (second > 12 or (first <= 12 and self._region == "US"))
        month, day = (first, second) if american else (second, first)
        try:
            return datetime(year, month, day, *clock, tzinfo=UTC)
        except ValueError:
            return None

    def name(self) -> str:
        """Return the whole name, put together where it came in parts."""
        return self.first("full_name") or f"{self.first('first_name')} {self.first('last_name')}".strip()

    def identity(self) -> str | None:
        """Return what this row is told by where no column identifies it."""
        emails, phones = self.emails(), self.phones()
        return identity(emails[0]["value"] if emails else "", phones[0]["value"] if phones else "", self.name())


def records(key: str, row: Row) -> Iterable[Record]:
    """Return a row's candidate, and its application where one of its columns tells of one. Raises Malformed."""
    application = _application(key, row)
    times = {
        f"remote_{field}": moment for field in ("created_at", "updated_at") if (moment := row.moment(field)) is not None
    }
    origins = ("import", "applied") if application else ("import",)
    yield Candidate.model_validate({"remote_id": key, "origins": origins, **person_fields(row), **times})
    if application:
        yield Application.model_validate({**application, **times})


def person_fields(row: Row) -> dict[str, Any]:
    """Return the fields of the candidate that a row tells of; what is blank is left out."""
    names = ("first_name", "last_name", "full_name", "preferred_name", "company", "title")
    person: dict[str, Any] = {field: value for field in names if (value := row.first(field))}
    several = {
        "email_addresses": row.emails(),
        "phone_numbers": row.phones(),
        "urls": [url_of(value) for _, cell in row.all("url") for value in _SEVERAL.split(cell)],
        "tags": _tags(row),
        "person_numbers": [value for _, value in row.all("person_number")],
        "location": _location(row),
    }
    person |= {field: value for field, value in several.items() if value}
    if re.fullmatch(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,4})?", row.first("language")):
        person["language"] = row.first("language").replace("_", "-")
    return person


def url_of(value: str) -> dict[str, str]:
    """Return one address of a candidate's as the records hold it, its kind known by its host."""
    kind = next((site for site in ("linkedin", "github", "xing") if f"{site}.com" in value.casefold()), None)
    return {"value": value, **({"url_type": kind} if kind else {})}


def _tags(row: Row) -> list[str]:
    """Return a row's tags without the groups that Google makes by itself."""
    words = (re.split(r"\s*(?::::|[;,|])\s*", value) for _, value in row.all("tags"))
    tags = [word.removeprefix("* ").strip() for several in words for word in several]
    return list(dict.fromkeys(tag for tag in tags if tag and tag.casefold() not in ("mycontacts", "starred")))


def _location(row: Row) -> dict[str, str]:
    place = {field: value for field in ("city", "region", "postal_code") if (value := row.first(field))}
    if street := " ".join(value for _, value in row.all("street")):
        place["street"] = street
    country = row.first("country")
    if re.fullmatch(r"[A-Za-z]{2}", country):
        place["country_code"] = country.upper()
        country = ""
    parts = [place.get("city"), place.get("region"), country]
    if raw := row.first("location") or (country and ", ".join(part for part in parts if part)):
        place["raw"] = raw
    return place


def _application(key: str, row: Row) -> dict[str, Any]:
    """Return the fields of the application that a row tells of; empty if it tells of none."""
    stage, outcome, status = row.first("stage"), row.first("outcome"), row.first("status")
    found: dict[str, Any] = {"job_id": row.first("job_id") or None, "applied_at": row.moment("applied_at")}
    found["stage_name"] = stage or (status if status.casefold() not in _OUTCOMES else None) or None
    found["stage"] = _STAGES.get(stage.casefold()) or _STAGES.get(status.casefold())
    found["outcome"] = next((_OUTCOMES[w] for w in map(str.casefold, (outcome, status, stage)) if w in _OUTCOMES), None)
    if outcome and not found["outcome"]:
        raise Malformed(f"outcome is not one of {', '.join(Outcome)}. Correct it, or map the column to `ignore`.")
    found = {field: value for field, value in found.items() if value is not None}
    if not found:
        return {}
    origin = {"family": "import", **({"name": row.first("source")} if row.first("source") else {})}
    return {"remote_id": key, "candidate_id": key, "source": origin, **found}


def _labelled(label: str) -> dict[str, Any]:
    """Read `* Work` as Google writes the first address of the work."""
    words = label.casefold()
    kind = next((k for k in ("personal", "work") if k in words), "personal" if "home" in words else None)
    return {
        **({"email_address_type": kind} if kind else {}),
        **({"is_primary": True} if label.startswith("* ") else {}),
    }
