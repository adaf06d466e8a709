"""backfill."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cryptoelt.cli.phases import AsJson, Tables, Wait, seconds_of
from cryptoelt.cli.progress import progress_display
from cryptoelt.cli.render import show_report, show_result, show_table

if TYPE_CHECKING:
    from cryptoelt.cli.invocation import Invocation


def backfill(
    ctx: typer.Context,
    from_: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="The first day, or moment; default: the oldest.")
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", metavar="DATE", help="The last day, or moment; default: the newest.")
    ] = None,
    table: Tables = None,
    wait: Wait = "0s",
    *,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Also build anew what is there, and put it in place of that.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done; write nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Fill Silver and the warehouse from Bronze, without a call: what they lack, or all anew."""
    from cryptoelt.pipeline.backfill import Backfill
    from cryptoelt.pipeline.jobs import backfill_order

    invocation: Invocation = ctx.obj
    order, seconds = backfill_order(from_, to, table, rebuild=rebuild), seconds_of(wait)
    if dry_run:
        from cryptoelt.pipeline.backfill_plan import plan_backfill

        plan = plan_backfill(order, invocation.settings())
        if as_json:
            show_report("backfill", plan.as_json())
            return
        show_table("would be done, from Bronze, for 0 credits", plan.COLUMNS, plan.rows(), plan.or_else)
        for notice in plan.notices:
            typer.echo(notice, err=True)
        return
    with progress_display(wanted=not as_json) as progress:
        result = Backfill(invocation.runtime("backfill"), progress).backfill(order, seconds)
    show_result(result, as_json=as_json)
    raise typer.Exit(int(result.exit_code))
