"""SendGrid Marketing: contacts handed over as jobs that are followed to their end, and a segment as a list.

Facts: github.com/twilio/sendgrid-oai, spec/json/tsg_mc_{contacts,lists,custom_fields}_v3 and tsg_suppressions_v3
(30 000 contacts or 6 MB a request, answer 202 with `job_id`; omitted fields stay; search by 100 addresses; identifiers
other than the address are not sent, so none that others set has to be known). Taking off a list and deleting are jobs
as well; that their status can be asked for is said of deleting alone, so that an unknown job is settled by a look.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import ClassVar, Literal
from urllib.parse import urlsplit

import httpx
import orjson
from pydantic import Field, SecretStr, field_validator

from connectors.contract import (
    Action,
    Awaited,
    Cleared,
    DestinationSettings,
    Erases,
    Fate,
    Forgotten,
    Json,
    RowOutcome,
    SignalPage,
)
from connectors.destination import Destination
from connectors.errors import Misconfigured, Refused, Unavailable
from connectors.http import Http, VendorError
from connectors.mapping import FieldMapping, fields_of, filled, filling
from connectors.records import Channel
from connectors.sendgrid_events import SendGridEvents
from connectors.sendgrid_jobs import job_of, last_word, refusals
from connectors.sendgrid_suppressions import suppressions_since
from connectors.settings import Settings, variable
from connectors.shapes import part

_LARGEST = 5_500_000
"""Bytes of contacts in one request: the vendor's 6 MB, less what stands around them."""
_SEARCHED = 100
_WORKED_ON = "SendGrid is still working on this."
_IDENTIFIERS = frozenset({"email", "alternate_emails", "phone_number_id", "external_id", "anonymous_id"})
_RESERVED = frozenset(
    {"first_name", "last_name", "address_line_1", "address_line_2", "city", "state_province_region", "country"}
    | {"postal_code"}
)


class SendGridSettings(Settings):
    """`api_key` needs Marketing (full) and Suppressions (read). EU accounts set `base_url` to api.eu.sendgrid.com."""

    api_key: SecretStr
    base_url: str = "https://api.sendgrid.com"
    contact_fields: FieldMapping = Field(
        default_factory=lambda: filling(first_name="first_name", last_name="last_name")
    )
    """The contact's own fields, or custom fields by name, and which of our fields fills each."""
    event_webhook_key: str | None = None
    """The public key that SendGrid shows for its Event Webhook, where that calls `/signals/NAME`."""
    unsubscribe_group: int | None = None
    """An unsubscribe group whose opt-outs are read back besides the global ones."""
    patience_seconds: float = Field(60, ge=0)
    """How long a run follows one job; what is not done by then is asked after at the next run."""

    @field_validator("contact_fields")
    @classmethod
    def _without_identifiers(cls, value: FieldMapping) -> FieldMapping:
        if found := sorted(_IDENTIFIERS & set(value)):
            raise ValueError(f"{found[0]} identifies a contact and is not to be filled; the address is the only key")
        return value


