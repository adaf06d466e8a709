"""The command line: one file per command group, assembled here; errors become exit codes here and nowhere else."""

from __future__ import annotations

import io
import logging
import sys
from typing import Annotated

import typer

from cryptoelt import __version__
from cryptoelt.cli import (
    backfill,
    bronze,
    budget,
    config,
    cron,
    db,
    demo,
    doctor,
    phases,
    plan,
    quality,
    quarantine,
    sandbox,
    setup,
    status,
    trace,
)
from cryptoelt.cli.invocation import Invocation
from cryptoelt.cli.render import show_error
from cryptoelt.errors import CryptoEltError, ExitCode, UsageError, as_known

_log = logging.getLogger("cryptoelt")
# Without any handler `logging` would print warnings and tracebacks on stderr, unmasked.
_log.addHandler(logging.NullHandler())

app = typer.Typer(
    name="cryptoelt",
    help="Build a complete, auditable history of the crypto market from one CoinMarketCap key.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(value: bool) -> None:  # noqa: FBT001 - the signature typer calls
    if value:
        typer.echo(f"cryptoelt {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    ctx: typer.Context,
    *,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="More detail on stderr.")] = False,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SETTING=VALUE", help="A setting for this invocation, e.g. api.read_timeout=30."),
    ] = None,
    version: Annotated[  # noqa: ARG001 - handled by its callback
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    ctx.obj = Invocation.of(set_ or [], verbose=verbose)


app.command()(setup.setup)
app.command()(phases.extract)
app.command()(phases.transform)
app.command()(phases.load)
app.command()(phases.run)
app.command()(backfill.backfill)
app.add_typer(bronze.app, name="bronze")
app.command()(plan.plan)
app.command()(budget.budget)
app.command()(status.status)
app.add_typer(quarantine.app, name="quarantine")
app.command()(trace.trace)
app.add_typer(quality.app, name="quality")
app.add_typer(cron.app, name="cron")
app.add_typer(db.app, name="db")
app.command()(sandbox.sandbox)
app.command()(demo.demo)
app.command()(doctor.doctor)
app.add_typer(config.app, name="config")


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code; every error is shown here, once."""
    as_json = "--json" in arguments
    try:
        code = typer.main.get_command(app).main(args=arguments, prog_name="cryptoelt", standalone_mode=False)
    except typer.Abort:
        return ExitCode.INTERRUPTED
    except typer.TyperException as exc:
        error: CryptoEltError = _usage_error(exc)
    except CryptoEltError as exc:
        error = exc
    except Exception as exc:  # noqa: BLE001 - the last net: shown, logged and ended with a failure
        error = _internal_error(exc)
    else:
        return int(code or 0)
    if error.message:
        show_error(error, as_json=as_json, command=_command_of(arguments))
    return error.exit_code


def _command_of(arguments: list[str]) -> str:
    """Return the command of a command line, with its group; as far as there is one."""
    found: list[str] = []
    known = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for word in arguments:
        if word in known:
            found.append(word)
            known = getattr(known[word], "commands", {})
    return " ".join(found)


def _usage_error(exc: typer.TyperException) -> UsageError:
    """Return an error of the command line as ours; without a message where help has been printed instead."""
    context = getattr(exc, "ctx", None)
    command = "cryptoelt" if context is None else context.command_path
    return UsageError(exc.format_message(), hint=f"see `{command} --help`")


def _internal_error(exc: Exception) -> CryptoEltError:
    """Return a defect of cryptoelt as an error; its own text goes to the log alone, where secrets are masked."""
    _log.critical("internal.error", exc_info=exc)
    error = as_known(exc)
    if not any(isinstance(handler, logging.FileHandler) for handler in _log.handlers):
        error.hint = "please report it"
    return error


def main() -> None:
    """Run the command line of this process."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a name no terminal can show must not end a command
    sys.exit(run(sys.argv[1:]))
