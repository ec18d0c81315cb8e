"""The one gate: nothing leaves for an address that may not be written to, and no path leads around it.

`connectors.contract.Cleared` is the only thing a destination takes, and this module is the only one that makes it; a
test over the whole repository holds that. A ruling is taken when a push is planned and again, with the store as it
then stands, for each batch at the moment it leaves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection

from connectors.contract import Action, Cleared, Destination, Fate
from connectors.records import Channel, Purpose
from talent_pool import consent
from talent_pool.consent.verdict import NO_ADDRESS
from talent_pool.delivery import brake, policy
from talent_pool.delivery.contact_policy import ContactPolicy
from talent_pool.delivery.member import Member
from talent_pool.home import Home
from talent_pool.segments.definition import SegmentDefinition
from talent_pool.store.database import Store

SENDING_OFF = "Sending is off. Set CATCHMENT_SENDING to allowlist or on."
NOT_LISTED = "Sending is limited to CATCHMENT_ALLOWLIST, and this address is not in it."
REDIRECTED_ELSEWHERE = "Every message is redirected to an address of another kind. Unset CATCHMENT_REDIRECT."
REDIRECTED = "Every message is redirected, so nothing is put into this destination. Unset CATCHMENT_REDIRECT."


@dataclass(frozen=True, slots=True)
class Sending:
    """What this installation lets out. `allowlist` holds addresses and domains, lower-case."""

    mode: Literal["off", "allowlist", "on"] = "off"
    allowlist: frozenset[str] = frozenset()
    redirect: str | None = None
    """Every message goes to this address instead of its recipient's."""
    public_url: str = "http://127.0.0.1:8080"

    @classmethod
    def of(cls, home: Home) -> "Sending":
        """Read the installation's settings."""
        listed = frozenset(part.strip().lower().removeprefix("@") for part in home.allowlist.split(",") if part.strip())
        return cls(home.sending, listed, home.redirect, home.public_url)

    def objection(self, address: str, kind: str, channel: Channel = Channel.EMAIL) -> str | None:
        """Return why nothing may leave for `address` just now, or None. It may later: the row is deferred."""
        if self.mode == "off":
            return SENDING_OFF
        if self.redirect and kind == "state":
            return REDIRECTED
        if self.redirect and ("@" in self.redirect) != (channel is Channel.EMAIL):
            return REDIRECTED_ELSEWHERE
        written = (self.redirect or address).lower()
        if self.mode == "allowlist" and not {written, written.rpartition("@")[2]} & self.allowlist:
            return NOT_LISTED
        return None


