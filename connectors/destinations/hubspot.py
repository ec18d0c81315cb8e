"""HubSpot CRM: contacts upserted by address, and a segment as a static list of their record ids.

Facts: developers.hubspot.com/docs/api-reference/2026-03 crm/objects/contacts/batch (upsert by `idProperty`, 207 with
`errors`, `objectWriteTraceId`; an empty text clears a property), crm/lists (MANUAL, memberships by record id, list by
name), and docs/developer-tooling/platform/usage-guidelines (100 inputs a batch, `policyName` of a 429).
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import ClassVar, Literal
from urllib.parse import quote

import httpx
from pydantic import Field, SecretStr, field_validator

from connectors import hubspot_answers as answers
from connectors.contract import (
    Action,
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
from connectors.errors import Misconfigured
from connectors.http import Http, VendorError
from connectors.hubspot_timeline import timeline_since
from connectors.mapping import FieldMapping, fields_of, filled, filling
from connectors.records import Channel
from connectors.settings import Settings, variable
from connectors.shapes import part

_INPUTS = 100
_CONTACT = "0-1"
"""HubSpot's object type of a contact."""


class HubSpotSettings(Settings):
    """`access_token` is a private app's. `version` is the date in the paths, the one place where it stands."""

    access_token: SecretStr
    base_url: str = "https://api.hubapi.com"
    version: str = Field("2026-03", pattern=r"^\d{4}-\d{2}(-beta)?$")
    properties: FieldMapping = Field(default_factory=lambda: filling(firstname="first_name", lastname="last_name"))
    """The contact's properties by internal name, and which of our fields fills each."""

    @field_validator("properties")
    @classmethod
    def _without_the_key(cls, value: FieldMapping) -> FieldMapping:
        for theirs in value:
            if theirs == "email" or theirs.startswith("hs_"):
                raise ValueError(f"{theirs} is HubSpot's to set; an address is the key and is never overwritten")
        return value


