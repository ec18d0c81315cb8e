"""Turns our errors into Dagster failures whose first line says what happened and what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from connectors.errors import ConnectorError, Unavailable
from talent_pool.store.leases import Busy
from talent_pool.store.unavailable import StoreUnavailable

RETRIES = 2
"""How often a step that may simply be tried again is; minutes, not hours: the next tick of its schedule follows."""


def retries() -> dg.RetryPolicy:
    """Return the policy of steps that are safe to repeat: first after 30 seconds, then after a minute."""
    return dg.RetryPolicy(max_retries=RETRIES, delay=30, backoff=dg.Backoff.EXPONENTIAL)


@contextmanager
def told(context: dg.AssetExecutionContext) -> Iterator[None]:
    """Raise dg.Failure in place of an error of ours; retried only where waiting may help.

    The last try fails for good by its own word, for Dagster would put "Exceeded max_retries" before the reason.
    """
    try:
        yield
    except (Unavailable, Busy, StoreUnavailable) as error:
        raise dg.Failure(description=str(error), allow_retries=context.retry_number < RETRIES) from None
    except ConnectorError as error:
        raise dg.Failure(description=str(error), allow_retries=False) from None
