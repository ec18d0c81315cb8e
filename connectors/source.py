"""What every source shares, and the registry: to subclass is to register.

A new vendor is `connectors/sources/VENDOR.py` with one subclass, and `tests/connectors/fixtures/VENDOR.yaml`.
"""

import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

import httpx

from connectors import sources as _folder
from connectors.contract import Connection, Json, Page, Stream, TokenKeeper
from connectors.errors import Misconfigured
from connectors.records import Record
from connectors.settings import Settings as SettingsModel
from connectors.settings import resolved

_REGISTRY: dict[str, type["Source"]] = {}


class Source(ABC):
    """One connection to one vendor. Subclasses set `connector`, `Settings` and `family`, and keep the contract."""

    connector: ClassVar[str]
    family: ClassVar[str]
    """job_board, ats, portal, referral or import: where candidates of this source come from."""
    Settings: ClassVar[type[SettingsModel]] = SettingsModel

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "connector" in vars(cls):
            known = _REGISTRY.setdefault(cls.connector, cls)
            if (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
                raise TypeError(f"two sources are called {cls.connector!r}: {known.__module__} and {cls.__module__}")
            _REGISTRY[cls.connector] = cls

    def __init__(
        self, connection: Connection, settings: Any, keeper: TokenKeeper | None, transport: httpx.BaseTransport | None
    ) -> None:
        self.connection = connection
        self.settings = settings
        self.keeper = keeper
        self.transport = transport

    @abstractmethod
    def streams(self) -> Sequence[Stream]: ...

    @abstractmethod
    def pages(self, stream: Stream, cursor: Json | None, now: datetime) -> Iterator[Page]: ...

    @abstractmethod
    def parse(self, stream: str, raw: Json) -> Iterable[Record]: ...

    @abstractmethod
    def check(self) -> str: ...


class DeliveredSource(Source):
    """A source that is only delivered to: nothing is fetched, so there are no streams to read."""

    def streams(self) -> Sequence[Stream]:
        return ()

    def pages(self, stream: Stream, cursor: Json | None, now: datetime) -> Iterator[Page]:  # noqa: ARG002 - the contract's
        return iter(())


def source_types() -> Mapping[str, type[Source]]:
    """Return every source by its connector's name."""
    for module in pkgutil.iter_modules(_folder.__path__):
        importlib.import_module(f"{_folder.__name__}.{module.name}")
    return dict(sorted(_REGISTRY.items()))


def open_source(
    connection: Connection,
    environ: Mapping[str, str],
    keeper: TokenKeeper | None = None,
    transport: httpx.BaseTransport | None = None,
) -> Source:
    """Return the connection's source, its settings resolved. Raises Misconfigured in plain words."""
    known = source_types()
    if connection.connector not in known:
        raise Misconfigured(
            f"{connection.name}: there is no connector {connection.connector!r}; there are {', '.join(known)}."
        )
    kind = known[connection.connector]
    settings = resolved(kind.Settings, connection.name, connection.settings, environ)
    return kind(connection, settings, keeper, transport)