class HubSpot(Destination):
    """One account, in which a segment is a MANUAL list.

    Contacts are found by address, also by a second one that a merge left them with, and created where there is none;
    whoever is merged or renamed there stays one contact, because the key is never sent as a property. Requests of a
    run, for each push: ⌈changed/100⌉ + ⌈changed/10 000⌉ + ⌈left/10 000⌉ + 1 to find the list (2 to create it). Those
    left whose record is gone are looked up, 100 at once: a merge gave them another id. No subscription is touched.
    """

    connector: ClassVar[str] = "hubspot"
    kind: ClassVar[Literal["state", "message"]] = "state"
    channel: ClassVar[Channel] = Channel.EMAIL
    batch: ClassVar[int] = 10_000
    erases: ClassVar[Erases] = "delete"
    Settings = HubSpotSettings
    account: HubSpotSettings

    def __init__(
        self, settings: DestinationSettings, account: HubSpotSettings, transport: httpx.BaseTransport | None = None
    ) -> None:
        super().__init__(settings, account, transport)
        self.fields = fields_of(account.properties)
        self._http = Http(
            account.base_url,
            name=settings.name,
            hint=(
                f"Set {variable(settings.name, 'access_token')} to the token of a private app with the scopes "
                "crm.objects.contacts.read and .write, crm.lists.read and .write, and content."
            ),
            headers={"Authorization": f"Bearer {account.access_token.get_secret_value()}"},
            pauses=answers.pause,
            transport=transport,
        )
        self._contacts = f"crm/objects/{account.version}/contacts"
        self._lists = f"crm/lists/{account.version}"
        self._known_lists: dict[str, str] = {}

    @property
    def requests(self) -> int:
        return self._http.requests

    def apply(self, rows: Sequence[Cleared], now: datetime) -> Iterator[RowOutcome]:  # noqa: ARG002 - the contract's
        leaving: dict[str, list[Cleared]] = {}
        coming: dict[str, list[Cleared]] = {}
        for row in rows:
            (leaving if row.action is Action.REMOVE else coming).setdefault(row.tag, []).append(row)
        for tag, gone in leaving.items():
            yield from self._take_out(tag, gone)
        for tag, those in coming.items():
            ids: dict[str, str] = {}
            for start in range(0, len(those), _INPUTS):
                for row, told in self._upserted(those[start : start + _INPUTS]):
                    if isinstance(told, RowOutcome):
                        yield told
                    else:
                        ids[row.row_id] = told
            yield from self._put_in(tag, ids)

    # contacts

    def _upserted(self, rows: Sequence[Cleared], *, again: bool = True) -> Iterator[tuple[Cleared, str | RowOutcome]]:
        """Yield each row with the id of its contact, or with what HubSpot has against it."""
        body = {"inputs": [self._input(row) for row in rows]}
        try:
            # Twice is as good as once: what the first try created, the second finds there.
            answer = self._http.request("POST", f"{self._contacts}/batch/upsert", json=body, repeatable=True)
        except VendorError as error:
            yield from self._halved(rows, error)
            return
        told: Json = self._http.json(answer)
        ids, refusals = answers.by_trace(told), answers.refusals(told)
        missed: list[Cleared] = []
        for row in rows:
            if contact := ids.get(row.row_id) or ids.get(row.address.lower()):
                yield row, contact
            elif row.row_id in refusals:
                yield row, answers.rejected(row, refusals[row.row_id])
            else:
                missed.append(row)
        if missed and again:
            # two addresses of one contact in one batch are one result; asked alone, each finds it
            for row in missed:
                yield from self._upserted([row], again=False)
        for row in () if again else missed:
            yield row, RowOutcome(row.row_id, Fate.DEFERRED, "HubSpot's answer does not mention this row.")

    def _halved(self, rows: Sequence[Cleared], error: VendorError) -> Iterator[tuple[Cleared, str | RowOutcome]]:
        """Find the row on whose account a whole batch is refused: upserts by address are all or nothing there."""
        if error.status == 404 or "PROPERTY_DOESNT_EXIST" in error.response.text:
            raise Misconfigured(
                f"{self.settings.name}: HubSpot knows this path or one of the properties not. Check `version` and "
                "`properties`."
            ) from error
        if len(rows) > 1:
            middle = len(rows) // 2
            yield from self._upserted(rows[:middle])
            yield from self._upserted(rows[middle:])
            return
        yield rows[0], answers.rejected(rows[0], answers.words(error.response))

    def _input(self, row: Cleared) -> Json:
        values = filled(self.account.properties, row)
        return {
            "id": row.address,
            "idProperty": "email",
            "objectWriteTraceId": row.row_id,
            "properties": {theirs: answers.text(value) for theirs, value in values.items()},
        }

    def _contact_ids(self, keys: Sequence[str], **by: str) -> dict[str, str]:
        """Return contacts' present ids by each id, merged ids among them, or address that they go by."""
        found: dict[str, str] = {}
        for start in range(0, len(keys), _INPUTS):
            body = {
                "inputs": [{"id": key} for key in keys[start : start + _INPUTS]],
                "properties": ["email", "hs_additional_emails", "hs_merged_object_ids"],
                "propertiesWithHistory": [],
                **by,
            }
            answer = self._http.request("POST", f"{self._contacts}/batch/read", json=body, repeatable=True)
            for contact in self._http.json(answer).get("results") or ():
                has = part(contact, "properties")
                names = [str(contact["id"]), str(has.get("email") or "")]
                for several in ("hs_additional_emails", "hs_merged_object_ids"):
                    names += str(has.get(several) or "").split(";")
                found |= {name.lower(): str(contact["id"]) for name in names if name}
        return found

    # lists

    def _put_in(self, tag: str, ids: Mapping[str, str]) -> Iterator[RowOutcome]:
        if not ids:
            return
        records = sorted(set(ids.values()))
        try:
            told = self._change(self._list(tag, create=True), "add", records)
        except VendorError as error:
            if error.status != 404:
                raise
            self._known_lists.pop(tag)  # somebody deleted it since it was found
            told = self._change(self._list(tag, create=True), "add", records)
        missing = {str(record) for record in told.get("recordIdsMissing") or ()}
        for row_id, record in ids.items():
            if record in missing:
                yield RowOutcome(row_id, Fate.DEFERRED, "HubSpot does not find the contact that it just wrote.")
            else:
                yield RowOutcome(row_id, Fate.SENT, remote_id=record)

    def _take_out(self, tag: str, rows: Sequence[Cleared]) -> Iterator[RowOutcome]:
        """Take records off the list; those no longer under the id we know are looked up once, by id or address."""
        there = self._list(tag, create=False)
        if there is not None:
            records = sorted({row.remote_id for row in rows if row.remote_id})
            try:
                told = self._change(there, "remove", records) if records else {}
                gone = {str(record) for name in answers.REMOVED for record in told.get(name) or ()}
                moved = self._contact_ids([record for record in records if record not in gone])
                unknown = [row.address.lower() for row in rows if not row.remote_id]
                present = set(moved.values()) | set(self._contact_ids(unknown, idProperty="email").values())
                if left := sorted(present - gone):
                    self._change(there, "remove", left)
            except VendorError as error:
                if error.status != 404:
                    raise
                self._known_lists.pop(tag)  # somebody deleted the list, and so took everybody off it
        for row in rows:
            yield RowOutcome(row.row_id, Fate.REMOVED)

    def _change(self, list_id: str | None, how: str, records: Sequence[str]) -> Json:
        path = f"{self._lists}/{list_id}/memberships/{how}"
        return self._http.json(self._http.request("PUT", path, json=list(records)))

    def _list(self, tag: str, *, create: bool) -> str | None:
        """Return the id of the list that a segment is; None where there is none and none is to be created."""
        if tag in self._known_lists:
            return self._known_lists[tag]
        path = f"{self._lists}/object-type-id/{_CONTACT}/name/{quote(tag, safe='')}"
        answer = self._http.request("GET", path, accept=(404,))
        if answer.status_code == 404:
            if not create:
                return None
            body = {"name": tag, "objectTypeId": _CONTACT, "processingType": "MANUAL"}
            answer = self._http.request("POST", self._lists, json=body)
        about = part(self._http.json(answer), "list")
        if about.get("processingType", "MANUAL") == "DYNAMIC":
            raise Misconfigured(
                f"{self.settings.name}: the list of a push fills itself by filters at HubSpot. Set another `tag`."
            )
        self._known_lists[tag] = str(about["listId"])
        return self._known_lists[tag]

    # what it learned

    def read_back(self, cursor: Json | None, now: datetime) -> Iterator[SignalPage]:  # noqa: ARG002 - the contract's
        """Yield opt-outs, bounces and complaints since the newest one seen."""
        yield from timeline_since(self._http, cursor)

    def erase(self, addresses: Sequence[str], now: datetime) -> Iterator[Forgotten]:  # noqa: ARG002 - the contract's
        """Delete contacts for good, by id: an address that nobody has would be blocked there for ever."""
        found = self._contact_ids([address.lower() for address in addresses], idProperty="email")
        for address in addresses:
            contact = found.get(address.lower())
            if contact is None:
                yield Forgotten(address, gone=True, reason="No contact had this address.")
                continue
            try:
                # Twice is as good as once, for two of the addresses may be one contact's.
                body = {"objectId": contact}
                self._http.request("POST", f"{self._contacts}/gdpr-delete", json=body, accept=(404,), repeatable=True)
            except VendorError as error:
                yield Forgotten(address, gone=False, reason=f"HubSpot refused with status {error.status}.")
            else:
                yield Forgotten(address, gone=True, reason="Deleted for good.")

    def still_holds(self, addresses: Sequence[str]) -> set[str]:
        """Look each address up, second ones of contacts among them."""
        found = self._contact_ids([address.lower() for address in addresses], idProperty="email")
        return {address for address in addresses if address.lower() in found}

    def check(self) -> str:
        self._http.get(self._contacts, params={"limit": 1, "properties": "createdate"})
        return f"reached; contacts are written under the API of {self.account.version}"
