"""A connector's settings: YAML for what is open, environment or mounted files for what is secret."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from connectors.errors import Misconfigured


class Settings(BaseModel):
    """What one connector needs to know. Fields of type SecretStr may not stand in YAML."""

    model_config = ConfigDict(extra="forbid", frozen=True)


_Settings = TypeVar("_Settings", bound=Settings)


def variable(name: str, field: str) -> str:
    """Return the environment variable of one setting: `greenhouse`, `client_id` → `GREENHOUSE_CLIENT_ID`."""
    return f"{name}_{field}".upper()


def resolved(kind: type[_Settings], name: str, given: Mapping[str, Any], environ: Mapping[str, str]) -> _Settings:
    """Fill `kind` from `NAME_FIELD`, `NAME_FIELD_FILE`, then YAML. Raises Misconfigured, naming each setting."""
    values: dict[str, Any] = dict(given)
    for field, about in kind.model_fields.items():
        secret = _is_secret(about.annotation)
        if secret and field in given:
            raise Misconfigured(f"{name}: {field} is a secret and may not stand in YAML. Set {variable(name, field)}.")
        key = variable(name, field)
        if file := environ.get(f"{key}_FILE"):
            try:
                values[field] = Path(file).read_text().strip()
            except OSError as error:
                raise Misconfigured(
                    f"{name}: the file named by {key}_FILE cannot be read. Check the path and its rights."
                ) from error
        elif environ.get(key):
            values[field] = environ[key]
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise Misconfigured(f"{name}: {_told(kind, name, error)}") from None


def _told(kind: type[Settings], name: str, error: ValidationError) -> str:
    sentences: list[str] = []
    for problem in error.errors(include_input=False, include_url=False):
        field = ".".join(str(part) for part in problem["loc"])
        if problem["type"] == "missing":
            sentences.append(f"{field} is not set. Set {variable(name, field)}.")
        elif problem["type"] == "extra_forbidden":
            known = ", ".join(sorted(kind.model_fields))
            sentences.append(f"there is no setting {field}; there are {known}.")
        else:
            sentences.append(f"{field} is wrong: {problem['msg']}.")
    return " ".join(sentences)


def _is_secret(annotation: Any) -> bool:
    return annotation is SecretStr or SecretStr in getattr(annotation, "__args__", ())
