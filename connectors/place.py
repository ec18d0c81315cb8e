"""How far a listing of changes has been read, where the vendor can only be asked "since when"."""

from dataclasses import dataclass
from datetime import datetime

from connectors.contract import Json


@dataclass(slots=True)
class Place:
    """How far reading back has come: the newest change seen, and the marks of those seen at that instant."""

    since: datetime | None
    seen: set[str]

    @classmethod
    def of(cls, cursor: Json | None) -> "Place":
        """Return the place that a cursor stands for; without one, the beginning."""
        return cls(datetime.fromisoformat(cursor["since"]), set(cursor["seen"])) if cursor else cls(None, set())

    def passes(self, at: datetime, mark: str, reached: "Place") -> bool:
        """Say whether a change is news after this place, and move `reached` on to it."""
        if self.since and (at < self.since or (at == self.since and mark in self.seen)):
            return False
        if reached.since is None or at > reached.since:
            reached.since, reached.seen = at, set()
        if at == reached.since:
            reached.seen.add(mark)
        return True

    def cursor(self) -> Json | None:
        """Return the place as a cursor: an instant and opaque marks, no addresses."""
        return {"since": self.since.isoformat(), "seen": sorted(self.seen)} if self.since else None
