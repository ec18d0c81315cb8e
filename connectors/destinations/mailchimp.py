"""Mailchimp audiences (Marketing API 3.0): tags for segments, and never a status without evidence of consent.

Facts: mailchimp.com/developer/marketing/api/lists (batch of 500, `errors[].error_code`), release note of 24 January
2022 (tags of a batch are added to existing members), api/list-segments (`members_to_remove`), api/list-members
(`actions/delete-permanent`; a member's id is the MD5 of the lower-case address).
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Literal

import httpx
from pydantic import Field, SecretStr

from connectors.contract import (
    Action,
    Cleared,
    DestinationSettings,
    Erases,
    Fate,
    Forgotten,
    Json,
    RowOutcome,
    Signal,
    SignalPage,
)
from connectors.destination import Destination
from connectors.errors import Misconfigured, Unavailable
from connectors.http import Http, VendorError
from connectors.mailchimp_calls import MailchimpCalls
from connectors.mapping import FieldMapping, fields_of, filled, filling
from connectors.place import Place
from connectors.records import Channel
from connectors.settings import Settings, variable

_PAGE = 1000
_KINDS = {"unsubscribed": "unsubscribed", "cleaned": "bounced"}
"""Mailchimp's status of a member, and what it means to us."""


class MailchimpSettings(Settings):
    """`list_id` is the audience. `base_url` ends in /3.0 and follows from the key if it is left out."""

    api_key: SecretStr
    list_id: str
    base_url: str | None = None
    webhook_secret: SecretStr | None = None
    """What the webhook's address ends in (`/signals/NAME?secret=…`), for Mailchimp signs nothing."""
    merge_fields: FieldMapping = Field(default_factory=lambda: filling(FNAME="first_name", LNAME="last_name"))
    """The audience's merge tags, and which of our fields fills each."""


