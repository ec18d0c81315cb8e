"""Everything that Dagster runs, built from this installation's YAML."""

import dagster as dg

from assets.people import fairness_check, people_asset
from assets.retention_due import retention_asset
from assets.segment_memberships import segments_asset
from dagster_project.components import CandidateSource, EngagementDestination
from dagster_project.resources import TalentPool
from dagster_project.sensors import inbox_sensor, pool_job, pool_sensor
from talent_pool import installation
from talent_pool.home import Home
from talent_pool.installation import Installation
from talent_pool.store import migrate


def definitions_of(configured: Installation) -> dg.Definitions:
    """Return the definitions of one installation."""
    parts: list[dg.Definitions] = [
        dg.build_defs_for_component(CandidateSource(**dict(connection)))
        for connection in configured.connections.values()
    ]
    syncs = [job for part in parts for job in part.jobs or []]
    parts += [
        dg.build_defs_for_component(EngagementDestination(**dict(destination)))
        for destination in configured.destinations.values()
    ]
    resolve = pool_job(configured)
    hand_made = dg.Definitions(
        assets=[
            people_asset(configured),
            *([segments_asset(configured)] if configured.segments else []),
            *([retention_asset()] if configured.retention.rules else []),
        ],
        asset_checks=[fairness_check],
        jobs=[resolve],
        sensors=[inbox_sensor(syncs), pool_sensor(resolve)],
        resources={"pool": TalentPool()},
    )
    return dg.Definitions.merge(*parts, hand_made)


@dg.definitions
def defs() -> dg.Definitions:
    """Return the definitions of the installation that CATCHMENT_DEFS names, or of the example."""
    home = Home()
    store = home.open()
    migrate.upgrade(store)
    store.close()
    return definitions_of(installation.read(home.defs))


def whole_graph(definitions: dg.Definitions) -> dg.JobDefinition:
    """Return one job of all assets and promises, without the look at fairness: it takes longer than all the rest."""
    job = definitions.resolve_implicit_global_asset_job_def()
    graph = job.asset_layer.asset_graph
    wanted = graph.asset_check_keys - fairness_check.check_keys
    return job.get_subset(asset_selection=set(graph.executable_asset_keys), asset_check_selection=set(wanted))
