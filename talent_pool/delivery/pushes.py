"""One destination's pushes: whether they make sense, the order in which they run, and what rivals them elsewhere."""

from connectors.contract import Destination, Push
from connectors.errors import Misconfigured
from talent_pool.installation import Installation


def in_order(installation: Installation, destination: Destination) -> list[Push]:
    """Return the pushes: service first, in the order written; then marketing, the highest priority first.

    Raises Misconfigured for one that makes no sense.
    """
    segments = installation.segments
    for push in destination.settings.pushes:
        _must_make_sense(installation, destination, push)
    return sorted(
        destination.settings.pushes,
        key=lambda push: (segments[push.segment].type == "marketing", -segments[push.segment].priority),
    )


def _must_make_sense(installation: Installation, destination: Destination, push: Push) -> None:
    name = destination.settings.name
    if push.segment not in installation.segments:
        raise Misconfigured(f"{name}: there is no segment {push.segment!r}. Correct `pushes`.")
    segment = installation.segments[push.segment]
    if segment.channel is not destination.channel:
        raise Misconfigured(
            f"{name} reaches people by {destination.channel.value}, and {push.segment} "
            f"by {segment.channel.value}. Choose another destination."
        )
    if destination.kind == "state" and segment.recipient != "person":
        raise Misconfigured(
            f"{name} holds candidates, and {push.segment} is for {segment.recipient}s. Push it as a message."
        )
    if destination.kind == "message" and push.since is None:
        raise Misconfigured(
            f"{name}: the push of {push.segment} sends messages and has no `since`. Set it to the moment from "
            f"which occasions count, so that nobody is written to about the past."
        )


def rivals(installation: Installation, destination: str) -> dict[str, tuple[str, int]]:
    """Return marketing of some priority that other destinations send: {segment: (destination, priority)}."""
    return {
        push.segment: (other.name, installation.segments[push.segment].priority)
        for other in installation.destinations.values()
        if other.name != destination
        for push in other.pushes
        if push.since  # only pushes of messages must say since when
        and installation.segments[push.segment].type == "marketing"
        and installation.segments[push.segment].priority > 0
    }
