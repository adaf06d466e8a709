"""db: the warehouse and, where it is the embedded one, its server."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from cryptoelt.errors import UsageError

if TYPE_CHECKING:
    from cryptoelt.cli.invocation import Invocation
    from cryptoelt.pipeline.runtime import Runtime
    from cryptoelt.warehouse.embedded import EmbeddedPostgres

app = typer.Typer(
    help="Make, migrate and open the warehouse; start and stop the embedded server.", no_args_is_help=True
)


def _runtime(ctx: typer.Context, command: str) -> Runtime:
    invocation: Invocation = ctx.obj
    return invocation.runtime(f"db {command}")


def _embedded(ctx: typer.Context, command: str) -> EmbeddedPostgres:
    from cryptoelt.warehouse.embedded import EmbeddedPostgres

    settings = _runtime(ctx, command).settings
    if not settings.warehouse.is_embedded:
        raise UsageError(f"db {command}: the warehouse is not the embedded one", hint="start and stop your own server")
    return EmbeddedPostgres(settings.home, settings.cache_dir)


@app.command()
def init(ctx: typer.Context) -> None:
    """Create what is missing (database, schemas, tables) and upgrade to the newest revision."""
    from cryptoelt.warehouse.administration import initialise

    warehouse = _runtime(ctx, "init").warehouse
    typer.echo(f"warehouse {warehouse.name} is at revision {initialise(warehouse)}")


@app.command()
def upgrade(ctx: typer.Context, revision: Annotated[str, typer.Argument(help="A revision, or head.")] = "head") -> None:
    """Bring the schema up to a revision."""
    from cryptoelt.warehouse import migrations

    warehouse = _runtime(ctx, "upgrade").warehouse
    typer.echo(f"warehouse {warehouse.name} is at revision {migrations.upgrade(warehouse, revision)}")


@app.command()
def downgrade(
    ctx: typer.Context,
    revision: Annotated[str, typer.Argument(help="A revision, or base: nothing is left.")],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Take the schema down to a revision; tables above it go with their rows (`load` fills them again)."""
    from cryptoelt.warehouse import migrations

    warehouse = _runtime(ctx, "downgrade").warehouse
    if not yes:
        typer.confirm(f"Drop what is above revision {revision} in warehouse {warehouse.name}?", abort=True, err=True)
    typer.echo(f"warehouse {warehouse.name} is at revision {migrations.downgrade(warehouse, revision)}")


@app.command()
def start(ctx: typer.Context) -> None:
    """Start the embedded server; commands that need it do so by themselves."""
    _embedded(ctx, "start").ensure_running()
    typer.echo("the embedded PostgreSQL is running")


@app.command()
def stop(ctx: typer.Context) -> None:
    """Stop the embedded server."""
    stopped = _embedded(ctx, "stop").stop()
    typer.echo("the embedded PostgreSQL is stopped" if stopped else "the embedded PostgreSQL was not running")


@app.command()
def url(
    ctx: typer.Context,
    *,
    show_password: Annotated[bool, typer.Option("--show-password", help="With the password, for a client.")] = False,
) -> None:
    """Print the warehouse's URL."""
    from cryptoelt.warehouse.administration import url_without_password

    warehouse = _runtime(ctx, "url").warehouse
    typer.echo(warehouse.url.get_secret_value() if show_password else url_without_password(warehouse))


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def shell(ctx: typer.Context) -> None:
    """Open psql on the warehouse; further options go to psql, e.g. -c 'select ...'."""
    from cryptoelt.warehouse.administration import psql_command

    runtime = _runtime(ctx, "shell")
    command, environment = psql_command(runtime.settings, runtime.warehouse, ctx.args)
    os.execve(command[0], command, environment)  # noqa: S606 - the user's own psql, without a shell between
