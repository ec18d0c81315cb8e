"""A mailbox, read without changing anything in it but, in a Maildir, what is new: a folder on disk, or IMAP.

Facts: Maildir (new mail in `new`, looked at in `cur` with the flag S), RFC 3501 (UIDVALIDITY, UID SEARCH, BODY.PEEK).
"""

import imaplib
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from connectors.contract import Json
from connectors.errors import Misconfigured, Refused, Unavailable

_AT_ONCE = 50
_SECONDS = 30
LARGEST_MAIL = 1024 * 1024
"""Bytes of one mail that are read; a report is short, and what it returns stands at its end."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Some mails, and the cursor that is true once they are dealt with."""

    mails: Sequence[bytes]
    cursor: Json | None


@dataclass(frozen=True, slots=True)
class Imap:
    """How an IMAP folder is reached; `security` as for sending. `hint` names the variable of the password."""

    host: str
    port: int
    security: str
    username: str
    password: str = field(repr=False)
    folder: str
    name: str
    hint: str


def in_maildir(folder: Path, name: str) -> Iterator[Batch]:
    """Yield what is in `new`; once the next is asked for, the last was dealt with, and moves to `cur`."""
    new, cur = folder / "new", folder / "cur"
    if not new.is_dir() or not cur.is_dir():
        raise Misconfigured(f"{name}: bounce_maildir is no Maildir (it has no folders new and cur). Correct the path.")
    waiting = sorted(path for path in new.iterdir() if not path.name.startswith("."))
    for start in range(0, len(waiting), _AT_ONCE):
        some = waiting[start : start + _AT_ONCE]
        try:
            yield Batch([_beginning(path) for path in some], None)
            for path in some:
                path.rename(cur / f"{path.name.partition(':')[0]}:2,S")
        except OSError as error:
            raise Misconfigured(
                f"{name}: mails in bounce_maildir cannot be read or moved. Correct its rights."
            ) from error


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(LARGEST_MAIL)


def over_imap(account: Imap, cursor: Json | None) -> Iterator[Batch]:
    """Yield what arrived in the folder since `cursor`, in order; the folder is opened for reading alone."""
    server = _connected(account)
    try:
        answer, _ = server.select(_quoted(account.folder), readonly=True)
        if answer != "OK":
            raise Misconfigured(f"{account.name}: there is no folder {account.folder!r}. Correct imap_folder.")
        validity = _validity(server)
        last = int(cursor["uid"]) if cursor and cursor.get("validity") == validity else 0
        found: list[Any] = server.uid("SEARCH", f"UID {last + 1}:*")[1]
        # `N:*` always means the newest mail as well, even if it is older than N
        numbers = sorted(number for number in map(int, (found[0] or b"").split()) if number > last)
        for start in range(0, len(numbers), _AT_ONCE):
            some = numbers[start : start + _AT_ONCE]
            yield Batch(_fetched(server, some), {"validity": validity, "uid": some[-1]})
    except (imaplib.IMAP4.error, OSError) as error:
        raise Unavailable(f"{account.name}: the mailbox broke off. Nothing is lost; run again later.") from error
    finally:
        _leave(server)


def _fetched(server: imaplib.IMAP4, numbers: Sequence[int]) -> list[bytes]:
    wanted = ",".join(map(str, numbers))
    parts: list[Any] = server.uid("FETCH", wanted, f"(UID BODY.PEEK[]<0.{LARGEST_MAIL}>)")[1]
    return [part[1] for part in parts if isinstance(part, tuple)]


def _validity(server: imaplib.IMAP4) -> int:
    told: list[Any] = server.response("UIDVALIDITY")[1]
    return int(told[0] or 0) if told else 0


def _connected(account: Imap) -> imaplib.IMAP4:
    context = ssl.create_default_context()
    where = f"{account.host}:{account.port}"
    try:
        if account.security == "tls":
            server = imaplib.IMAP4_SSL(account.host, account.port, ssl_context=context, timeout=_SECONDS)
        else:
            server = imaplib.IMAP4(account.host, account.port, timeout=_SECONDS)
    except (imaplib.IMAP4.error, OSError) as error:
        raise Unavailable(f"{account.name}: the mailbox at {where} cannot be reached. Check imap_host.") from error
    try:
        if account.security == "starttls":
            server.starttls(context)
        server.login(account.username, account.password)
    except imaplib.IMAP4.error:
        _leave(server)
    except OSError as error:
        _leave(server)
        raise Unavailable(f"{account.name}: the mailbox at {where} broke off the greeting.") from error
    else:
        return server
    # out here, because the server's words may repeat the user's name
    raise Refused(f"{account.name}: the mailbox refused the credential. Set {account.hint}.")


def _leave(server: imaplib.IMAP4) -> None:
    try:
        server.logout()
    except (imaplib.IMAP4.error, OSError):
        server.shutdown()


def _quoted(folder: str) -> str:
    escaped = folder.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
