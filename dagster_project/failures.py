"""Turns our errors into Dagster failures whose first line says what happened and what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from connectors.errors import ConnectorError, Unavailable
from talent_pool.leases import Busy
from talent_pool.store import StoreUnavailable


@contextmanager
def told() -> Iterator[None]:
    """Raise dg.Failure in place of an error of ours; retried only where waiting may help."""
    try:
        yield
    except (Unavailable, Busy, StoreUnavailable) as error:
        raise dg.Failure(description=str(error), allow_retries=True) from None
    except ConnectorError as error:
        raise dg.Failure(description=str(error), allow_retries=False) from None
