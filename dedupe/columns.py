"""Many records compared at once, hardly any of them in Python: a pool's first load.

Records, their keys and their edges stand in DuckDB, which spills to a folder what its share of memory does not hold.
Records are numbered in the order of their ids, so that numbers compare as ids do. What is decided, is decided by the
same functions as for few records: `blocking.is_shared`, `batch.pairs_in`, `MatchModel.weight`.
"""

# ruff: noqa: S608 - statements are put together of our own names alone

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from dedupe.addresses import houses, letters
from dedupe.batch import pairs_in
from dedupe.blocking import CONTACTS, MOST_HOLDERS, MOST_NAMES, Key, is_shared
from dedupe.comparisons import COMPARISONS
from dedupe.model import MatchModel, probability
from dedupe.normalise import Normalised
from dedupe.population import Population
from dedupe.scoring import Edge, require_fit
from dedupe.snapshot import record_of, table_of

_MEMORY = "1GB"
_AT_ONCE = 10_000
_NAMES = [one.name for one in COMPARISONS]
_LEVELS = ", ".join(f'"gamma_{name}"' for name in _NAMES)
_OF_ONE = {
    "emails": "email",
    "locals": "local",
    "phones": "phone",
    "linkedins": "profile",
    "profiles": "profile",
    "numbers": "number",
}
"""Lists of values that count as missing where many share them, and the kind of key that they are."""
_TOLD = ("postcode", "city", "employer", "title")
"""Fields of which a population may say that somebody's value is everybody's."""


class Found(NamedTuple):
    """An edge between two numbered records, `a` < `b`; all edges of one finding have one object for their `levels`."""

    a: int
    b: int
    edge: Edge


