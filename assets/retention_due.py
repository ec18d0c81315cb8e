"""Who is due to be forgotten: looked at after people were resolved, marked, and left to a person to decide."""

from collections import Counter

import dagster as dg

from assets.people import PEOPLE
from dagster_project.failures import told
from dagster_project.resources import TalentPool
from talent_pool.privacy import retention

RETENTION = dg.AssetKey(["catchment", "retention"])
NOTHING_HELD = "nothing_is_held_of_the_erased"


def retention_asset() -> dg.AssetsDefinition:
    """Return the asset that marks who is due; their grace begins when it first sees them. It erases nobody."""

    @dg.asset(
        key=RETENTION,
        deps=[PEOPLE],
        group_name="pool",
        owners=["data-protection@example.com"],
        kinds={"sql"},
        description="Who has been kept for long enough, by the rules of retention. Nobody goes without a person's yes.",
        code_version="1",
        check_specs=[
            dg.AssetCheckSpec(
                NOTHING_HELD,
                asset=RETENTION,
                blocking=True,
                description="No record, address, membership or application belongs to somebody who was erased.",
            )
        ],
    )
    def due(context: dg.AssetExecutionContext, pool: TalentPool) -> dg.MaterializeResult:
        with told(context), pool.open() as opened:
            found = retention.preview(opened.store, opened.installation.retention, opened.now)
            held = retention.held_of_erased(opened.store)
        by_rule = Counter(one.rule for one in found.due)
        ready = sum(one.is_ready for one in found.due)
        metadata = {"due": len(found.due), "grace_is_over": ready, **{f"rule/{n}": c for n, c in by_rule.items()}}
        check = dg.AssetCheckResult(
            check_name=NOTHING_HELD,
            passed=not held,
            description=(
                f"{held} rows belong to people who were erased. Stop pushes (`catchment pause`), remove these rows, "
                "and find out who wrote them."
                if held
                else "Nothing is held of anybody who was erased."
            ),
        )
        return dg.MaterializeResult(asset_key=RETENTION, metadata=metadata, check_results=[check])

    return due
