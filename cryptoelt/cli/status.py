"""status."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cryptoelt.cli.render import show_report, show_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptoelt.cli.invocation import Invocation
    from cryptoelt.pipeline.status import FrequencyStatus, StatusReport


def status(
    ctx: typer.Context,
    days: Annotated[int, typer.Option(min=1, max=3660, help="Days back in which missed windows are looked for.")] = 7,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Show last and next runs, missed windows, and how fresh each endpoint is."""
    from cryptoelt.clock import Clock
    from cryptoelt.lake.bronze import Bronze
    from cryptoelt.lake.store import open_store
    from cryptoelt.pipeline.status import status_report

    invocation: Invocation = ctx.obj
    settings = invocation.settings()
    report = status_report(settings, Bronze(open_store(settings.lake_root)), Clock(), days)
    if as_json:
        show_report("status", report.as_json())
        return
    columns = ["frequency", "last run", "status", "open window", "next window", "missed", "postponed"]
    show_table("schedule", columns, (_row(frequency) for frequency in report.frequencies))
    failed = list(_failed(report))
    if failed:
        show_table("errors of last runs", ["frequency", "code", "error", "hint"], failed)
    if any(frequency.missed for frequency in report.frequencies):
        show_table(f"missed in {days} days", ["frequency", "window", "lacking"], _missed(report))
    show_table("freshness", ["endpoint", "newest snapshot", "age"], _fresh(report))
    for notice in report.notices:
        typer.echo(notice)


def _row(frequency: FrequencyStatus) -> list[str]:
    from cryptoelt.clock import iso

    last = frequency.last_run or {}
    window = frequency.window
    opened = "-" if window is None else f"{iso(window.start)} ({'done' if frequency.is_done else 'not done'})"
    following = "-" if frequency.next_window is None else iso(frequency.next_window.start)
    postponed = ", ".join(f"{name} {number}" for name, number in frequency.postponed.items())
    ended = last.get("ended_at", "never")
    missed = str(len(frequency.missed))
    return [frequency.name, ended, last.get("status", "-"), opened, following, missed, postponed or "-"]


def _failed(report: StatusReport) -> Iterator[list[object]]:
    """Yield what the last run of each frequency failed by, wholly or in part."""
    for frequency in report.frequencies:
        error = (frequency.last_run or {}).get("error")
        if error:
            yield [frequency.name, error["exit_code"], error["message"], error["hint"]]


def _missed(report: StatusReport) -> Iterator[list[str]]:
    from cryptoelt.clock import iso

    for frequency in report.frequencies:
        for missed in frequency.missed:
            yield [frequency.name, iso(missed.window.start), ", ".join(missed.lacking)]


def _fresh(report: StatusReport) -> Iterator[list[str]]:
    from cryptoelt.clock import iso

    for name, moment in report.newest.items():
        age = "-" if moment is None else f"{(report.now - moment).total_seconds() / 3600:.1f} h"
        yield [name, "never" if moment is None else iso(moment), age]
