"""quality: the checks in `sql/quality`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from cryptoelt.cli.render import show_error, show_report, show_table
from cryptoelt.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptoelt.quality.report import QualityReport

app = typer.Typer(help="Checks that find rows which are not as they should be.", no_args_is_help=True)
Tables = Annotated[list[str] | None, typer.Option("--table", metavar="NAME", help="One table; may be repeated.")]
Severity = Annotated[
    str | None, typer.Option("--severity", metavar="S", help="Only checks of this one: error, warning or info.")
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]


@app.command()
def run(
    ctx: typer.Context,
    table: Tables = None,
    severity: Severity = None,
    *,
    full: Annotated[
        bool, typer.Option("--full", help="All of history, not only what was loaded since the last time.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Run checks on what was loaded since they last looked; the code is 4 where one of severity error finds rows."""
    from cryptoelt.quality.checks import chosen_checks
    from cryptoelt.quality.run import run_checks
    from cryptoelt.warehouse.migrations import require_head

    chosen = chosen_checks(table or [], severity)
    runtime = ctx.obj.runtime("quality run")
    require_head(runtime.warehouse)
    report = run_checks(runtime.warehouse, chosen, runtime.run_id, full=full)
    if as_json:
        show_report("quality run", report.as_json(), report.error)
    else:
        _show(report)
    if report.error is None:
        return 0
    show_error(report.error, as_json=False, command="quality run")
    return int(report.error.exit_code)


@app.command(name="list")
def list_(table: Tables = None, severity: Severity = None, *, as_json: AsJson = False) -> None:
    """List the checks: what each looks for, and what to do about what it finds."""
    from cryptoelt.quality.checks import chosen_checks

    chosen = chosen_checks(table or [], severity)
    if as_json:
        show_report("quality list", {"checks": [check.as_json() for check in chosen]})
        return
    columns = ["table", "severity", "check", "what is wrong", "what to do"]
    rows = ((check.table, check.severity.value, check.name, check.description, check.action) for check in chosen)
    show_table("quality checks", columns, rows)


def _show(report: QualityReport) -> None:
    from cryptoelt.quality.checks import Severity as Severities

    rows = list(_rows(report))
    if rows:
        show_table("found", ["severity", "check", "table", "rows", "the first", "what to do"], rows)
    found = ", ".join(counted(len(report.found(severity)), severity.value) for severity in Severities)
    broken = f", {len(report.broken)} could not be run" if report.broken else ""
    looked = "all of history" if report.is_full else "what was loaded last"
    checks = counted(len(report.outcomes), "check")
    typer.echo(f"quality: {checks} of {looked} in {report.seconds:.1f} s: {found}{broken}")


def _rows(report: QualityReport) -> Iterator[list[str]]:
    """Yield a row for every check that found something, or could not be run."""
    for outcome in report.outcomes:
        if outcome.rows_found != 0:
            check = outcome.check
            first = json.dumps(outcome.sample[0], ensure_ascii=False) if outcome.sample else outcome.message
            count = "-" if outcome.rows_found is None else f"{outcome.rows_found:,}"
            yield [check.severity.value, check.name, check.table, count, first, check.action]
