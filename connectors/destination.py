"""What every destination shares, and the registry: to subclass is to register.

A new tool is `connectors/destinations/TOOL.py` with one subclass, and `tests/connectors/fixtures/TOOL.yaml`.
"""

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Literal

import httpx

from connectors import destinations as _folder
from connectors.contract import (
    Awaited,
    Cleared,
    DestinationSettings,
    Erases,
    Forgotten,
    Json,
    RowOutcome,
    SignalPage,
)
from connectors.errors import Misconfigured
from connectors.records import Channel
from connectors.settings import Settings as SettingsModel
from connectors.settings import resolved

_REGISTRY: dict[str, type["Destination"]] = {}


class Destination(ABC):
    """One account at one tool. Subclasses set `connector`, `kind`, `channel`, `batch` and `Settings`."""

    connector: ClassVar[str]
    kind: ClassVar[Literal["state", "message"]]
    channel: ClassVar[Channel]
    batch: ClassVar[int]
    erases: ClassVar[Erases] = "no"
    fields: frozenset[str] = frozenset()
    Settings: ClassVar[type[SettingsModel]] = SettingsModel

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "connector" in vars(cls):
            _REGISTRY[cls.connector] = cls

    def __init__(
        self, settings: DestinationSettings, account: Any, transport: httpx.BaseTransport | None = None
    ) -> None:
        self.settings = settings
        self.account = account
        self.transport = transport

    @property
    @abstractmethod
    def requests(self) -> int:
        """HTTP requests (or SMTP messages) made so far."""

    @abstractmethod
    def apply(self, rows: Sequence[Cleared], now: datetime) -> Iterator[RowOutcome]: ...

    def followed(self, job: str, rows: Sequence[Awaited], now: datetime) -> Iterator[RowOutcome]:  # noqa: ARG002 - the contract's
        """Fail: most destinations answer at once, and leave no job to ask after."""
        raise RuntimeError(
            f"{self.connector} left {job!r} behind, and does not say how to follow it: write `followed`."
        )

    def read_back(self, cursor: Json | None, now: datetime) -> Iterator[SignalPage]:  # noqa: ARG002 - the contract's
        """Yield nothing: most destinations learn nothing of addresses."""
        yield from ()

    def lost(self, tag: str) -> bool:  # noqa: ARG002 - the contract's
        """Say no: a vendor's account is not lost."""
        return False

    def receipt(self) -> Json:
        """Return nothing beyond what the engine counts."""
        return {}

    def erase(self, addresses: Sequence[str], now: datetime) -> Iterator[Forgotten]:  # noqa: ARG002 - the contract's
        """Forget nobody: a tool that can says so in `erases`."""
        for address in addresses:
            yield Forgotten(address, gone=False, reason="This tool has no way for machines to forget somebody.")

    def still_holds(self, addresses: Sequence[str]) -> set[str]:
        """Return all: what cannot be read again may still be there."""
        return set(addresses)

    @abstractmethod
    def check(self) -> str: ...


def destination_types() -> Mapping[str, type[Destination]]:
    """Return every destination by its connector's name."""
    for module in pkgutil.iter_modules(_folder.__path__):
        importlib.import_module(f"{_folder.__name__}.{module.name}")
    return dict(sorted(_REGISTRY.items()))


def open_destination(
    settings: DestinationSettings, environ: Mapping[str, str], transport: httpx.BaseTransport | None = None
) -> Destination:
    """Return the destination, its account resolved. Raises Misconfigured in plain words."""
    known = destination_types()
    if settings.connector not in known:
        raise Misconfigured(
            f"{settings.name}: there is no destination {settings.connector!r}; there are {', '.join(known)}."
        )
    kind = known[settings.connector]
    return kind(settings, resolved(kind.Settings, settings.name, settings.settings, environ), transport)
