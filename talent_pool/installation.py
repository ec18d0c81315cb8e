"""This installation: its connections, segments and destinations, read from YAML without Dagster.

The files are Dagster component files (several blocks parted by `---`), so that one text serves the Dagster UI, the
command line and the intake. Errors name the file and the line.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from connectors.contract import Connection, DestinationSettings
from connectors.errors import Misconfigured
from talent_pool.segments.definition import SegmentDefinition

EXAMPLE = Path(__file__).resolve().parent.parent / "assets"
"""What the repository ships: the installation that the demo runs."""

_BLOCKS: Mapping[str, type[BaseModel]] = {
    "dagster_project.components.CandidateSource": Connection,
    "dagster_project.components.CandidateSegment": SegmentDefinition,
    "dagster_project.components.EngagementDestination": DestinationSettings,
}


@dataclass(frozen=True, slots=True)
class Installation:
    """Everything configured, by name. `lines` says where each block stands: {name: "file:line"}."""

    connections: Mapping[str, Connection]
    segments: Mapping[str, SegmentDefinition]
    destinations: Mapping[str, DestinationSettings]
    lines: Mapping[str, str]

    def connection(self, name: str) -> Connection:
        """Return one connection. Raises Misconfigured, naming those there are."""
        if name not in self.connections:
            raise Misconfigured(f"There is no connection {name!r}; there are {', '.join(sorted(self.connections))}.")
        return self.connections[name]

    def destination(self, name: str) -> DestinationSettings:
        """Return one destination. Raises Misconfigured, naming those there are."""
        if name not in self.destinations:
            raise Misconfigured(f"There is no destination {name!r}; there are {', '.join(sorted(self.destinations))}.")
        return self.destinations[name]


def read(folder: Path | None = None) -> Installation:
    """Read every `defs.yaml` below `folder` (a company's own), or else the example installation.

    Raises Misconfigured for broken YAML, an unknown type or key, a name used twice, or a push of an unknown segment.
    """
    top = folder or EXAMPLE
    if not top.is_dir():
        raise Misconfigured(f"The folder {top} does not exist. Correct CATCHMENT_DEFS.")
    found: dict[type[BaseModel], dict[str, Any]] = {kind: {} for kind in _BLOCKS.values()}
    lines: dict[str, str] = {}
    for path in sorted(top.rglob("defs.yaml")):
        for line, kind, attributes in _blocks(path):
            place = f"{path}:{line}"
            block = _validated(kind, attributes, place)
            name = getattr(block, "name")  # noqa: B009 - each kind of block has one
            if name in lines:
                raise Misconfigured(f"{place}: the name {name!r} is taken already at {lines[name]}. Choose another.")
            lines[name] = place
            found[kind][name] = block
    installation = Installation(found[Connection], found[SegmentDefinition], found[DestinationSettings], lines)
    for destination in installation.destinations.values():
        for push in destination.pushes:
            if push.segment not in installation.segments:
                known = ", ".join(sorted(installation.segments))
                raise Misconfigured(
                    f"{lines[destination.name]}: there is no segment {push.segment!r}; there are {known}."
                )
    return installation


def _blocks(path: Path) -> Iterator[tuple[int, type[BaseModel], Any]]:
    try:
        nodes = list(yaml.compose_all(path.read_text(), Loader=yaml.SafeLoader))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise Misconfigured(f"{path}{line}: this is not YAML: {getattr(error, 'problem', error)}.") from None
    for node in nodes:
        if node is None:
            continue
        line = node.start_mark.line + 1
        block = yaml.load(yaml.serialize(node), Loader=yaml.SafeLoader)
        kind = block.get("type") if isinstance(block, dict) else None
        if kind not in _BLOCKS:
            known = ", ".join(_BLOCKS)
            raise Misconfigured(f"{path}:{line}: a block's `type` is one of {known}.")
        yield line, _BLOCKS[kind], block.get("attributes")


def _validated(kind: type[BaseModel], attributes: Any, place: str) -> BaseModel:
    try:
        return kind.model_validate(attributes)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in problem['loc']) or 'attributes'}: {problem['msg']}"
            for problem in error.errors(include_input=False, include_url=False)
        )
        raise Misconfigured(f"{place}: {problems}.") from None