class Mailchimp(MailchimpCalls, Destination):
    """One audience, in which a segment is a tag.

    Whoever we have not put there goes in a batch with `status` that may only create; those it finds there already,
    and those we know, go in a batch without `status`, so that nobody's own choice is ever overwritten. Requests of a
    run, b = 500: ⌈new/b⌉ + ⌈known/b⌉ + ⌈left/b⌉ + 1 to find the tags if anybody left, plus, once, ⌈new/b⌉ where
    new ones were in the audience before us. A batch that is refused as a whole is halved until the row is found.
    """

    connector: ClassVar[str] = "mailchimp"
    kind: ClassVar[Literal["state", "message"]] = "state"
    channel: ClassVar[Channel] = Channel.EMAIL
    batch: ClassVar[int] = 500
    erases: ClassVar[Erases] = "delete"
    Settings = MailchimpSettings
    account: MailchimpSettings

    def __init__(
        self, settings: DestinationSettings, account: MailchimpSettings, transport: httpx.BaseTransport | None = None
    ) -> None:
        super().__init__(settings, account, transport)
        key = account.api_key.get_secret_value()
        self.fields = fields_of(account.merge_fields)
        self._http = Http(
            account.base_url or _home_of(key, settings.name),
            name=settings.name,
            hint=f"Set {variable(settings.name, 'api_key')} to a key of this account.",
            auth=("catchment", key),
            transport=transport,
        )
        self._list = f"lists/{account.list_id}"
        self._tags: dict[str, int] = {}

    @property
    def requests(self) -> int:
        return self._http.requests

    def apply(self, rows: Sequence[Cleared], now: datetime) -> Iterator[RowOutcome]:  # noqa: ARG002 - the contract's
        leaving: dict[str, list[Cleared]] = {}
        creating: list[Cleared] = []
        updating: list[Cleared] = []
        for row in rows:
            if row.action is Action.REMOVE:
                leaving.setdefault(row.tag, []).append(row)
            elif row.known or not row.consented:
                updating.append(row)
            else:
                creating.append(row)
        for tag, gone in leaving.items():
            yield from self._untag(tag, gone)
        for outcome in self._write(creating, create=True):
            if isinstance(outcome, Cleared):
                updating.append(outcome)
            else:
                yield outcome
        for outcome in self._write(updating, create=False):
            assert isinstance(outcome, RowOutcome)  # noqa: S101 - only a creating batch hands rows back
            yield outcome

    def _write(self, rows: Sequence[Cleared], *, create: bool) -> Iterator[RowOutcome | Cleared]:
        """Write one batch; yield outcomes, and the rows that were there already when only creating."""
        if not rows:
            return
        body = {
            "members": [self._member(row, create=create) for row in rows],
            "update_existing": not create,
            "sync_tags": False,
        }
        try:
            # Twice is as good as once: what the first try created, the second finds there.
            answer = self._http.request("POST", self._list, json=body, repeatable=True)
        except VendorError as error:
            yield from self._halved(rows, error, create=create)
            return
        told: Json = self._http.json(answer)
        errors = {_folded(error): error for error in told.get("errors") or ()}
        done = {_folded(member) for part in ("new_members", "updated_members") for member in told.get(part) or ()}
        for row in rows:
            address = row.address.lower()
            if error := errors.get(address):
                there_already = create and error.get("error_code") == "ERROR_CONTACT_EXISTS"
                yield row if there_already else _judged(row, str(error.get("error", "")), str(error.get("field", "")))
            elif address in done:
                yield RowOutcome(row.row_id, Fate.SENT)
            else:
                yield RowOutcome(row.row_id, Fate.DEFERRED, "Mailchimp's answer does not mention this row.")

    def _halved(self, rows: Sequence[Cleared], error: VendorError, *, create: bool) -> Iterator[RowOutcome | Cleared]:
        if error.status == 404:
            raise Misconfigured(f"{self.settings.name}: there is no such audience. Correct list_id.") from error
        if len(rows) > 1:
            middle = len(rows) // 2
            yield from self._write(rows[:middle], create=create)
            yield from self._write(rows[middle:], create=create)
            return
        yield _judged(rows[0], _words(error.response), "")

    def _member(self, row: Cleared, *, create: bool) -> Json:
        merge = filled(self.account.merge_fields, row)
        member: Json = {"email_address": row.address, "merge_fields": merge, "tags": [row.tag]}
        if create:
            member["status"] = "subscribed"
        return member

    def _untag(self, tag: str, rows: Sequence[Cleared]) -> Iterator[RowOutcome]:
        number = self._tag_number(tag)
        body = {"members_to_add": [], "members_to_remove": [row.address for row in rows]}
        if number is not None:
            try:
                self._http.request("POST", f"{self._list}/segments/{number}", json=body, repeatable=True)
            except VendorError as error:
                if error.status != 404:
                    raise
                self._tags.pop(tag)  # somebody deleted the tag, and so took it off everybody
        for row in rows:
            yield RowOutcome(row.row_id, Fate.REMOVED)

    def _tag_number(self, tag: str) -> int | None:
        """Return the id of the static segment that a tag is; the tags are asked for when one is not known yet."""
        if tag not in self._tags:
            for page in self._pages("segments", "segments", {"type": "static"}):
                self._tags |= {str(segment["name"]): int(segment["id"]) for segment in page}
        return self._tags.get(tag)

    def _pages(self, path: str, items: str, params: Mapping[str, Any]) -> Iterator[list[Json]]:
        offset = 0
        while True:
            asked = {**params, "count": _PAGE, "offset": offset}
            answer = self._http.json(self._http.get(f"{self._list}/{path}", params=asked))
            page: list[Json] = answer[items]
            yield page
            offset += len(page)
            if len(page) < _PAGE:
                return

    def read_back(self, cursor: Json | None, now: datetime) -> Iterator[SignalPage]:  # noqa: ARG002 - the contract's
        """Yield unsubscribes and bounces changed since the newest one seen.

        Mailchimp does not say whether `since_last_changed` includes its own second, so it is asked from a second
        earlier, and those of that second are remembered by id.
        """
        place = Place.of(cursor)
        reached = Place(place.since, set(place.seen))
        for status, kind in _KINDS.items():
            params: Json = {"status": status, "sort_field": "last_changed", "sort_dir": "ASC"}
            if place.since:
                params["since_last_changed"] = (place.since - timedelta(seconds=1)).isoformat()
            for page in self._pages("members", "members", params):
                signals = [
                    Signal(member["email_address"], Channel.EMAIL, kind, at, str(member["id"]))
                    for member in page
                    if place.passes(at := _instant(member["last_changed"]), f"{member['id']}:{status}", reached)
                ]
                if signals:
                    yield SignalPage(signals, cursor)
        if reached != place:
            yield SignalPage((), reached.cursor())

    def erase(self, addresses: Sequence[str], now: datetime) -> Iterator[Forgotten]:  # noqa: ARG002 - the contract's
        """Delete members for good; Mailchimp then refuses the address to any import, for ever."""
        for address in addresses:
            path = f"{self._list}/members/{_member_id(address)}/actions/delete-permanent"
            try:
                # Twice is as good as once: who is gone is not found.
                self._http.request("POST", path, repeatable=True)
            except VendorError as error:
                if error.status == 404:
                    yield Forgotten(address, gone=True, reason="It was not in the audience.")
                else:
                    yield Forgotten(address, gone=False, reason=f"Mailchimp refused with status {error.status}.")
            else:
                yield Forgotten(address, gone=True, reason="Deleted for good.")

    def still_holds(self, addresses: Sequence[str]) -> set[str]:
        """Ask for each member by its id: whoever is found is still there, archived ones too."""
        held: set[str] = set()
        for address in addresses:
            try:
                self._http.get(f"{self._list}/members/{_member_id(address)}")
            except VendorError as error:
                if error.status != 404:
                    raise
            else:
                held.add(address)
        return held

    def check(self) -> str:
        try:
            audience = self._http.json(self._http.get(self._list))
        except VendorError as error:
            raise Misconfigured(f"{self.settings.name}: there is no such audience. Correct list_id.") from error
        return f"reached; the audience is called {audience.get('name', 'nothing')!r}"