class Columns:
    """Comparable records in columns, each with its keys by number. `spill`: a folder for what memory does not hold."""

    def __init__(self, spill: Path) -> None:
        import duckdb

        limits: dict[str, Any] = {"memory_limit": _MEMORY, "threads": 2, "max_temp_directory_size": "50GB"}
        self._database: Any = duckdb.connect(config=limits | {"temp_directory": str(spill)})
        self._findings: list[tuple[float, float, Mapping[str, int]]] = []
        self._count = 0
        self.add((), {}, ())

    def __len__(self) -> int:
        return self._count

    def close(self) -> None:
        """Forget everything."""
        self._database.close()

    def add(
        self, records: Sequence[Normalised], held: Mapping[str, Mapping[int, Key]], in_focus: Sequence[bool]
    ) -> None:
        """Take records, in order of ids and above those taken before, with their keys by number.

        A number stands for one value of one organisation. Only pairs of which one is in focus are compared.
        """
        numbers = range(self._count, self._count + len(records))
        self._count += len(records)
        told = _table(("number", "in_focus"), "ib", list(zip(numbers, in_focus, strict=True)))
        table = table_of(records)
        streets = [record.street for record in records]
        for name, values in (("houses", map(houses, streets)), ("letters", map(letters, streets))):
            table = table.append_column(name, _lists(values))
        for name in told.column_names:
            table = table.append_column(name, told.column(name))
        self._append("records", table)
        keyed = [
            (key, number, own.kind, record.name_key, own.value if own.kind in CONTACTS else None)
            for number, record in zip(numbers, records, strict=True)
            for key, own in held[record.record_id].items()
        ]
        self._append("held", _table(("key", "number", "kind", "name", "value"), "qisss", keyed))

    def sample(self, most: int) -> Iterator[Normalised]:
        """Yield the first records by their ids, at most so many."""
        names = ", ".join(f'"{name}"' for name in table_of([]).schema.names)
        query = f"SELECT {names} FROM records WHERE number < {most} ORDER BY number"
        for batch in self._database.sql(query).to_arrow_reader(_AT_ONCE):
            yield from map(record_of, batch.to_pylist())

    def compare(self, model: MatchModel) -> None:
        """Find every edge, as `scoring.edges` does. Raises ModelMisfit."""
        require_fit(model)
        shared = self._shared()
        self._prepare(model.population, shared)
        self._run("DROP TABLE held")
        if next(self._rows("SELECT 1 FROM compared LIMIT 1"), None):
            self._run(f"CREATE TABLE pairs AS {pairs_in(self._database, 'compared')}")
            self._weigh(model)
        else:
            self._run("CREATE TABLE edges (a INTEGER, b INTEGER, finding INTEGER)")

    def pairs(self) -> Iterator[tuple[int, int]]:
        """Yield the two records of each edge."""
        yield from self._rows("SELECT a, b FROM edges")

    def edges_by(self, group: Iterable[int]) -> Iterator[tuple[int, Found]]:
        """Yield (group, edge) in the order of groups, and of ids within one; `group` tells the records' in their order.

        The edge is in the lower of its records' groups; one with a record in a group below 0 is left out.
        """
        self._number("edge_groups", group)
        query = (
            'SELECT least(l."group", r."group") AS own, a, b, l.record_id, r.record_id, finding FROM edges '
            "JOIN edge_groups l ON l.number = a JOIN edge_groups r ON r.number = b "
            'WHERE l."group" >= 0 AND r."group" >= 0 ORDER BY own, a, b'
        )
        for own, a, b, record_a, record_b, finding in self._rows(query):
            weight, chance, levels = self._findings[int(finding)]
            yield own, Found(a, b, Edge(record_a, record_b, weight, chance, levels))

    def records_by(self, group: Iterable[int]) -> Iterator[tuple[int, int, str]]:
        """Yield (group, number, id) of each record in the order of groups, and of ids within one; none below 0."""
        self._number("record_groups", group)
        yield from self._rows(
            'SELECT "group", number, record_id FROM record_groups WHERE "group" >= 0 ORDER BY "group", number'
        )

    def _shared(self) -> set[Key]:
        """Note which keys bring records together, and return the contacts that say nothing of one person."""
        least = min(MOST_NAMES, MOST_HOLDERS)
        self._run("CREATE TABLE often AS SELECT key, count(*) AS holders FROM held GROUP BY key HAVING count(*) > 1")
        query = (
            "SELECT key, kind, name, count(*), min(value) FROM held SEMI JOIN "
            f"(SELECT key FROM often WHERE holders > {least}) USING (key) GROUP BY key, kind, name"
        )
        names: defaultdict[tuple[int, str, str | None], dict[str, int]] = defaultdict(dict)
        for key, kind, name, count, value in self._rows(query):
            names[key, kind, value][name] = count
        shared = [own for own, holders in names.items() if is_shared(own[1], holders)]
        self._append("shared", _table(("key",), "q", [(key,) for key, _, _ in shared]))
        return {Key(kind, value) for _, kind, value in shared if value is not None}

    def _prepare(self, population: Population, shared: set[Key]) -> None:
        """Write the table that `batch.pairs_in` compares: records that share a key with another one."""
        self._run(
            "CREATE TABLE telling AS SELECT number, list(key) AS keys FROM held "
            "SEMI JOIN often USING (key) ANTI JOIN shared USING (key) GROUP BY number"
        )
        names = self._rows("SELECT DISTINCT name FROM records SEMI JOIN telling USING (number)")
        expected = [(name, population.namesakes(name)) for (name,) in names]
        self._append("namesakes", _table(("whole_name", "namesakes"), "sd", expected))
        for kind in sorted(set(_OF_ONE.values())):
            self._set(f"many_{kind}", [key.value for key in shared if key.kind == kind])
        for field in _TOLD:
            self._set(f"everywhere_{field}", population.everywhere.get(field, ()))
        self._run(f"CREATE TABLE compared AS {_COMPARED}")

    def _weigh(self, model: MatchModel) -> None:
        """Turn pairs into edges: what was found is weighed once, however many pairs it was found of."""
        weighed: list[tuple[int, ...]] = []
        for levels in self._rows(f"SELECT DISTINCT {_LEVELS} FROM pairs"):
            found = dict(zip(_NAMES, levels, strict=True))
            weight = model.weight(found)
            chance = probability(weight)
            if chance >= model.review_at:
                weighed.append((*levels, len(self._findings)))
                self._findings.append((weight, chance, found))
        names = [f"gamma_{name}" for name in _NAMES]
        self._append("weighed", _table((*names, "finding"), "i" * (len(names) + 1), weighed))
        self._run(
            "CREATE TABLE edges AS SELECT record_a AS a, record_b AS b, finding FROM pairs "
            f"JOIN weighed USING ({_LEVELS})"
        )
        self._run("DROP TABLE pairs")

    def _number(self, name: str, group: Iterable[int]) -> None:
        self._append("numbered", _table(("number", "group"), "ii", list(enumerate(group))))
        self._run(
            f"CREATE OR REPLACE TABLE {name} AS "
            'SELECT number, "group", record_id FROM numbered JOIN records USING (number) ORDER BY number'
        )
        self._run("DROP TABLE numbered")

    def _append(self, name: str, table: Any) -> None:
        self._database.register("arriving", table)
        self._run(f"CREATE TABLE IF NOT EXISTS {name} AS SELECT * FROM arriving LIMIT 0")
        self._run(f"INSERT INTO {name} SELECT * FROM arriving")
        self._database.unregister("arriving")

    def _set(self, variable: str, values: Iterable[str]) -> None:
        self._database.execute(f"SET VARIABLE {variable} = ?::VARCHAR[]", [sorted(values)])

    def _run(self, statement: str) -> None:
        self._database.execute(statement)

    def _rows(self, query: str) -> Iterator[tuple[Any, ...]]:
        """Yield rows some thousands at a time; several of these may be read by turns."""
        for batch in self._database.cursor().sql(query).to_arrow_reader(_AT_ONCE):
            yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _table(names: Sequence[str], kinds: str, rows: Sequence[tuple[Any, ...]]) -> Any:
    """Return rows as an Arrow table. `kinds`, a letter a column: b truths, q and i integers, d floats, s texts."""
    import pyarrow  # noqa: ICN001 - it comes without types  # pyright: ignore[reportMissingTypeStubs]

    pa: Any = pyarrow
    types = {"b": pa.bool_(), "q": pa.int64(), "i": pa.int32(), "d": pa.float64(), "s": pa.string()}
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    return pa.table(
        {name: pa.array(column, types[kind]) for name, kind, column in zip(names, kinds, columns, strict=True)}
    )


