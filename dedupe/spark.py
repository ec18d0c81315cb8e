"""Edges of a pool that one machine cannot hold, by Splink on Spark: docs/spark.md says how to submit it to a cluster.

Which values many share is counted on the cluster, Splink blocks on the keys there, and each pair is compared by the
code that compares it everywhere else: Spark's own text functions differ from DuckDB's. Not a level can differ, as there
is but one way to find it. pyspark is an extra: it is imported by name, as types are checked without it as well.
"""

import argparse
import logging
import os
import sys
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson

from dedupe import instant
from dedupe.blocking import Key, is_shared, keys
from dedupe.model import SHIPPED, MatchModel, probability
from dedupe.normalise import Normalised
from dedupe.scoring import ModelMisfit, require_fit
from dedupe.snapshot import SnapshotMisfit, record_of, require_columns

_KEY = "struct<kind: string, value: string>"
_EDGE = "struct<weight: double, probability: double, levels: map<string, int>>"
_OPENED = 20_000


def edges(session: Any, snapshot: str, model: MatchModel) -> Any:
    """Return a Spark DataFrame (record_a, record_b, weight, probability, levels: {comparison: level}) of a snapshot.

    The edges that `dedupe.scoring.edges` gives for each organisation with all its records in focus. `snapshot` is a
    path that the cluster can read. Raises ModelMisfit and SnapshotMisfit.
    """
    f: Any = import_module("pyspark.sql.functions")

    require_fit(model)
    records = _records(session, snapshot)
    pairs = _blocked(session, records)
    sides = [records.select(f.col("record_id").alias(name), f.col("record").alias(f"of_{name}")) for name in ("a", "b")]
    # a UDF that Spark takes for deterministic is run once for the filter and once more for the columns
    scored = f.udf(_scoring(model), _EDGE, useArrow=False).asNondeterministic()
    return (
        pairs.join(sides[0], "a")
        .join(sides[1], "b")
        .select("a", "b", scored("of_a", "of_b").alias("edge"))
        .where(f.col("edge").isNotNull())
        .select(f.col("a").alias("record_a"), f.col("b").alias("record_b"), "edge.*")
    )


def _records(session: Any, snapshot: str) -> Any:
    """Return (record_id, organisation, keys: those that few share, record: what is needed to compare it, as JSON)."""
    f: Any = import_module("pyspark.sql.functions")

    rows = session.read.parquet(snapshot)
    require_columns(rows.columns)
    keys_of = f.udf(_keys_of, f"array<{_KEY}>", useArrow=False)
    as_json = f.to_json(f.struct(*rows.columns), {"ignoreNullFields": "false"})
    keyed = (
        rows.select("record_id", "organisation", "name_key", as_json.alias("record"))
        .withColumn("keys", keys_of("record"))
        .persist()  # what follows asks for it more than once, as it does for the result
    )
    own = "transform(array_except(keys, shared), key -> concat_ws(' ', key.kind, key.value))"
    return (
        keyed.join(_shared(keyed), "record_id", "left")
        .withColumn("shared", f.coalesce("shared", f.expr(f"CAST(array() AS array<{_KEY}>)")))
        .select(
            "record_id",
            "organisation",
            f.expr(own).alias("keys"),
            f.to_json(f.struct("record", "shared")).alias("record"),
        )
        .persist()
    )


def _shared(records: Any) -> Any:
    """Return (record_id, shared: the keys it holds that say nothing of one person in its organisation)."""
    f: Any = import_module("pyspark.sql.functions")

    said = f.udf(is_shared, "boolean", useArrow=False)
    held = records.select("record_id", "organisation", "name_key", f.explode("keys").alias("key"))
    by_name = held.groupBy("organisation", "key", "name_key").agg(f.count("*").alias("records"))
    holders = by_name.groupBy("organisation", "key").agg(
        f.map_from_entries(f.collect_list(f.struct("name_key", "records"))).alias("holders"),
        f.sum("records").alias("records"),
    )
    # what one record holds is nobody else's; most keys are such, and need not be asked about in Python
    many = holders.where(f.col("records") > 1).where(said("key.kind", "holders")).select("organisation", "key")
    return held.join(many, ["organisation", "key"]).groupBy("record_id").agg(f.collect_set("key").alias("shared"))


