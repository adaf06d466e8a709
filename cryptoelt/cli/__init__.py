"""The command line: one file per command group, assembled here; errors become exit codes here and nowhere else."""

from __future__ import annotations

import logging
import sys
from typing import Annotated

import click
import typer

from cryptoelt import __version__
from cryptoelt.cli import budget, config, db, demo, doctor, phases, sandbox, setup
from cryptoelt.cli.invocation import Invocation
from cryptoelt.cli.render import show_error
from cryptoelt.errors import CryptoEltError, ExitCode

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
app.command()(budget.budget)
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
    except click.ClickException as exc:
        exc.show()
        return exc.exit_code
    except (click.Abort, KeyboardInterrupt):
        return ExitCode.INTERRUPTED
    except CryptoEltError as exc:
        show_error(exc, as_json=as_json, command=arguments[0] if arguments else "")
        return exc.exit_code
    except BrokenPipeError:
        sys.stderr.close()  # the reader went away (`cryptoelt budget | head`); nothing is left to say
        return ExitCode.DONE
    except Exception as exc:
        logging.getLogger("cryptoelt").critical("internal.error", exc_info=exc)
        error = CryptoEltError(
            f"internal error: {type(exc).__name__}", hint="the traceback is in the newest file under logs/"
        )
        show_error(error, as_json=as_json, command=arguments[0] if arguments else "")
        return ExitCode.FAILED
    return int(code or 0)


def main() -> None:
    """Run the command line of this process."""
    sys.exit(run(sys.argv[1:]))
