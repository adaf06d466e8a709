"""demo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from cryptoelt.cli.render import show_table

if TYPE_CHECKING:
    from cryptoelt.demo import DemoReport


def demo() -> None:
    """Run init, 10x and 5x against a synthetic market, in a home of its own, and show what came of it."""
    from cryptoelt.clock import Clock
    from cryptoelt.demo import demo_settings, run_demo

    report = run_demo(demo_settings(), Clock(), typer.echo)
    show_table("warehouse", ["table", "rows"], report.rows.items())
    show_table("runs", ["run", "whole", "extract", "transform", "load", "credits"], _runs(report))
    typer.echo(f"credits spent this month: {report.credits}\n\ntry next:")
    for command in report.try_next:
        typer.echo(f"  {command}")


def _runs(report: DemoReport) -> list[list[str]]:
    rows = []
    for run in report.runs:
        seconds = {
            phase: [u["seconds"] for u in run["units"] if u["phase"] == phase]
            for phase in ("extract", "transform", "load")
        }
        phases = [
            f"{sum(seconds['extract']):.1f} s",
            f"{max(seconds['transform']):.1f} s",
            f"{sum(seconds['load']):.1f} s",
        ]
        rows.append([run["frequency"], f"{run['seconds']:.1f} s", *phases, str(run["credits"]["charged"])])
    return rows
