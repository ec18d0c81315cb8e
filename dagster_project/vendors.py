"""`python -m dagster_project.vendors > docs/connectors.md` writes down every connector, and what it is to be told."""

import sys
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import SecretStr

from connectors.destination import destination_types
from connectors.settings import Settings
from connectors.source import source_types

_HEAD = """# Connectors

Written by `python -m dagster_project.vendors > docs/connectors.md`. Settings stand in a connection's YAML or in the
environment as `NAME_SETTING`; those in **bold** must be given, those in *italics* are secrets and never stand in YAML.
"""


def page() -> str:
    """Return the page as Markdown."""
    sources = [(name, kind.family.replace("_", " "), kind) for name, kind in source_types().items()]
    destinations = [(name, kind.kind, kind) for name, kind in destination_types().items()]
    tables = (("Sources", "family", sources), ("Destinations", "holds", destinations))
    return "\n".join([_HEAD, *(line for table in tables for line in _table(*table))])


def _table(title: str, second: str, rows: list[tuple[str, str, Any]]) -> Iterator[str]:
    yield from (f"## {title}", "", f"| connector | {second} | what it is | settings |", "|---|---|---|---|")
    for name, about, kind in rows:
        told = (kind.__doc__ or "").splitlines()[0]
        yield f"| `{name}` | {about} | {told} | {', '.join(_settings(kind.Settings)) or 'none'} |"
    yield ""


def _settings(settings: type[Settings]) -> Iterator[str]:
    for name, about in settings.model_fields.items():
        told = name
        if _is_secret(about.annotation):
            told = f"*{told}*"
        yield f"**{told}**" if about.is_required() else told


def _is_secret(annotation: Any) -> bool:
    return annotation is SecretStr or SecretStr in get_args(annotation)


if __name__ == "__main__":
    sys.stdout.write(page())
