"""config show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cryptoelt.cli.render import show_report, show_table

if TYPE_CHECKING:
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
    from cryptoelt.settings import leaf_settings, load_with_sources

    invocation: Invocation = ctx.obj
    rows = leaf_settings(*load_with_sources(invocation.flags))
    if as_json:
        values = {name: {"value": value, "origin": place} for name, value, place in rows}
        show_report("config show", {"settings": values})
    else:
        width = 3 if origin else 2
        shown = ((name, "(not set)" if value in {None, "{}"} else value, place) for name, value, place in rows)
        show_table("settings", ["setting", "value", "from"][:width], (row[:width] for row in shown))


@app.callback()
def _config() -> None:
    """Look at the settings."""
