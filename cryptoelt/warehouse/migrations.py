"""The schema's revisions: which one the warehouse is at, which one it should be at, and the way between.

Comparing the two needs neither Alembic nor SQLAlchemy, because every run does it.
"""

from __future__ import annotations

import ast
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg2
from psycopg2 import errors as pg

from cryptoelt.errors import ConfigurationError, LockedError, SchemaError, UsageError
from cryptoelt.warehouse.advisory import MIGRATION, SPACE
from cryptoelt.warehouse.failures import as_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from alembic.config import Config
    from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 spells its class in lower case
    from sqlalchemy import Connection as SqlConnection

    from cryptoelt.warehouse.engine import Warehouse

_PACKAGE = Path(__file__).resolve().parent.parent
_UPGRADE = "run `cryptoelt db upgrade`"


def script_location() -> Path:
    """Return the folder of the migrations: inside the installed package, or at the top of a checkout.

    Raises:
        ConfigurationError: it is in neither place.
    """
    for folder in (_PACKAGE / "_resources" / "alembic", _PACKAGE.parent / "alembic"):
        if (folder / "env.py").is_file():
            return folder
    raise ConfigurationError("the migrations are missing from this installation", hint="install cryptoelt again")


@lru_cache(maxsize=1)
def revisions() -> dict[str, str | None]:
    """Return every revision with the one below it, read from the scripts without running them."""
    found = {}
    for script in sorted((script_location() / "versions").glob("*.py")):
        values = _assigned(script)
        found[str(values["revision"])] = None if values["down_revision"] is None else str(values["down_revision"])
    return found


def head() -> str:
    """Return the newest revision of the scripts."""
    known = revisions()
    (newest,) = set(known) - set(known.values())
    return newest


def current(warehouse: Warehouse) -> str | None:
    """Return the revision a warehouse is at; None where it was never initialised.

    Raises:
        DatabaseUnavailableError: the server does not answer.
        SchemaError: there is no such database.
    """
    with warehouse.session() as connection:
        return _current(connection)


def require_head(warehouse: Warehouse) -> None:
    """See that a warehouse is at the newest revision.

    Raises:
        SchemaError: it is not; the hint says what to do.
        DatabaseUnavailableError: the server does not answer.
    """
    found = current(warehouse)
    if found is None:
        raise SchemaError(f"warehouse {warehouse.name} was never initialised", hint="run `cryptoelt db init`")
    if found not in revisions():
        raise SchemaError(
            f"warehouse {warehouse.name} is at revision {found}, which this cryptoelt does not know",
            hint="it was upgraded by a newer cryptoelt: install that one",
        )
    if found != head():
        raise SchemaError(f"warehouse {warehouse.name} is at revision {found}, not at {head()}", hint=_UPGRADE)


def prepare(warehouse: Warehouse, *, may_upgrade: bool) -> None:
    """See that a warehouse is at the newest revision; one never initialised is brought there if that is allowed.

    Raises:
        SchemaError: it is at another revision, or was never initialised and may not be upgraded.
        DatabaseUnavailableError: the server does not answer.
    """
    if may_upgrade and current(warehouse) is None:
        upgrade(warehouse)
    require_head(warehouse)


def upgrade(warehouse: Warehouse, revision: str = "head") -> str:
    """Bring a warehouse up to a revision in one transaction, and return it.

    Of two upgrades at once, one waits for the other and then has nothing to do.

    Raises:
        UsageError: there is no such revision.
        LockedError: another migration does not end.
        CryptoEltError: the database refuses.
    """
    from alembic import command

    return _migrated(warehouse, lambda config: command.upgrade(config, revision))


def downgrade(warehouse: Warehouse, revision: str) -> str:
    """Take a warehouse down to a revision (`base`: nothing is left) and return it; tables above it go with their rows.

    Raises:
        CryptoEltError: as `upgrade`.
    """
    from alembic import command

    return _migrated(warehouse, lambda config: command.downgrade(config, revision))


def _migrated(warehouse: Warehouse, step: Callable[[Config], None]) -> str:
    from alembic.config import Config
    from alembic.util import CommandError
    from sqlalchemy import text
    from sqlalchemy.exc import DBAPIError

    config = Config()
    # A percent sign in a path would be taken for an interpolation.
    config.set_main_option("script_location", str(script_location()).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    try:
        with warehouse.engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:space, :key)"), {"space": SPACE, "key": MIGRATION})
            if not connection.scalar(text("SELECT to_regnamespace('ops') IS NOT NULL")):
                connection.execute(text("CREATE SCHEMA ops"))
            _become_owner(connection)
            config.attributes["connection"] = connection
            step(config)
    except CommandError as exc:
        raise UsageError(str(exc), hint=f"revisions: base, {', '.join(revisions())}, head") from exc
    except (DBAPIError, psycopg2.Error) as exc:  # views and procedures are deployed by the driver itself
        refused = exc.orig if isinstance(exc, DBAPIError) else exc
        if isinstance(refused, pg.LockNotAvailable):
            raise LockedError(
                f"another session holds tables of warehouse {warehouse.name}",
                hint="wait for it to end and run it again",
            ) from exc
        raise as_error(refused, warehouse.name) from exc  # type: ignore[arg-type]
    return current(warehouse) or "base"


def _become_owner(connection: SqlConnection) -> None:
    """Make what is made as admin, once `db roles` gave admin the schemas: whoever upgrades, all has one owner."""
    from sqlalchemy import text

    is_admins = "SELECT nspowner = to_regrole('admin') AND pg_has_role(nspowner, 'MEMBER') FROM pg_namespace"
    if connection.scalar(text(f"{is_admins} WHERE nspname = 'ops'")):
        connection.execute(text("SET LOCAL ROLE admin"))


def _current(connection: Connection) -> str | None:
    with connection.cursor() as cursor:
        try:
            cursor.execute("SELECT version_num FROM ops.alembic_version")
        except (pg.UndefinedTable, pg.InvalidSchemaName):
            connection.rollback()
            return None
        row = cursor.fetchone()
    return None if row is None else str(row[0])


def _assigned(script: Path) -> dict[str, object]:
    """Return the constants that a migration script assigns."""
    values: dict[str, object] = {}
    for statement in ast.parse(script.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant):
            values.update(
                {target.id: statement.value.value for target in statement.targets if isinstance(target, ast.Name)}
            )
    return values
