"""Where this installation keeps its state, by a handful of settings from the environment.

CATCHMENT_HOME        folder of everything; by default `.catchment` in the present folder
CATCHMENT_STORE_URL   `postgresql+psycopg://…`; by default SQLite in the home
CATCHMENT_KEY         the installation's secret (hex); by default made once in the home, mode 0600
CATCHMENT_DEFS        a company's own YAML folder; replaces the example installation in `assets/`
CATCHMENT_SENDING     off (default), allowlist or on
CATCHMENT_ALLOWLIST   addresses or domains, parted by commas, that `allowlist` sends to
CATCHMENT_REDIRECT    one address that every message goes to instead of its recipient (for trying out)
CATCHMENT_PUBLIC_URL  where the public listener is reached from outside

CATCHMENT_BUSY_SECONDS (talent_pool.store.database) says how long to wait for another process's write on SQLite.
"""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from connectors.errors import Misconfigured
from talent_pool.store.database import Store

_SHORTEST_KEY = 16
"""Bytes of the installation's secret, at least."""


class Home(BaseSettings):
    """This installation's settings. Raises Misconfigured, in plain words, for one that cannot be."""

    model_config = SettingsConfigDict(env_prefix="CATCHMENT_", frozen=True)

    home: Path = Field(default_factory=lambda: Path.cwd() / ".catchment")
    store_url: str | None = None
    key: str | None = None
    defs: Path | None = None
    sending: Literal["off", "allowlist", "on"] = "off"
    allowlist: str = ""
    redirect: str | None = None
    public_url: str = "http://127.0.0.1:8080"

    def __init__(self, **given: Any) -> None:
        try:
            super().__init__(**given)
        except ValidationError as error:
            told = " ".join(_told(problem) for problem in error.errors(include_input=False, include_url=False))
        else:
            return
        # out here, because pydantic's error keeps the values, and one of them is the key
        raise Misconfigured(told)

    @property
    def folder(self) -> Path:
        """The home folder, made if it is not there, readable by its owner alone."""
        try:
            self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise Misconfigured(
                f"The folder {self.home} cannot be made ({error.strerror}). Set CATCHMENT_HOME to one that this user "
                "may write to."
            ) from error
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
            return _key(self.key, "CATCHMENT_KEY")
        path = self.folder / "installation.key"
        try:
            if not path.exists():
                _write_once(path, secrets.token_hex(32))
            text = path.read_text(errors="replace")
        except OSError as error:
            raise Misconfigured(
                f"{path} cannot be read or written ({error.strerror}). Give this user the right to, or set "
                "CATCHMENT_KEY to what it holds."
            ) from error
        return _key(text, str(path))

    def open(self) -> Store:
        """Open the store as it stands; `talent_pool.store.migrate` brings its schema up to date."""
        return Store(self.database_url, self.secret)


def _told(problem: Mapping[str, Any]) -> str:
    name = "_".join(str(part) for part in problem["loc"]).upper()
    return f"CATCHMENT_{name} is wrong: {problem['msg']}. Correct or unset it."


def _key(text: str, place: str) -> bytes:
    """Return the key that `text` writes in hex. Raises Misconfigured, naming the place and not the key."""
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        key = b""
    if len(key) < _SHORTEST_KEY:
        raise Misconfigured(
            f"{place} holds no key of at least {2 * _SHORTEST_KEY} hexadecimal digits. Put back the key that this "
            "installation began with; for a new one take the output of `openssl rand -hex 32`."
        )
    return key


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
