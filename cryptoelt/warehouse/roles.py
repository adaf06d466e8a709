"""The roles of the warehouse: who owns it, who writes it, and who reads which part of it.

What each may do is written in `sql/roles/`. Roles belong to the server and not to a database, so two warehouses on one
server share them and their passwords; their rights are set in each database by itself.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import psycopg2
from psycopg2 import errors as pg
from psycopg2 import sql
from psycopg2.extensions import encrypt_password

from cryptoelt.errors import ConfigurationError, LockedError
from cryptoelt.warehouse.advisory import MIGRATION, SPACE
from cryptoelt.warehouse.engine import transaction
from cryptoelt.warehouse.migrations import require_head
from cryptoelt.warehouse.sql_files import sql_files
from cryptoelt.wording import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 spells its classes in lower case
    from psycopg2.extensions import cursor as Cursor  # noqa: N812
    from pydantic import SecretStr

    from cryptoelt.warehouse.engine import Warehouse

#: The owner first.
ROLES = ("admin", "data_engineer", "qa_data", "data_scientist", "analyst", "bi_user", "pipeline")
_OWNER = "admin"
_SETTING = "roles.passwords"
_TRIES = 5
_PAUSE = 0.2
#: Somebody sets up the same roles for another database of this server at this moment.
_COLLISIONS = (pg.InternalError_, pg.UniqueViolation, pg.DuplicateObject)


class NotPermittedError(ConfigurationError):
    """The user may not set up roles on this server."""


@dataclass(frozen=True)
class Role:
    """A role as it is now.

    Attributes:
        name: its name on the server.
        can_login: whether it may log in; it may not before it was given a password.
        is_new: whether it was made now.
        has_new_password: whether it was given a password now.
    """

    name: str
    can_login: bool
    is_new: bool
    has_new_password: bool

    def as_json(self) -> dict[str, Any]:
        """Return the role in the shape of `--json`."""
        return asdict(self)


def set_up_roles(warehouse: Warehouse, passwords: Mapping[str, SecretStr]) -> list[Role]:
    """Make the roles that are missing and set anew what each may do in this database, in one transaction.

    Run again it gives the same rights, whatever was granted or revoked meanwhile; passwords that are not given stay.

    Args:
        warehouse: at the head revision.
        passwords: role -> password; only a verifier of it is made here and sent to the server.

    Raises:
        NotPermittedError: the user may not do this.
        ConfigurationError: a password is for no role or cannot be one, or one of the roles is a superuser.
        SchemaError: the warehouse is not at the head revision.
        LockedError: another session does not let go of a table.
        DatabaseUnavailableError: the server does not answer.
    """
    _require_fit(passwords)
    require_head(warehouse)
    with warehouse.session() as connection:
        for attempt in range(1, _TRIES + 1):
            try:
                return _set_up(connection, passwords)
            except _COLLISIONS:
                if attempt == _TRIES:
                    raise
                warehouse.clock.sleep(_PAUSE)
            except pg.InsufficientPrivilege as exc:
                raise _not_permitted(warehouse, exc) from exc
            except pg.LockNotAvailable as exc:
                raise LockedError(
                    f"another session holds tables of warehouse {warehouse.name}",
                    hint="wait for it to end and run it again",
                ) from exc
    raise AssertionError("unreachable")


def _set_up(connection: Connection, passwords: Mapping[str, SecretStr]) -> list[Role]:
    with transaction(connection) as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", (SPACE, MIGRATION))
        before = _known(cursor)
        for file in sql_files("roles"):
            cursor.execute(file.text)
        for name, password in passwords.items():
            _give_password(cursor, name, password)
        after = _known(cursor)
    return [Role(name, after[name], name not in before, name in passwords) for name in ROLES]


def _known(cursor: Cursor) -> dict[str, bool]:
    """Return the roles that exist, and whether each may log in.

    Raises:
        ConfigurationError: one of them is a superuser: nothing would hold it back.
    """
    cursor.execute("SELECT rolname, rolcanlogin, rolsuper FROM pg_roles WHERE rolname = ANY(%s)", (list(ROLES),))
    rows = cursor.fetchall()
    for name, _, is_superuser in rows:
        if is_superuser and name != _OWNER:
            raise ConfigurationError(
                f"role {name} is a superuser of this server, made by somebody else",
                hint=f"let an administrator run `ALTER ROLE {name} NOSUPERUSER`, or give that role another name",
            )
    return {name: can_login for name, can_login, _ in rows}


def _give_password(cursor: Cursor, name: str, password: SecretStr) -> None:
    """Let a role log in by a password; the server, and so its log, is told a SCRAM verifier and never the password."""
    verifier = encrypt_password(password.get_secret_value(), name, cursor.connection, "scram-sha-256")
    cursor.execute("SELECT rolcanlogin FROM pg_roles WHERE rolname = %s", (name,))
    login = sql.SQL("") if cursor.fetchone() == (True,) else sql.SQL("LOGIN")
    statement = sql.SQL("ALTER ROLE {} {} PASSWORD {}")
    cursor.execute(statement.format(sql.Identifier(name), login, sql.Literal(verifier)))


def _require_fit(passwords: Mapping[str, SecretStr]) -> None:
    for name, password in passwords.items():
        if name not in ROLES:
            raise ConfigurationError(
                f"setting {_SETTING}: there is no role {name}", hint=did_you_mean(name, ROLES), setting=_SETTING
            )
        text = password.get_secret_value()
        if not text or "\0" in text:
            raise ConfigurationError(
                f"setting {_SETTING}.{name}: {'holds a NUL' if text else 'is empty'}",
                hint=f"set CRYPTOELT_ROLES__PASSWORDS__{name.upper()} in the environment or in .env",
                setting=f"{_SETTING}.{name}",
            )


def _not_permitted(warehouse: Warehouse, exc: psycopg2.Error) -> NotPermittedError:
    user = warehouse.parameters.get("user", "")
    return NotPermittedError(
        f"the user {user} of warehouse {warehouse.name} may not set up its roles: {exc.diag.message_primary}",
        hint=f"let an administrator run `ALTER ROLE {user} CREATEROLE CREATEDB; ALTER DATABASE {warehouse.database}"
        f" OWNER TO {user};`, or run `cryptoelt db roles` with a URL of the administrator's own",
    )
