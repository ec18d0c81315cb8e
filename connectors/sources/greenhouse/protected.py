"""Cuts what may not be kept out of raw objects: answers about protected attributes, links to files, photographs.

Custom fields and application questions are the company's own, so they are judged by their names. Greenhouse keeps its
own EEOC and demographic answers apart, in listings that are never asked for.
"""

import re
from functools import lru_cache
from typing import Any

from connectors.contract import Json
from connectors.records import PROTECTED_ATTRIBUTES
from connectors.sources.greenhouse.fields import items, mapping

_WORDS = sorted(
    PROTECTED_ATTRIBUTES | {"sex", "disabled", "disabilities", "eeo", "eeoc", "pronouns", "hispanic", "latino"}
)
_PROTECTED = re.compile(r"\b(" + "|".join(word.replace("_", r"\W?") for word in _WORDS) + r"|how old|born)\b")


@lru_cache(maxsize=4096)
def is_protected(name: str) -> bool:
    """Say whether a custom field or a question is about a protected attribute, by its name."""
    return _PROTECTED.search(name.lower().replace("_", " ")) is not None


@lru_cache(maxsize=4096)
def is_protected_field(key: str, name: str) -> bool:
    """Say whether a custom field is about a protected attribute, by its key and by the name people see."""
    return is_protected(key) or is_protected(name)


def cut(raw: Any) -> Any:
    """Return `raw` as it may be kept, changed in place: without the fields and answers that are protected."""
    found = mapping(raw)
    if found is None:
        return raw
    if fields := mapping(found.get("custom_fields")):
        found["custom_fields"] = {
            key: field for key, field in fields.items() if not is_protected_field(key, _text_in(field, "name"))
        }
    if answers := items(found.get("answers")):
        found["answers"] = [each for each in answers if not is_protected(_text_in(each, "question"))]
    return found


def cut_files(candidate: Json) -> None:
    """Take signed links, contents of files and photographs out of a webhook's candidate."""
    candidate.pop("photo_url", None)
    for each in items(candidate.get("attachments")):
        if found := mapping(each):
            found.pop("url", None)
            found.pop("content", None)


def _text_in(value: Any, name: str) -> str:
    found = mapping(value)
    return str(found.get(name) or "") if found else ""
