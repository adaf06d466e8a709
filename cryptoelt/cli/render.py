"""What people and programs see: Rich on a terminal, plain lines off it, one JSON object with --json."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import typer

from cryptoelt.results import Phase, Status, refusal_as_json, report_as_json
from cryptoelt.wording import counted

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


def show_report(command: str, body: dict[str, Any], error: CryptoEltError | None = None) -> None:
    """Print as JSON what a command that reports has found."""
    show_json(report_as_json(command, body, error))


def show_table(title: str, columns: list[str], rows: Iterable[Iterable[object]], or_else: str = "") -> None:
    """Print rows as a table on a terminal; off it as plain lines under a line of column names.

    Args:
        title: what the table is, on a terminal.
        columns: their names.
        rows: the cells.
        or_else: the line to print where there are no rows; without one they are an empty table.
    """
    rows = list(rows)
    if or_else and not rows:
        typer.echo(or_else)
        return
    if not on_terminal():
        for row in [columns, *rows]:
            typer.echo("\t".join(str(cell) for cell in row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left")
    for name in columns:
        table.add_column(name, overflow="fold")  # a path, a time or a command that is cut is of no use
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    Console().print(table)


def show_error(error: CryptoEltError, *, as_json: bool, command: str) -> None:
    """Print an error: what happened, and on a line of its own what to do next."""
    if as_json:
        show_json(refusal_as_json(error, command))
    _tell(error.message, error.hint)


def show_result(result: Result, *, as_json: bool) -> None:
    """Print what a command did: its JSON, a table on a terminal, or at most three lines when all went well."""
    if as_json:
        show_json(result.as_json())
    elif on_terminal() and result.units:
        show_table(f"{result.command} {result.frequency or ''}", _COLUMNS, (_row(unit) for unit in result.units))
    if not as_json and (on_terminal() or not result.is_quiet):
        typer.echo(summary(result))
    if result.postponed:
        left = ", ".join(f"{name} {number}" for name, number in result.postponed.items())
        typer.echo(f"postponed, to keep credits for what cannot wait: {left}", err=True)
    for notice in result.notices:
        typer.echo(notice, err=True)
    if result.stopped_by is not None and result.error is not None:
        _tell(result.error.message, result.error.hint)
    _show_unit_errors(result.units)


def _tell(message: str, hint: str) -> None:
    typer.echo(f"error: {message}", err=True)
    if hint:
        typer.echo(f"hint: {hint}", err=True)


_COLUMNS = ["phase", "unit", "status", "seconds", "rows in", "loaded", "present", "quarantined"]


def _row(unit: Unit) -> list[object]:
    counts = [unit.rows_in, unit.rows_loaded, unit.rows_present, unit.rows_quarantined]
    return [unit.phase.value, unit.name, unit.status.value, f"{unit.seconds:.2f}", *counts]


_NOUNS = {Phase.EXTRACT: "endpoint", Phase.SQL: "procedure"}
#: Phases whose units count no rows.
_WITHOUT_ROWS = (Phase.SQL, Phase.QUALITY)


def _show_unit_errors(units: list[Unit]) -> None:
    """Print each error once, with all units of a phase that it hit, and each piece of advice once."""
    hit: dict[tuple[Phase, str], list[Unit]] = {}
    for unit in units:
        if unit.error is not None:
            message = unit.error.message.removeprefix(f"{unit.name}: ")
            hit.setdefault((unit.phase, message), []).append(unit)
    advised: set[str] = set()
    for (phase, message), together in hit.items():
        hint = next((unit.error.hint for unit in together if unit.error is not None), "")
        whole = sum(unit.phase is phase for unit in units)
        _tell(f"{phase.value} {_named(together, whole)}: {message}", "" if hint in advised else hint)
        advised.add(hint)


def _named(together: list[Unit], whole: int) -> str:
    """Name the units that one error hit: all of a phase by their number alone."""
    if len(together) == 1:
        return together[0].name
    noun = _NOUNS.get(together[0].phase, "table")
    if len(together) == whole:
        return f"of {counted(whole, noun)}"
    return f"of {len(together)} of {counted(whole, noun)} ({', '.join(unit.name for unit in together)})"


def summary(result: Result) -> str:
    """Return one line that says what a command did, or why there was nothing to do."""
    head = " ".join(part for part in (result.command, result.frequency) if part)
    if result.status is Status.NOTHING:
        why = result.reason or "nothing new is waiting"
        return f"{head}: nothing to do, {why} ({result.seconds:.1f} s, 0 credits)"
    parts = [_phase_summary(result, phase) for phase in Phase]
    text = ", ".join(part for part in parts if part)
    credits = counted(result.credits.charged, "credit")
    if result.credits.planned != result.credits.charged:
        credits += f" of {result.credits.planned:,} planned"
    return f"{head}: {result.status.value} in {result.seconds:.1f} s, {credits}; {text}"


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
    # What was not asked any more because of a refusal or a signal was asked for all the same.
    cut_short = result.stopped_by is not None or any(unit.status is Status.REFUSED for unit in units)
    wanted = len(units) if phase is Phase.EXTRACT and cut_short else len(units) - idle
    rows = "" if phase in _WITHOUT_ROWS else f" with {counted(loaded, 'row')}{more}"
    return f"{phase.value} {done}/{wanted}{rows}"
