"""budget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cryptoelt.cli.render import show_report, show_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptoelt.api.budget import BudgetReport
    from cryptoelt.cli.invocation import Invocation


def budget(
    ctx: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Show the credit ledger of this month: spent, reserved, remaining, and the forecast to the reset."""
    from cryptoelt.api.budget import budget_report
    from cryptoelt.clock import Clock

    invocation: Invocation = ctx.obj
    report = budget_report(invocation.settings(), Clock())
    if as_json:
        show_report("budget", report.as_json())
    else:
        show_table(f"credits of {report.state.month}", ["figure", "credits", "note"], rows(report))


def rows(report: BudgetReport) -> Iterator[tuple[str, str, str]]:
    """Yield what people read: a name, a number of credits, and what it means."""
    from cryptoelt.clock import iso

    state, forecast = report.state, report.forecast
    yield "spendable", f"{state.spendable:,}", state.why_spendable()
    yield "charged", f"{state.charged:,}", ""
    for endpoint, credits in sorted(state.by_endpoint.items(), key=lambda item: -item[1]):
        yield f"  {endpoint}", f"{credits:,}", ""
    yield "reserved", f"{state.reserved:,}", "by calls whose end is not known" if state.reserved else ""
    if state.external:
        yield "external", f"{state.external:,}", "spent by others with the same key"
    yield "remaining", f"{report.remaining:,}", f"until {iso(state.resets_at)}"
    days = f"{forecast.weekdays_gone} weekdays gone, {forecast.weekdays_left} left"
    if forecast.per_weekday is not None:
        days += f", {forecast.per_weekday:,.0f} a weekday"
    fits = "fits" if forecast.at_reset <= state.spendable else "does not fit"
    yield "forecast", f"{forecast.at_reset:,}", f"{fits} ({days})"