@dataclass(frozen=True, slots=True)
class Leaving:
    """A row that asks to leave for `address`, for the named `purpose`. `address` is None where there is none.

    `type`, `priority` and `holdout` are its segment's; `recipient` is person, or a colleague who is told about one.
    `application_id`: the application that a message is about.
    """

    row_id: str
    action: Action
    organisation: str
    person_id: str | None
    candidate_record_id: str | None
    address: str | None
    channel: Channel
    purpose: Purpose
    tag: str
    fields: Mapping[str, Any] = field(default_factory=dict[str, Any])
    known: bool = False
    unsubscribe_url: str | None = None
    held: bool = False
    occasion: str = ""
    tries: int = 0
    tried_since: datetime | None = None
    remote_id: str | None = None
    emptied: frozenset[str] = frozenset()
    type: Literal["service", "marketing"] = "marketing"
    segment: str = ""
    recipient: str = "person"
    application_id: str | None = None
    priority: int = 0
    holdout: float = 0


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the gate says of one row: `fate` is None if it may leave, else what becomes of it and why.

    `moment`: the kind of human moment that keeps it, which becomes a task.
    """

    fate: Fate | None
    reason: str = ""
    consented: bool = False
    moment: str | None = None


@dataclass(frozen=True, slots=True)
class Way:
    """One way out: to this destination, by these policies, at this moment.

    `policies` by organisation; where there is none, the default one. `promised`: how many marketing messages this run
    means to send to whom, by person. `rivals`: {segment: (destination, priority)} of marketing that other
    destinations send.
    """

    store: Store
    destination: Destination
    sending: Sending
    now: datetime
    policies: Mapping[str, ContactPolicy] = field(default_factory=dict[str, ContactPolicy])
    promised: dict[str, int] = field(default_factory=dict[str, int])
    rivals: Mapping[str, tuple[str, int]] = field(default_factory=dict[str, tuple[str, int]])


def rule(connection: Connection, way: Way, rows: Sequence[Leaving]) -> dict[str, Ruling]:
    """Judge each row by consent, suppression and policy, then by what the installation lets out. Keyed by row id.

    Taking away what we brought needs nobody's consent, but stops with everything else.
    """
    paused = brake.reason(connection)
    asking = [row for row in rows if row.action is not Action.REMOVE and row.address]
    asks = [_ask(row, way.destination.settings.name) for row in asking]
    verdicts = consent.verdicts(connection, way.store, asks, way.now)
    held = policy.held(connection, way, [row for row in asking if verdicts[row.row_id].allowed])
    rulings: dict[str, Ruling] = {}
    for row in rows:
        consented, refusal = False, ""
        if row.action is not Action.REMOVE:
            verdict = verdicts.get(row.row_id)
            refusal = verdict.reason if verdict else NO_ADDRESS
            consented = bool(verdict and verdict.consented)
        later = held.get(row.row_id)
        if later and later.fate is Fate.SUPPRESSED:
            refusal = refusal or later.reason
        objection = paused or way.sending.objection(row.address or "", way.destination.kind, row.channel)
        if refusal:
            rulings[row.row_id] = Ruling(Fate.SUPPRESSED, refusal, moment=later.moment if later else None)
        elif objection and not (row.action is Action.REMOVE and objection == NOT_LISTED):
            rulings[row.row_id] = Ruling(Fate.DEFERRED, objection, consented)
        elif later:
            rulings[row.row_id] = Ruling(later.fate, later.reason, consented)
        else:
            rulings[row.row_id] = Ruling(None, "", consented)
    return rulings


def unopposed(connection: Connection, way: Way, segment: SegmentDefinition, members: Sequence[Member]) -> set[str]:
    """Return the subjects of members whom `rule` would surely not suppress.

    This opens no way out: it is for those who are to stay as they are. Whoever is not surely in the plain case is
    not among them, and `rule` is asked.
    """
    plain = [one for one in members if one.plain and one.person_id]
    kept_out = policy.kept_out(connection, way, segment, {one.person_id for one in plain if one.person_id})
    return {one.subject_id for one in plain if one.person_id not in kept_out}


def clear(connection: Connection, way: Way, rows: Sequence[Leaving]) -> tuple[list[Cleared], dict[str, Ruling]]:
    """Judge a batch at the moment it leaves; return what may go, and the rulings on what may not."""
    # What this run promised is these very rows, or was sent by now and stands in the ledger.
    rulings = rule(connection, replace(way, promised={}), rows)
    cleared = [_cleared(row, rulings[row.row_id], way.sending) for row in rows if rulings[row.row_id].fate is None]
    return cleared, {row_id: ruling for row_id, ruling in rulings.items() if ruling.fate is not None}


def _cleared(row: Leaving, ruling: Ruling, sending: Sending) -> Cleared:
    assert row.address  # noqa: S101 - a row without an address is never let through
    redirected = sending.redirect if row.action is Action.MESSAGE else None
    return Cleared(
        row_id=row.row_id,
        action=row.action,
        address=redirected or row.address,
        channel=row.channel,
        purpose=row.purpose,
        consented=ruling.consented,
        tag=row.tag,
        fields=row.fields,
        known=row.known,
        unsubscribe_url=row.unsubscribe_url,
        held=row.held,
        person_id=row.person_id,
        occasion=row.occasion,
        tries=row.tries,
        tried_since=row.tried_since,
        remote_id=row.remote_id,
        emptied=row.emptied,
    )


def _ask(row: Leaving, destination: str) -> consent.Ask:
    assert row.address  # noqa: S101 - asked for rows with an address alone
    return consent.Ask(
        key=row.row_id,
        organisation=row.organisation,
        person_id=row.person_id,
        candidate_record_id=row.candidate_record_id,
        channel=row.channel,
        address=row.address,
        purpose=row.purpose,
        destination=destination,
        marketing=row.type == "marketing",
        colleague=row.recipient != "person",
    )