def _keys_of(record: str) -> list[Key]:
    return keys(record_of(orjson.loads(record)))


def _blocked(session: Any, records: Any) -> Any:
    """Return (a, b) of every pair of one organisation that shares a key, a < b, each once."""
    from splink import Linker, SparkAPI

    logging.getLogger("splink").setLevel(logging.ERROR)
    # kept by the executors, and gone with them: else Splink writes its tables into a folder, and leaves them there
    api: Any = SparkAPI(spark_session=session, break_lineage_method="persist", register_udfs_automatically=False)
    name = f"records_{uuid4().hex}"  # a session knows a name once
    table = api.register(records.select("record_id", "organisation", "keys"), dataset_display_name=name)
    settings: dict[str, Any] = {
        "link_type": "dedupe_only",
        "unique_id_column_name": "record_id",
        "comparisons": [],
        "blocking_rules_to_generate_predictions": [
            {
                "blocking_rule": "l.keys = r.keys AND l.organisation = r.organisation",
                "arrays_to_explode": ["keys"],
            }
        ],
    }
    linker = Linker(table, settings, log_level=logging.ERROR)
    blocked: Any = linker.inference.compute_blocked_pairs_for_predict()
    return blocked.as_spark_dataframe().selectExpr("join_key_l AS a", "join_key_r AS b")


def _scoring(model: MatchModel) -> Callable[[str, str], tuple[float, float, dict[str, int]] | None]:
    """Return what scores two records as JSON: their edge, None where its probability is below `review_at`."""

    def scored(left: str, right: str) -> tuple[float, float, dict[str, int]] | None:
        (a, shared_a), (b, shared_b) = _opened(left), _opened(right)
        pair = (a.record_id, b.record_id)
        [(_, _, levels)] = instant.compared((a, b), (pair,), shared_a | shared_b, model.population)
        weight = model.weight(levels)
        chance = probability(weight)
        return (weight, chance, levels) if chance >= model.review_at else None

    return scored


@lru_cache(maxsize=_OPENED)
def _opened(text: str) -> tuple[Normalised, AbstractSet[Key]]:
    """Return a record and those of its keys that many share."""
    told = orjson.loads(text)
    return record_of(orjson.loads(told["record"])), frozenset(Key(**key) for key in told["shared"])


def main(arguments: Sequence[str] | None = None) -> None:
    """Read SNAPSHOT, write the folder EDGES: on the cluster this is submitted to, else on this machine."""
    parser = argparse.ArgumentParser(prog="python -m dedupe.spark", description=main.__doc__)
    parser.add_argument("snapshot", help="Parquet that the cluster can read; dedupe.snapshot writes it")
    parser.add_argument("edges", help="the folder to write, which must not be there yet")
    parser.add_argument(
        "--model", type=Path, default=SHIPPED, help="the match model, as JSON; the shipped one if left out"
    )
    given = parser.parse_args(arguments)
    try:
        pyspark: Any = import_module("pyspark.sql")
        unreadable: Any = import_module("pyspark.errors").AnalysisException
    except ModuleNotFoundError:
        sys.exit("Spark is not installed here: `uv sync --extra spark` brings it.")
    if "PYSPARK_GATEWAY_PORT" not in os.environ:  # nobody submitted this: the workers start here, with this Python
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    model = MatchModel.model_validate_json(given.model.read_bytes())
    session = pyspark.SparkSession.builder.appName("catchment edges").getOrCreate()
    try:
        edges(session, given.snapshot, model).write.parquet(given.edges)
    except (unreadable, ModelMisfit, SnapshotMisfit) as error:
        sys.exit(f"{error}")
    finally:
        session.stop()


if __name__ == "__main__":
    # executors find what they run by its module's name, which is not that of a main program
    from dedupe import spark  # noqa: PLW0406

    spark.main()
