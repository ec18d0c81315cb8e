"""What Harvest v3 lets a list be asked for: windows of time, ids, and each resource's own filters."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from sandbox.hiring import Object, when

_OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "gte": lambda value, bound: value >= bound,
    "lte": lambda value, bound: value <= bound,
    "gt": lambda value, bound: value > bound,
    "lt": lambda value, bound: value < bound,
}
_TIMES = ("created_at", "updated_at", "last_activity_at")
_OWN = {
    "applications": {"status", "prospect", "stage_name", "last_activity_at"},
    "candidates": {"last_activity_at", "email", "tag", "private"},
    "job_posts": {"active", "live"},
    "jobs": {"status"},
    "users": {"show_service_accounts"},
    "rejection_reasons": {"include_defaults"},
}
_LARGEST_PAGE = 500
_MOST_IDS = 50


class Refused(Exception):
    """A request that Greenhouse would refuse."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def per_page(query: Mapping[str, str]) -> int:
    """Return the size of the pages asked for. Raises Refused."""
    text = query.get("per_page", "100")
    if not text.isdigit() or not 1 <= int(text) <= _LARGEST_PAGE:
        raise Refused(422, "per_page must be between 1 and 500.")
    return int(text)


def filter_of(resource: str, query: Mapping[str, str]) -> Callable[[Object], bool]:
    """Return the test that a query asks for.

    A parameter that nobody documents is refused, so that no caller believes in a filter that is none. Raises Refused.
    """
    if "created_at" in query and "updated_at" in query:
        raise Refused(422, "Filter by created_at or by updated_at, not both.")
    tests: list[Callable[[Object], bool]] = []
    own = _OWN.get(resource, set())
    for name, value in query.items():
        if name in ("per_page", "fields"):
            continue
        if name in _TIMES and (name != "last_activity_at" or name in own):
            tests.append(_window_test(name, value))
        elif name == "ids" or name.endswith("_ids"):
            tests.append(_ids_test("id" if name == "ids" else name[:-1], value))
        elif name in own:
            tests.append(_own_test(name, value))
        else:
            raise Refused(422, f"Unknown parameter {name}.")
    tests.extend(_hidden(resource, query))
    return lambda one: all(test(one) for test in tests)


def _hidden(resource: str, query: Mapping[str, str]) -> list[Callable[[Object], bool]]:
    """Return what a list leaves out unless it is asked for."""
    if resource == "users" and query.get("show_service_accounts") != "true":
        return [lambda one: not one.get("service_account")]
    if resource == "job_posts" and "active" not in query:
        return [lambda one: one["active"]]
    if resource == "rejection_reasons" and query.get("include_defaults") != "true":
        # every reason of a new account is one of Greenhouse's own
        return [lambda _one: False]
    return []


def _window_test(name: str, value: str) -> Callable[[Object], bool]:
    parts = value.split("|")
    if len(parts) % 2 or any(operator not in _OPERATORS for operator in parts[::2]):
        raise Refused(422, f"{name} must look like gte|2024-01-01T00:00:00Z.")
    try:
        bounds = [
            (_OPERATORS[o], when(datetime.fromisoformat(bound).astimezone(UTC)))
            for o, bound in zip(parts[::2], parts[1::2], strict=True)
        ]
    except ValueError:
        raise Refused(422, f"{name} holds no valid date.") from None
    return lambda one: one.get(name) is not None and all(test(one[name], bound) for test, bound in bounds)


def _ids_test(name: str, value: str) -> Callable[[Object], bool]:
    wanted = value.split(",")
    if len(wanted) > _MOST_IDS or not all(part.isdigit() for part in wanted):
        raise Refused(422, f"Pass at most {_MOST_IDS} numeric ids.")
    numbers = {int(part) for part in wanted}
    return lambda one: one.get(name) in numbers


def _own_test(name: str, value: str) -> Callable[[Object], bool]:
    if name in ("show_service_accounts", "include_defaults"):
        return lambda _one: True
    if name in ("prospect", "active", "live", "private"):
        return lambda one: one[name] is (value == "true")
    if name == "status":
        # asked for as active, and shown as in_process
        shown = "in_process" if value == "active" else value
        return lambda one: one["status"] == shown
    if name in ("email", "tag"):
        return lambda one: value in (one["tags"] if name == "tag" else [e["value"] for e in one["email_addresses"]])
    return lambda one: one.get(name) == value
