"""This installation, read from YAML without Dagster: connections, segments, destinations, policies, survivorship.

The files are Dagster component files (several blocks parted by `---`), so that one text serves the Dagster UI, the
command line and the intake. Errors name the file and the line.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import yaml
from pydantic import BaseModel, ValidationError

from connectors.contract import Connection, DestinationSettings
from connectors.errors import Misconfigured
from dedupe.survivorship_rules import DEFAULTS, SurvivorshipRules
from talent_pool.delivery.contact_policy import ContactPolicy
from talent_pool.privacy.retention_rules import NONE, RetentionRules
from talent_pool.segments.definition import SegmentDefinition

EXAMPLE = Path(__file__).resolve().parent.parent / "assets"
"""What the repository ships: the installation that the demo runs."""

_BLOCKS: Mapping[str, type[BaseModel]] = {
    "dagster_project.components.CandidateSource": Connection,
    "dagster_project.components.CandidateSegment": SegmentDefinition,
    "dagster_project.components.EngagementDestination": DestinationSettings,
    "dagster_project.components.Survivorship": SurvivorshipRules,
    "dagster_project.components.Retention": RetentionRules,
    "dagster_project.components.MarketingPolicy": ContactPolicy,
}
SURVIVORSHIP = "the survivorship"
"""What its one block is called among those that have names; no name has a blank in it."""

RETENTION = "the retention"
"""The same for retention."""

_BLOCK_KEYS = ("type", "attributes", "requirements", "post_processing", "template_vars_module")
"""What Dagster lets a block have; only the first two mean anything to us."""


_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Five times as fast where libyaml is there."""


@dataclass(frozen=True, slots=True)
class Installation:
    """Everything configured, by name. `lines` says where each block stands: {name: "file:line"}."""

    connections: Mapping[str, Connection]
    segments: Mapping[str, SegmentDefinition]
    destinations: Mapping[str, DestinationSettings]
    lines: Mapping[str, str]
    survivorship: SurvivorshipRules = DEFAULTS
    retention: RetentionRules = NONE
    policies: Mapping[str, ContactPolicy] = field(default_factory=dict[str, ContactPolicy])
    """Contact policies by organisation; an organisation without one has the default one."""

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


@dataclass(frozen=True, slots=True)
class _Block:
    """One block of one file: what it says, and the nodes that know on which line each part stands."""

    path: Path
    node: Any
    kind: type[BaseModel]
    attributes: Any

    def place(self, parts: Sequence[str | int] = ()) -> str:
        """Return "file:line" of the deepest part there is on the way of `parts` through the attributes."""
        node, line = self.node, self.node.start_mark.line
        for part in ("attributes", *parts) if parts else ():
            found = _child(node, part)
            if found is None:
                break
            node, line = found
        return f"{self.path}:{line + 1}"


def read(folder: Path | None = None) -> Installation:
    """Read every `defs.yaml` below `folder` (a company's own), or else the example installation.

    Raises Misconfigured for broken YAML, an unknown type or key, a rule that cannot be understood, a name used twice,
    a push of an unknown segment, or a rule that trusts an unknown connection.
    """
    top = folder or EXAMPLE
    if not top.is_dir():
        raise Misconfigured(f"The folder {top} does not exist. Correct CATCHMENT_DEFS.")
    found: dict[type[BaseModel], dict[str, Any]] = {kind: {} for kind in _BLOCKS.values()}
    blocks: dict[str, _Block] = {}
    for path in sorted(top.rglob("defs.yaml")):
        for block in _blocks(path):
            settings = _validated(block)
            name = _name(settings)
            if name in blocks:
                raise Misconfigured(_taken(name, block, blocks[name]))
            blocks[name] = block
            found[block.kind][name] = settings
    lines = {name: block.place() for name, block in blocks.items()}
    installation = Installation(
        found[Connection],
        found[SegmentDefinition],
        found[DestinationSettings],
        lines,
        found[SurvivorshipRules].get(SURVIVORSHIP, DEFAULTS),
        found[RetentionRules].get(RETENTION, NONE),
        {policy.organisation: policy for policy in found[ContactPolicy].values()},
    )
    _check_pushes(installation, blocks)
    _check_sources(installation, blocks)
    return installation


def segment_in(path: Path, name: str) -> SegmentDefinition:
    """Return one segment from a file that is not installed. Raises Misconfigured, with file and line."""
    if not path.is_file():
        raise Misconfigured(f"There is no file {path}.")
    for block in _blocks(path):
        settings = _validated(block)
        if isinstance(settings, SegmentDefinition) and settings.name == name:
            return settings
    raise Misconfigured(f"{path}: there is no segment {name!r} in it.")


def place_of(installation: Installation, name: str, parts: Sequence[str | int]) -> str:
    """Return "file:line" of a part of a block's attributes, as far as the way leads."""
    path, _, line = installation.lines[name].rpartition(":")
    blocks = [block for block in _blocks(Path(path)) if block.node.start_mark.line + 1 == int(line)]
    return blocks[0].place(parts) if blocks else installation.lines[name]


def _name(settings: BaseModel) -> str:
    if isinstance(settings, SurvivorshipRules):
        return SURVIVORSHIP
    if isinstance(settings, RetentionRules):
        return RETENTION
    return str(getattr(settings, "name"))  # noqa: B009 - every other kind of block has one


