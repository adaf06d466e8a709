"""quarantine: records that could not be loaded, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cryptoelt.cli.phases import AsJson, Wait, seconds_of
from cryptoelt.cli.progress import progress_display
from cryptoelt.cli.render import show_json, show_result, show_table

if TYPE_CHECKING:
    from cryptoelt.cli.invocation import Invocation

app = typer.Typer(help="Records that could not be loaded, and why.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep `replay` a command of its group, though it is the only one."""


@app.command()
def replay(
    ctx: typer.Context,
    table: Annotated[str | None, typer.Option("--table", metavar="NAME", help="Records of one table.")] = None,
    rule: Annotated[str | None, typer.Option("--rule", metavar="RULE", help="Records that broke one rule.")] = None,
    quarantine_id: Annotated[int | None, typer.Option("--id", metavar="N", help="One record.")] = None,
    wait: Wait = "0s",
    *,
    as_json: AsJson = False,
) -> None:
    """Build the snapshots of quarantined records anew, after a rule or a Bronze file was mended; costs no credit."""
    from cryptoelt.pipeline.replay import Replay, Selection

    invocation: Invocation = ctx.obj
    selection, seconds = Selection(table, rule, quarantine_id), seconds_of(wait)
    with progress_display(wanted=not as_json) as progress:
        report = Replay(invocation.runtime("quarantine replay"), progress).replay(selection, seconds)
    if as_json:
        show_json(report.as_json())
    else:
        show_result(report.result, as_json=False)
        show_table("quarantine", ["table", "replayed", "remaining"], report.rows())
    raise typer.Exit(int(report.result.exit_code))
