"""What one HubSpot account holds: contacts, static lists, the timeline of opt-outs. `violations` must stay empty."""

import re
from dataclasses import dataclass, field
from typing import Any

_ADDRESS = re.compile(r"[^@\s,;=]+@[^@\s,;]+\.[a-z]{2,}", re.IGNORECASE)


class Refused(Exception):
    """An input that HubSpot does not take."""


@dataclass(slots=True)
class Contact:
    """One contact. A merge leaves the ids and addresses of those that went into it."""

    id: str
    properties: dict[str, str] = field(default_factory=dict[str, str])
    additional_emails: list[str] = field(default_factory=list[str])
    merged_ids: list[str] = field(default_factory=list[str])

    @property
    def addresses(self) -> list[str]:
        """The primary address, and the others."""
        return [self.properties.get("email", ""), *self.additional_emails]

    def names(self, by: str) -> list[str]:
        """Return all that it goes by, in lower case: its addresses (`by` email), or its ids."""
        return [one.lower() for one in self.addresses] if by == "email" else [self.id, *self.merged_ids]

    def shown(self) -> dict[str, Any]:
        """Return the contact as the API answers it."""
        more = {
            "hs_additional_emails": ";".join(self.additional_emails) or None,
            "hs_merged_object_ids": ";".join(self.merged_ids) or None,
        }
        return {"id": self.id, "properties": self.properties | more, "archived": False}


@dataclass(slots=True)
class Listing:
    """One list; `processing` is MANUAL, SNAPSHOT or DYNAMIC."""

    id: str
    name: str
    processing: str = "MANUAL"
    members: set[str] = field(default_factory=set[str])

    def shown(self) -> dict[str, Any]:
        """Return the list as the API answers it."""
        return {"listId": self.id, "name": self.name, "objectTypeId": "0-1", "processingType": self.processing}


class Crm:
    """The account's records. `known_properties` are all that a contact may have."""

    def __init__(self) -> None:
        self.contacts: dict[str, Contact] = {}
        self.lists: dict[str, Listing] = {}
        self.timeline: list[dict[str, Any]] = []
        self.known_properties = {"email", "firstname", "lastname", "phone", "city", "company", "jobtitle"}
        self.violations: list[str] = []
        self._number = 100
        self._ids: dict[str, str] = {}
        """Contacts' ids by whatever they ever went by; who goes by it still is seen at the contact itself."""

    def _id(self) -> str:
        self._number += 1
        return str(self._number)

    def find(self, key: str, by: str = "") -> Contact | None:
        """Return a contact by its id, an id merged into it, or (`by` email) one of its addresses."""
        contact = self.contacts.get(self._ids.get(key.lower(), ""))
        return contact if contact and key.lower() in contact.names(by) else None

    def _keep(self, contact: Contact) -> None:
        self.contacts[contact.id] = contact
        self._ids |= dict.fromkeys([*contact.names("id"), *contact.names("email")], contact.id)

    def seed(self, email: str, **properties: str) -> Contact:
        """Put a contact there that somebody else brought."""
        contact = Contact(self._id(), {"email": email.lower(), **properties})
        self._keep(contact)
        return contact

    def forget(self, contact: Contact) -> None:
        """Delete a contact for good, its timeline with it."""
        del self.contacts[contact.id]
        for listing in self.lists.values():
            listing.members.discard(contact.id)

    def write(self, one: dict[str, Any]) -> tuple[bool, Contact]:
        """Upsert one input; return whether it is new."""
        address, given = str(one.get("id", "")), dict(one.get("properties") or {})
        if one.get("idProperty") != "email":
            raise Refused("Unable to perform update/upsert by non-unique 0-1 property")
        if "email" in given:
            self.violations.append("the key was sent as a property")
        if not _ADDRESS.fullmatch(address):
            raise Refused(f"Property values were not valid: Email address {address} is invalid")
        self._must_be_properties(given)
        contact = self.find(address, "email")
        is_new = contact is None
        if contact is None:
            contact = self.seed(address)
        self.change(contact, given)
        return is_new, contact

    def change(self, contact: Contact, given: dict[str, Any]) -> None:
        """Write properties of a contact; an empty text clears one."""
        self._must_be_properties(given)
        for name, value in given.items():
            if value == "":
                contact.properties.pop(name, None)
            else:
                contact.properties[name] = value
        self._keep(contact)

    def _must_be_properties(self, given: dict[str, Any]) -> None:
        if unknown := set(given) - self.known_properties:
            raise Refused(f'PROPERTY_DOESNT_EXIST: Property "{min(unknown)}" does not exist')
        if not all(isinstance(value, str) for value in given.values()):
            raise Refused("property values must be texts")

    def merge(self, primary: str, other: str) -> Contact:
        """Merge two contacts by address, as a user does there: the outcome has an id of its own."""
        kept, gone = self.find(primary, "email"), self.find(other, "email")
        if kept is None or gone is None:
            raise KeyError("there are no two such contacts")
        merged = Contact(
            self._id(),
            gone.properties | kept.properties,
            [*kept.additional_emails, *gone.addresses],
            [kept.id, *kept.merged_ids, gone.id, *gone.merged_ids],
        )
        for listing in self.lists.values():
            if listing.members & {kept.id, gone.id}:
                listing.members = (listing.members - {kept.id, gone.id}) | {merged.id}
        del self.contacts[kept.id], self.contacts[gone.id]
        self._keep(merged)
        return merged

    def rename(self, old: str, new: str) -> None:
        """Give a contact another primary address; the old one stays as a second, as it does there."""
        contact = self.find(old, "email")
        if contact is None:
            raise KeyError("there is no such contact")
        contact.additional_emails.append(contact.properties["email"])
        contact.properties["email"] = new.lower()
        self._keep(contact)

    def add_list(self, name: str, processing: str = "MANUAL") -> Listing:
        """Create a list. Names are unique."""
        if self.list_named(name):
            raise Refused("A list with this name already exists")
        listing = Listing(self._id(), name, processing)
        self.lists[listing.id] = listing
        return listing

    def list_named(self, name: str) -> Listing | None:
        """Return the list of that name."""
        return next((one for one in self.lists.values() if one.name.lower() == name.lower()), None)

    def listed(self, name: str) -> set[str]:
        """Return the primary addresses on a list."""
        listing = self.list_named(name)
        members = listing.members if listing else set()
        return {self.contacts[one].properties["email"] for one in members if one in self.contacts}

    def happens(self, email: str, change: str, at_milliseconds: int) -> None:
        """Let an address opt out (UNSUBSCRIBED), bounce (BOUNCED) or complain (REPORTED_SPAM)."""
        event = {"id": f"event-{len(self.timeline)}", "created": at_milliseconds}
        kinds = {"UNSUBSCRIBED": "PORTAL_STATUS", "BOUNCED": "PORTAL_BOUNCE", "REPORTED_SPAM": "PORTAL_SPAM"}
        changes = [{"change": change, "changeType": kinds.get(change, "SUBSCRIPTION_STATUS"), "causedByEvent": event}]
        self.timeline.append({"timestamp": at_milliseconds, "portalId": 1, "recipient": email, "changes": changes})
