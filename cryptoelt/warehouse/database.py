"""Making the database itself, where it is missing and the user may."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg2 import errors as pg
from psycopg2 import sql

from cryptoelt.errors import ConfigurationError
from cryptoelt.warehouse.failures import DatabaseMissingError

if TYPE_CHECKING:
    from cryptoelt.warehouse.engine import Warehouse

#: Every PostgreSQL has it; it is connected to when a database is to be made.
_MAINTENANCE = "postgres"


def ensure_database(warehouse: Warehouse) -> bool:
    """Make the warehouse's database if the server has none of this name; return whether it was made now.

    Raises:
        ConfigurationError: the user may not make databases.
        DatabaseUnavailableError: the server does not answer.
    """
    try:
        warehouse.connect().close()
    except DatabaseMissingError:
        return _created(warehouse)
    return False


def _created(warehouse: Warehouse) -> bool:
    statement = sql.SQL("CREATE DATABASE {} ENCODING 'UTF8' TEMPLATE template0").format(
        sql.Identifier(warehouse.database)
    )
    with warehouse.beside(_MAINTENANCE).session() as connection:
        connection.autocommit = True  # a database cannot be made inside a transaction
        with connection.cursor() as cursor:
            try:
                cursor.execute(statement)
            except (pg.DuplicateDatabase, pg.UniqueViolation):
                return False  # somebody else made it a moment ago
            except pg.InsufficientPrivilege as exc:
                raise ConfigurationError(
                    f"warehouse {warehouse.name} does not exist and its user may not make it",
                    hint=f"let an administrator run `createdb -E UTF8 -T template0 -O USER {warehouse.database}`",
                ) from exc
    return True
