"""db: the warehouse and, where it is the embedded one, its server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cryptoelt.cli.render import show_report, show_table
from cryptoelt.errors import UsageError

if TYPE_CHECKING:
    from cryptoelt.warehouse.embedded import EmbeddedPostgres
    from cryptoelt.warehouse.engine import Warehouse
    from cryptoelt.warehouse.roles import Role

app = typer.Typer(help="The warehouse, and its server where that is the embedded one.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]


@app.command()
def init(ctx: typer.Context, *, as_json: AsJson = False) -> None:
    """Make what is missing (server, database, schemas, tables, roles) and upgrade to the newest revision."""
    from cryptoelt.warehouse.database import ensure_database
    from cryptoelt.warehouse.migrations import upgrade as upgrade_schema
    from cryptoelt.warehouse.roles import NotPermittedError, set_up_roles

    runtime = ctx.obj.runtime("db init")
    warehouse: Warehouse = runtime.warehouse
    created = ensure_database(warehouse)
    revision = upgrade_schema(warehouse)
    found: list[dict[str, Any]] | None = None
    try:
        found = [role.as_json() for role in set_up_roles(warehouse, runtime.settings.roles.passwords)]
    except NotPermittedError as exc:
        typer.echo(f"without roles: {exc.message}", err=True)
    _show("db init", warehouse, revision, as_json=as_json, database_created=created, roles=found)


@app.command()
def upgrade(
    ctx: typer.Context,
    revision: Annotated[str, typer.Argument(help="The revision to reach.")] = "head",
    *,
    as_json: AsJson = False,
) -> None:
    """Bring the schema up to a revision."""
    from cryptoelt.warehouse.migrations import upgrade as upgrade_schema

    warehouse = _warehouse(ctx, "db upgrade")
    _show("db upgrade", warehouse, upgrade_schema(warehouse, revision), as_json=as_json)


@app.command()
def downgrade(
    ctx: typer.Context,
    revision: Annotated[str, typer.Argument(help="The revision to go back to, or `base` to remove everything.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Take the schema down to a revision; tables made after it go with their rows, the lake keeps everything."""
    from cryptoelt.warehouse.migrations import downgrade as downgrade_schema

    warehouse = _warehouse(ctx, "db downgrade")
    _show("db downgrade", warehouse, downgrade_schema(warehouse, revision), as_json=as_json)


@app.command()
def roles(ctx: typer.Context, *, as_json: AsJson = False) -> None:
    """Make the roles that are missing, and set anew what each may do; may be repeated.

    A role logs in by the password in CRYPTOELT_ROLES__PASSWORDS__NAME; before it was given one it cannot.
    """
    from cryptoelt.warehouse.roles import set_up_roles

    runtime = ctx.obj.runtime("db roles")
    found = set_up_roles(runtime.warehouse, runtime.settings.roles.passwords)
    if as_json:
        body = {"warehouse": runtime.warehouse.name, "roles": [role.as_json() for role in found]}
        show_report("db roles", body)
        return
    show_table(f"roles of {runtime.warehouse.name}", ["role", "may log in", "now"], map(_role_row, found))


@app.command()
def start(ctx: typer.Context) -> None:
    """Start the embedded server; other commands do so by themselves."""
    server = _embedded(ctx, "db start")
    server.ensure_running()
    typer.echo(f"the embedded PostgreSQL of {server.home} is running")


@app.command()
def stop(ctx: typer.Context) -> None:
    """End the embedded server; the next command that needs it starts it again."""
    server = _embedded(ctx, "db stop")
    typer.echo("stopped" if server.stop() else "it was not running")


@app.command()
def url(
    ctx: typer.Context,
    *,
    show_password: Annotated[bool, typer.Option("--show-password", help="Print the password too.")] = False,
) -> None:
    """Print the warehouse's URL, its password left out."""
    from cryptoelt.warehouse.access import url_of

    typer.echo(url_of(_warehouse(ctx, "db url"), with_password=show_password))


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def shell(ctx: typer.Context) -> None:
    """Open psql on the warehouse; what follows is passed on, e.g. `db shell -c 'TABLE ops.load_batch'`.

    A warehouse that cannot be reached ends in the usual codes; once psql runs, the exit code is its own.
    """
    from cryptoelt.clock import Clock
    from cryptoelt.warehouse.access import become_psql
    from cryptoelt.warehouse.embedded import EmbeddedPostgres
    from cryptoelt.warehouse.engine import open_warehouse

    settings = ctx.obj.settings()
    programs = EmbeddedPostgres(settings.home, settings.cache_dir).programs
    warehouse = open_warehouse(settings, Clock())
    warehouse.connect().close()
    become_psql(warehouse, programs / "psql", ctx.args)


def _warehouse(ctx: typer.Context, command: str) -> Warehouse:
    warehouse: Warehouse = ctx.obj.runtime(command).warehouse
    return warehouse


def _embedded(ctx: typer.Context, command: str) -> EmbeddedPostgres:
    """Return the embedded server.

    Raises:
        UsageError: the warehouse is another one.
    """
    from cryptoelt.warehouse.embedded import EmbeddedPostgres

    settings = ctx.obj.runtime(command).settings
    if not settings.warehouse.is_embedded:
        raise UsageError(
            f"`{command}` is for the embedded PostgreSQL, and the warehouse is another one",
            hint="ask whoever runs that server, or set CRYPTOELT_WAREHOUSE__URL=embedded",
        )
    return EmbeddedPostgres(settings.home, settings.cache_dir)


def _role_row(role: Role) -> list[str]:
    done = ["made"] * role.is_new + ["new password"] * role.has_new_password
    return [role.name, "yes" if role.can_login else "no", ", ".join(done) or "as before"]


def _show(command: str, warehouse: Warehouse, revision: str, *, as_json: bool, **more: object) -> None:
    if as_json:
        show_report(command, {"warehouse": warehouse.name, "revision": revision, **more})
    else:
        typer.echo(f"warehouse {warehouse.name} is at revision {revision}")
