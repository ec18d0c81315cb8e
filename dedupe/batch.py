"""Levels of many pairs at once, by Splink on DuckDB: the first load, and large rebuilds.

Splink blocks on the keys and computes the levels in SQL. It starts in half a second, so that few pairs are compared by
`dedupe.instant`, which gives the same levels.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from dedupe.addresses import houses, letters
from dedupe.blocking import Key, keys
from dedupe.comparisons import COMPARISONS
from dedupe.normalise import Normalised
from dedupe.population import Population

_MEMORY = "2GB"
_IN_ORDER = (("least", "record_a"), ("greatest", "record_b"))


def compared(
    records: Sequence[Normalised],
    focus: AbstractSet[str],
    shared: AbstractSet[Key],
    population: Population,
) -> list[tuple[str, str, dict[str, int]]]:
    """Return (record_a, record_b, levels) of every pair that shares a key and touches `focus`, in order of ids."""
    rows = [row for record in records if (row := _row(record, focus, shared, population))["keys"]]
    if len(rows) < 2:
        return []
    import duckdb

    database = duckdb.connect(config={"memory_limit": _MEMORY, "threads": 2, "max_temp_directory_size": "10GB"})
    try:
        pairs = database.execute(f"{pairs_in(database, _table(rows))} ORDER BY ALL").fetchall()
    finally:
        database.close()
    names = [one.name for one in COMPARISONS]
    return [(left, right, dict(zip(names, levels, strict=True))) for left, right, *levels in pairs]


def pairs_in(database: Any, table: Any) -> str:
    """Compare the records of a table, and return the query that reads (record_a, record_b, *levels) of each pair.

    `table` has the columns of `_row`, and is an Arrow table or the name of one in `database`. Each pair of one
    organisation that shares an element of `keys`, and of which one is in focus, is compared once.
    """
    from splink import DuckDBAPI, Linker

    logging.getLogger("splink").setLevel(logging.ERROR)
    api: Any = DuckDBAPI(database)  # its annotations are partly unknown
    linker = Linker(api.register(table, dataset_display_name="records"), _settings(), log_level=logging.ERROR)
    predicted = linker.inference.predict(warning_mode="never")
    ids = [f'{which}("unique_id_l", "unique_id_r") AS {name}' for which, name in _IN_ORDER]
    wanted = ", ".join([*ids, *(f'"gamma_{one.name}"' for one in COMPARISONS)])
    return f"SELECT DISTINCT {wanted} FROM {predicted.physical_name}"  # noqa: S608 - our own names


def _row(
    record: Normalised, focus: AbstractSet[str], shared: AbstractSet[Key], population: Population
) -> dict[str, Any]:
    def own(kind: str, values: Iterable[str]) -> list[str]:
        return [value for value in values if Key(kind, value) not in shared]

    told = population.telling(record)
    tokens = (record.name or "").split()
    numbers = own("number", record.numbers)
    return {
        "unique_id": record.record_id,
        "organisation": record.organisation,
        "in_focus": record.record_id in focus,
        "keys": [f"{key.kind} {key.value}" for key in keys(record) if key not in shared],
        "name": record.name,
        "first": record.first,
        "last": record.last,
        "forms": record.forms,
        "tokens": sorted(set(tokens)),
        "skeleton": record.skeleton,
        "namesakes": population.namesakes(record.name),
        "emails": own("email", record.emails),
        "locals": own("local", record.locals),
        "phones": own("phone", record.phones),
        "linkedins": own("profile", record.linkedins),
        "profiles": own("profile", record.profiles),
        "numbers": numbers,
        "number": min(numbers, default=None),
        "street": record.street,
        "houses": houses(record.street),
        "letters": letters(record.street),
        "postcode": told.postcode,
        "city": told.city,
        "employer": told.employer,
        "title": told.title,
    }


def _settings() -> dict[str, Any]:
    """Return the comparisons as Splink's own settings; blocking explodes the keys, one row a key."""
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "unique_id",
        "retain_matching_columns": True,
        "retain_intermediate_calculation_columns": False,
        "blocking_rules_to_generate_predictions": [
            {
                "blocking_rule": 'l."keys" = r."keys" AND l."organisation" = r."organisation" '
                'AND (l."in_focus" OR r."in_focus")',
                "arrays_to_explode": ["keys"],
            }
        ],
        "comparisons": [
            {
                "output_column_name": comparison.name,
                "comparison_levels": [
                    {"sql_condition": comparison.missing, "label_for_charts": "missing", "is_null_level": True},
                    *(
                        {
                            "sql_condition": level.condition,
                            "label_for_charts": level.words,
                            "m_probability": 0.5,
                            "u_probability": 0.5,
                        }
                        for level in comparison.levels
                    ),
                ],
            }
            for comparison in COMPARISONS
        ],
    }


def _table(rows: Sequence[Mapping[str, Any]]) -> Any:
    """Return the rows as an Arrow table, its columns in the order of a row's."""
    import pyarrow  # noqa: ICN001 - typed as Any below: it comes without types  # pyright: ignore[reportMissingTypeStubs]

    pa: Any = pyarrow
    text = pa.string()
    lists = (
        "keys",
        "forms",
        "tokens",
        "emails",
        "locals",
        "phones",
        "linkedins",
        "profiles",
        "numbers",
        "houses",
        "letters",
    )
    others = {"in_focus": pa.bool_(), "namesakes": pa.float64()} | dict.fromkeys(lists, pa.list_(text))
    kinds = {name: others.get(name, text) for name in rows[0]}
    return pa.table({name: [row[name] for row in rows] for name in kinds}, schema=pa.schema(kinds.items()))
