"""Every candidate record of the pool in its comparable form: where a rebuild elsewhere starts, see docs/spark.md."""

from collections.abc import Iterator

from dedupe.normalise import Normalised
from talent_pool.installation import Installation
from talent_pool.resolution.landed import every_live
from talent_pool.resolution.neighbours import normal
from talent_pool.store.database import Store


def comparable(store: Store, installation: Installation) -> Iterator[Normalised]:
    """Yield each live candidate record of all organisations, in order of ids; some thousands are in memory at once."""
    with store.reading() as connection:
        for landed in every_live(connection, "candidate"):
            yield normal(installation, landed)
