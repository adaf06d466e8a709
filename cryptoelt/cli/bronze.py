"""bronze: the raw answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cryptoelt.cli.phases import AsJson, Endpoints, Wait, seconds_of
from cryptoelt.cli.progress import progress_display
from cryptoelt.cli.render import show_json, show_report, show_result, show_table

if TYPE_CHECKING:
    from cryptoelt.cli.invocation import Invocation
    from cryptoelt.pipeline.set_aside_order import AsidePlan

app = typer.Typer(help="The raw answers, as they were sent.", no_args_is_help=True)


@app.command("set-aside")
def set_aside(
    ctx: typer.Context,
    after: Annotated[
        str | None, typer.Option("--after", metavar="MOMENT", help="Snapshots later than this moment, or midnight.")
    ] = None,
    endpoint: Endpoints = None,
    wait: Wait = "0s",
    *,
    future: Annotated[bool, typer.Option("--future", help="Snapshots that lie in the future.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done; write nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take out snapshots that a wrong clock has stamped: their files are set aside, Silver and the warehouse follow."""
    from cryptoelt.pipeline.set_aside import SetAside
    from cryptoelt.pipeline.set_aside_order import AsideOrder

    invocation: Invocation = ctx.obj
    order, seconds = AsideOrder.of(after, endpoint, future=future), seconds_of(wait)
    runtime = invocation.runtime("bronze set-aside")
    if dry_run:
        _show_plan(SetAside(runtime).plan(order), order.or_else, as_json=as_json)
        return
    with progress_display(wanted=not as_json) as progress:
        report = SetAside(runtime, progress).set_aside(order, seconds)
    if as_json:
        show_json(report.as_json())
    else:
        if report.moved.sources:
            show_table(f"set aside: {report.moved}", report.moved.COLUMNS, report.moved.rows())
        show_result(report.result, as_json=False)
    raise typer.Exit(int(report.result.exit_code))


def _show_plan(plan: AsidePlan, or_else: str, *, as_json: bool) -> None:
    if as_json:
        show_report("bronze set-aside", {"dry_run": True, "credits": {"planned": 0, "charged": 0}, **plan.as_json()})
        return
    title = f"would be set aside: {plan}; Silver and the warehouse would follow"
    show_table(title, plan.COLUMNS, plan.rows(), or_else)


@app.callback()
def _bronze() -> None:
    """The raw answers, as they were sent."""
