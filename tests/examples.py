"""How many examples a property is tried with: a fifth while somebody waits, all of them in the thorough run of CI.

`CATCHMENT_THOROUGH=1` asks for all. A property that only many examples can break is for the thorough run to find; the
quick one notices that a law is broken outright.
"""

import os

from hypothesis import settings

THOROUGH = os.environ.get("CATCHMENT_THOROUGH") == "1"
_QUICK_SHARE = 5
_FEWEST = 4


def examples(number: int, **more: object) -> settings:
    """Return settings for at most `number` examples, without a deadline."""
    tried = number if THOROUGH else max(_FEWEST, number // _QUICK_SHARE)
    return settings(max_examples=min(tried, number), deadline=None, **more)  # pyright: ignore[reportArgumentType]
