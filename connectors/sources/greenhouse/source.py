"""Harvest v3: which listings are read, how far each read goes, and where it goes on.

Facts (harvestdocs.greenhouse.io: authentication, pagination, list endpoints): listings come by primary key, newest
first, so that only the end of a window of `updated_at` says that everything in it was seen; a request with a cursor
may carry nothing else; hard deletes and merges are told by webhooks alone.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, ClassVar
from urllib.parse import parse_qs, urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError

from connectors.auth import ClientCredentials
from connectors.contract import Answers, Delivery, Json, Page, Stream
from connectors.errors import Malformed, Misconfigured, ResumeExpired, SignatureRefused, Unavailable
from connectors.http import Http, VendorError
from connectors.paging import by_cursor
from connectors.records import Record, Stage
from connectors.settings import Settings as SettingsModel
from connectors.settings import variable
from connectors.source import Source
from connectors.sources.greenhouse import candidacies, company, deliveries, interactions
from connectors.sources.greenhouse.protected import cut
from connectors.sources.greenhouse.stages import StageNames
from connectors.webhooks import header, refuse, signed_sha256_hex

_STALE = frozenset({404, 410, 422})
_SIGNATURE, _EVENT = "Signature", "Greenhouse-Event-ID"


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"{text!r} is no pattern: {error.msg}") from error
    return text


class GreenhouseSettings(SettingsModel):
    """A credential for Harvest v3. `stages`: patterns of the company's step names, and the stages they are."""

    base_url: str = "https://harvest.greenhouse.io/v3"
    token_url: str = "https://auth.greenhouse.io/token"  # noqa: S105 - an address
    client_id: str
    client_secret: SecretStr
    user_id: str | None = None
    """Whose rights are used; without it those of the credential's own service account."""
    webhook_secret: SecretStr | None = None
    page_size: int = Field(default=500, ge=1, le=500)
    lag_minutes: float = Field(default=5, ge=0)
    """How long Greenhouse may take until a change is seen in its listings."""
    overlap_minutes: float = Field(default=10, ge=0)
    """How much of the window before is read again."""
    stages: Mapping[Annotated[str, AfterValidator(_pattern)], Stage] = Field(default_factory=dict[str, Stage])
    leave_out: frozenset[str] = frozenset()
    """Listings that the credential may not read, or that are not wanted."""


@dataclass(frozen=True, slots=True)
class _Listing:
    """`windowed`: read by `updated_at`; else whole each time. `params` go with each first request."""

    stream: Stream
    windowed: bool = True
    params: Mapping[str, str] = field(default_factory=dict[str, str])


_LISTINGS: Mapping[str, _Listing] = {
    listing.stream.name: listing
    for listing in (
        _Listing(Stream("sources"), windowed=False),
        _Listing(Stream("referrers"), windowed=False),
        _Listing(Stream("rejection_reasons"), windowed=False, params={"include_defaults": "true"}),
        _Listing(Stream("users")),
        _Listing(Stream("jobs")),
        _Listing(Stream("job_interview_stages")),
        _Listing(Stream("candidates", volatile=frozenset({"last_activity_at"}))),
        _Listing(Stream("applications", volatile=frozenset({"last_activity_at"}))),
        _Listing(Stream("application_stages", volatile=frozenset({"days_in_stage"}))),
        _Listing(Stream("rejection_details")),
        _Listing(Stream("interviews")),
        _Listing(Stream("scorecards")),
        _Listing(Stream("offers")),
    )
}


