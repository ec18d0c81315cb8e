"""Splink by its own tutorial, on the records that our matching compares: the yardstick of the matching benchmarks."""

import logging
import time
from collections.abc import Hashable, Mapping, Sequence

from benchmarks.agreement import Agreement, agreement
from dedupe.normalise import Normalised

THRESHOLDS = (0.5, 0.8, 0.9, 0.95, 0.99, 0.999, 0.9999, 0.99999)
_PLAIN = ("first", "last", "city", "postcode", "street", "employer")
_FIRST_OF = ("emails", "phones", "linkedins")
_BLOCKS = (
    ("emails",), ("phones",), ("linkedins",), ("first", "last"), ("last", "city"), ("first", "employer"),
    ("last", "postcode"), ("street",), ("last", "employer"),
)  # fmt: skip
_LEARNED_ON = (("first", "last"), ("emails",), ("phones",), ("street",))
_CERTAIN = (("emails",), ("phones",), ("first", "last", "city"), ("first", "last", "street"))
_ASSUMED_RECALL = 0.7


def splink_alone(
    comparable: Sequence[Normalised], truth: Mapping[str, Hashable]
) -> tuple[dict[str, float], list[tuple[float, Agreement]]]:
    """Return seconds by step, and (threshold, agreement with `truth`): trained, predicted, clustered, nothing stored.

    Columns that no record, or every record alike, fills are left out, as its user would.
    """
    import duckdb
    import pyarrow as pa
    import splink.comparison_library as cl
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    logging.getLogger("splink").setLevel(logging.ERROR)
    began, seconds = time.perf_counter(), dict[str, float]()
    rows = {name: [getattr(one, name) for one in comparable] for name in _PLAIN}
    rows |= {name: [next(iter(getattr(one, name)), None) for one in comparable] for name in _FIRST_OF}
    rows = {name: held for name, held in rows.items() if len(set(held) - {None}) > 1}
    comparisons = {
        ("first", "last"): cl.ForenameSurnameComparison("first", "last"),
        ("emails",): cl.EmailComparison("emails"),
        ("phones",): cl.ExactMatch("phones").configure(term_frequency_adjustments=True),
        ("linkedins",): cl.ExactMatch("linkedins"),
        ("street",): cl.JaroWinklerAtThresholds("street"),
        ("postcode",): cl.ExactMatch("postcode").configure(term_frequency_adjustments=True),
        ("city",): cl.ExactMatch("city").configure(term_frequency_adjustments=True),
        ("employer",): cl.JaroWinklerAtThresholds("employer"),
    }

    def there(rules: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
        return [names for names in rules if rows.keys() >= set(names)]

    settings = SettingsCreator(
        link_type="dedupe_only",
        comparisons=[comparisons[names] for names in there(list(comparisons))],
        blocking_rules_to_generate_predictions=[block_on(*names) for names in there(_BLOCKS)],
    )
    database = duckdb.connect(config={"memory_limit": "4GB", "threads": 2, "max_temp_directory_size": "20GB"})
    api = DuckDBAPI(database)
    told = pa.table({"unique_id": [one.record_id for one in comparable], **rows})
    linker = Linker(api.register(told, dataset_display_name="records"), settings, log_level=logging.ERROR)
    linker.training.estimate_probability_two_random_records_match(
        [block_on(*names) for names in there(_CERTAIN)], recall=_ASSUMED_RECALL
    )
    linker.training.estimate_u_using_random_sampling(max_pairs=2e6)
    for names in there(_LEARNED_ON):
        linker.training.estimate_parameters_using_expectation_maximisation(block_on(*names))
    seconds["train"] = time.perf_counter() - began
    began = time.perf_counter()
    predicted = linker.inference.predict(threshold_match_probability=0.1, warning_mode="never")
    seconds["predict"] = time.perf_counter() - began
    found: list[tuple[float, Agreement]] = []
    for threshold in THRESHOLDS:
        began = time.perf_counter()
        clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(predicted, threshold)
        pairs = database.execute(f"SELECT unique_id, cluster_id FROM {clusters.physical_name}").fetchall()
        seconds["cluster"] = time.perf_counter() - began
        found.append((threshold, agreement(dict(pairs), truth)))
    return seconds, found
