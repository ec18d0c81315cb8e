"""Candidates and edges as short as a test can say them."""

from typing import Any

from connectors.records import Candidate, EmailAddress, Location, PhoneNumber, Url
from dedupe.comparisons import COMPARISONS
from dedupe.model import probability
from dedupe.normalise import Normalised, normalised
from dedupe.scoring import Edge

MISSING = {comparison.name: -1 for comparison in COMPARISONS}


def candidate(
    first: str | None = None,
    last: str | None = None,
    *,
    email=(),
    phone=(),
    url=(),
    city=None,
    country=None,
    street=None,
    postcode=None,
    numbers=(),
    **fields: Any,
) -> Candidate:
    """Return a candidate; `email`, `phone` and `url` are tuples of texts."""
    place = {"city": city, "country_code": country, "street": street, "postal_code": postcode}
    place = {name: value for name, value in place.items() if value}
    return Candidate(
        remote_id="1",
        first_name=first,
        last_name=last,
        email_addresses=tuple(EmailAddress(value=one) for one in email),
        phone_numbers=tuple(PhoneNumber(value=one) for one in phone),
        urls=tuple(Url(value=one) for one in url),
        person_numbers=numbers,
        location=Location(**place) if place else None,
        **fields,
    )


def compared(record_id: str, *names: str | None, **fields: Any) -> Normalised:
    """Return a candidate in its comparable form."""
    return normalised(record_id, candidate(*names, **fields), "US", "ours")


def edge(one: str, other: str, weight: float, **levels: int) -> Edge:
    """Return an edge of a weight, whatever its levels would be worth."""
    first, second = sorted((one, other))
    return Edge(first, second, weight, probability(weight), MISSING | levels)