def _home_of(key: str, name: str) -> str:
    _, dash, centre = key.rpartition("-")
    if not dash or not centre.isalnum():
        raise Misconfigured(
            f"{name}: api_key does not end in a data centre such as -us6. Copy all of the key, or set base_url."
        )
    return f"https://{centre}.api.mailchimp.com/3.0"


def _member_id(address: str) -> str:
    return hashlib.md5(address.lower().encode(), usedforsecurity=False).hexdigest()


def _folded(member: Mapping[str, Any]) -> str:
    return str(member.get("email_address", "")).lower()


def _words(response: httpx.Response) -> str:
    """Return the vendor's sentences about one refused row."""
    try:
        body = response.json()
    except ValueError as error:
        raise Unavailable("Mailchimp answered with something that is not JSON. Try again later.") from error
    parts = [str(body.get("title", "")), str(body.get("detail", ""))]
    parts += [str(error.get("message", "")) for error in body.get("errors") or ()]
    return " ".join(part for part in parts if part)


def _judged(row: Cleared, words: str, field: str) -> RowOutcome:
    """Say what a refusal of one row means: never again, later, or not like this."""
    lower = words.lower()
    if "compliance state" in lower or "compliance" in lower:
        return RowOutcome(
            row.row_id,
            Fate.SUPPRESSED,
            "Mailchimp holds this address as opted out or bounced.",
            words,
            "compliance_state",
        )
    if "lot of lists" in lower:
        return RowOutcome(row.row_id, Fate.DEFERRED, "Mailchimp takes this address only later.", words)
    if not row.consented and not row.known and ("status" in lower or field == "status"):
        return RowOutcome(
            row.row_id, Fate.SUPPRESSED, "Not in the audience, and there is no evidence of consent to add it.", words
        )
    return RowOutcome(row.row_id, Fate.REJECTED, "Mailchimp refused this row.", words)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
