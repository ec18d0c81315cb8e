"""The command line. Commands that do not run Dagster do not import it."""

from dagster_project.cli.main import main

__all__ = ["main"]
