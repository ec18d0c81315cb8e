"""How HubSpot's answers are read: who was written, who was refused and why, and how long to wait."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx
import orjson

from connectors.contract import Cleared, Fate, Json, RowOutcome
from connectors.shapes import part

_DAY_SPENT = timedelta(hours=1)
REMOVED = ("recordIdsRemoved", "recordsIdsRemoved")
"""The name in the answer; HubSpot's reference has one of its fellows with the s in another place."""


def by_trace(told: Json) -> dict[str, str]:
    """Return the ids of written contacts by the row's trace, and by address should a trace be left out."""
    found: dict[str, str] = {}
    for one in told.get("results") or ():
        address = str(part(one, "properties").get("email") or "").lower()
        found |= {name: str(one["id"]) for name in (one.get("objectWriteTraceId"), address) if name}
    return found


def refusals(told: Json) -> dict[str, str]:
    """Return HubSpot's words about each refused row; the trace stands in the error's context, as a list."""
    found: dict[str, str] = {}
    for error in told.get("errors") or ():
        context: Mapping[str, Any] = error.get("context") or {}
        traces = context.get("objectWriteTraceId") or error.get("objectWriteTraceId") or ()
        for trace in [traces] if isinstance(traces, str) else traces:
            found[str(trace)] = str(error.get("message") or error.get("category") or "refused")
    return found


def rejected(row: Cleared, said: str) -> RowOutcome:
    """Return the outcome of a row that HubSpot refused, with its words."""
    return RowOutcome(row.row_id, Fate.REJECTED, "HubSpot refused this row.", said)


def words(response: httpx.Response) -> str:
    """Return what HubSpot says of a request that it refused as a whole."""
    try:
        return str(response.json().get("message") or "refused")
    except ValueError:
        return f"refused with status {response.status_code}"


def text(value: Any) -> str:
    """Return a property's value; HubSpot takes texts alone, and several choices with semicolons between."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple | set | frozenset):
        return ";".join(str(one) for one in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return str(value)


def pause(response: httpx.Response) -> timedelta | None:
    """Return how long the day's allowance asks to wait: an hour, for it ends at the account's own midnight."""
    try:
        told = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return None
    return _DAY_SPENT if isinstance(told, dict) and told.get("policyName") == "DAILY" else None  # pyright: ignore[reportUnknownMemberType]
