"""trace."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from cryptoelt.cli.render import show_report, show_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptoelt.cli.invocation import Invocation
    from cryptoelt.pipeline.lineage import Source
    from cryptoelt.pipeline.trace import Trace


def trace(
    ctx: typer.Context,
    table: Annotated[str, typer.Argument(help="A table of schema dwh.")],
    key: Annotated[
        list[str] | None, typer.Argument(metavar="KEY=VALUE", help="A column of its key; a part leaves the newest row.")
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Follow a row of the warehouse back: load batch, Silver version, Bronze file, API call."""
    from cryptoelt.pipeline.runtime import Runtime
    from cryptoelt.pipeline.trace import trace_row

    invocation: Invocation = ctx.obj
    found = trace_row(Runtime(invocation.settings(), "trace"), table, key or [])
    if as_json:
        show_report("trace", found.as_json())
        return
    show_table(f"trace {table}", ["step", "found"], _steps(found))
    for note in found.notes:
        typer.echo(note, err=True)


def _steps(found: Trace) -> Iterator[tuple[str, object]]:
    from cryptoelt.clock import iso
    from cryptoelt.warehouse.rows import shown

    key = " ".join(f"{name}={shown(value)}" for name, value in found.row.key.items())
    marks = [word for word in ("inferred", "imputed") if found.row.values.get(f"is_{word}")]
    yield "row", " ".join([f"dwh.{found.row.table}", key, *(f"({mark})" for mark in marks)])
    batch = found.batch
    yield (
        "load batch",
        found.row.load_batch_id
        if batch is None
        else f"{batch.load_batch_id}, run {batch.run_id}, {iso(batch.ended_at)}",
    )
    yield from _source(found.source)
    for figures in found.figures:
        yield f"{', '.join(figures.columns)} of", iso(figures.source.snapshot)
        yield from _source(figures.source)
    if found.closed_by is not None:
        yield "ended at", iso(found.closed_by.snapshot)
        yield from _source(found.closed_by)


def _source(source: Source) -> Iterator[tuple[str, object]]:
    version = "unknown" if source.silver_version is None else source.silver_version
    yield "Silver", f"{source.table} version {version}"
    yield "Bronze", source.bronze_file or "unknown"
    yield "call", source.call_id or "unknown"
    for name in ("endpoint", "parameters", "requested_at", "credits", "sha256"):
        if source.call is not None:
            value = source.call.get(name)
            yield f"  {name}", json.dumps(value) if isinstance(value, dict) else value
