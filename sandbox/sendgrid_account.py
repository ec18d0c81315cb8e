"""What one SendGrid account holds: contacts, lists, jobs that take their time, suppressions.

`violations` must stay empty.
"""

import re
import uuid
from dataclasses import dataclass, field
from typing import Any

_ADDRESS = re.compile(r"[^@\s,;=]+@[^@\s,;]+\.[a-z]{2,}", re.IGNORECASE)


@dataclass(slots=True)
class Contact:
    """One contact. `external_id` is an identifier that somebody else may have given it."""

    id: str
    email: str
    alternate_emails: list[str] = field(default_factory=list[str])
    external_id: str = ""
    fields: dict[str, Any] = field(default_factory=dict[str, Any])
    custom_fields: dict[str, Any] = field(default_factory=dict[str, Any])
    list_ids: set[str] = field(default_factory=set[str])

    def shown(self) -> dict[str, Any]:
        """Return the contact as a search answers it."""
        return {
            "id": self.id,
            "email": self.email,
            "alternate_emails": self.alternate_emails,
            "external_id": self.external_id,
            "list_ids": sorted(self.list_ids),
            "segment_ids": [],
            "custom_fields": self.custom_fields,
            "created_at": "2026-01-01T00:00:00Z",
            "updated_at": "2026-01-01T00:00:00Z",
            **self.fields,
        }


@dataclass(slots=True)
class Job:
    """An upsert, a removal from lists or a deletion in the queue: done once it was asked after `polls` times."""

    id: str
    list_ids: list[str]
    contacts: list[dict[str, Any]]
    polls: int
    kind: str = "upsert"
    status: str = "pending"
    errors: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])


class Account:
    """The account's state. `custom` are its custom fields by id; `polls` is how patient one must be with a job."""

    def __init__(self) -> None:
        self.contacts: dict[str, Contact] = {}
        self.lists: dict[str, str] = {}
        self.jobs: dict[str, Job] = {}
        self.custom = {"e1_T": ("city_of_work", "Text"), "e2_N": ("years", "Number")}
        self.suppressions: dict[str, list[dict[str, Any]]] = {"unsubscribes": [], "bounces": [], "spam_reports": []}
        self.group: list[dict[str, Any]] = []
        self.violations: list[str] = []
        self.polls = 0
        self.fails = False

    def find(self, address: str) -> Contact | None:
        """Return the contact with this address, main or other."""
        wanted = address.lower()
        return next((one for one in self.contacts.values() if wanted in (one.email, *one.alternate_emails)), None)

    def seed(self, email: str, **fields: Any) -> Contact:
        """Put a contact there that somebody else brought."""
        contact = Contact(str(uuid.uuid4()), email.lower(), external_id=fields.pop("external_id", ""), fields=fields)
        self.contacts[contact.id] = contact
        return contact

    def add_list(self, name: str) -> str:
        """Create a list and return its id."""
        number = str(uuid.uuid4())
        self.lists[number] = name
        return number

    def listed(self, name: str) -> set[str]:
        """Return the main addresses on a list."""
        numbers = {number for number, known in self.lists.items() if known == name}
        return {one.email for one in self.contacts.values() if one.list_ids & numbers}

    def merge(self, primary: str, other: str) -> None:
        """Make one contact of two: the other's addresses become further ones of the first."""
        kept, gone = self.find(primary), self.find(other)
        if kept is None or gone is None:
            raise KeyError("there are no two such contacts")
        kept.alternate_emails += [gone.email, *gone.alternate_emails]
        kept.list_ids |= gone.list_ids
        del self.contacts[gone.id]

    def rename(self, old: str, new: str) -> None:
        """Give a contact another main address; the old one stays as a further one."""
        contact = self.find(old)
        if contact is None:
            raise KeyError("there is no such contact")
        contact.alternate_emails.append(contact.email)
        contact.email = new.lower()

    def order(self, list_ids: list[str], contacts: list[dict[str, Any]], kind: str = "upsert") -> str:
        """Queue a job and return its id; of a removal or deletion the contacts are named by `id`."""
        job = Job(str(uuid.uuid4()), list_ids, contacts, self.polls, kind)
        self.jobs[job.id] = job
        return job.id

    def ask(self, number: str) -> Job | None:
        """Return a job, which moves on by being asked after."""
        job = self.jobs.get(number)
        if job and job.status == "pending":
            if job.polls <= 0:
                self._run_up_to(job)
            job.polls -= 1
        return job

    def _run_up_to(self, job: Job) -> None:
        """Do a job, and before it whatever was ordered earlier: it is a queue."""
        for one in self.jobs.values():
            if one.status == "pending":
                self._run(one)
            if one is job:
                return

    def _run(self, job: Job) -> None:
        if self.fails:
            job.status = "failed"
            return
        for one in job.contacts:
            if job.kind == "removal" and one["id"] in self.contacts:
                self.contacts[one["id"]].list_ids -= set(job.list_ids)
            elif job.kind == "delete":
                self.contacts.pop(one["id"], None)
            elif job.kind == "upsert" and (problem := self._write(one, job.list_ids)):
                job.errors.append((str(one.get("email", "")), problem))
        job.status = "errored" if job.errors else "completed"

    def _write(self, one: dict[str, Any], list_ids: list[str]) -> str:
        email = str(one.get("email", ""))
        if not _ADDRESS.fullmatch(email):
            return "email is invalid"
        contact = self.find(email)
        if contact and contact.external_id and one.get("external_id") != contact.external_id:
            return "all existing identifiers must be present"
        contact = contact or self.seed(email)
        given = {name: value for name, value in one.items() if name not in ("email", "custom_fields")}
        contact.fields |= given
        contact.custom_fields |= one.get("custom_fields") or {}
        contact.list_ids |= set(list_ids)
        return ""