class SendGrid(SendGridEvents, Destination):
    """One account, in which a segment is a list.

    Requests of a run, for each push: ⌈changed/30 000⌉ (more where 6 MB are less) + 2 x ⌈left/100⌉ + the asking after
    each of these jobs + 1 to find the lists (2 to create one; 1 more where custom fields are filled). Leaving takes a
    contact off the list and nothing else; suppressions are read and never written.
    """

    connector: ClassVar[str] = "sendgrid"
    kind: ClassVar[Literal["state", "message"]] = "state"
    channel: ClassVar[Channel] = Channel.EMAIL
    batch: ClassVar[int] = 30_000
    erases: ClassVar[Erases] = "delete"
    Settings = SendGridSettings
    account: SendGridSettings

    def __init__(
        self, settings: DestinationSettings, account: SendGridSettings, transport: httpx.BaseTransport | None = None
    ) -> None:
        super().__init__(settings, account, transport)
        self.fields = fields_of(account.contact_fields)
        self._http = Http(
            account.base_url,
            name=settings.name,
            hint=(
                f"Set {variable(settings.name, 'api_key')} to a key of this account and region with access to "
                "Marketing and Suppressions."
            ),
            headers={"Authorization": f"Bearer {account.api_key.get_secret_value()}"},
            transport=transport,
        )
        self._lists: dict[str, str] | None = None
        self._custom: dict[str, tuple[str, str]] | None = None
        self._elsewhere = 0

    @property
    def requests(self) -> int:
        return self._http.requests + self._elsewhere

    def apply(self, rows: Sequence[Cleared], now: datetime) -> Iterator[RowOutcome]:  # noqa: ARG002 - the contract's
        leaving: dict[str, list[Cleared]] = {}
        coming: dict[str, list[Cleared]] = {}
        for row in rows:
            (leaving if row.action is Action.REMOVE else coming).setdefault(row.tag, []).append(row)
        for tag, gone in leaving.items():
            yield from self._take_out(tag, gone)
        for tag, those in coming.items():
            contacts = [(row, self._contact(row)) for row in those]
            for some in _fitting(contacts):
                yield from self._order(tag, some)

    # putting there

    def _order(self, tag: str, contacts: Sequence[tuple[Cleared, Json]]) -> Iterator[RowOutcome]:
        """Hand over one request's worth; a refusal of the whole is halved until the row is found."""
        body = {"list_ids": [self._list(tag, create=True)], "contacts": [contact for _, contact in contacts]}
        try:
            answer = self._http.request("PUT", "v3/marketing/contacts", json=body)
        except VendorError as error:
            problems = _problems(error.response)
            if error.status == 404 or any("list_ids" in str(one.get("field")) for one in problems):
                self._lists = None  # out here it may have been deleted since it was found
                raise Unavailable(
                    f"{self.settings.name}: the list of a push is gone. Run again to create it."
                ) from error
            if len(contacts) > 1:
                middle = len(contacts) // 2
                yield from self._order(tag, contacts[:middle])
                yield from self._order(tag, contacts[middle:])
                return
            words = " ".join(str(one.get("message", "")) for one in problems) or f"status {error.status}"
            yield RowOutcome(contacts[0][0].row_id, Fate.REJECTED, "SendGrid refused this row.", words)
            return
        job = job_of(self._http.json(answer))
        if not job:
            raise Unavailable(f"{self.settings.name} took contacts and named no job to follow. Run again later.")
        for row, _ in contacts:
            yield RowOutcome(row.row_id, Fate.PENDING, _WORKED_ON, job=job)

    def _contact(self, row: Cleared) -> Json:
        values = filled(self.account.contact_fields, row, empty=None)
        contact: Json = {"email": row.address.lower()}
        for name, value in values.items():
            if name in _RESERVED:
                contact[name] = "" if value is None else str(value)
            else:
                number, kind = self._custom_field(name)
                known = value if kind == "Number" else None if value is None else str(value)
                contact.setdefault("custom_fields", {})[number] = "" if known is None and kind == "Text" else known
        return contact

    def _custom_field(self, name: str) -> tuple[str, str]:
        """Return the id and type of a custom field; the definitions are asked for once."""
        if self._custom is None:
            told = self._http.json(self._http.get("v3/marketing/field_definitions"))
            self._custom = {
                str(one["name"]): (str(one["id"]), str(one["field_type"])) for one in told.get("custom_fields") or ()
            }
        if name not in self._custom:
            raise Misconfigured(
                f"{self.settings.name}: SendGrid has no field {name!r}. Create it there, or correct `contact_fields`."
            )
        return self._custom[name]

    def followed(self, job: str, rows: Sequence[Awaited], now: datetime) -> Iterator[RowOutcome]:  # noqa: ARG002
        """Ask after a job with growing pauses, as long as patience lasts, and say of each row what it came to."""
        told = last_word(self._http, job, self.account.patience_seconds) or {}
        leaving = [row for row in rows if row.action is Action.REMOVE]
        coming = [row for row in rows if row.action is not Action.REMOVE]
        status, results = told.get("status"), part(told, "results")
        if status == "completed":
            yield from (RowOutcome(row.row_id, Fate.SENT) for row in coming)
            yield from (RowOutcome(row.row_id, Fate.REMOVED) for row in leaving)
        elif status in ("errored", "failed"):
            if coming:
                count, url = int(results.get("errored_count") or 0), str(results.get("errors_url") or "")
                yield from self._attributed(coming, url, count, failed=status == "failed")
            yield from self._looked_at(leaving)
        elif told:
            yield from (RowOutcome(row.row_id, Fate.PENDING, "SendGrid is not done yet.", job=job) for row in rows)
        else:
            unknown = "SendGrid does not know this job any more; it is sent again."
            yield from (RowOutcome(row.row_id, Fate.DEFERRED, unknown) for row in coming)
            yield from self._looked_at(leaving)

    def _looked_at(self, rows: Sequence[Awaited]) -> Iterator[RowOutcome]:
        """Say who is off the list by looking: a contact that is gone, or is on the list no more, was taken off."""
        found = self._found([row.address for row in rows])
        for row in rows:
            on_lists = (found.get(row.address.lower()) or {}).get("list_ids") or ()
            if self._list(row.tag, create=False) in on_lists:
                yield RowOutcome(row.row_id, Fate.DEFERRED, "SendGrid has not taken this off; it is asked again.")
            else:
                yield RowOutcome(row.row_id, Fate.REMOVED)

    def _attributed(
        self, rows: Sequence[Awaited], errors_url: str, count: int, *, failed: bool
    ) -> Iterator[RowOutcome]:
        """Tell the `count` rows that a job refused from the others: by its file of errors, else by looking them up."""
        addresses = {row.address.lower() for row in rows}
        refused = refusals(self._fetched(errors_url), addresses) if errors_url else {}
        rest = [row for row in rows if row.address.lower() not in refused]
        for row in rows:
            if row.address.lower() in refused:
                words = refused[row.address.lower()]
                yield RowOutcome(row.row_id, Fate.REJECTED, "SendGrid refused this row.", words)
        if failed:
            yield from (RowOutcome(row.row_id, Fate.DEFERRED, "SendGrid's job failed as a whole.") for row in rest)
            return
        if refused and len(refused) >= count:
            yield from (RowOutcome(row.row_id, Fate.SENT) for row in rest)
            return
        found = self._found([row.address for row in rest])
        for row in rest:
            on_lists = (found.get(row.address.lower()) or {}).get("list_ids") or ()
            if self._list(row.tag, create=False) in on_lists:
                yield RowOutcome(row.row_id, Fate.SENT)
            else:
                yield RowOutcome(row.row_id, Fate.REJECTED, "SendGrid refused this row.", "named in no file of errors")

    def _fetched(self, url: str) -> str:
        """Return the file of errors, which lies at another host and is signed: the key is not sent there.

        One that is gone or whose signature ended is as if there were none: the rows are looked up instead.
        """
        parts = urlsplit(url)
        other = Http(f"{parts.scheme}://{parts.netloc}", name=f"{self.settings.name}'s file", transport=self.transport)
        try:
            return other.get(url).text
        except (Refused, VendorError):
            return ""
        finally:
            self._elsewhere += other.requests
            other.close()

    # taking out

    def _take_out(self, tag: str, rows: Sequence[Cleared]) -> Iterator[RowOutcome]:
        """Take contacts off a list: a job for those who are there; whoever is not, is off it."""
        number = self._list(tag, create=False)
        jobs: dict[str, str] = {}
        found: dict[str, Json] = {}
        if number is not None:
            found = self._found([row.address for row in rows])
            ids = sorted({str(contact["id"]) for contact in found.values()})
            for start in range(0, len(ids), _SEARCHED):
                jobs |= self._taken_off(number, ids[start : start + _SEARCHED])
        for row in rows:
            contact = found.get(row.address.lower())
            job = jobs.get(str(contact["id"])) if contact else None
            yield (
                RowOutcome(row.row_id, Fate.PENDING, _WORKED_ON, job=job)
                if job
                else RowOutcome(row.row_id, Fate.REMOVED)
            )

    def _taken_off(self, number: str, ids: Sequence[str]) -> dict[str, str]:
        """Return the job by contact; 404 says that the list or one of them is gone, so they are halved."""
        path, params = f"v3/marketing/lists/{number}/contacts", {"contact_ids": ",".join(ids)}
        answer = self._http.request("DELETE", path, params=params, accept=(404,))
        if answer.status_code != 404:
            job = job_of(self._http.json(answer))
            return dict.fromkeys(ids, job) if job else {}
        middle = len(ids) // 2
        return self._taken_off(number, ids[:middle]) | self._taken_off(number, ids[middle:]) if middle else {}

    def _found(self, addresses: Sequence[str]) -> dict[str, Json]:
        """Return the contacts at addresses, main or other ones, by the address asked for."""
        found: dict[str, Json] = {}
        for start in range(0, len(addresses), _SEARCHED):
            body = {"emails": [address.lower() for address in addresses[start : start + _SEARCHED]]}
            path = "v3/marketing/contacts/search/emails"
            answer = self._http.request("POST", path, json=body, accept=(404,), repeatable=True)
            if answer.status_code != 404:
                result: Mapping[str, Json] = self._http.json(answer).get("result") or {}
                found |= {address.lower(): one["contact"] for address, one in result.items() if one.get("contact")}
        return found

    def _list(self, tag: str, *, create: bool) -> str | None:
        """Return the id of the list that a segment is; None where there is none and none is to be created."""
        if self._lists is None:
            self._lists, params = {}, {"page_size": 1000}
            while True:
                told = self._http.json(self._http.get("v3/marketing/lists", params=params))
                self._lists |= {str(one["name"]): str(one["id"]) for one in told.get("result") or ()}
                token = _token(part(told, "_metadata").get("next"))
                if not token:
                    break
                params = {"page_size": 1000, "page_token": token}
        if tag not in self._lists and create:
            told = self._http.json(self._http.request("POST", "v3/marketing/lists", json={"name": tag}))
            self._lists[tag] = str(told["id"])
        return self._lists.get(tag)

    # what it learned

    def read_back(self, cursor: Json | None, now: datetime) -> Iterator[SignalPage]:  # noqa: ARG002 - the contract's
        """Yield global unsubscribes, bounces and complaints since the newest seen of each, and one group's opt-outs."""
        yield from suppressions_since(self._http, self.account.unsubscribe_group, cursor)

    def erase(self, addresses: Sequence[str], now: datetime) -> Iterator[Forgotten]:  # noqa: ARG002 - the contract's
        """Delete contacts, main or other address alike; it is a job there, which is waited for."""
        found = self._found(addresses)
        ids = sorted({str(contact["id"]) for contact in found.values()})
        for start in range(0, len(ids), _SEARCHED):
            params = {"ids": ",".join(ids[start : start + _SEARCHED])}
            answer = self._http.request(
                "DELETE", "v3/marketing/contacts", params=params, accept=(404,), repeatable=True
            )
            if job := job_of(self._http.json(answer)) if answer.status_code != 404 else None:
                last_word(self._http, job, self.account.patience_seconds)
        for address in addresses:
            there = address.lower() in found
            yield Forgotten(address, gone=True, reason="Deleted." if there else "No contact had this address.")

    def still_holds(self, addresses: Sequence[str]) -> set[str]:
        """Search for each address; suppressions, which keep mail from her, stay there on purpose."""
        found = self._found(addresses)
        return {address for address in addresses if address.lower() in found}

    def check(self) -> str:
        told = self._http.json(self._http.get("v3/marketing/lists", params={"page_size": 1000}))
        return f"reached; the account has {len(told.get('result') or ())} lists"


def _fitting(contacts: Sequence[tuple[Cleared, Json]]) -> Iterator[Sequence[tuple[Cleared, Json]]]:
    """Yield as many contacts at once as a request may hold."""
    some: list[tuple[Cleared, Json]] = []
    size = 0
    for one in contacts:
        weight = len(orjson.dumps(one[1])) + 1
        if some and (size + weight > _LARGEST or len(some) == SendGrid.batch):
            yield some
            some, size = [], 0
        some.append(one)
        size += weight
    if some:
        yield some


def _problems(response: httpx.Response) -> list[Json]:
    try:
        errors: list[Json] = response.json().get("errors") or []
    except (ValueError, AttributeError):
        return []
    return errors


def _token(following: str | None) -> str | None:
    """Return the page token in the address of the next page."""
    return httpx.URL(following).params.get("page_token") if following else None
