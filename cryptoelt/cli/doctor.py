"""doctor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from cryptoelt.cli.render import show_report, show_table

if TYPE_CHECKING:
    from cryptoelt.cli.invocation import Invocation


def doctor(
    ctx: typer.Context,
    *,
    as_cron: Annotated[
        bool, typer.Option("--as-cron", help="In the bare environment that cron gives its jobs.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")] = False,
) -> int:
    """Check everything a run needs and say what to do: settings, Java, jars, key, home, disk, lock, database..."""
    from dataclasses import asdict

    from cryptoelt.clock import Clock
    from cryptoelt.errors import ConfigurationError
    from cryptoelt.machine.doctor import (
        become_cron,
        error_of,
        exit_code_of,
        run_checks,
        run_checks_without_settings,
    )
    from cryptoelt.settings import home_from_environment

    if as_cron:
        become_cron(home_from_environment(), ["--json"] if as_json else [])
    invocation: Invocation = ctx.obj
    try:
        settings = invocation.settings(home_must_exist=False)
    except ConfigurationError as exc:
        found = run_checks_without_settings(home_from_environment(), exc, Clock())
    else:
        found = run_checks(settings, Clock())
    code = exit_code_of(found)
    if as_json:
        rows = [{key: value for key, value in asdict(check).items() if key != "exit_code"} for check in found]
        show_report("doctor", {"checks": rows}, error_of(found))
    else:
        shown = ((check.verdict.value, check.name, check.detail, check.hint) for check in found)
        show_table("doctor", ["", "check", "found", "what to do"], shown)
    return code
