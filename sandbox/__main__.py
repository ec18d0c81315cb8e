"""Play every vendor in one process: python -m sandbox --people 2000 --seed 7 --port-file FILE."""

import argparse
import signal
import threading
from datetime import UTC, datetime
from pathlib import Path

import orjson

from sandbox.generator import DEFAULT_NOW, generate
from sandbox.vendors import running


def main() -> None:
    """Serve until SIGTERM or Ctrl-C; the port file appears, whole, when everything is up."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--people", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument(
        "--port-file", type=Path, required=True, help="where addresses, credentials and the truth are written"
    )
    parser.add_argument("--now", type=_instant, default=DEFAULT_NOW, help="the moment the world is seen at (ISO 8601)")
    parser.add_argument("--rate-limit", type=int, default=100_000, help="Greenhouse requests in 30 seconds")
    given = parser.parse_args()
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    port_file: Path = given.port_file.resolve()
    with running(
        generate(given.people, given.seed, given.now), port_file.parent, rate_limit=given.rate_limit
    ) as vendors:
        whole = port_file.with_suffix(".part")
        whole.write_bytes(orjson.dumps(vendors.ports, option=orjson.OPT_INDENT_2))
        whole.rename(port_file)
        ended.wait()


def _instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


if __name__ == "__main__":
    main()
