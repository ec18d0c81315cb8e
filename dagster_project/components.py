"""The kinds of block that an installation is written in, as Dagster components.

Each is the same model that the command line and the intake read, so that one text means one thing everywhere.
"""

import dagster as dg

from connectors.contract import Connection, DestinationSettings
from dagster_project.destinations import destination_definitions
from dagster_project.sources import source_definitions
from dedupe.survivorship_rules import SurvivorshipRules
from talent_pool.delivery.contact_policy import ContactPolicy
from talent_pool.privacy.retention_rules import RetentionRules
from talent_pool.segments.definition import SegmentDefinition


class CandidateSource(Connection, dg.Component, dg.Resolvable):
    """A connection that candidates come from."""

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:  # noqa: ARG002 - the contract's
        """Return the vendor, its asset, its job and its schedule."""
        return source_definitions(self)


class CandidateSegment(SegmentDefinition, dg.Component, dg.Resolvable):
    """A segment of the pool. All segments are evaluated in one step, so this block builds nothing by itself."""

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:  # noqa: ARG002 - the contract's
        """Return nothing: `assets.segment_memberships` evaluates all at once (50 steps took 81 s, one 8 s)."""
        return dg.Definitions()


class EngagementDestination(DestinationSettings, dg.Component, dg.Resolvable):
    """A tool that segments go to."""

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:  # noqa: ARG002 - the contract's
        """Return the push's asset, its job, its schedule, its sensor, and the tool."""
        return destination_definitions(self)


class Survivorship(SurvivorshipRules, dg.Component, dg.Resolvable):
    """Whose word counts where sources differ about a person."""

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:  # noqa: ARG002 - the contract's
        """Return nothing: `assets.people` builds people by these rules."""
        return dg.Definitions()


class Retention(RetentionRules, dg.Component, dg.Resolvable):
    """How long whom: by country and lawful basis, from the latest relevant event."""

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:  # noqa: ARG002 - the contract's
        """Return nothing: `assets.retention_due` looks at everybody at once."""
        return dg.Definitions()


class MarketingPolicy(ContactPolicy, dg.Component, dg.Resolvable):
    """When, and how often, marketing may reach one person."""

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:  # noqa: ARG002 - the contract's
        """Return nothing: the gate asks it of every row."""
        return dg.Definitions()
