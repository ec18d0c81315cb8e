"""Who goes first when the processor is scarce: people who deliver, before machines that fetch."""

import os

_LANDING = "19"
"""Steps of niceness, the most there are: the intake is served first, and landing still gets all that is left."""


def give_way() -> None:
    """Let this process go behind others of this machine; for processes that do nothing but land.

    Measured with four of them and the intake on two processors: see `benchmarks/intake.py`. A process cannot take it
    back, so CATCHMENT_NICE=0 switches it off where one process does many things.
    """
    wanted = int(os.environ.get("CATCHMENT_NICE", _LANDING))
    if hasattr(os, "nice") and (missing := wanted - os.nice(0)) > 0:
        os.nice(missing)
