"""setup."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cryptoelt.cli.render import show_report

if TYPE_CHECKING:
    from pathlib import Path

    from cryptoelt.cli.invocation import Invocation
    from cryptoelt.machine.setup import Step


def setup(
    ctx: typer.Context,
    *,
    skip_archive: Annotated[
        bool, typer.Option("--skip-archive", help="Without the class-data archive: quicker now, slower runs later.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> None:
    """Prepare this machine, once: jars, class-data archive, embedded PostgreSQL; repeatable."""
    from dataclasses import asdict

    from cryptoelt.clock import Clock
    from cryptoelt.machine.setup import run_setup

    def report(step: Step) -> None:
        state = "made" if step.changed else "there"
        typer.echo(f"{step.name}: {state}, {step.detail}, {step.seconds:.1f} s", err=as_json)

    invocation: Invocation = ctx.obj
    settings = invocation.settings(home_must_exist=False)
    _make_home(settings.home)
    steps = run_setup(settings, Clock(), report, skip_archive=skip_archive)
    if as_json:
        show_report("setup", {"status": "done", "steps": [asdict(step) for step in steps]})


def _make_home(home: Path) -> None:
    from cryptoelt.errors import ConfigurationError

    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise ConfigurationError(
            f"cannot make the home {home}: {exc.strerror}", hint="set CRYPTOELT_HOME to a folder you can write"
        ) from exc
