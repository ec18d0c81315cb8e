"""`python -m web` serves the public listener; put a reverse proxy with TLS before it."""

import os

import uvicorn

from web.intake import create_app


def main() -> None:
    """Serve on CATCHMENT_HOST (127.0.0.1) and CATCHMENT_PORT (8080), without an access log: addresses hold tokens."""
    uvicorn.run(
        create_app(),
        host=os.environ.get("CATCHMENT_HOST", "127.0.0.1"),
        port=int(os.environ.get("CATCHMENT_PORT", "8080")),
        access_log=False,
        log_level="warning",
    )


if __name__ == "__main__":
    main()