def _lists(values: Iterable[Sequence[str]]) -> Any:
    """Return lists of texts as an Arrow column."""
    import pyarrow  # noqa: ICN001 - it comes without types  # pyright: ignore[reportMissingTypeStubs]

    pa: Any = pyarrow
    return pa.array(values, pa.list_(pa.string()))


def _own(column: str, kind: str) -> str:
    """Return the values of a column less those that many share."""
    many = f"getvariable('many_{kind}')"
    return (
        f'CASE WHEN list_has_any("{column}", {many}) '
        f'THEN list_filter("{column}", lambda one: NOT list_contains({many}, one)) ELSE "{column}" END AS "{column}"'
    )


def _told(field: str) -> str:
    """Return a field where not everybody has that value."""
    everywhere = f"getvariable('everywhere_{field}')"
    return f'CASE WHEN list_contains({everywhere}, "{field}") THEN NULL ELSE "{field}" END AS "{field}"'


def _words(column: str) -> str:
    return f"coalesce(list_distinct(string_split(\"{column}\", ' ')), [])"


_COMPARED = f"""
WITH own AS (
    SELECT * REPLACE ({", ".join(_own(column, kind) for column, kind in _OF_ONE.items())})
    FROM records JOIN telling USING (number)
)
SELECT number AS unique_id, organisation, in_focus, keys, name, "first", "last", forms,
    {_words("name")} AS tokens, skeleton, coalesce(namesakes, 0) AS namesakes,
    emails, locals, phones, linkedins, profiles, numbers, list_min(numbers) AS number,
    street, houses, letters,
    {", ".join(_told(field) for field in _TOLD)}
FROM own LEFT JOIN namesakes ON whole_name = name
"""
