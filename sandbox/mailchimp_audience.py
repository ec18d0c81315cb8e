"""One Mailchimp audience: its members, and its temper about consent.

The batch (POST /lists/{id}) documents `status` for new and existing members alike and no `status_if_new`, so here a
new member without `status` is an error row, and `status_if_new` counts on PUT alone. Mailchimp lets careless callers
change an existing member's status and replace foreign tags by `sync_tags`; both are allowed here as there, and written
down in `violations`.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sandbox.hiring import Object

_STATUSES = ("subscribed", "unsubscribed", "cleaned", "pending", "transactional")
_REFUSED_AGAIN = ("unsubscribed", "cleaned")


class Invalid(Exception):
    """A member that Mailchimp refuses; `title` is its error's title."""

    def __init__(self, title: str, detail: str, field_name: str = "") -> None:
        super().__init__(detail)
        self.title, self.field = title, field_name


@dataclass(slots=True)
class Member:
    """One contact of the audience."""

    email_address: str
    status: str
    last_changed: str
    merge_fields: dict[str, Any] = field(default_factory=dict)
    interests: dict[str, bool] = field(default_factory=dict)
    tags: dict[str, int] = field(default_factory=dict)
    language: str = ""
    vip: bool = False
    timestamp_opt: str = ""
    unsubscribed_at: str = ""

    @property
    def hash(self) -> str:
        """MD5 of the address in lower case, which names the member in paths."""
        return address_hash(self.email_address)

    def shown(self, list_id: str) -> Object:
        """Return the member as the API lists it."""
        return {
            "id": self.hash,
            "email_address": self.email_address,
            "unique_email_id": self.hash[:10],
            "contact_id": self.hash,
            "full_name": " ".join(str(self.merge_fields.get(name, "")) for name in ("FNAME", "LNAME")).strip(),
            "web_id": int(self.hash[:7], 16),
            "email_type": "html",
            "status": self.status,
            "merge_fields": self.merge_fields,
            "interests": self.interests,
            "stats": {"avg_open_rate": 0, "avg_click_rate": 0},
            "timestamp_signup": "",
            "timestamp_opt": self.timestamp_opt,
            "member_rating": 2,
            "last_changed": self.last_changed,
            "language": self.language,
            "vip": self.vip,
            "tags_count": len(self.tags),
            "tags": [{"id": number, "name": name} for name, number in self.tags.items()],
            "list_id": list_id,
        }


def address_hash(email: str) -> str:
    """Return what Mailchimp calls the subscriber hash."""
    return hashlib.md5(email.lower().encode()).hexdigest()


