"""What people and programs see: Rich on a terminal, plain lines off it, one JSON object with --json."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import typer

from cryptoelt.errors import ExitCode
from cryptoelt.results import Phase, Status, refusal_as_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cryptoelt.errors import CryptoEltError
    from cryptoelt.results import Result, Unit


def on_terminal() -> bool:
    """Tell whether stdout is a terminal that a person looks at."""
    return sys.stdout.isatty()


def show_json(value: dict[str, Any]) -> None:
    """Print one JSON object on stdout."""
    typer.echo(json.dumps(value, ensure_ascii=False))


def show_table(title: str, columns: list[str], rows: Iterable[Iterable[object]]) -> None:
    """Print rows as a table on a terminal; off it as plain lines under a line of column names."""
    if not on_terminal():
        for row in [columns, *rows]:
            typer.echo("\t".join(str(cell) for cell in row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, title=title, title_justify="left")
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    Console().print(table)


def show_error(error: CryptoEltError, *, as_json: bool, command: str) -> None:
    """Print an error: what happened, and after an empty line what to do next."""
    if as_json:
        show_json(refusal_as_json(error, command))
    typer.echo(f"error: {error.message}", err=True)
    if error.hint:
        typer.echo(f"\nhint: {error.hint}", err=True)


def show_result(result: Result, *, as_json: bool) -> None:
    """Print what a command did: its JSON, a table on a terminal, or at most three lines when all went well."""
    if as_json:
        show_json(result.as_json())
    elif on_terminal() and result.units:
        show_table(f"{result.command} {result.frequency or ''}", _COLUMNS, (_row(unit) for unit in result.units))
    if not as_json:
        typer.echo(summary(result))
    for notice in result.notices:
        typer.echo(notice, err=True)
    if result.stopped_by is not None:
        name = "SIGINT" if result.stopped_by is ExitCode.INTERRUPTED else "SIGTERM"
        typer.echo(f"error: stopped by {name} after the unit at work", err=True)
        typer.echo("hint: run it again; it resumes what is missing", err=True)
    shown: set[str] = set()
    for unit in result.units:
        if unit.error is not None:
            _show_unit_error(unit, shown)


_COLUMNS = ["phase", "unit", "status", "seconds", "rows in", "loaded", "present", "quarantined"]


def _row(unit: Unit) -> list[object]:
    counts = [unit.rows_in, unit.rows_loaded, unit.rows_present, unit.rows_quarantined]
    return [unit.phase.value, unit.name, unit.status.value, f"{unit.seconds:.2f}", *counts]


def _show_unit_error(unit: Unit, shown: set[str]) -> None:
    if unit.error is None:
        return
    message = unit.error.message.removeprefix(f"{unit.name}: ")
    typer.echo(f"error: {unit.phase.value} {unit.name}: {message}", err=True)
    if unit.error.hint and unit.error.hint not in shown:
        shown.add(unit.error.hint)
        typer.echo(f"hint: {unit.error.hint}", err=True)


def summary(result: Result) -> str:
    """Return one line that says what a command did, or why there was nothing to do."""
    head = " ".join(part for part in (result.command, result.frequency) if part)
    if result.status is Status.NOTHING:
        return f"{head}: nothing to do, nothing new is waiting ({result.seconds:.1f} s, 0 credits)"
    parts = [_phase_summary(result, phase) for phase in Phase]
    text = ", ".join(part for part in parts if part)
    return f"{head}: {result.status.value} in {result.seconds:.1f} s, {result.credits.charged} credits; {text}"


def _phase_summary(result: Result, phase: Phase) -> str:
    units = [unit for unit in result.units if unit.phase is phase]
    if not units:
        return ""
    done = sum(unit.status is Status.DONE for unit in units)
    loaded, quarantined = sum(unit.rows_loaded for unit in units), sum(unit.rows_quarantined for unit in units)
    more = f" (+{quarantined} quarantined)" if quarantined else ""
    idle = sum(unit.status is Status.NOTHING for unit in units)
    if idle == len(units):
        return f"{phase.value} nothing"
    return f"{phase.value} {done}/{len(units) - idle} with {loaded} rows{more}"
