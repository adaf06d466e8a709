"""config show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cryptoelt.cli.render import show_report, show_table

if TYPE_CHECKING:
    from cryptoelt.api.key_plan import Limit
    from cryptoelt.cli.invocation import Invocation

app = typer.Typer(help="Look at the settings.", no_args_is_help=True)


@app.command()
def show(
    ctx: typer.Context,
    *,
    origin: Annotated[bool, typer.Option("--origin", help="Also say where each value comes from.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Show every setting with its value; secrets are masked."""
    from cryptoelt.api.key_plan import limits_of
    from cryptoelt.settings import leaf_settings, load_with_sources

    invocation: Invocation = ctx.obj
    settings, places = load_with_sources(invocation.flags)
    rows, limits = leaf_settings(settings, places), limits_of(settings)
    if as_json:
        values = {name: {"value": value, "origin": place} for name, value, place in rows}
        for name, limit in limits.items():
            values[name] |= {"effective": str(limit.value), "by": limit.source}
        show_report("config show", {"settings": values})
    else:
        width = 3 if origin else 2
        told = ((name, f"{value}{_held(name, value, limits)}", place) for name, value, place in rows)
        shown = ((name, "(not set)" if value in {"None", "{}"} else value, place) for name, value, place in told)
        show_table("settings", ["setting", "value", "from"][:width], (row[:width] for row in shown))


def _held(name: str, value: str | None, limits: dict[str, Limit]) -> str:
    """Say which limit holds, where it is not the one that is set."""
    limit = limits.get(name)
    return "" if limit is None or value == str(limit.value) else f" ({limit.value} by {limit.source})"


@app.callback()
def _config() -> None:
    """Look at the settings."""
