"""What a failure of PostgreSQL means: try later, change something, or look at the data."""

from __future__ import annotations

import re

import psycopg2
from psycopg2 import errors as pg

from cryptoelt.errors import (
    ConfigurationError,
    CryptoEltError,
    DatabaseUnavailableError,
    LoadError,
    SchemaError,
    StorageError,
)

_CHECK_SERVER = "check that PostgreSQL runs and can be reached; what is in the lake stays and is loaded by the next run"
#: A refused connection has no SQLSTATE in libpq, only words; words of another language count as unavailable.
_NO_DATABASE = re.compile(r'database ".*" does not exist')
_REFUSED = re.compile(
    r"password authentication failed|no password supplied|authentication failed|no pg_hba.conf entry"
    r'|role ".*" (does not exist|is not permitted to log in)|permission denied for database'
)
#: SQLSTATE class of values that are too large for the server, whenever they come.
_LIMITS = "54"


class DatabaseMissingError(SchemaError):
    """The server has no database of this name."""


def connect_failure(exc: psycopg2.OperationalError, name: str) -> CryptoEltError:
    """Return what a failed attempt to connect means."""
    words = _words(exc)
    if _NO_DATABASE.search(words):
        return DatabaseMissingError(f"warehouse {name} does not exist", hint="run `cryptoelt db init`")
    if _REFUSED.search(words):
        return ConfigurationError(
            f"warehouse {name} refuses the connection: {words}",
            hint="check user and password in CRYPTOELT_WAREHOUSE__URL",
        )
    return DatabaseUnavailableError(f"warehouse {name} cannot be reached: {words}", hint=_CHECK_SERVER)


def is_transient(exc: psycopg2.OperationalError) -> bool:
    """Tell whether the same attempt to connect may succeed a moment later."""
    words = _words(exc)
    return not (_NO_DATABASE.search(words) or _REFUSED.search(words) or "timeout expired" in words)


def as_error(exc: psycopg2.Error, name: str) -> CryptoEltError:
    """Return what a failed statement means."""
    words = _words(exc)
    match exc:
        case pg.UndefinedTable() | pg.UndefinedColumn() | pg.InvalidSchemaName():
            return SchemaError(f"warehouse {name}: {words}", hint="run `cryptoelt db upgrade`")
        case pg.InsufficientPrivilege():
            return ConfigurationError(
                f"warehouse {name}: {words}", hint="grant the user of CRYPTOELT_WAREHOUSE__URL what it lacks"
            )
        case pg.DiskFull():
            return StorageError(
                f"warehouse {name}: {words}", hint="free some space on the server's disk and run it again"
            )
        case pg.ProgramLimitExceeded():
            return LoadError(
                f"warehouse {name}: {words}",
                hint="a text of an older Silver table is too long for an index: build the table from Bronze again "
                "(`cryptoelt backfill --rebuild --table NAME`), which sets the record aside",
            )
        case psycopg2.OperationalError() | psycopg2.InterfaceError() if not (exc.pgcode or "").startswith(_LIMITS):
            return DatabaseUnavailableError(f"warehouse {name} failed: {words}", hint=_CHECK_SERVER)
        case _:
            return LoadError(f"warehouse {name}: {words}", hint="see the log for the statement's error in full")


def _words(exc: psycopg2.Error) -> str:
    """Return the server's own words on one line."""
    primary = exc.diag.message_primary
    if primary:
        detail = exc.diag.message_detail
        return f"{primary} ({detail})" if detail else primary
    lines = [line.strip() for line in str(exc).splitlines() if line.strip()]
    return " ".join(lines) or type(exc).__name__
