"""What a careers-portal or referral form may hold, whether it was posted as JSON or by a browser."""

from typing import Annotated, Any
from uuid import uuid4

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field


def _address(value: str) -> str:
    try:
        validate_email(value, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        raise ValueError("is not an e-mail address") from None
    return value


def _ticked(value: Any) -> Any:
    """Read a browser's box: it sends `on` for a ticked one and nothing for an empty one."""
    return value == "on" if value in ("on", "off", "") else value


Address = Annotated[str, Field(max_length=254), AfterValidator(_address)]
Tick = Annotated[bool, BeforeValidator(_ticked)]
Name = Annotated[str, Field(min_length=1, max_length=200)]


class _Form(BaseModel):
    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True)

    submission_id: str = Field(default_factory=lambda: uuid4().hex, max_length=100)
    language: str | None = Field(default=None, max_length=35)
    notice_id: str | None = Field(default=None, max_length=100)
    notice_version: str | None = Field(default=None, max_length=50)
    wording_sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    ref: str | None = Field(default=None, max_length=100)
    utm: dict[str, str] = Field(default_factory=dict, max_length=10)
    website: str = Field(default="", max_length=0)
    """A field that people do not see; whoever fills it in is a machine."""


class Consents(BaseModel):
    """The ticks below a form. An empty box says nothing: it is no refusal and no yes."""

    model_config = ConfigDict(extra="forbid")

    future_jobs: Tick = False
    marketing: Tick = False


class CareersForm(_Form):
    """An application, or an interest in working here, from the careers portal."""

    first_name: Name
    last_name: Name
    email: Address
    phone: str | None = Field(default=None, max_length=40)
    job: str | None = Field(default=None, max_length=100)
    message: str | None = Field(default=None, max_length=10_000)
    consents: Consents = Consents()


class Referee(BaseModel):
    """Somebody whom a referrer recommends; they said nothing themselves, so no consent is theirs."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True)

    first_name: Name
    last_name: Name
    email: Address | None = None
    phone: str | None = Field(default=None, max_length=40)
    linkedin: str | None = Field(default=None, max_length=300)


class Referring(BaseModel):
    """Who recommends."""

    model_config = ConfigDict(extra="ignore", str_strip_whitespace=True)

    name: Name
    email: Address


class ReferralForm(_Form):
    """A recommendation of somebody for a job."""

    referrer: Referring
    candidate: Referee
    token: str | None = Field(default=None, max_length=100)
    job: str | None = Field(default=None, max_length=100)


def nested(flat: dict[str, Any]) -> dict[str, Any]:
    """Return a browser's `consents.marketing=on` as {"consents": {"marketing": "on"}}."""
    result: dict[str, Any] = {}
    for name, value in flat.items():
        place = result
        *outer, last = name.split(".")
        for part in outer:
            inner = place.setdefault(part, {})
            if not isinstance(inner, dict):
                break
            place = inner
        else:
            place[last] = value
    return result
