"""Whether matching errs more for some people's names than for others': `uv run python -m dedupe.fairness`.

Measured on invented people of cultures whose names the model was not trained on, by culture, script and length of
name. Record linkage is known to miss more of some groups (JMIR Form Res 2026 e78622, arXiv 2601.07693).
"""

import math
import sys
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from dedupe.blocking import shared_keys
from dedupe.clustering import clusters
from dedupe.model import MatchModel, shipped
from dedupe.normalise import Normalised, normalised
from dedupe.scoring import edges
from dedupe.training_people import Lot, records

HELD_OUT = (
    "da_DK", "no_NO", "fi_FI", "pt_PT", "es_MX", "fr_CA", "hr_HR", "sk_SK", "id_ID", "bg_BG", "zh_TW", "th_TH", "ka_GE",
    "fa_IR", "hy_AM", "en_AU",
)  # fmt: skip
"""Cultures that are not among the training's."""
PEOPLE = 1_200
"""People of each culture: enough for a thousand pairs."""
SEED = 20261124
MOST_TIMES = 2.0
"""How many times the rate of all a group's rate may be, at the upper end of what chance allows."""
_Z = 1.96


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of `count` cases out of `of`, with the bounds that it lies in by 95 % (Wilson)."""

    count: int
    of: int

    @property
    def share(self) -> float:
        """The share itself; 0 where there is no case."""
        return self.count / self.of if self.of else 0.0

    @property
    def bounds(self) -> tuple[float, float]:
        """The lower and the upper bound."""
        if not self.of:
            return 0.0, 1.0
        middle = self.share + _Z**2 / (2 * self.of)
        spread = _Z * math.sqrt(self.share * (1 - self.share) / self.of + _Z**2 / (4 * self.of**2))
        scale = 1 + _Z**2 / self.of
        # rounding must not put a share of none, or of all, outside its own bounds
        return max(0.0, min((middle - spread) / scale, self.share)), min(
            1.0, max((middle + spread) / scale, self.share)
        )


@dataclass(frozen=True, slots=True)
class Group:
    """One group of people: pairs of one person's records that were missed, and records put with another person's."""

    kind: str
    name: str
    missed: Rate
    false: Rate

    def is_fair(self, whole: "Group") -> bool:
        """Say whether this group is missed not much more often than all are, whatever chance had to do with it."""
        return self.missed.bounds[1] <= MOST_TIMES * whole.missed.share


@dataclass(frozen=True, slots=True)
class _Seen:
    person: tuple[str, int]
    record: Normalised
    groups: tuple[tuple[str, str], ...]


def report(
    model: MatchModel | None = None, cultures: Sequence[str] = HELD_OUT, people: int = PEOPLE, seed: int = SEED
) -> list[Group]:
    """Return the rates of all people, and then of each group, in order of their kinds and names."""
    seen = {one.record.record_id: one for one in _world(cultures, people, seed)}
    comparable = [one.record for one in seen.values()]
    model = (model or shipped()).among(comparable)
    found = edges(comparable, seen.keys(), shared_keys(comparable), model)
    return list(_groups(seen, clusters(seen, found, (), (), model)))


def _world(cultures: Sequence[str], people: int, seed: int) -> Iterator[_Seen]:
    """Yield everybody's records, as one pool. What a culture is called and how long a name is are a person's, once."""
    for number, culture in enumerate(cultures):
        known: dict[int, tuple[tuple[str, str], ...]] = {}
        for person, name, candidate in records(Lot(people, locales=(culture,)), seed + number):
            record = normalised(f"{culture}_{name}", candidate, "US", "fairness")
            if person not in known and record.name:
                written = f"{candidate.first_name or ''}{candidate.last_name or ''}{candidate.full_name or ''}"
                known[person] = (("culture", culture), ("script", _script(written)), ("length", _length(record.name)))
            yield _Seen((culture, person), record, known.get(person, (("culture", culture),)))


def _script(written: str) -> str:
    """Return the script that most letters of a name are of, by Unicode's names of them."""
    names = (unicodedata.name(letter, "").partition(" ")[0] for letter in written if letter.isalpha())
    return Counter(names).most_common(1)[0][0].lower()


def _length(name: str) -> str:
    letters = len(name.replace(" ", ""))
    return "to 9 letters" if letters < 10 else "10 to 14 letters" if letters < 15 else "15 letters and more"


def _groups(seen: Mapping[str, _Seen], found: Iterable[frozenset[str]]) -> Iterator[Group]:
    members: defaultdict[tuple[str, int], list[str]] = defaultdict(list)
    for name, one in seen.items():
        members[one.person].append(name)
    home = {name: number for number, cluster in enumerate(found) for name in cluster}
    people_in: defaultdict[int, set[tuple[str, int]]] = defaultdict(set)
    for name, number in home.items():
        people_in[number].add(seen[name].person)
    counts: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for own in members.values():
        held = Counter(home[name] for name in own)
        tally = {
            "pairs": _pairs(len(own)),
            "missed": _pairs(len(own)) - sum(map(_pairs, held.values())),
            "records": len(own),
            "false": sum(len(people_in[home[name]]) > 1 for name in own),
        }
        for group in {("all", "all"), *(group for name in own for group in seen[name].groups)}:
            counts[group].update(tally)
    for (kind, name), told in sorted(counts.items()):
        yield Group(kind, name, Rate(told["missed"], told["pairs"]), Rate(told["false"], told["records"]))


def _pairs(count: int) -> int:
    return count * (count - 1) // 2


def main() -> int:
    """Print the report; returns 1 if a group is missed much more often than all are."""
    whole, *groups = report()
    unfair = 0
    for one in (whole, *groups):
        low, high = one.missed.bounds
        mark = "" if one is whole or one.is_fair(whole) else "   UNFAIR"
        unfair += bool(mark)
        print(  # noqa: T201 - a report
            f"{one.kind:<8} {one.name:<20} missed {one.missed.share:.3f} ({low:.3f}-{high:.3f}) of {one.missed.of:>6}, "
            f"false {one.false.share:.4f} ({one.false.bounds[0]:.4f}-{one.false.bounds[1]:.4f}){mark}"
        )
    return 1 if unfair else 0


if __name__ == "__main__":
    sys.exit(main())
