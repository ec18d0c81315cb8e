"""The join rule: what all the statements about one person say of one address, for one purpose and channel.

A statement stands at a *place*: the address it names, or else the record that made it. A yes belongs to the address
it was given for (a record's yes: to the addresses which that record holds); a no belongs to the person.

Within one place the latest statement counts:

    held       said next                            holds then
    -          given                                yes
    -          refused, withdrawn                   no
    yes        refused, withdrawn (by anybody)      no
    yes        expired, invalidated                 silent
    yes        `expires_at` passes                  silent
    any        requested                            as before
    no         given by the candidate               yes
    no         given by others, who weigh less      no    (a vendor's or recruiter's yes never undoes a candidate's no)
    no         given by others, who weigh the same  yes   (a source corrects itself)
    no         expired, invalidated                 no

At the same instant a no is the later one. The candidate weighs most, then a recruiter, then vendor defaults and
imports.

Across places the strictest counts, for the address that is asked about:

    the address and its records    the person's other places    allowed
    silent                         anything                     no: unknown is not allowed
    no                             anything                     no
    yes                            silent, or yes               yes
    yes                            no                           no
    yes, confirmed (opt-in) later  no                           yes: a later confirmed yes lifts an older no
    yes at the address             no at one of its records     as in the two lines above

So a person's join over more records can only be stricter than over fewer (law 7), and taking records away again
gives each part back what its own statements say.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from connectors.records import ConsentStatus, StatedBy

_REFUSALS = frozenset({ConsentStatus.REFUSED, ConsentStatus.WITHDRAWN})
_WEIGHT = {
    StatedBy.VENDOR_DEFAULT: 0,
    StatedBy.IMPORT: 0,
    StatedBy.RECRUITER: 1,
    StatedBy.CANDIDATE: 2,
    StatedBy.CANDIDATE_CONFIRMED: 2,
}

UNKNOWN = "No consent for this purpose is known."
EXPIRED = "The consent for this purpose has expired."
REFUSED = "The person refused this purpose."


@dataclass(frozen=True, slots=True)
class Statement:
    """What the join needs of one statement. `record_id` is null where only an address is known."""

    id: str
    record_id: str | None
    address_key: str | None
    status: ConsentStatus
    lawful_basis: str
    stated_by: StatedBy
    stated_at: datetime
    expires_at: datetime | None = None

    @property
    def place(self) -> tuple[str, str] | None:
        """Where the statement stands; None where it names nobody."""
        if self.address_key:
            return ("address", self.address_key)
        return ("record", self.record_id) if self.record_id else None


@dataclass(slots=True)
class Standing:
    """What one place says now. At most one of `no` and `yes` is set; `confirmed` is the latest double opt-in."""

    no: Statement | None = None
    yes: Statement | None = None
    confirmed: Statement | None = None
    lapsed: bool = False
    weight: int = -1
    """How heavy the standing no is: the weight of the heaviest who said it."""


@dataclass(frozen=True, slots=True)
class Joined:
    """The join for one address. `until`: the next instant at which time alone could change it."""

    allowed: bool
    reason: str
    statements: tuple[Statement, ...] = ()
    until: datetime | None = None


@dataclass(slots=True)
class Places:
    """Everything that is said about one person for one purpose and channel, by place."""

    standing: Mapping[tuple[str, str], Standing]
    horizon: Sequence[datetime] = field(default_factory=list[datetime])
    """Instants after `now` at which a statement begins or ends."""


def places(statements: Iterable[Statement], now: datetime) -> Places:
    """Fold statements into what each place says at `now`."""
    by_place: dict[tuple[str, str], list[Statement]] = {}
    horizon: list[datetime] = []
    for statement in statements:
        horizon.extend(at for at in (statement.stated_at, statement.expires_at) if at is not None and at > now)
        # A no counts at once even when a vendor's clock runs ahead of ours; a yes waits for its time.
        if statement.place and (statement.stated_at <= now or statement.status in _REFUSALS):
            by_place.setdefault(statement.place, []).append(statement)
    return Places({place: _standing(said, now) for place, said in by_place.items()}, horizon)


def _standing(said: Iterable[Statement], now: datetime) -> Standing:
    standing = Standing()
    for statement in sorted(said, key=lambda one: (one.stated_at, one.status in _REFUSALS, one.id)):
        weight = _WEIGHT[statement.stated_by]
        if statement.status in _REFUSALS:
            heaviest = max(weight, standing.weight)
            standing = Standing(no=statement, weight=heaviest)
        elif statement.status is ConsentStatus.GIVEN:
            if standing.no and weight < standing.weight:
                continue
            confirmed = statement if statement.stated_by is StatedBy.CANDIDATE_CONFIRMED else standing.confirmed
            standing = Standing(yes=statement, confirmed=confirmed)
        elif statement.status in (ConsentStatus.EXPIRED, ConsentStatus.INVALIDATED) and not standing.no:
            standing = Standing(lapsed=standing.yes is not None or standing.lapsed)
    return _lapsed(standing, now)


def _lapsed(standing: Standing, now: datetime) -> Standing:
    if standing.confirmed and _over(standing.confirmed, now):
        standing.confirmed = None
    if standing.yes and _over(standing.yes, now):
        standing.yes, standing.confirmed, standing.lapsed = None, None, True
    return standing


def _over(statement: Statement, now: datetime) -> bool:
    return statement.expires_at is not None and statement.expires_at <= now


def joined(said: Places, address_key: str, records: Iterable[str], implied: Sequence[Statement] = ()) -> Joined:
    """Return what the person's places say of one address, which `records` hold.

    `implied` are further yeses for this address that no statement spells out (an application of hers).
    """
    own = [said.standing.get(place) for place in (("address", address_key), *(("record", one) for one in records))]
    speaking = [standing for standing in own if standing]
    yeses = [standing.yes for standing in speaking if standing.yes] + list(implied)
    confirmed = max((one.confirmed.stated_at for one in speaking if one.confirmed), default=None)
    until = min(said.horizon, default=None)
    nos = [
        standing.no
        for standing in said.standing.values()
        if standing.no and (confirmed is None or confirmed <= standing.no.stated_at)
    ]
    if nos:
        return Joined(False, REFUSED, tuple(nos), until)
    if not yeses:
        return Joined(False, EXPIRED if any(one.lapsed for one in speaking) else UNKNOWN, (), until)
    return Joined(True, "", tuple(yeses), until)
