"""Where this installation keeps its state, by a handful of settings from the environment.

CATCHMENT_HOME        folder of everything; by default `.catchment` in the present folder
CATCHMENT_STORE_URL   `postgresql+psycopg://…`; by default SQLite in the home
CATCHMENT_KEY         the installation's secret (hex); by default made once in the home, mode 0600
CATCHMENT_DEFS        a company's own YAML folder; replaces the example installation in `assets/`
CATCHMENT_SENDING     off (default), allowlist or on
CATCHMENT_ALLOWLIST   addresses or domains, parted by commas, that `allowlist` sends to
CATCHMENT_REDIRECT    one address that every message goes to instead of its recipient (for trying out)
CATCHMENT_PUBLIC_URL  where the public listener is reached from outside
"""

import os
import secrets
from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from talent_pool.store import Store


class Home(BaseSettings):
    """This installation's settings. Raises pydantic's ValidationError for a value that cannot be."""

    model_config = SettingsConfigDict(env_prefix="CATCHMENT_", frozen=True)

    home: Path = Field(default_factory=lambda: Path.cwd() / ".catchment")
    store_url: str | None = None
    key: str | None = None
    defs: Path | None = None
    sending: Literal["off", "allowlist", "on"] = "off"
    allowlist: str = ""
    redirect: str | None = None
    public_url: str = "http://127.0.0.1:8080"

    @property
    def folder(self) -> Path:
        """The home folder, made if it is not there, readable by its owner alone."""
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        return self.home.resolve()

    @property
    def database_url(self) -> str:
        """The store's URL, with its driver."""
        return self.store_url or f"sqlite:///{self.folder / 'pool.db'}"

    @property
    def inbox_url(self) -> str:
        """The inbox's URL: a file of its own on SQLite, the store itself on PostgreSQL."""
        return self.store_url or f"sqlite:///{self.folder / 'inbox.db'}"

    @property
    def secret(self) -> bytes:
        """The installation's key; without it no landing can go on, so a lost one stops everything."""
        if self.key:
            return bytes.fromhex(self.key)
        path = self.folder / "installation.key"
        if not path.exists():
            _write_once(path, secrets.token_hex(32))
        return bytes.fromhex(path.read_text().strip())

    def open(self) -> Store:
        """Open the store as it stands; `talent_pool.migrate` brings its schema up to date."""
        return Store(self.database_url, self.secret)


def _write_once(path: Path, text: str) -> None:
    """Write `text` to `path` unless somebody was faster; nobody ever reads a half-written file."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
