"""Who belongs where: rules in YAML, compiled to SQL, evaluated for whoever was touched or has come due.

The evaluation is imported when it is first asked for: an installation is read, and its rules checked, without a store.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from talent_pool.segments.evaluation import SegmentCounts, SegmentsReport, evaluate
    from talent_pool.segments.explanation import explain

__all__ = ["SegmentCounts", "SegmentsReport", "evaluate", "explain"]


def __getattr__(name: str) -> Any:
    """Return a public name from the module that holds it."""
    if name == "explain":
        from talent_pool.segments.explanation import explain

        return explain
    if name in __all__:
        from talent_pool.segments import evaluation

        return getattr(evaluation, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
