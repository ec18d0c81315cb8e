"""Edges as Parquet, as `dedupe.spark` writes them: read back, and formed into people without holding all of them.

Edges name records by id and hold findings, no values.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from dedupe.clustering import clusters
from dedupe.model import MatchModel
from dedupe.scoring import Edge

_AT_ONCE = 10_000
_MEMORY = "2GB"


def read_edges(path: Path) -> Iterator[Edge]:
    """Yield the edges of a Parquet file, or of a folder of such files, in order of ids."""
    rows = _rows(path, 'SELECT * FROM "edges" ORDER BY record_a, record_b')
    yield from map(_edge, rows)


def clustered(path: Path, model: MatchModel) -> Iterator[frozenset[str]]:
    """Yield each person of more than one record, as `dedupe.clustering.clusters` forms it from all edges at once.

    In memory are the ids that an edge of at least `merge_at` touches, and one component's edges. What people decided
    is not known here: it stands in the store.
    """
    strong = _rows(path, f'SELECT record_a, record_b FROM "edges" WHERE probability >= {model.merge_at!r}')  # noqa: S608
    component = _components((row["record_a"], row["record_b"]) for row in strong)
    homes = {"record": list(component), "component": list(component.values())}
    # an edge between two components joins nobody, and no edge inside of one speaks of another
    rows = _rows(
        path,
        'SELECT "edges".*, component FROM "edges" JOIN homes a ON a.record = record_a '
        "JOIN homes b USING (component) WHERE b.record = record_b ORDER BY component",
        homes,
    )
    for _, inside in groupby(rows, key=lambda row: row["component"]):
        edges = list(map(_edge, inside))
        members = {name for edge in edges for name in (edge.record_a, edge.record_b)}
        yield from (group for group in clusters(members, edges, (), (), model) if len(group) > 1)


def _components(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return {record: one record of its component, the same for all of it}."""
    towards: dict[str, str] = {}

    def root(name: str) -> str:
        while (above := towards.setdefault(name, name)) != name:
            towards[name] = name = towards[above]
        return name

    for left, right in pairs:
        towards[root(left)] = root(right)
    return {name: root(name) for name in list(towards)}


def _rows(path: Path, query: str, homes: dict[str, list[str]] | None = None) -> Iterator[dict[str, Any]]:
    """Yield what `query` finds in "edges" and `homes`, some thousands of rows at a time."""
    import duckdb
    import pyarrow  # noqa: ICN001 - it comes without types  # pyright: ignore[reportMissingTypeStubs]

    pa: Any = pyarrow
    database = duckdb.connect(config={"memory_limit": _MEMORY, "threads": 2, "max_temp_directory_size": "10GB"})
    try:
        files = database.read_parquet(str(path / "*.parquet" if path.is_dir() else path))
        files.create_view("edges")
        if homes is not None:
            database.register("homes", pa.table(homes))
        found: Any = database.sql(query)
        for batch in found.to_arrow_reader(_AT_ONCE):
            yield from batch.to_pylist()
    finally:
        database.close()


def _edge(row: dict[str, Any]) -> Edge:
    return Edge(row["record_a"], row["record_b"], row["weight"], row["probability"], dict(row["levels"]))
