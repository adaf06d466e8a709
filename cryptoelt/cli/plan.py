"""plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cryptoelt.cli.render import show_report, show_table
from cryptoelt.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptoelt.cli.invocation import Invocation
    from cryptoelt.pipeline.plan import Priced, RunPlan
    from cryptoelt.pipeline.plan_month import MonthPlan


def plan(
    ctx: typer.Context,
    freq: Annotated[str | None, typer.Option("--freq", metavar="F", help="A run of this frequency, begun now.")] = None,
    month: Annotated[
        str | None, typer.Option("--month", metavar="YYYY-MM", help="All windows of the credit month that begins then.")
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Price calls before any is made: those of one run, or what is still to come this month or in a later one."""
    from cryptoelt.pipeline.plan import plan_run
    from cryptoelt.pipeline.plan_month import plan_month
    from cryptoelt.pipeline.runtime import Runtime

    if freq is not None and month is not None:
        raise UsageError("--freq and --month do not go together", hint="use one of them")
    invocation: Invocation = ctx.obj
    runtime = Runtime(invocation.settings(), "plan")
    found = plan_run(runtime, freq) if freq is not None else plan_month(runtime, month)
    if as_json:
        show_report("plan", found.as_json())
    else:
        _show(found)


def _show(found: RunPlan | MonthPlan) -> None:
    from cryptoelt.pipeline.plan import RunPlan

    if isinstance(found, RunPlan):
        show_table(f"plan {found.frequency}", ["endpoint", "calls", "credits"], _endpoints(found.priced))
        lines = list(_of_run(found))
    else:
        frequencies = ((n, f.windows, f.cost.calls, f.cost.credits) for n, f in found.frequencies.items())
        show_table(f"plan {found.month.name}", ["frequency", "windows", "calls", "credits"], frequencies)
        show_table("by endpoint", ["endpoint", "calls", "credits"], _endpoints(found.priced))
        lines = list(_of_month(found))
    for line in [*lines, *found.priced.notes]:
        typer.echo(line)


def _endpoints(priced: Priced) -> Iterator[tuple[str, int, int]]:
    for name, cost in priced.by_endpoint.items():
        yield name, cost.calls, cost.credits
    yield "all", priced.cost.calls, priced.cost.credits


def _of_run(found: RunPlan) -> Iterator[str]:
    from cryptoelt.clock import iso
    from cryptoelt.wording import counted

    if found.window_start is not None:
        yield f"it goes on with the init of {iso(found.window_start)}"
    left = f"{max(0, found.state.remaining):,} of {found.state.spendable:,}"
    verdict = "fits" if found.fits else "does not fit"
    yield f"at most {counted(found.priced.cost.credits, 'credit')}; {left} are left in {found.state.month}: {verdict}"
    yield f"spendable: {found.state.why_spendable()}"


def _of_month(found: MonthPlan) -> Iterator[str]:
    from cryptoelt.wording import counted

    spent = f"{found.spent:,} spent + " if found.is_present else ""
    verdict = "fits" if found.fits else "does not fit"
    total = f"{spent}{found.priced.cost.credits:,} to come = {counted(found.total, 'credit')}"
    yield f"{total} of {found.spendable:,} in {found.month.name}: {verdict}"
    yield f"spendable: {found.state.why_spendable() if found.is_present else found.state.why_limit()}"
    for name, frequency in found.frequencies.items():
        if frequency.lost:
            yield f"{counted(frequency.lost, 'window')} of {name} would be lost: raise the limit, or lower the buffer"
    if found.postponed:
        parts = ", ".join(f"{name} {counted(credits, 'credit')}" for name, credits in found.postponed.items())
        yield f"postponed, to keep credits for what cannot wait: {parts}"