class Audience:
    """The contacts of one audience. `violations` must be empty after a run."""

    def __init__(self) -> None:
        self.members: dict[str, Member] = {}
        self.forgotten: set[str] = set()
        self.segments: dict[int, tuple[str, set[str]]] = {}
        self.merge_fields = ["FNAME", "LNAME", "PHONE", "COMPANY", "TITLE", "CITY"]
        self.violations: list[dict[str, str]] = []

    def seed(self, email: str, status: str = "subscribed", tags: tuple[str, ...] = (), **merge_fields: Any) -> Member:
        """Put a contact into the audience that somebody else brought."""
        member = Member(email, status, stamp(), dict(merge_fields))
        for tag in tags:
            member.tags[tag] = self.tag_id(tag)
        self.members[member.hash] = member
        return member

    def set_status(self, email: str, status: str) -> None:
        """Let a contact unsubscribe, bounce (`cleaned`) or be archived, as it happens at Mailchimp itself."""
        member = self.members[address_hash(email)]
        member.status, member.last_changed = status, stamp()
        member.unsubscribed_at = stamp() if status == "unsubscribed" else member.unsubscribed_at

    def tagged(self, tag: str) -> list[str]:
        """Return the addresses that bear a tag."""
        return sorted(member.email_address for member in self.members.values() if tag in member.tags)

    def tag_id(self, tag: str) -> int:
        """Return the id of a tag."""
        return int(address_hash(tag)[:7], 16)

    def find(self, name: str) -> Member | None:
        """Return the member of this address or hash."""
        return self.members.get(address_hash(name) if "@" in name else name.lower())

    # one member

    def write(self, given: Mapping[str, Any], member: Member | None, status: str | None, how: str) -> Member:
        """Create or change one member. Raises Invalid."""
        email = str(given.get("email_address") or (member.email_address if member else ""))
        if member is None or member.status == "archived":
            member = self._create(email, status, member)
        elif status is not None:
            self._change_status(member, status, how)
        self._set_fields(member, given)
        member.last_changed = stamp()
        return member

    def _create(self, email: str, status: str | None, archived: Member | None) -> Member:
        local, _, domain = email.partition("@")
        if not local or "." not in domain or " " in email or len(email) > 254:
            raise Invalid("Invalid Resource", "Please provide a valid email address.", "email_address")
        if domain == "fake.example":
            raise Invalid(
                "Invalid Resource",
                f"{email} looks fake or invalid, please enter a real email address.",
                "email_address",
            )
        if local.startswith("toomany"):
            raise Invalid(
                "Invalid Resource",
                f"{email} has signed up to a lot of lists very recently; we're not allowing more signups for now",
            )
        if address_hash(email) in self.forgotten:
            detail = f"{email} was permanently deleted and cannot be re-imported. The contact must re-subscribe."
            raise Invalid("Forgotten Email Not Subscribed", detail)
        if status not in _STATUSES:
            raise Invalid(
                "Invalid Resource", "The status of a new contact must be one of " + ", ".join(_STATUSES), "status"
            )
        member = archived or Member(email, status, stamp())
        member.status = status
        member.timestamp_opt = stamp() if status == "subscribed" else ""
        self.members[member.hash] = member
        return member

    def _change_status(self, member: Member, status: str, how: str) -> None:
        self.violations.append(
            {
                "what": "status of an existing member",
                "how": how,
                "member": member.hash,
                "from": member.status,
                "to": status,
            }
        )
        if status not in _STATUSES:
            raise Invalid("Invalid Resource", "The status must be one of " + ", ".join(_STATUSES), "status")
        if member.status in _REFUSED_AGAIN and status in ("subscribed", "transactional"):
            why = "is in a compliance state due to unsubscribe, bounce, or compliance review and cannot be subscribed."
            detail = f"{member.email_address} {why}"
            raise Invalid("Member In Compliance State", detail)
        if status == "unsubscribed" and member.status != "unsubscribed":
            member.unsubscribed_at = stamp()
        member.status = status

    def _set_fields(self, member: Member, given: Mapping[str, Any]) -> None:
        unknown = set(given.get("merge_fields") or {}) - set(self.merge_fields)
        if unknown:
            raise Invalid("Invalid Resource", "Your merge fields were invalid.", f"merge_fields.{min(unknown)}")
        member.merge_fields.update(given.get("merge_fields") or {})
        member.interests.update(given.get("interests") or {})
        member.language = given.get("language", member.language)
        member.vip = given.get("vip", member.vip)

    def write_row(
        self, one: Mapping[str, Any], *, update: bool, sync: bool, seen: set[str] | None
    ) -> tuple[bool, Member]:
        """Write one row of a batch; `seen` holds the hashes before it, None where repetitions are not looked for."""
        email = str(one.get("email_address", ""))
        if seen is not None:
            if address_hash(email) in seen:
                raise Invalid("Invalid Resource", f"{email} appears more than once in this batch.")
            seen.add(address_hash(email))
        member = self.members.get(address_hash(email))
        is_new = member is None or member.status == "archived"
        if not is_new and not update:
            raise Invalid(
                "Member Exists",
                f"{email} is already a list member, do you want to update? please provide update_existing:true",
            )
        member = self.write(one, member, one.get("status"), "POST /lists")
        if sync:
            member.tags.clear()
        for tag in one.get("tags") or ():
            member.tags[str(tag)] = self.tag_id(str(tag))
        return is_new, member

    def wanted(self, member: Member, query: Mapping[str, str]) -> bool:
        """Say whether a list's query asks for this member."""
        since, left = query.get("since_last_changed"), query.get("unsubscribed_since")
        if since and member.last_changed <= _normal(since):
            return False
        if left and (member.status != "unsubscribed" or member.unsubscribed_at <= _normal(left)):
            return False
        before = query.get("before_last_changed")
        if before and member.last_changed >= _normal(before):
            return False
        return query.get("status") in (None, member.status) and (
            member.status != "archived" or query.get("status") == "archived"
        )


def stamp() -> str:
    """Return the present as the audience dates its changes."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def _normal(text: str) -> str:
    moment = datetime.fromisoformat(text.replace(" ", "+"))
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).isoformat(timespec="microseconds")
