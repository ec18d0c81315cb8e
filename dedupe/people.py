"""Who is one person among candidates at hand: records in, people out, with no store and no set-up.

The talent pool's own steps, in one go: comparable forms, keys, edges, clusters. docs/dedupe.md has an example.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from connectors.records import Candidate
from dedupe.blocking import Key, shared_keys
from dedupe.clustering import clusters
from dedupe.explanation import waterfall
from dedupe.learning import counts, learned
from dedupe.model import MatchModel, shipped
from dedupe.normalise import Normalised, normalised
from dedupe.regression import Pattern
from dedupe.scoring import Edge, compared, edges

ALONE = "the only record of this person"


@dataclass(frozen=True, slots=True)
class Member:
    """Whose record a candidate is. Candidates are named by their positions in what was handed in, from 0.

    `person`: the first candidate of the same person. `nearest`: the one of the same person that this one agrees with
    best. `probability`: that these two are one person. `agreements`: what they agree in, in words, the
    strongest first. One that is alone has no `nearest`, no `probability` and no `agreements`.
    """

    person: int
    nearest: int | None = None
    probability: float | None = None
    agreements: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        """Say in words why this candidate is with its person."""
        return "; ".join(self.agreements) or ALONE


def people_of(
    candidates: Sequence[Candidate],
    *,
    region: str | None = None,
    model: MatchModel | None = None,
    known: Sequence[str | None] = (),
) -> list[Member]:
    """Return whose record each of `candidates` is, in their order; who goes with whom does not depend on that order.

    Phone numbers without a country code are read as of `region` (alpha-2), else of the candidate's own country, else
    not at all. `model`: the shipped one unless given, with names as frequent as they are among the candidates. `known`:
    who each candidate is by somebody's word, None where nobody said; the weights learn from it first, and nobody is
    made one person by it. Raises ModelMisfit for a model that was made for other comparisons.
    """
    model = model or shipped()
    places = _places([normalised("", one, region, "") for one in candidates])
    named = [replace(record, record_id=name) for name, (_, record) in places.items()]
    positions = {name: position for name, (position, _) in places.items()}
    shared = shared_keys(named)
    model = model.among(named)
    told = {name: known[position] for name, position in positions.items() if known and known[position] is not None}
    model = learned(model, *_taught(named, told, shared, model))
    found = edges(named, places.keys(), shared, model)
    first: dict[int, int] = {}
    for group in clusters(positions, found, (), (), model):
        held = [positions[name] for name in group]
        first.update(dict.fromkeys(held, min(held)))
    best = _best(found, positions, first)
    return [_member(first[position], best.get(position), model) for position in range(len(candidates))]


def _places(records: Sequence[Normalised]) -> dict[str, tuple[int, Normalised]]:
    """Return {id: (position, record)}, ids in the order of what the records say.

    Clusters break ties by id. Ids made of positions would let the order of the rows decide who goes with whom.
    """
    ordered = sorted(enumerate(records), key=lambda one: repr(one[1]))
    width = len(str(len(ordered)))
    return {f"{number:0{width}}": place for number, place in enumerate(ordered)}


def _taught(
    named: Sequence[Normalised], told: Mapping[str, str | None], shared: AbstractSet[Key], model: MatchModel
) -> tuple[Counter[Pattern], Counter[Pattern]]:
    """Return what `dedupe.learning.learned` learns from: the pairs of records of both of which somebody told."""
    pairs = compared([record for record in named if record.record_id in told], told.keys(), shared, model.population)
    return counts((levels, told[a] == told[b]) for a, b, levels in pairs)


def _best(
    found: Sequence[Edge], positions: Mapping[str, int], first: Mapping[int, int]
) -> dict[int, tuple[float, int, Edge]]:
    """Return for each position (weight, minus the other's position, edge) of its strongest edge inside its person."""
    best: dict[int, tuple[float, int, Edge]] = {}
    for edge in found:
        one, other = positions[edge.record_a], positions[edge.record_b]
        if first[one] != first[other]:
            continue
        for own, away in ((one, other), (other, one)):
            if own not in best or (edge.weight, -away) > best[own][:2]:
                best[own] = (edge.weight, -away, edge)
    return best


def _member(person: int, best: tuple[float, int, Edge] | None, model: MatchModel) -> Member:
    if best is None:
        return Member(person)
    _, away, edge = best
    steps = waterfall(edge.levels, model)
    agreed = tuple(step.finding for step in steps if edge.levels.get(step.comparison, 0) > 0 and step.weight > 0)
    return Member(person, -away, edge.probability, agreed)
