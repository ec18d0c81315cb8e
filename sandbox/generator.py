"""A world of candidates with known truth, the same for the same seed, of any size."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from sandbox import candidacies, forms, hiring
from sandbox.appearances import CONNECTIONS, Appearance, stream
from sandbox.hiring import Object
from sandbox.people import Person

DEFAULT_NOW = datetime(2026, 11, 1, tzinfo=UTC)
_SILVER_STAGE = 4


@dataclass(frozen=True)
class World:
    """Everybody there is, and what each source holds of them at `now`."""

    seed: int
    now: datetime
    people: list[Person]
    appearances: list[Appearance]

    def at(self, connection: str) -> list[Appearance]:
        """Return one source's records in the order in which they came in."""
        return sorted(
            (one for one in self.appearances if one.connection == connection), key=lambda one: (one.at, one.remote_id)
        )

    @cached_property
    def truth(self) -> dict[tuple[str, str], int]:
        """Who each record truly belongs to: {(connection, candidate remote id): person number}."""
        return {(one.connection, one.remote_id): one.person for one in self.appearances}

    @cached_property
    def greenhouse(self) -> dict[str, list[Object]]:
        """Every resource of Greenhouse, its objects in order of id, the highest first."""
        resources = hiring.company(self.now)
        resources["candidates"] = []
        for record in self.at("greenhouse"):
            made = candidacies.candidacies(record, self.now)
            one = candidacies.candidate(record)
            one["last_activity_at"] = max(
                [one["last_activity_at"], *(a["last_activity_at"] for a in made.applications)]
            )
            resources["candidates"].append(one)
            for name in made.__slots__:
                resources.setdefault(name, []).extend(getattr(made, name))
        return {name: sorted(objects, key=lambda one: -one["id"]) for name, objects in resources.items()}

    @cached_property
    def typeform(self) -> list[Object]:
        """Every response, the latest first."""
        return [forms.typeform_response(record) for record in reversed(self.at("typeform"))]

    @cached_property
    def indeed(self) -> list[Object]:
        """Every Indeed application, in order of time."""
        return [forms.indeed_application(record) for record in self.at("indeed_apply")]

    @cached_property
    def careers_forms(self) -> list[Object]:
        """Every careers-portal submission, in order of time."""
        return [forms.careers_form(record) for record in self.at("careers_form")]

    @cached_property
    def referral_forms(self) -> list[Object]:
        """Every recommendation, in order of time."""
        return [forms.referral_form(record) for record in self.at("referral_links")]

    @cached_property
    def silver_medallists(self) -> list[int]:
        """Greenhouse applications that reached the final interview or an offer and were rejected by us."""
        ours = {
            row["application_id"]
            for row in self.greenhouse["rejection_details"]
            if row["rejection_reason_id"] not in (4, 5)
        }
        return [
            one["id"]
            for one in self.greenhouse["applications"]
            if one["id"] in ours and one["stage_id"] and one["stage_id"] % 10 >= _SILVER_STAGE
        ]

    @cached_property
    def just_applied(self) -> list[int]:
        """Greenhouse applications (not prospects) of the last two days that are still open."""
        since = hiring.when(self.now - timedelta(days=2))
        return [
            one["id"]
            for one in self.greenhouse["applications"]
            if one["created_at"] >= since and not one["prospect"] and one["status"] == "in_process"
        ]

    def consents(self) -> list[Object]:
        """Return what is known of consent: per record, the ticks made on it and whether Greenhouse may e-mail."""
        ticked = ("careers_form", "typeform")
        return [
            {
                "connection": one.connection,
                "remote_id": one.remote_id,
                "person": one.person,
                "future_jobs": one.future_jobs if one.connection in ticked else None,
                "marketing": one.marketing if one.connection in ticked else None,
                "can_email": one.can_email if one.connection == "greenhouse" else None,
            }
            for one in self.appearances
        ]

    def expected(self) -> dict[str, Any]:
        """Return the counts that a complete reading must come to."""
        records = Counter(one.connection for one in self.appearances)
        return {
            "people": len({one.person for one in self.appearances}),
            "candidates": {name: records[name] for name in CONNECTIONS},
            "greenhouse": {name: len(objects) for name, objects in self.greenhouse.items()},
            "archive_broken_rows": 1,
            "silver_medallists": len(self.silver_medallists),
            "just_applied": len(self.just_applied),
            "cannot_email": sum(1 for one in self.appearances if one.connection == "greenhouse" and not one.can_email),
        }


def generate(people: int, seed: int, now: datetime = DEFAULT_NOW) -> World:
    """Return a world of `people` people; use `sandbox.appearances.stream` for more than memory holds."""
    everybody: list[Person] = []
    appearances: list[Appearance] = []
    for person, records in stream(people, seed, now):
        everybody.append(person)
        appearances.extend(records)
    return World(seed, now, everybody, appearances)
