"""Who is due to be forgotten: looked at after people were resolved, marked, and left to a person to decide."""

from collections import Counter

import dagster as dg

from assets.people import PEOPLE
from dagster_project.failures import told
from dagster_project.resources import TalentPool
from talent_pool.privacy import retention

RETENTION = dg.AssetKey(["catchment", "retention"])


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
    )
    def due(context: dg.AssetExecutionContext, pool: TalentPool) -> dg.MaterializeResult:
        with told(context), pool.open() as opened:
            found = retention.preview(opened.store, opened.installation.retention, opened.now)
        by_rule = Counter(one.rule for one in found.due)
        ready = sum(one.is_ready for one in found.due)
        metadata = {"due": len(found.due), "grace_is_over": ready, **{f"rule/{n}": c for n, c in by_rule.items()}}
        return dg.MaterializeResult(asset_key=RETENTION, metadata=metadata)

    return due
