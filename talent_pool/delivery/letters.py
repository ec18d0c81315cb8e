"""Messages written from templates: subject, text and HTML, with nothing a template may do but fill in.

A template is `NAME.txt`, whose first line is `Subject: …`, and `NAME.html`; for text messages it is `NAME.sms.txt`,
which may begin with `Media: https://…` for a picture. `NAME.LANGUAGE.txt` (`NAME.LANGUAGE.sms.txt`) comes before it for
people of that language. A company's own stand in a folder `templates` beside the YAML that names them, and come
before those shipped here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import css_inline
from jinja2 import ChoiceLoader, FileSystemLoader, StrictUndefined, TemplateError, TemplateNotFound
from jinja2.sandbox import ImmutableSandboxedEnvironment

from connectors.errors import Misconfigured

SHIPPED = Path(__file__).parent / "templates"
_SUBJECT = "Subject:"
_MEDIA = "Media:"
_LONGEST_TEXT = 1600
"""Characters that a text message may have; carriers cut it into ten parts or fewer."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One message, ready to be handed to a destination."""

    subject: str
    text: str
    html: str

    @property
    def fields(self) -> dict[str, str]:
        """The fields that a message destination takes."""
        return {"subject": self.subject, "text": self.text, "html": self.html}


@dataclass(frozen=True, slots=True)
class TextMessage:
    """One text message, ready to be handed to a destination; `media_url` is its picture, if it has one."""

    text: str
    media_url: str | None = None

    @property
    def fields(self) -> dict[str, str]:
        """The fields that a destination for text messages takes."""
        return {"text": self.text} | ({"media_url": self.media_url} if self.media_url else {})


class Stationery:
    """The templates of one destination. Raises Misconfigured for one that is missing or broken."""

    def __init__(self, folders: Sequence[Path] = ()) -> None:
        loaders = [FileSystemLoader(folder) for folder in (*folders, SHIPPED)]
        self._environment = ImmutableSandboxedEnvironment(
            loader=ChoiceLoader(loaders),
            autoescape=_is_html,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._environment.filters["day"] = _day  # type: ignore[reportUnknownMemberType] - Jinja leaves it open
        self._inliner = css_inline.CSSInliner(load_remote_stylesheets=False)

    def write(self, name: str, fields: Mapping[str, Any]) -> Letter:
        """Fill template `name`; a field that is not there is a mistake, one that is None is the template's affair."""
        names = _spoken(name, fields)
        try:
            text = self._environment.select_template([f"{one}.txt" for one in names]).render(fields)
            html = self._environment.select_template([f"{one}.html" for one in names]).render(fields)
        except TemplateNotFound as error:
            raise Misconfigured(
                f"There is no template {error.message or name}. Put {name}.txt and {name}.html into a folder "
                f"`templates` beside the YAML."
            ) from error
        except TemplateError as error:
            raise Misconfigured(f"The template {name} cannot be filled: {error.message}. Correct it.") from error
        first, _, body = text.partition("\n")
        if not first.startswith(_SUBJECT):
            raise Misconfigured(f"The template {name}.txt does not begin with a line `{_SUBJECT} …`. Add it.")
        return Letter(" ".join(first.removeprefix(_SUBJECT).split()), body.lstrip("\n"), self._inliner.inline(html))

    def write_short(self, name: str, fields: Mapping[str, Any], *, marketing: bool) -> TextMessage:
        """Fill template `name` for a text message; marketing must say how to end it."""
        try:
            names = [f"{one}.sms.txt" for one in _spoken(name, fields)]
            text = self._environment.select_template(names).render(fields).strip()
        except TemplateNotFound as error:
            raise Misconfigured(
                f"There is no template {name}.sms.txt. Put it into a folder `templates` beside the YAML."
            ) from error
        except TemplateError as error:
            wrong = f"The template {name}.sms.txt cannot be filled: {error.message}. Correct it."
            raise Misconfigured(wrong) from error
        media = None
        if text.startswith(_MEDIA):
            first, _, text = text.partition("\n")
            media, text = first.removeprefix(_MEDIA).strip(), text.strip()
        way_out = "STOP" in text or str(fields.get("unsubscribe_url") or "STOP") in text
        if marketing and not way_out:
            raise Misconfigured(f"The template {name}.sms.txt does not say how to end it. Add `Reply STOP to opt out.`")
        if len(text) > _LONGEST_TEXT:
            raise Misconfigured(f"The template {name}.sms.txt makes more than {_LONGEST_TEXT} characters. Shorten it.")
        return TextMessage(text, media)


def _spoken(name: str, fields: Mapping[str, Any]) -> list[str]:
    """Return a template's names for somebody's language, the best first."""
    language = str(fields.get("language") or "").split("-")[0].lower()
    return [f"{name}.{language}", name] if language.isalpha() else [name]


def _is_html(name: str | None) -> bool:
    return name is not None and name.endswith(".html")


def _day(value: date) -> str:
    """Write a date in full, free of any locale: Friday, 9 October 2026."""
    return f"{value:%A}, {value.day} {value:%B %Y}"
