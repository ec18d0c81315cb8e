"""The demo: the whole way, from vendors on loopback to mails in a real SMTP server, in one command."""

from pathlib import Path

import click
from rich.console import Console

from dagster_project.cli.output import LOOK, json_option, show_json, show_table, telling

console = Console()


@click.command("demo")
@click.option("--once", is_flag=True, help="Run the way once and leave; else the Dagster UI stays up.")
@click.option(
    "--report", "report_file", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures as JSON."
)
@click.option("--people", "count", default=2000, show_default=True, help="How many people the sandbox invents.")
@click.option("--seed", default=7, show_default=True, help="The same seed invents the same people.")
@click.option("--port", default=3000, show_default=True, help="Where the Dagster UI listens.")
@json_option
def demo_command(once: bool, report_file: Path | None, count: int, seed: int, port: int, as_json: bool) -> None:  # noqa: FBT001
    """Play vendors on this machine, carry their candidates through the pool, and send to a sandbox."""
    from dagster_project.demo import Demo

    with telling(), Demo.start(people=count, seed=seed, say=Console(stderr=as_json).print) as demo:
        report = demo.run()
        if report_file:
            demo.write(report, report_file)
        if as_json:
            show_json(report)
        else:
            _show(report)
        if not once:
            demo.serve(port)
    if report["failed"]:
        raise SystemExit(LOOK)


def _show(report: dict) -> None:  # type: ignore[type-arg] - the report is JSON
    for title, first in (("connections", "connection"), ("destinations", "destination")):
        rows = report[title]
        columns = list(next(iter(rows.values()), {}))
        show_table(title, (first, *columns), [(name, *row.values()) for name, row in rows.items()], empty="None.")
    console.print(
        f"{report['people']:,} people out of {report['records']:,} candidate records; "
        f"precision {report['precision']:.4f}, recall {report['recall']:.4f} "
        f"(matching on the exact e-mail alone: {report['baseline']['precision']:.4f}, "
        f"{report['baseline']['recall']:.4f})",
        highlight=False,
    )
    for name, sentence in report["failed"].items():
        console.print(f"[red]✗[/red] {name}: {sentence}", highlight=False, soft_wrap=True)
