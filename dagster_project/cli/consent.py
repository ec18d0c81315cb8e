"""Commands about who may be written to: consent, suppress."""

from dataclasses import asdict
from typing import Any

import click
from sqlalchemy import select

from connectors.errors import Misconfigured
from connectors.records import Channel
from dagster_project.cli.output import json_option, say, show_json, show_table, telling
from dagster_project.cli.pool import Pool, opened
from talent_pool import consent
from talent_pool.consent.overview import overview
from talent_pool.delivery import policy
from talent_pool.delivery.contact_policy import ContactPolicy
from talent_pool.people.person_ids import existing
from talent_pool.store.addresses import address_key
from talent_pool.store.tables import people, person_addresses

_REASONS = ("do_not_contact", "bounced", "complained", "compliance_state")


@click.command("consent")
@click.argument("person")
@json_option
def consent_command(person: str, as_json: bool) -> None:  # noqa: FBT001
    """Show what PERSON allowed and refused, and what may be sent for each purpose by each channel, and why."""
    with telling(), opened() as pool:
        told = overview(pool.store, person, pool.now)
        marketing = _marketing(pool, told.person_id)
    if as_json:
        show_json({**asdict(told), "marketing": marketing})
        return
    show_table(
        f"What may be sent to {told.person_id}", ("purpose", "channel", "allowed", "why not", "until"),
        [
            (one.purpose, one.channel, "yes" if one.allowed else "no", one.reason, _day(one.until))
            for one in told.allowed
        ],
        empty="",
    )  # fmt: skip
    say(f"\nMarketing: {marketing['sentence']}")
    show_table(
        "\nStatements, oldest first",
        ("stated", "purpose", "channel", "status", "basis", "by", "source", "expires", "id"),
        [
            (_day(one["stated_at"]), one["purpose"], one["channel"], one["status"], one["lawful_basis"],
             one["stated_by"], one["connection"], _day(one["expires_at"]), one["id"])
            for one in told.statements
        ],
        empty="\nNothing was ever stated: unknown is not allowed.", sparse=("expires",),
    )  # fmt: skip
    show_table(
        "\nSuppressions", ("since", "channel", "destination", "reason", "source", "lifted"),
        [
            (_day(one["since"]), one["channel"], one["destination"] or "every", one["reason"], one["source"],
             _day(one["lifted_at"]))
            for one in told.suppressions
        ],
        empty="", sparse=("lifted",),
    )  # fmt: skip


def _marketing(pool: Pool, person_id: str) -> dict[str, Any]:
    """Return what the contact policy says of one more message to somebody just now."""
    with pool.store.reading() as connection:
        organisation = connection.execute(select(people.c.organisation).where(people.c.id == person_id)).scalar_one()
        contact = policy.contacts(connection, [person_id], pool.now)[person_id]
    rules = pool.installation.policies.get(organisation) or ContactPolicy(organisation=organisation)
    may_go = policy.next_moment(contact, rules, pool.now)
    if may_go is None:
        sentence = policy.IN_PROCESS
    elif may_go > pool.now:
        sentence = f"by the contact policy, not before {may_go:%Y-%m-%d %H:%M} UTC."
    else:
        sentence = "the contact policy lets a message go now, where consent does."
    in_process = policy.is_in_process(contact, rules, pool.now)
    return {"may_go": may_go, "messages": len(contact.sent), "in_process": in_process, "sentence": sentence}


def _day(moment: Any) -> str:
    return f"{moment:%Y-%m-%d}" if moment else ""


@click.command("suppress")
@click.argument("target", metavar="ADDRESS|PERSON")
@click.option("--channel", type=click.Choice([one.value for one in Channel]), help="By this channel alone.")
@click.option("--destination", help="At this destination alone.")
@click.option("--reason", type=click.Choice(_REASONS), default="do_not_contact", show_default=True)
@click.option("--organisation", default="default", show_default=True, help="Whose letters an address is kept from.")
@click.option("--lift", is_flag=True, help="Lift it instead. A refusal by the person herself is not lifted by it.")
def suppress_command(
    target: str,
    channel: str | None,
    destination: str | None,
    reason: str,
    organisation: str,
    lift: bool,  # noqa: FBT001
) -> None:
    """Keep ADDRESS, or every address of PERSON (an id), from being written to.

    do_not_contact is a person's own wish: it reaches all her addresses and binds marketing; the others bind everything
    to that one address.
    """
    with telling(), opened() as pool:
        if destination:
            pool.installation.destination(destination)
        if lift:
            found = consent.lift(
                pool.store, at=pool.now, address_keys=_keys(pool, target, channel),
                channel=Channel(channel) if channel else None, destination=destination, reason=reason,
            )  # fmt: skip
            say(f"Lifted: {found}." if found else "There was nothing of the kind to lift.")
            return
        ids = _suppressed(pool, target, channel, destination=destination, reason=reason, organisation=organisation)
    say(f"Suppressed ({reason}): {len(ids)} address{'' if len(ids) == 1 else 'es'}.")


def _suppressed(
    pool: Pool, target: str, channel: str | None, *, destination: str | None, reason: str, organisation: str
) -> list[str]:
    wanted: dict[str, Any] = {
        "channel": Channel(channel or Channel.ANY), "reason": reason, "source": "command line", "at": pool.now,
        "destination": destination,
    }  # fmt: skip
    if not target.startswith("per_"):
        return [consent.suppress(pool.store, organisation=organisation, address=_address(target), **wanted)]
    with pool.store.reading() as connection:
        person_id = existing(connection, target)
    ids = consent.suppress_person(pool.store, person_id=person_id, **wanted)
    if not ids:
        raise Misconfigured("This person has no address by that channel, so there is nothing to suppress.")
    return ids


def _keys(pool: Pool, target: str, channel: str | None) -> set[str]:
    if not target.startswith("per_"):
        return {address_key(pool.store, Channel(channel or Channel.ANY), _address(target))}
    with pool.store.reading() as connection:
        person_id = existing(connection, target)
        query = select(person_addresses.c.address_key).where(person_addresses.c.person_id == person_id)
        return set(connection.execute(query).scalars())


def _address(target: str) -> str:
    """Return an address. Raises Misconfigured for what is none, without repeating it."""
    if "@" not in target and sum(letter.isdigit() for letter in target) < 5:
        raise Misconfigured("This is neither an address, nor a number, nor the id of a person (per_…).")
    return target
