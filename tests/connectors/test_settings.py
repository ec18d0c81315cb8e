"""Settings: where they come from, which goes first, and what is said when one is missing or wrong."""

import traceback
from pathlib import Path

import pytest
from pydantic import Field, SecretStr

from connectors.errors import Misconfigured
from connectors.settings import Settings, resolved


class Vendor(Settings):
    """A vendor's settings."""

    base_url: str = "https://api.vendor.example"
    token: SecretStr
    other: SecretStr | None = None
    page_size: int = Field(default=100, le=500)


TOKEN = {"VENDOR_TOKEN": "tok-1"}


def _refused(given: dict[str, object], environ: dict[str, str]) -> str:
    with pytest.raises(Misconfigured) as raised:
        resolved(Vendor, "vendor", given, environ)
    told = "".join(traceback.format_exception(raised.value))
    assert raised.value.__context__ is None, "what pydantic or the file said holds values"
    assert "tok-" not in told
    return str(raised.value)


def test_yaml_gives_what_is_open_and_the_environment_what_is_secret() -> None:
    settings = resolved(Vendor, "vendor", {"page_size": 7}, TOKEN)
    assert (settings.page_size, settings.token.get_secret_value()) == (7, "tok-1")
    assert "tok-1" not in repr(settings)


def test_the_environment_goes_before_yaml_unless_it_is_empty() -> None:
    given = {"base_url": "https://yaml.example", "page_size": 7}
    environ = {**TOKEN, "VENDOR_BASE_URL": "https://env.example", "VENDOR_PAGE_SIZE": ""}
    settings = resolved(Vendor, "vendor", given, environ)
    assert (settings.base_url, settings.page_size) == ("https://env.example", 7)


def test_a_variable_is_named_after_the_connection() -> None:
    assert resolved(Vendor, "vendor_eu", {}, {"VENDOR_EU_TOKEN": "tok-2"}).token.get_secret_value() == "tok-2"


def test_a_mounted_file_gives_a_setting_without_its_last_line_break(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("tok-3\n")
    settings = resolved(Vendor, "vendor", {}, {"VENDOR_TOKEN_FILE": str(tmp_path / "token")})
    assert settings.token.get_secret_value() == "tok-3"


def test_a_missing_setting_is_named_with_its_variable() -> None:
    assert _refused({}, {}) == "vendor: token is not set. Set VENDOR_TOKEN."


@pytest.mark.parametrize("field", ["token", "other"])
def test_a_secret_in_yaml_is_refused(field: str) -> None:
    told = _refused({field: "tok-1"}, TOKEN)
    assert told == f"vendor: {field} is a secret and may not stand in YAML. Set VENDOR_{field.upper()}."


def test_a_file_that_cannot_be_used_is_named_by_its_variable(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"tok-\xff\xfe")
    for name, says in (("none", "cannot be read"), ("empty", "is empty"), ("binary", "cannot be read")):
        assert says in _refused({}, {"VENDOR_TOKEN_FILE": str(tmp_path / name)})
    assert "both VENDOR_TOKEN and VENDOR_TOKEN_FILE" in _refused({}, {**TOKEN, "VENDOR_TOKEN_FILE": "x"})


def test_a_wrong_or_unknown_setting_is_told_without_its_value() -> None:
    told = _refused({"page_size": "tok-9", "pagesize": 5}, TOKEN)
    assert "page_size is wrong" in told
    assert "there is no setting pagesize; there are base_url, other, page_size, token." in told
