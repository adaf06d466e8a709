"""extract, transform, load and run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

from cryptoelt.cli.progress import progress_display
from cryptoelt.cli.render import show_result
from cryptoelt.errors import UsageError

if TYPE_CHECKING:
    from cryptoelt.cli.invocation import Invocation
    from cryptoelt.pipeline.jobs import Job

_FREQUENCY = "Everything of one frequency: 10x, 5x, daily, weekly or init."
Frequency = Annotated[str | None, typer.Option("--freq", metavar="F", help=_FREQUENCY)]
Tables = Annotated[list[str] | None, typer.Option("--table", metavar="NAME", help="One table; may be repeated.")]
Endpoints = Annotated[
    list[str] | None, typer.Option("--endpoint", metavar="NAME", help="One endpoint; may be repeated.")
]
Wait = Annotated[str, typer.Option("--wait", metavar="TIME", help="Wait for a running one to end, e.g. 30s or 10m.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]

_UNITS = {"s": 1, "m": 60, "h": 3600}


def extract(
    ctx: typer.Context,
    freq: Frequency = None,
    endpoint: Endpoints = None,
    wait: Wait = "0s",
    *,
    as_json: AsJson = False,
) -> None:
    """Ask the API and keep every answer in Bronze."""
    from cryptoelt.pipeline.jobs import extract_job

    _execute(ctx, "extract", extract_job(freq, endpoint), wait, as_json=as_json)


def transform(
    ctx: typer.Context, freq: Frequency = None, table: Tables = None, wait: Wait = "0s", *, as_json: AsJson = False
) -> None:
    """Build the Silver tables from every Bronze snapshot they lack."""
    from cryptoelt.pipeline.jobs import transform_job

    _execute(ctx, "transform", transform_job(freq, table), wait, as_json=as_json)


def load(
    ctx: typer.Context,
    freq: Frequency = None,
    table: Tables = None,
    version: Annotated[int | None, typer.Option(min=0, help="Load this Delta version of the tables.")] = None,
    wait: Wait = "0s",
    *,
    replace: Annotated[
        bool, typer.Option("--replace", help="Put the version's snapshots in place of the present ones.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Load every Silver snapshot that the warehouse lacks."""
    from cryptoelt.pipeline.jobs import load_job

    _execute(ctx, "load", load_job(freq, table, version, replace=replace), wait, as_json=as_json)


def run(
    ctx: typer.Context,
    freq: Annotated[str, typer.Option("--freq", metavar="F", help=_FREQUENCY)],
    wait: Wait = "0s",
    *,
    due: Annotated[
        bool, typer.Option("--due", help="Only in an open window, and only what it lacks: for the crontab.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Extract, transform and load everything of one frequency, with one SparkSession."""
    from cryptoelt.pipeline.jobs import run_job

    _execute(ctx, "run", run_job(freq, due=due), wait, as_json=as_json)


def _execute(ctx: typer.Context, command: str, job: Job, wait: str, *, as_json: bool) -> None:
    from cryptoelt.pipeline.run import Pipeline

    invocation: Invocation = ctx.obj
    seconds = seconds_of(wait)
    runtime = invocation.runtime(command)
    with progress_display(wanted=not as_json) as progress:
        result = Pipeline(runtime, progress).run(job, seconds)
    show_result(result, as_json=as_json)
    raise typer.Exit(int(result.exit_code))


def seconds_of(text: str) -> float:
    """Return the seconds of `--wait`.

    Raises:
        UsageError: the text is not a time.
    """
    match = re.fullmatch(r"(\d+)([smh])", text)
    if match is None:
        raise UsageError(f"--wait {text}: not a time", hint="a whole number with s, m or h, e.g. 10m")
    return int(match[1]) * _UNITS[match[2]]