def _taken(name: str, block: _Block, before: _Block) -> str:
    if name.startswith("the contact policy"):
        return f"{block.place()}: {name} stands already at {before.place()}. Make one block of them."
    if name in (SURVIVORSHIP, RETENTION):
        what, place = name.removeprefix("the "), before.place()
        return f"{block.place()}: rules for {what} stand already at {place}. Make one block of them."
    taken = before.place(["name"])
    return f"{block.place(['name'])}: the name {name!r} is taken already at {taken}. Choose another."


def _check_sources(installation: Installation, blocks: Mapping[str, _Block]) -> None:
    for name in SurvivorshipRules.model_fields:
        for index, source in enumerate(installation.survivorship.of(name).sources):
            if source not in installation.connections:
                place = blocks[SURVIVORSHIP].place([name, "sources", index])
                known = ", ".join(sorted(installation.connections)) or "none"
                raise Misconfigured(f"{place}: there is no connection {source!r}; there are {known}.")


def _check_pushes(installation: Installation, blocks: Mapping[str, _Block]) -> None:
    for destination in installation.destinations.values():
        for index, push in enumerate(destination.pushes):
            if push.segment not in installation.segments:
                place = blocks[destination.name].place(["pushes", index, "segment"])
                known = ", ".join(sorted(installation.segments)) or "none"
                raise Misconfigured(f"{place}: there is no segment {push.segment!r}; there are {known}.")


def _blocks(path: Path) -> Iterator[_Block]:
    for node, content in _documents(path):
        line = node.start_mark.line + 1
        block = cast("dict[str, Any]", content) if isinstance(content, dict) else {}
        kind = block.get("type")
        if not isinstance(kind, str) or kind not in _BLOCKS:
            raise Misconfigured(f"{path}:{line}: a block's `type` is one of {', '.join(_BLOCKS)}.")
        for key in block:
            if key not in _BLOCK_KEYS:
                known = ", ".join(_BLOCK_KEYS)
                raise Misconfigured(f"{path}:{_line_of(node, key)}: a block has no {key!r}; it has {known}.")
        yield _Block(path, node, _BLOCKS[kind], block.get("attributes"))


def _documents(path: Path) -> list[tuple[Any, Any]]:
    """Return the (node, content) of every block of a file that is not empty."""
    try:
        text = path.read_text(encoding="utf-8")
        try:
            nodes, contents = _both(path, text, _LOADER)
        except yaml.YAMLError:  # Python's own reader knows the place better
            nodes, contents = _both(path, text, yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it cannot be read"
        raise Misconfigured(f"{path}{line}: this is not YAML: {problem}.") from None
    except UnicodeDecodeError:
        raise Misconfigured(f"{path}: this is not text in UTF-8. Save it as UTF-8.") from None
    return [(node, content) for node, content in zip(nodes, contents, strict=True) if content is not None]


def _both(path: Path, text: str, loader: Any) -> tuple[list[Any], list[Any]]:
    """Return two readings of one text: nodes, which know their lines, and contents, which are what they say."""
    nodes: list[Any] = list(cast("Any", yaml).compose_all(text, Loader=loader))
    for node in nodes:
        _refuse_repeated_keys(path, node)
    return nodes, list(yaml.load_all(text, Loader=loader))


def _refuse_repeated_keys(path: Path, node: Any) -> None:
    """Raise where a mapping has a key twice: YAML would silently keep the last."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in cast("list[tuple[Any, Any]]", node.value):
            if key.value in seen:
                raise Misconfigured(f"{path}:{key.start_mark.line + 1}: {key.value!r} stands here twice. Keep one.")
            if isinstance(key.value, str):
                seen.add(key.value)
            _refuse_repeated_keys(path, value)
    elif isinstance(node, yaml.SequenceNode):
        for value in cast("list[Any]", node.value):
            _refuse_repeated_keys(path, value)


def _child(node: Any, part: str | int) -> tuple[Any, int] | None:
    """Return the node below `node` by key or index, and the line it begins on."""
    if isinstance(node, yaml.MappingNode):
        for key, value in cast("list[tuple[Any, Any]]", node.value):
            if key.value == part:
                return value, key.start_mark.line
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        value = cast("list[Any]", node.value)[part]
        return value, value.start_mark.line
    return None


def _line_of(node: Any, key: str) -> int:
    found = _child(node, key)
    return (found[1] if found else node.start_mark.line) + 1


def _validated(block: _Block) -> BaseModel:
    try:
        return block.kind.model_validate(block.attributes)
    except ValidationError as error:
        problems: list[str] = []
        for problem in error.errors(include_input=False, include_url=False):
            told = problem.get("ctx", {})
            parts: Sequence[str | int] = told["path"] if problem["type"] == "rule" else problem["loc"]
            where = "" if problem["type"] == "rule" else f"{'.'.join(map(str, parts)) or 'attributes'}: "
            told_known = problem["type"] == "extra_forbidden" and len(parts) == 1
            hint = f" (known: {', '.join(block.kind.model_fields)})" if told_known else ""
            message = problem["msg"].removesuffix(".").removeprefix("Value error, ")
            problems.append(f"{block.place(parts)}: {where}{message}{hint}.")
        raise Misconfigured("\n".join(problems)) from None
