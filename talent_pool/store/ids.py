"""Birth ids: what a record is called for ever, reproducible from what the source calls it."""

from talent_pool.store.database import Store


def record_id(store: Store, connection: str, record_type: str, remote_id: str, generation: int = 0) -> str:
    """Return the birth id of one record: `rec_` and a keyed hash, so that nobody reads the remote id out of it.

    `generation` rises when the same remote id comes back after an erasure.
    """
    return f"rec_{store.hashed(connection, record_type, remote_id, str(generation))}"
