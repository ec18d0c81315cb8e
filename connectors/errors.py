"""Errors, named by what to do next.

    ConnectorError
    ├── Misconfigured      a person must change a setting, then run again; never retried
    │   └── Refused        the vendor refused the credential (401, 403)
    ├── Unavailable        try again later, nothing is lost
    │   └── RateLimited    the same, and the vendor said when
    ├── Malformed          this one object cannot be read: to quarantine, the rest goes on
    ├── ResumeExpired      the saved place in a listing is no longer valid: begin its window again
    └── Delivery refused   (intake)
        └── SignatureRefused   the sender could not prove who it is

Messages say what happened and what to do. They hold no field values, for those are people's data, and no secrets.
"""

from datetime import timedelta


class ConnectorError(Exception):
    """Anything that stops a connector; its text is fit for the person who runs it."""


class Misconfigured(ConnectorError):
    """A setting is wrong or missing; a person must act."""


class Refused(Misconfigured):
    """The vendor refused the credential."""


class Unavailable(ConnectorError):
    """The vendor cannot be reached or is failing; a later try may succeed.

    `undone`: the vendor surely did nothing of what was asked (no connection, 429, 503), so that asking once more
    cannot double it.
    """

    undone: bool = False


class RateLimited(Unavailable):
    """The vendor asks for a pause longer than a step should wait; `after` says how long."""

    def __init__(self, message: str, after: timedelta) -> None:
        super().__init__(message)
        self.after = after


class Malformed(ConnectorError):
    """One object cannot be read; `reason` names the fields at fault, never their values."""


class ResumeExpired(ConnectorError):
    """The saved place inside a listing is gone; the window must be read from its start."""


class SignatureRefused(ConnectorError):
    """A delivery's signature is missing or wrong."""
