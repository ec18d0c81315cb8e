"""Start the sandbox as a process of its own, and let its people deliver to an intake.

Everything here is plain HTTP on loopback, so no certificates are loaded (which costs 40 ms a client).
"""

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import httpx
import orjson

from sandbox import indeed

_PATIENCE = 60.0


@dataclass(slots=True)
class Sandbox:
    """A sandbox that runs. `ports` is what its port file holds; stop it, or use it as a context manager."""

    process: subprocess.Popen[bytes]
    ports: dict[str, Any]

    @classmethod
    def start(
        cls, people: int, seed: int, folder: Path, *, now: datetime | None = None, rate_limit: int | None = None
    ) -> "Sandbox":
        """Start the process and wait until every server is up. Raises RuntimeError if it ends, or after a minute."""
        folder.mkdir(parents=True, exist_ok=True)
        port_file = (folder / "sandbox.json").resolve()
        port_file.unlink(missing_ok=True)
        command = [
            sys.executable,
            "-m",
            "sandbox",
            "--people",
            str(people),
            "--seed",
            str(seed),
            "--port-file",
            str(port_file),
        ]
        if now is not None:
            command += ["--now", now.isoformat()]
        if rate_limit is not None:
            command += ["--rate-limit", str(rate_limit)]
        process = subprocess.Popen(command, cwd=Path(__file__).resolve().parents[1])
        patience = time.monotonic() + _PATIENCE
        while not port_file.exists():
            if process.poll() is not None:
                raise RuntimeError(f"the sandbox ended with exit code {process.returncode} before it was up")
            if time.monotonic() > patience:
                process.kill()
                raise RuntimeError("the sandbox was not up within a minute")
            time.sleep(0.02)
        return cls(process, orjson.loads(port_file.read_bytes()))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_reason: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End the process and wait for it."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    @property
    def environ(self) -> dict[str, str]:
        """Addresses and credentials under the names of environment variables."""
        return self.ports["environ"]

    @property
    def admin(self) -> dict[str, str]:
        """Each server's address for faults, counters and state."""
        return self.ports["admin"]

    @property
    def archive_csv(self) -> Path:
        """The contacts export."""
        return Path(self.ports["archive_csv"])

    @property
    def referral_links(self) -> list[dict[str, str]]:
        """The links that staff share: token, name, email, user_id, job_id, target_url."""
        return self.ports["referral_links"]

    def truth(self) -> dict[tuple[str, str], int]:
        """Who each record truly belongs to: {(connection, candidate remote id): person number}."""
        rows = orjson.loads(Path(self.ports["truth"]).read_bytes())
        return {(connection, remote_id): person for connection, remote_id, person in rows}

    def consents(self) -> list[dict[str, Any]]:
        """Return the known consent facts, one per record."""
        return orjson.loads(Path(self.ports["consents"]).read_bytes())

    def deliver_indeed(self, intake_url: str) -> Counter[str]:
        """Post every Indeed application to `intake_url`; return how many got which answer."""
        return indeed.deliver(self._deliveries("indeed"), intake_url, self.environ["INDEED_APPLY_SECRET"])

    def deliver_forms(self, public_url: str) -> Counter[str]:
        """Submit every careers-portal form; return how many got which answer."""
        return _post_all(f"{public_url.rstrip('/')}/forms/careers", self._deliveries("careers"))

    def deliver_referrals(self, public_url: str) -> Counter[str]:
        """Follow the link behind every recommendation, then submit it; clicks count as `click STATUS`.

        Nobody clicks again for a recommendation that was clicked for before, though the process was started anew.
        """
        base, submissions = public_url.rstrip("/"), self._deliveries("referrals")
        clicked_file = Path(self.ports["deliveries"]).with_name("clicked.json")
        clicked = set(orjson.loads(clicked_file.read_bytes())) if clicked_file.exists() else set[str]()
        clicks: Counter[str] = Counter()
        with httpx.Client(timeout=30, follow_redirects=False, trust_env=False, verify=False) as client:
            for one in submissions:
                if one["submission_id"] not in clicked:
                    status = client.get(f"{base}/r/{one['token']}").status_code
                    clicks[f"click {status}"] += 1
                    clicked |= {one["submission_id"]} if status < 400 else set()
        clicked_file.write_bytes(orjson.dumps(sorted(clicked)))
        return clicks + _post_all(f"{base}/forms/referral", submissions)

    def counts(self, server: str) -> dict[str, Any]:
        """Return what truly left a server: requests, statuses, whole objects by resource."""
        return self._ask("GET", server, "counts")

    def fault(self, server: str, kind: str, path: str = "/", times: int = 1, **more: Any) -> None:
        """Switch a fault on (see `sandbox.faults.Kind`)."""
        self._ask("POST", server, "faults", {"kind": kind, "path": path, "times": times, **more})

    def heal(self, server: str) -> None:
        """Switch every fault of a server off."""
        self._ask("DELETE", server, "faults")

    def greenhouse(self, action: str, **arguments: Any) -> dict[str, Any]:
        """Make something happen at Greenhouse: `action` is a method of its account, times are ISO text in `at`."""
        return self._ask("POST", "greenhouse", action, arguments)

    def mailchimp(self) -> dict[str, Any]:
        """Return the audience: violations, members, forgotten."""
        return self._ask("GET", "mailchimp", "state")

    def mails(self) -> list[dict[str, Any]]:
        """Return every accepted message: from, to, headers, text."""
        return self._ask("GET", "mail", "messages")["messages"]

    def refuse_mail(self, pattern: str, code: int = 550, times: int = -1) -> None:
        """Answer recipients that match `pattern` with `code`."""
        self._ask("POST", "mail", "rules", {"pattern": pattern, "code": code, "times": times})

    def _deliveries(self, name: str) -> list[dict[str, Any]]:
        return orjson.loads(Path(self.ports["deliveries"]).read_bytes())[name]

    def _ask(self, method: str, server: str, what: str, body: Any = None) -> Any:
        answer = httpx.request(
            method, f"{self.admin[server]}/{what}", json=body, timeout=30, trust_env=False, verify=False
        )
        answer.raise_for_status()
        return answer.json()


def _post_all(url: str, submissions: Iterable[Mapping[str, Any]], at_once: int = 4) -> Counter[str]:
    with (
        httpx.Client(timeout=30, follow_redirects=False, trust_env=False, verify=False) as client,
        ThreadPoolExecutor(at_once) as pool,
    ):
        return Counter(pool.map(lambda one: str(client.post(url, json=one).status_code), submissions))
