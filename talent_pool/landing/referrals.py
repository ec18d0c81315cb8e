"""Referral links: a token that leads to a job and remembers who shared it."""

import secrets
from datetime import datetime
from urllib.parse import urlsplit

from connectors.errors import Misconfigured
from talent_pool.store.database import Store
from talent_pool.store.tables import referral_links


def create(
    store: Store,
    *,
    target_url: str,
    now: datetime,
    expires_at: datetime | None = None,
    referrer_name: str | None = None,
    referrer_email: str | None = None,
    job: str | None = None,
    campaign: str | None = None,
    organisation: str = "default",
    token: str | None = None,
) -> str:
    """Store a link and return its token; one that is stored already stays as it is.

    `job` is `CONNECTION:REMOTE_ID`. Raises Misconfigured when the target is no web address.
    """
    if urlsplit(target_url).scheme not in ("http", "https") or not urlsplit(target_url).netloc:
        raise Misconfigured("A referral link leads to an address that begins with https:// or http://.")
    connection, _, remote_id = (job or "").partition(":")
    if job and not remote_id:
        raise Misconfigured("The job of a referral link is written CONNECTION:ID, as in greenhouse:4021.")
    token = token or secrets.token_urlsafe(9)
    row = {
        "token": token,
        "organisation": organisation,
        "job_connection": connection or None,
        "job_remote_id": remote_id or None,
        "target_url": target_url,
        "referrer_name": referrer_name,
        "referrer_email": referrer_email,
        "campaign": campaign,
        "created_at": now,
        "expires_at": expires_at,
    }
    with store.writing() as transaction:
        transaction.execute(store.insert(referral_links).values(row).on_conflict_do_nothing())
    return token
