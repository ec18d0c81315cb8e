"""The shipped model on people it was not trained on: the sandbox's, from a generator that training has not seen."""

import pytest

from benchmarks.people import candidate_of
from dedupe.blocking import shared_keys
from dedupe.clustering import clusters
from dedupe.model import shipped
from dedupe.normalise import normalised
from dedupe.scoring import edges
from sandbox.generator import generate
from sandbox.truth import pairwise


@pytest.mark.parametrize("seed", [7, 42])
def test_pairs_are_right_and_found(seed) -> None:
    world = generate(2_000, seed)
    candidates = {(one.connection, one.remote_id): candidate_of(one) for one in world.appearances}
    records = [normalised(":".join(key), one, "US", "ours") for key, one in candidates.items()]
    ids = dict(zip((one.record_id for one in records), candidates, strict=True))
    model = shipped().among(records)
    found = edges(records, ids.keys(), shared_keys(records), model)
    parted = clusters(ids, found, (), (), model)
    agreement = pairwise({ids[name]: number for number, group in enumerate(parted) for name in group}, world.truth)
    assert agreement.precision >= 0.98
    assert agreement.recall >= 0.90
    assert max(map(len, parted)) <= 10
