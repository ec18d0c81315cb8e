"""A connector's settings: YAML for what is open, environment or mounted files for what is secret."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from connectors.errors import Misconfigured


class Settings(BaseModel):
    """What one connector needs to know. Fields of type SecretStr may not stand in YAML."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


_Settings = TypeVar("_Settings", bound=Settings)


def variable(name: str, field: str) -> str:
    """Return the environment variable of one setting: `greenhouse`, `client_id` → `GREENHOUSE_CLIENT_ID`."""
    return f"{name}_{field}".upper()


def resolved(kind: type[_Settings], name: str, given: Mapping[str, Any], environ: Mapping[str, str]) -> _Settings:
    """Fill `kind` from `NAME_FIELD` or the file that `NAME_FIELD_FILE` names, else from YAML.

    Raises Misconfigured, naming each setting at fault and none of their values.
    """
    values: dict[str, Any] = dict(given)
    for field, about in kind.model_fields.items():
        if field in given and _is_secret(about.annotation):
            raise Misconfigured(f"{name}: {field} is a secret and may not stand in YAML. Set {variable(name, field)}.")
        if (value := _from_outside(name, variable(name, field), environ)) is not None:
            values[field] = value
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        told = _told(kind, name, error)
    # out here, because pydantic's error would keep all values in its context
    raise Misconfigured(f"{name}: {told}")


def _from_outside(name: str, key: str, environ: Mapping[str, str]) -> str | None:
    value, file = environ.get(key) or None, environ.get(f"{key}_FILE") or None
    if value is not None and file is not None:
        raise Misconfigured(f"{name}: both {key} and {key}_FILE are set. Unset one of them.")
    if file is None:
        return value
    try:
        text = Path(file).read_text().strip()
    except (OSError, UnicodeDecodeError):
        wrong = "cannot be read. Check the path and its rights"
    else:
        if text:
            return text
        wrong = "is empty. Write the setting into it"
    raise Misconfigured(f"{name}: the file named by {key}_FILE {wrong}.")


def _told(kind: type[Settings], name: str, error: ValidationError) -> str:
    sentences: list[str] = []
    for problem in error.errors(include_input=False, include_url=False, include_context=False):
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
    return annotation is SecretStr or SecretStr in get_args(annotation)
