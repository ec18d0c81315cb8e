"""Why things run by themselves, in the words that the Dagster UI shows.

`.since(newly_requested)` alone: with `newly_updated` beside it, a source that lands while the pool is being
resolved is forgotten until another one lands.
"""

import dagster as dg

_AC = dg.AutomationCondition
_changed = _AC.any_deps_match(_AC.newly_updated()).since(_AC.newly_requested())

safe_to_push = (
    _changed & _AC.all_deps_blocking_checks_passed() & ~_AC.any_deps_in_progress() & ~_AC.in_progress()
).with_label("a segment was evaluated and every blocking check passed")
"""Ask for a push when what it carries may have changed, unless a promise upstream is broken."""
