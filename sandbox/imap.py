"""A mailbox over IMAP (RFC 3501), as much of it as a reader of new mail needs: one user, one folder, in memory."""

import re
import socketserver
import threading
from typing import Self

_COMMAND = re.compile(r"^(\S+) (UID )?(\S+) ?(.*)$")
_PARTIAL = re.compile(r"<0\.(\d+)>")


class Mailbox:
    """The server, up as long as the block lasts; `mails` are what the folder holds, by UID."""

    def __init__(self, username: str = "bounces", password: str = "sandbox", folder: str = "INBOX") -> None:
        self.username, self.password, self.folder = username, password, folder
        self.mails: dict[int, bytes] = {}
        self.validity = 1
        self.flagged = False
        box = self

        class Handler(socketserver.StreamRequestHandler):
            """One connection."""

            def handle(self) -> None:
                _Conversation(box, self).run()

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]

    def deliver(self, mail: bytes) -> int:
        """Put a mail into the folder and return its UID."""
        number = max(self.mails, default=0) + 1
        self.mails[number] = mail
        return number

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_reason: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Conversation:
    def __init__(self, box: Mailbox, handler: socketserver.StreamRequestHandler) -> None:
        self.box, self.handler = box, handler

    def _say(self, text: str | bytes) -> None:
        self.handler.wfile.write((text if isinstance(text, bytes) else text.encode()) + b"\r\n")

    def run(self) -> None:
        """Answer line by line until the reader leaves."""
        self._say("* OK sandbox")
        while line := self.handler.rfile.readline():
            found = _COMMAND.match(line.decode().strip())
            if not found:
                return
            tag, _, name, rest = found.groups()
            answer = self._answer(name.upper(), rest)
            self._say(f"{tag} {answer}")
            if name.upper() == "LOGOUT":
                return

    def _answer(self, name: str, rest: str) -> str:
        if name == "CAPABILITY":
            self._say("* CAPABILITY IMAP4rev1")
        elif name == "LOGIN":
            given = [part.strip('"') for part in rest.split(" ")]
            if given != [self.box.username, self.box.password]:
                return f"NO no such user {given[0]}"
        elif name in ("SELECT", "EXAMINE"):
            if rest.strip('"') != self.box.folder:
                return "NO there is no such folder"
            self.box.flagged |= name == "SELECT"
            self._say(f"* {len(self.box.mails)} EXISTS")
            self._say(f"* OK [UIDVALIDITY {self.box.validity}] valid")
        elif name == "SEARCH":
            self._say("* SEARCH " + " ".join(str(number) for number in self._from(rest)))
        elif name == "FETCH":
            self._fetch(rest)
        return "OK done"

    def _from(self, rest: str) -> list[int]:
        """Return the UIDs in `UID n:*`; the newest mail is always among them."""
        first = int(rest.rsplit(" ", maxsplit=1)[-1].partition(":")[0])
        return sorted({number for number in self.box.mails if number >= first} | set(sorted(self.box.mails)[-1:]))

    def _fetch(self, rest: str) -> None:
        wanted, _, what = rest.partition(" ")
        self.box.flagged |= "PEEK" not in what
        most = int(found.group(1)) if (found := _PARTIAL.search(what)) else None
        for number in map(int, wanted.split(",")):
            mail = self.box.mails[number][:most]
            self._say(f"* {number} FETCH (UID {number} BODY[]<0> {{{len(mail)}}}".encode())
            self._say(mail + b")")
