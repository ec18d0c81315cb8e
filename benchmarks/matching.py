"""Who is one person: first load, a batch on top of a pool, and one record at a time, beside Splink alone.

    uv run python -m benchmarks.matching [--pool 100000] [--world training] [--new 10000] [--singles 300] [--store URL]

Everything of ours is durable and whole: keys, edges, clusters, ids, people, change feed, until nothing waits. Splink
is run its own documented way on the same comparable records: trained on them, predicted, clustered, nothing stored.
"""

import argparse
import resource
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from benchmarks.people import WORLDS, generated
from connectors.contract import Connection, Json, Page, Stream
from connectors.records import Candidate, Record, utc_now
from dedupe.normalise import Normalised, normalised
from talent_pool.installation import Installation
from talent_pool.landing.inbox import Inbox
from talent_pool.landing.sync import sync
from talent_pool.resolution.resolve import resolve_all
from talent_pool.store import migrate
from talent_pool.store.database import Store
from talent_pool.store.tables import person_records
from talent_pool.store.tables import records as record_table

PER_PAGE = 500
Truth = Mapping[str, int]


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

    def people(self) -> dict[str, str]:
        """Return {remote id: person}."""
        columns = (record_table.c.remote_id, person_records.c.person_id)
        joined = record_table.join(person_records, person_records.c.record_id == record_table.c.id)
        with self.store.reading() as connection:
            return {
                row.remote_id: row.person_id for row in connection.execute(joined.select().with_only_columns(*columns))
            }


def agreement(people: Mapping[str, Any], truth: Truth) -> tuple[float, float, float]:
    """Return pairwise precision, recall and F1 over clusters."""
    groups: defaultdict[Any, Counter[int]] = defaultdict(Counter)
    for name, person in people.items():
        groups[person][truth[name]] += 1
    said = sum(_pairs(sum(held.values())) for held in groups.values())
    right = sum(_pairs(count) for held in groups.values() for count in held.values())
    true = sum(map(_pairs, Counter(truth[name] for name in people).values()))
    precision, recall = right / max(said, 1), right / max(true, 1)
    return precision, recall, 2 * precision * recall / max(precision + recall, 1e-9)


def _pairs(count: int) -> int:
    return count * (count - 1) // 2


def splink_alone(comparable: Sequence[Normalised], truth: Truth) -> tuple[dict[str, float], list[tuple[float, float]]]:
    """Return seconds by step, and (threshold, F1), of Splink by its own tutorial on the same columns."""
    import logging

    import duckdb
    import pyarrow as pa
    import splink.comparison_library as cl
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    logging.getLogger("splink").setLevel(logging.ERROR)
    began, seconds = time.perf_counter(), dict[str, float]()
    first = dict.fromkeys(("emails", "phones", "linkedins"), "first_of")
    plain = ("first", "last", "city", "postcode", "street", "employer")
    rows = {"unique_id": [one.record_id for one in comparable]}
    rows |= {name: [getattr(one, name) for one in comparable] for name in plain}
    rows |= {name: [next(iter(getattr(one, name)), None) for one in comparable] for name in first}
    settings = SettingsCreator(
        link_type="dedupe_only",
        comparisons=[
            cl.ForenameSurnameComparison("first", "last"),
            cl.EmailComparison("emails"),
            cl.ExactMatch("phones").configure(term_frequency_adjustments=True),
            cl.ExactMatch("linkedins"),
            cl.JaroWinklerAtThresholds("street"),
            cl.ExactMatch("postcode").configure(term_frequency_adjustments=True),
            cl.ExactMatch("city").configure(term_frequency_adjustments=True),
            cl.JaroWinklerAtThresholds("employer"),
        ],
        blocking_rules_to_generate_predictions=[
            block_on("emails"),
            block_on("phones"),
            block_on("linkedins"),
            block_on("first", "last"),
            block_on("last", "city"),
            block_on("first", "employer"),
            block_on("last", "postcode"),
        ],
    )
    database = duckdb.connect(config={"memory_limit": "4GB", "threads": 2, "max_temp_directory_size": "20GB"})
    api = DuckDBAPI(database)
    linker = Linker(api.register(pa.table(rows), dataset_display_name="records"), settings, log_level=logging.ERROR)
    linker.training.estimate_probability_two_random_records_match(
        [block_on("emails"), block_on("phones"), block_on("first", "last", "city")], recall=0.7
    )
    linker.training.estimate_u_using_random_sampling(max_pairs=2e6)
    for rule in (block_on("first", "last"), block_on("emails"), block_on("phones")):
        linker.training.estimate_parameters_using_expectation_maximisation(rule)
    seconds["train"] = time.perf_counter() - began
    began = time.perf_counter()
    predicted = linker.inference.predict(threshold_match_probability=0.1, warning_mode="never")
    seconds["predict"] = time.perf_counter() - began
    found: list[tuple[float, float]] = []
    for threshold in (0.5, 0.8, 0.9, 0.95, 0.99, 0.999, 0.9999, 0.99999):
        began = time.perf_counter()
        clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(predicted, threshold)
        pairs = database.execute(f"SELECT unique_id, cluster_id FROM {clusters.physical_name}").fetchall()
        seconds["cluster"] = time.perf_counter() - began
        found.append((threshold, agreement(dict(pairs), truth)[2]))
    return seconds, found


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
    options.add_argument("--without-splink", action="store_true")
    given = options.parse_args()
    told, truth = generated(given.world, given.pool + given.new + given.singles)
    first, new, singles = apart(told, given.new, given.singles)
    began = time.perf_counter()
    comparable = [normalised(one.remote_id, one, "US", "bench") for one in told]
    print(f"normalise          {(time.perf_counter() - began) / len(told) * 1e5:8.2f} s per 100,000 records, one core")
    with tempfile.TemporaryDirectory() as folder:
        pool = Pool(Path(folder), given.store)
        seconds = pool.takes(first)
        print(_line("first load", seconds, len(first)))
        seconds = pool.takes(new)
        print(_line("new on top", seconds, len(new)))
        if singles:
            each = sorted(pool.takes([one]) * 1e3 for one in singles)
            print(f"one record         {median(each):8.2f} ms median, {quantiles(each, n=100)[98]:.2f} ms p99")
        precision, recall, f1 = agreement(pool.people(), truth)
        print(f"pairwise           precision {precision:.4f}, recall {recall:.4f}, F1 {f1:.4f}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory        {peak:8,.0f} MB, the generated records among it")
    if not given.without_splink:
        seconds_of, found = splink_alone(comparable, truth)
        print("splink alone       " + ", ".join(f"{name} {value:.2f} s" for name, value in seconds_of.items()))
        print("                   F1 at " + ", ".join(f"{threshold}: {f1:.3f}" for threshold, f1 in found))


if __name__ == "__main__":
    main()
