"""`python -m dagster_project.cli` is `catchment`."""

from dagster_project.cli.main import main

if __name__ == "__main__":
    main()
