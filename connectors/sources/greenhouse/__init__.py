"""Greenhouse: Harvest v3 is read, webhooks are received. v1 and v2 are gone since 2026-08-31."""

from connectors.sources.greenhouse.source import Greenhouse, GreenhouseSettings

__all__ = ["Greenhouse", "GreenhouseSettings"]
