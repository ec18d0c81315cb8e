"""What a company's own names for the steps of its hiring mean in ours."""

import re
from collections.abc import Mapping

from connectors.records import Stage

_BY_DEFAULT: Mapping[str, Stage] = {
    r"\boffer|\bcontract": Stage.OFFER,
    r"\bfinal|\bexecutive|\bfounder|\bceo\b|\b(reference|background) check": Stage.FINAL_INTERVIEW,
    r"\btake.?home|\btest|\bassess|\bassignment|\bexercise|\bchallenge|\bcase study|\bquiz": Stage.ASSESSMENT,
    r"screen|\bphone|\bintro|\brecruiter|\bcall\b": Stage.SCREENING,
    r"\binterview|\bon.?site|\bface.to.face|\bpanel|\bmeet": Stage.INTERVIEW,
    r"\breview|\bapplied|\bapplication|\bnew\b|\binbox|\blead": Stage.APPLIED,
}


class StageNames:
    """Patterns of names and the stages they stand for; those of the settings come before the defaults.

    A name that no pattern knows is taken for screening: somebody looks at the application, and no more is proven.
    """

    def __init__(self, own: Mapping[str, Stage]) -> None:
        known = [*own.items(), *_BY_DEFAULT.items()]
        self._patterns = [(re.compile(pattern, re.IGNORECASE), stage) for pattern, stage in known]
        self._found: dict[str, Stage] = {}

    def stage(self, name: str) -> Stage:
        """Return the stage that a step of this name is."""
        stage = self._found.get(name)
        if stage is None:
            found = (stage for pattern, stage in self._patterns if pattern.search(name))
            stage = self._found[name] = next(found, Stage.SCREENING)
        return stage
