"""cron: the schedule as crontab lines."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from cryptoelt.cli.render import show_report

if TYPE_CHECKING:
    from cryptoelt.cli.invocation import Invocation

app = typer.Typer(help="The schedule as crontab lines.", no_args_is_help=True)


@app.command()
def show(
    ctx: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Print the crontab lines for this home and this program."""
    from cryptoelt.frequencies import crontab
    from cryptoelt.program import program

    invocation: Invocation = ctx.obj
    home = invocation.settings().home
    text = crontab(str(home), program(), is_utc=time.timezone == 0 and not time.daylight)
    if as_json:
        lines = [line for line in text.splitlines() if line and not line.startswith("#")]
        show_report("cron show", {"lines": lines})
    else:
        typer.echo(text, nl=False)
