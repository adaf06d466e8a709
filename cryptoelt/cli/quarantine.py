"""quarantine: the records that could not be loaded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from cryptoelt.cli.phases import AsJson, Wait, seconds_of
from cryptoelt.cli.progress import progress_display
from cryptoelt.cli.render import show_json, show_report, show_result, show_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptoelt.cli.invocation import Invocation
    from cryptoelt.warehouse.quarantine import Count, Entry, Record

app = typer.Typer(help="The records that could not be loaded, and why.", no_args_is_help=True)


@app.command("list")
def list_records(
    ctx: typer.Context,
    table: Annotated[str | None, typer.Option("--table", metavar="NAME", help="Of this table alone.")] = None,
    rule: Annotated[str | None, typer.Option("--rule", metavar="RULE", help="By this rule alone.")] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="All of them, those that were replayed too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Count the records that wait, by table and rule, and show the newest."""
    from cryptoelt.warehouse.quarantine import contents

    found = contents(ctx.obj.runtime("quarantine list").warehouse, table, rule, everything=everything)
    if as_json:
        show_report("quarantine list", found.as_json())
        return
    if not found.counts:
        typer.echo("no such record is in quarantine")
        return
    show_table("quarantine", ["table", "rule", "records", "replayed", "newest"], map(_count_row, found.counts))
    if found.entries:
        waiting = sum(count.records for count in found.counts)
        title = "all" if everything else f"the newest {len(found.entries)} of {waiting}"
        columns = ["id", "table", "snapshot", "rule", "quarantined at", "replayed at"]
        show_table(title, columns, map(_entry_row, found.entries))


@app.command()
def show(
    ctx: typer.Context,
    quarantine_id: Annotated[int, typer.Argument(metavar="ID", help="As `quarantine list` shows it.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Show one record as it was sent, the rule it breaks, and the call that brought it."""
    from cryptoelt.api.call_journal import CallJournal
    from cryptoelt.warehouse.quarantine import record

    runtime = ctx.obj.runtime("quarantine show")
    found = record(runtime.warehouse, CallJournal(runtime.settings.metadata_dir).find, quarantine_id)
    if as_json:
        show_report("quarantine show", found.as_json())
        return
    show_table(f"quarantine {quarantine_id}", ["what", "value"], _facts(found))
    typer.echo(found.pretty)


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


def _count_row(count: Count) -> list[str]:
    from cryptoelt.clock import iso

    return [count.table, count.rule, f"{count.records:,}", f"{count.replayed:,}", iso(count.newest)]


def _entry_row(entry: Entry) -> list[str]:
    from cryptoelt.clock import iso

    replayed = "-" if entry.replayed_at is None else iso(entry.replayed_at)
    return [
        str(entry.quarantine_id),
        entry.table,
        iso(entry.snapshot),
        entry.rule,
        iso(entry.quarantined_at),
        replayed,
    ]


def _facts(found: Record) -> Iterator[tuple[str, str]]:
    """Yield what people read of a record before the record itself."""
    from cryptoelt.clock import iso

    entry = found.entry
    yield "table", entry.table
    yield "snapshot", iso(entry.snapshot)
    yield "rule", f"{entry.rule}: {found.reason}"
    yield "quarantined at", f"{iso(entry.quarantined_at)}, by load {found.load_batch_id}"
    yield "replayed at", "-" if entry.replayed_at is None else iso(entry.replayed_at)
    yield "call", found.call_id or "-"
    for name in ("endpoint", "parameters", "requested_at", "credits", "sha256"):
        if found.call is not None:
            value = found.call.get(name)
            yield f"  {name}", json.dumps(value) if isinstance(value, dict) else str(value)
