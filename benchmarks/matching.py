"""Who is one person: first load, a batch on top of a pool, and one record at a time, beside Splink alone.

    uv run python -m benchmarks.matching [--pool 100000] [--world training] [--new 10000] [--singles 300] [--rebuild]
        [--store URL]

Everything of ours is durable and whole: keys, edges, clusters, ids, people, change feed, until nothing waits. Splink
is run its own documented way on the same comparable records: trained on them, predicted, clustered, nothing stored.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from statistics import median, quantiles

from benchmarks.agreement import agreement, shown
from benchmarks.people import WORLDS, generated
from benchmarks.splink_alone import splink_alone
from connectors.contract import Connection, Json, Page, Stream
from connectors.records import Candidate, Record, utc_now
from dedupe.normalise import normalised
from talent_pool.epochs.enacting import apply
from talent_pool.epochs.preview import preview
from talent_pool.epochs.training import train
from talent_pool.installation import Installation
from talent_pool.landing.inbox import Inbox
from talent_pool.landing.sync import sync
from talent_pool.resolution.bulk.load import load
from talent_pool.resolution.resolve import resolve_all
from talent_pool.store import migrate
from talent_pool.store.database import Store
from talent_pool.store.tables import person_records
from talent_pool.store.tables import records as record_table

PER_PAGE = 500


@dataclass
class Candidates:
    """A source that tells of candidates in memory."""

    told: Sequence[Candidate]
    connection: Connection

    def streams(self) -> Sequence[Stream]:
        return [Stream("candidates", key="remote_id")]

    def pages(self, stream: Stream, cursor: Json | None, now: datetime) -> Iterator[Page]:  # noqa: ARG002
        for start in range(0, len(self.told), PER_PAGE):
            page = [one.model_dump(mode="json", exclude_unset=True) for one in self.told[start : start + PER_PAGE]]
            yield Page(stream.name, page, None)

    def parse(self, stream: str, raw: Json) -> Iterable[Record]:  # noqa: ARG002
        yield Candidate.model_validate(raw)

    def check(self) -> str:
        return "in memory"


def apart(
    told: Sequence[Candidate], new: int, singles: int
) -> tuple[list[Candidate], list[Candidate], list[Candidate]]:
    """Return (pool, new, singles): every so many-th record is new, so that most of them have somebody to meet."""
    step = max(2, len(told) // (new + singles))
    later = list(told[::step][: new + singles])
    taken = {one.remote_id for one in later}
    return [one for one in told if one.remote_id not in taken], later[:new], later[new:]


class Pool:
    """One store that candidates are landed in and resolved."""

    def __init__(self, folder: Path, store_url: str | None) -> None:
        self.store = Store(store_url or f"sqlite:///{folder}/pool.db", b"benchmark")
        migrate.upgrade(self.store)
        self._inbox = Inbox(f"sqlite:///{folder}/inbox.db")
        self._connection = Connection(name="bench", connector="memory")
        self._installation = Installation({self._connection.name: self._connection}, {}, {}, {})

    def takes(self, told: Sequence[Candidate]) -> float:
        """Land the candidates, and return the seconds that resolving them takes."""
        sync(self.store, self._inbox, Candidates(told, self._connection), utc_now(), alone=10**9)
        began = time.perf_counter()
        resolve_all(self.store, self._installation, utc_now())
        return time.perf_counter() - began

    def loads(self, told: Sequence[Candidate]) -> tuple[float, list[tuple[str, float]]]:
        """Land candidates into the empty pool; return the seconds of resolving, and of processor time for each step."""
        sync(self.store, self._inbox, Candidates(told, self._connection), utc_now(), alone=10**9)
        marks = [("", time.process_time())]
        began = time.perf_counter()
        load(self.store, self._installation, utc_now(), lambda step: marks.append((step, time.process_time())))
        marks.append(("rest", time.process_time()))
        resolve_all(self.store, self._installation, utc_now())
        seconds = time.perf_counter() - began
        marks.append(("", time.process_time()))
        return seconds, [(step, end - start) for (step, start), (_, end) in pairwise(marks) if step]

    def rebuilds(self) -> tuple[float, float]:
        """Make an epoch of the pool's own names; return the seconds that its preview and its coming into force take."""
        number = train(self.store, self._installation, utc_now()).number
        began = time.perf_counter()
        shown_first = preview(self.store, self._installation, number)
        between = time.perf_counter()
        apply(self.store, self._installation, number, shown_first.token, utc_now())
        resolve_all(self.store, self._installation, utc_now())
        return between - began, time.perf_counter() - between

    def people(self) -> dict[str, str]:
        """Return {remote id: person}."""
        columns = (record_table.c.remote_id, person_records.c.person_id)
        joined = record_table.join(person_records, person_records.c.record_id == record_table.c.id)
        with self.store.reading() as connection:
            return {
                row.remote_id: row.person_id for row in connection.execute(joined.select().with_only_columns(*columns))
            }


def _line(what: str, seconds: float, count: int) -> str:
    return f"{what:<18} {seconds:8.2f} s for {count:,} records, {seconds / count * 1e6:,.0f} us each"


def main() -> None:
    """Run it all and print seconds, rates and ratios."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--pool", type=int, default=100_000)
    options.add_argument("--new", type=int, default=10_000)
    options.add_argument("--singles", type=int, default=300)
    options.add_argument("--world", choices=WORLDS, default="applicants")
    options.add_argument("--store", help="a PostgreSQL URL; else SQLite")
    options.add_argument("--rebuild", action="store_true", help="train an epoch and put it in force")
    options.add_argument("--without-splink", action="store_true")
    given = options.parse_args()
    told, truth = generated(given.world, given.pool + given.new + given.singles)
    first, new, singles = apart(told, given.new, given.singles)
    began = time.perf_counter()
    comparable = [normalised(one.remote_id, one, "US", "bench") for one in told]
    print(f"normalise          {(time.perf_counter() - began) / len(told) * 1e5:8.2f} s per 100,000 records, one core")
    with tempfile.TemporaryDirectory() as folder:
        pool = Pool(Path(folder), given.store)
        seconds, steps = pool.loads(first)
        print(_line("first load", seconds, len(first)))
        for step, spent in steps:
            print(f"   {step:<26} {spent / len(first) * 1e6:7.0f} us of processor time a record")
        seconds = pool.takes(new)
        print(_line("new on top", seconds, len(new)))
        if singles:
            each = sorted(pool.takes([one]) * 1e3 for one in singles)
            print(f"one record         {median(each):8.2f} ms median, {quantiles(each, n=100)[98]:.2f} ms p99")
        if given.rebuild:
            previewed, applied = pool.rebuilds()
            print(f"rebuild            {previewed:8.2f} s to preview an epoch, {applied:.2f} s to put it in force")
        print(f"pairwise           {shown(agreement(pool.people(), truth))}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory        {peak:8,.0f} MB, the generated records among it")
    if not given.without_splink:
        seconds_of, found = splink_alone(comparable, truth)
        print("splink alone       " + ", ".join(f"{name} {value:.2f} s" for name, value in seconds_of.items()))
        for threshold, agreed in found:
            print(f"   at {threshold:<12} {shown(agreed)}")


if __name__ == "__main__":
    main()
