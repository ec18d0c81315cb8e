"""SendGrid's jobs: which one an answer names, what it has come to, and whom its file of errors refuses.

Facts: github.com/twilio/sendgrid-oai, spec/json/tsg_mc_contacts_v3 (`ContactImport`: pending, completed, errored,
failed). The columns of the file of errors are not documented.
"""

import csv
import io

from connectors.contract import Json
from connectors.http import Http
from connectors.shapes import part

_LONGEST_NAP = 15.0
_ENDED = ("completed", "errored", "failed")


def job_of(told: Json) -> str | None:
    """Return the job that an answer names: a text, or, for a deletion, an object of which only an id is known."""
    job = told.get("job_id")
    named = part(told, "job_id").get("id") if isinstance(job, dict) else job
    return str(named) if named else None


def last_word(http: Http, job: str, patience: float) -> Json | None:
    """Return a job's last word, or its state when `patience` (seconds) is at its end; None if it is not known there."""
    waited, nap = 0.0, 1.0
    while True:
        answer = http.request("GET", f"v3/marketing/contacts/imports/{job}", accept=(404,))
        if answer.status_code == 404:
            return None
        told: Json = http.json(answer)
        if told.get("status") in _ENDED or waited >= patience:
            return told
        http.rest(nap)
        waited, nap = waited + nap, min(nap * 2, _LONGEST_NAP)


def refusals(text: str, addresses: set[str]) -> dict[str, str]:
    """Return what a file of errors says, by address; an address is sought in every column."""
    lines = list(csv.reader(io.StringIO(text)))
    if not lines:
        return {}
    named = [place for place, title in enumerate(lines[0]) if "error" in title.lower() or "message" in title.lower()]
    found: dict[str, str] = {}
    for line in lines:
        address = next((cell.strip().lower() for cell in line if cell.strip().lower() in addresses), None)
        if address:
            words = [line[place] for place in named if place < len(line)]
            found[address] = " ".join(words) or line[-1]
    return found
