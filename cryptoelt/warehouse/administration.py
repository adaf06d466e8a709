"""Making a warehouse, and handing it to PostgreSQL's own client."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from psycopg2 import errors as pg
from psycopg2 import sql

from cryptoelt.errors import ConfigurationError
from cryptoelt.warehouse.failures import DatabaseMissingError
from cryptoelt.warehouse.migrations import upgrade

if TYPE_CHECKING:
    from cryptoelt.settings import Settings
    from cryptoelt.warehouse.engine import Warehouse

#: The database that every server has, from which another one is made.
_MAINTENANCE = "postgres"


def initialise(warehouse: Warehouse) -> str:
    """Create the database if it is missing, and bring its schema to the newest revision; return that revision.

    Raises:
        ConfigurationError: the user may not create the database.
        DatabaseUnavailableError: the server does not answer.
    """
    try:
        warehouse.connect().close()
    except DatabaseMissingError:
        _create_database(warehouse)
    return upgrade(warehouse)


def _create_database(warehouse: Warehouse) -> None:
    with warehouse.beside(_MAINTENANCE).session() as connection:
        connection.autocommit = True  # a database cannot be made inside a transaction
        statement = sql.SQL("CREATE DATABASE {} ENCODING 'UTF8' TEMPLATE template0")
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement.format(sql.Identifier(warehouse.database)))
        except pg.DuplicateDatabase:  # another one made it in the same moment
            return
        except pg.InsufficientPrivilege as exc:
            raise ConfigurationError(
                f"warehouse {warehouse.name} does not exist, and this user may not create it",
                hint="let an administrator create the database, then run `cryptoelt db init` again",
            ) from exc


def psql_command(settings: Settings, warehouse: Warehouse, arguments: list[str]) -> tuple[list[str], dict[str, str]]:
    """Return the command line and the environment of a psql session; the password is in the environment alone.

    Raises:
        ConfigurationError: there is no psql on this machine.
    """
    program = shutil.which("psql")
    if settings.warehouse.is_embedded:
        from cryptoelt.warehouse.embedded import EmbeddedPostgres

        program = str(EmbeddedPostgres(settings.home, settings.cache_dir).programs / "psql")
    if program is None:
        raise ConfigurationError("psql is not installed", hint="e.g. apt-get install postgresql-client")
    given = {f"PG{_VARIABLES[name]}": value for name, value in warehouse.parameters.items() if name in _VARIABLES}
    environment = {**os.environ, **given, "PGTZ": "UTC", "PGPASSWORD": warehouse.password.get_secret_value()}
    return [program, *arguments], environment


#: libpq's parameters and the ends of its environment variables.
_VARIABLES = {
    "host": "HOST",
    "port": "PORT",
    "dbname": "DATABASE",
    "user": "USER",
    "sslmode": "SSLMODE",
    "sslrootcert": "SSLROOTCERT",
}


def url_without_password(warehouse: Warehouse) -> str:
    """Return the warehouse's URL for people: everything but the password."""
    user = warehouse.parameters.get("user", "")
    return f"postgresql://{user}@{warehouse.name}" if user else f"postgresql://{warehouse.name}"
