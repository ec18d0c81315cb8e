"""What matching keeps of records, derived from them alone: the key index, their comparable forms, and the edges."""

from collections.abc import Collection, Iterable, Mapping

from sqlalchemy import Connection

from dedupe.normalise import Normalised, form_of
from dedupe.scoring import Edge
from talent_pool.resolution.neighbours import Held
from talent_pool.store.database import insert_rows
from talent_pool.store.lookup import delete_with
from talent_pool.store.tables import edges, record_forms, record_keys
from talent_pool.store.types import json_text

_EDGE = ("record_a", "record_b", "weight", "probability", "levels", "epoch")


def refile(
    connection: Connection, records: Collection[str], live: Mapping[str, Normalised], held: Mapping[str, Held]
) -> None:
    """Replace the keys and forms of `records` by those of the `live` ones among them, whose keys are `held`."""
    for column in (record_keys.c.record_id, record_forms.c.record_id):
        delete_with(connection, column, records)
    ordered = sorted(live.items())
    keyed = [
        (number, name, key.kind, record.name_key) for name, record in ordered for number, key in held[name].items()
    ]
    insert_rows(connection, record_keys, ("key", "record_id", "kind", "name_key"), sorted(keyed))
    insert_rows(connection, record_forms, ("record_id", "form"), [(name, form_of(record)) for name, record in ordered])


def add_edges(connection: Connection, found: Iterable[Edge], epoch: int) -> None:
    """Write edges as the model of `epoch` scored them; none of them may be there yet."""
    rows = [
        (edge.record_a, edge.record_b, edge.weight, edge.probability, json_text(edge.levels), epoch) for edge in found
    ]
    insert_rows(connection, edges, _EDGE, rows)