class Greenhouse(Source):
    """One Greenhouse account, read through Harvest v3 and told of deletions by webhook."""

    connector: ClassVar[str] = "greenhouse"
    family: ClassVar[str] = "ats"
    Settings: ClassVar[type[SettingsModel]] = GreenhouseSettings
    answers: Answers = Answers()
    settings: GreenhouseSettings

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        if unknown := self.settings.leave_out.difference(_LISTINGS):
            listed = ", ".join(_LISTINGS)
            raise Misconfigured(f"{self.connection.name}: leave_out names {sorted(unknown)}; there are {listed}.")
        self.http = self._http()
        self._stages = StageNames(self.settings.stages)
        self._parsers: Mapping[str, Callable[[Json], Iterable[Record]]] = {
            "sources": company.source,
            "referrers": company.referrer,
            "rejection_reasons": company.rejection_reason,
            "users": company.user,
            "jobs": company.job,
            "job_interview_stages": lambda raw: company.job_stage(raw, self._stages),
            "candidates": candidacies.candidate,
            "applications": lambda raw: candidacies.application(raw, self._stages),
            "application_stages": candidacies.application_stage,
            "rejection_details": candidacies.rejection,
            "interviews": interactions.interview,
            "scorecards": interactions.scorecard,
            "offers": interactions.offer,
            deliveries.STREAM: lambda raw: deliveries.parse(raw, self._stages),
        }

    def _http(self) -> Http:
        settings, name = self.settings, self.connection.name
        names = (variable(name, "client_id"), variable(name, "client_secret"))
        hint = f"Check {names[0]} and {names[1]}, and that the credential may list this."
        auth = ClientCredentials(
            settings.token_url,
            settings.client_id,
            settings.client_secret.get_secret_value(),
            name="Greenhouse",
            hint=hint,
            form={"sub": settings.user_id} if settings.user_id else None,
        )
        return Http(settings.base_url, name="Greenhouse", hint=hint, auth=auth, transport=self.transport)

    def streams(self) -> Sequence[Stream]:
        return [one.stream for name, one in _LISTINGS.items() if name not in self.settings.leave_out]

    def pages(self, stream: Stream, cursor: Json | None, now: datetime) -> Iterator[Page]:
        """Yield what changed since `cursor`, or all. A cursor is the window `from`, `to` and the `next` page in it."""
        listing = _LISTINGS[stream.name]
        resumed = cursor is not None and bool(cursor.get("next"))
        if cursor is not None and resumed:
            yield from self._window(listing, cursor)
            if not listing.windowed:
                return
        following = self._following(cursor if listing.windowed else None, now)
        if not resumed or following["to"] > (cursor or {})["to"]:
            yield from self._window(listing, following)

    def _following(self, cursor: Json | None, now: datetime) -> Json:
        """Return the window after the one that `cursor` closed; the first has no beginning."""
        until = _instant(now - timedelta(minutes=self.settings.lag_minutes))
        if cursor is None:
            return {"from": None, "to": until, "next": None}
        since = datetime.fromisoformat(cursor["to"]) - timedelta(minutes=self.settings.overlap_minutes)
        return {"from": _instant(since), "to": max(until, cursor["to"]), "next": None}

    def _window(self, listing: _Listing, window: Json) -> Iterator[Page]:
        """Yield the pages of one window, from its `next` page on; from its beginning if that page is gone."""
        try:
            yield from self._listed(listing, window)
        except ResumeExpired:
            pass
        else:
            return
        try:
            yield from self._listed(listing, {**window, "next": None})
        except ResumeExpired:
            raise Unavailable(
                "Greenhouse keeps refusing its own page links. Nothing is lost; run again later."
            ) from None

    def _listed(self, listing: _Listing, window: Json) -> Iterator[Page]:
        first: dict[str, Any] = {"per_page": self.settings.page_size, **listing.params}
        if window["from"] is not None:
            first["updated_at"] = f"gte|{window['from']}|lte|{window['to']}"
        name = listing.stream.name

        def _fetched(place: str | None) -> tuple[Any, str | None]:
            try:
                response = self.http.get(name, first if place is None else {"cursor": place})
            except VendorError as error:
                if place is not None and error.status in _STALE:
                    raise ResumeExpired(f"Greenhouse no longer knows the page to go on from in {name}.") from None
                raise
            return self.http.json(response), _cursor_in(response.links.get("next", {}).get("url"))

        pages = by_cursor(self.http, _fetched, lambda page: page[0], lambda page: page[1], window["next"])
        for items, place in pages:
            ends = place is None and window["from"] is None
            yield Page(name, [cut(each) for each in items], {**window, "next": place}, ends_full_read=ends)

    def parse(self, stream: str, raw: Json) -> Iterable[Record]:
        try:
            return self._parsers[stream](raw)
        except ValidationError:
            raise
        except KeyError as error:
            wrong = f"it has no {error.args[0]!r}"
        except (TypeError, AttributeError, ValueError, LookupError):
            wrong = "a field is of a kind that Greenhouse never sends"
        raise Malformed(f"This object of {stream} cannot be read: {wrong}.")

    def check(self) -> str:
        self.http.get("candidates", {"per_page": 1})
        return "Greenhouse answers, and the credential may list candidates."

    def authenticate(self, headers: Mapping[str, str], body: bytes) -> None:
        if self.settings.webhook_secret is None:
            name = variable(self.connection.name, "webhook_secret")
            raise SignatureRefused(
                f"Greenhouse: no webhook secret is set, so that no delivery can be trusted. Set {name}."
            )
        given = header(headers, _SIGNATURE)
        if not signed_sha256_hex(self.settings.webhook_secret.get_secret_value(), body, given, prefix="sha256 "):
            raise refuse("Greenhouse", _SIGNATURE, given)

    def delivery_key(self, headers: Mapping[str, str], body: bytes) -> str:
        return deliveries.key(header(headers, _EVENT), body)

    def objects(self, delivery: Delivery) -> Iterable[tuple[str, Json]]:
        return deliveries.objects(delivery)


def _cursor_in(link: str | None) -> str | None:
    """Return the cursor in a link to the next page; the rest of it may name another host than ours (a proxy's)."""
    if not link:
        return None
    found = parse_qs(urlsplit(link).query).get("cursor")
    if not found:
        raise Unavailable("Greenhouse's link to the next page has no cursor. Nothing is lost; run again later.")
    return found[0]


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
