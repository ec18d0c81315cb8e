"""Which id each cluster of records goes by: the law of lasting ids, free of any database.

A person's id is minted once, for one record, its *anchor*, and is made of the anchor's own id; so the two tell each
other, and an id cannot be given out twice. Clusters are a matter of the records alone; ids are history.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Cluster = frozenset[str]


@dataclass(frozen=True, slots=True)
class Identity:
    """An id that was given out. `stands_for` is itself for a person and the person's id for an alias.

    `minted_number` tells which of two was given out first; `members` are the records that the person holds now.
    """

    id: str
    minted_number: int
    stands_for: str
    members: Cluster = frozenset()

    @property
    def is_alias(self) -> bool:
        """Whether another id took its place in a merge."""
        return self.stands_for != self.id


@dataclass(frozen=True, slots=True)
class Assignment:
    """What became of every cluster and of every id given out before.

    `holders`: cluster to its id. `minted`: ids that are new. `aliases`: id to the person it stands for from now on,
    for every known id that is no person. `ended`: people without any record left.
    """

    holders: Mapping[Cluster, str]
    minted: frozenset[str]
    aliases: Mapping[str, str]
    ended: frozenset[str]


def person_id(anchor: str) -> str:
    """Return the id of the person minted for the record `anchor`."""
    return "per_" + anchor.removeprefix("rec_")


def anchor_of(person: str) -> str:
    """Return the record for which the id `person` was minted."""
    return "rec_" + person.removeprefix("per_")


def assign(
    clusters: Iterable[Cluster],
    known: Iterable[Identity],
    landed: Mapping[str, int],
    stand_ins: Mapping[str, str] | None = None,
) -> Assignment:
    """Give each cluster its id.

    `known` holds every id whose anchor is in a cluster, or whose person held one of the records. `landed` is the
    landing number of each record. An id belongs to the cluster that holds its anchor, or, where the source removed
    the anchor, to the part with the first landed of its person's records, or, where none is left, to the cluster of
    the record that stands in for it (`stand_ins`: a removed record to a live one decided to be the same). Of several
    ids in a cluster the one minted first stays, and the others become its aliases.
    """
    clusters, known, stand_ins = list(clusters), list(known), stand_ins or {}
    place = {record: cluster for cluster in clusters for record in cluster}
    claims: defaultdict[Cluster, list[Identity]] = defaultdict(list)
    unplaced: list[Identity] = []
    for identity in known:
        left = [record for record in identity.members if record in place]
        spot = place.get(anchor_of(identity.id))
        if spot is None and left:
            spot = place[min(left, key=lambda record: (landed[record], record))]
        if spot is None and not identity.is_alias:
            gone = [
                stand_ins[name] for name in (anchor_of(identity.id), *sorted(identity.members)) if name in stand_ins
            ]
            spot = place.get(gone[0]) if gone else None
        if spot is None:
            unplaced.append(identity)
        else:
            claims[spot].append(identity)
    holders: dict[Cluster, str] = {}
    minted: set[str] = set()
    aliases: dict[str, str] = {}
    for cluster in clusters:
        if cluster not in claims:
            holders[cluster] = person_id(min(cluster, key=lambda record: (landed[record], record)))
            minted.add(holders[cluster])
            continue
        first = min(claims[cluster], key=lambda identity: (identity.minted_number, identity.id))
        holders[cluster] = first.id
        aliases |= {identity.id: first.id for identity in claims[cluster] if identity is not first}
    for identity in unplaced:
        if identity.is_alias:
            aliases[identity.id] = aliases.get(identity.stands_for, identity.stands_for)
    ended = frozenset(identity.id for identity in unplaced if not identity.is_alias)
    return Assignment(holders, frozenset(minted), aliases, ended)
