"""What Twilio's error codes and its subscribers' words mean to us.

Facts: twilio.com/docs/api/errors (one page a code), and the keywords that Twilio takes as an opt-out by default,
REVOKE and OPTOUT among them since April 2025 (help.twilio.com, "Twilio support for opt-out keywords").
"""

import re

from connectors.contract import Fate

OPT_OUT = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"})

REFUSED = {
    21211: "This is no telephone number that can be called.",
    21217: "This is no telephone number that can be called.",
    21602: "The message has no text.",
    21612: "Twilio has no way from this sender to this number.",
    21614: "This number takes no text messages.",
    21617: "The message is longer than 1,600 characters.",
    21619: "The message has neither text nor a picture.",
    21620: "The picture's address is not one that Twilio can fetch.",
    21623: "There are more pictures than a message may have.",
    21635: "This number is a landline, which takes no text messages.",
}
"""One row's own fault: not again unless something about it changes."""

LATER = {
    14107: "Twilio takes messages to this number only later.",
    20429: "Twilio takes messages only later: too many requests.",
    21408: "Messages to this country are switched off. Allow it in Twilio's console (Messaging, Geo permissions).",
    21611: "The sender's queue at Twilio is full.",
    30001: "The sender's queue at Twilio is full.",
    30022: "The sender's rate to this carrier is used up.",
    30023: "The sender's daily number of messages to this carrier is used up.",
}
"""It passes, or somebody makes it pass; Twilio took nothing."""

SENDER = frozenset({21212, 21603, 21606, 21609, 21659, 21660, 21661, 21701, 21703, 21704, 21705})
"""The sender, Messaging Service or callback in our settings is wrong: no row would do better."""

OPTED_OUT = 21610

_UNDELIVERED = {OPTED_OUT: "compliance_state", 30004: "compliance_state", 30005: "bounced", 30006: "bounced"}


def judged(code: int) -> tuple[Fate, str]:
    """Return what a refusal of one message means, and our sentence about it."""
    if code == OPTED_OUT:
        return Fate.SUPPRESSED, "The holder of this number has opted out of our messages."
    if code in LATER:
        return Fate.DEFERRED, LATER[code]
    return Fate.REJECTED, REFUSED.get(code, "Twilio refused this message.")


def failure_kind(status: str, code: int | None) -> str | None:
    """Return the kind of signal in a message that was taken and then not delivered; None if it says nothing lasting.

    Blocked (30004), unknown (30005) and landline or unreachable carrier (30006) are lasting; a handset that is off
    (30003), a filtered text (30007) and an unknown reason (30008) say nothing of the number.
    """
    return _UNDELIVERED.get(code) if status in ("failed", "undelivered") and code else None


def is_opt_out(text: str, kind: str | None = None) -> bool:
    """Say whether an answer means "stop": by Twilio's own reading (`OptOutType`) or by its words.

    Twilio takes a single word alone; we also take it with spaces, dots or quotes ("Opt out.", "stop all!").
    """
    if kind:
        return kind.upper() == "STOP"
    return re.sub(r"[\W_]+", "", text).upper() in OPT_OUT
