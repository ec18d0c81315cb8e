"""The shipped model on people it was not trained on: the sandbox's, from a generator that training has not seen."""

import pytest

from connectors.records import Candidate, EmailAddress, Location, PhoneNumber, Url
from dedupe.blocking import shared_keys
from dedupe.clustering import clusters
from dedupe.model import shipped
from dedupe.normalise import normalised
from dedupe.scoring import edges
from sandbox.appearances import Appearance
from sandbox.generator import generate
from sandbox.truth import pairwise


def said(record: Appearance) -> Candidate:
    return Candidate(
        remote_id=record.remote_id,
        full_name=record.full_name,
        first_name=record.first_name,
        last_name=record.last_name,
        email_addresses=tuple(EmailAddress(value=one) for one in (record.email, record.second_email) if one),
        phone_numbers=(PhoneNumber(value=record.phone),) if record.phone else (),
        urls=tuple(Url(value=one) for one in (record.linkedin, record.github) if one),
        location=Location(city=record.city),
        company=record.company,
        title=record.title,
    )


@pytest.mark.parametrize("seed", [7, 42])
def test_pairs_are_right_and_found(seed) -> None:
    world = generate(2_000, seed)
    candidates = {(one.connection, one.remote_id): said(one) for one in world.appearances}
    records = [normalised(":".join(key), one, "US", "ours") for key, one in candidates.items()]
    ids = dict(zip((one.record_id for one in records), candidates, strict=True))
    model = shipped().among(records)
    found = edges(records, ids.keys(), shared_keys(records), model)
    parted = clusters(ids, found, (), (), model)
    agreement = pairwise({ids[name]: number for number, group in enumerate(parted) for name in group}, world.truth)
    assert agreement.precision >= 0.98
    assert agreement.recall >= 0.90
    assert max(map(len, parted)) <= 10
