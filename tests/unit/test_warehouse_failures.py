"""What a failure of PostgreSQL means to the caller."""

from __future__ import annotations

import psycopg2
import pytest
from psycopg2 import errors as pg

from cryptoelt.errors import (
    ConfigurationError,
    CryptoEltError,
    DatabaseUnavailableError,
    LoadError,
    SchemaError,
    StorageError,
)
from cryptoelt.warehouse.failures import DatabaseMissingError, as_error, connect_failure, is_transient

NAME = "db.example:5432/market"


def attempt(words: str) -> psycopg2.OperationalError:
    """Return a failed attempt to connect as libpq words it."""
    return psycopg2.OperationalError(f'connection to server at "10.0.0.1", port 5432 failed: FATAL:  {words}\n')


@pytest.mark.parametrize(
    ("words", "meaning", "again"),
    [
        ('database "market" does not exist', DatabaseMissingError, False),
        ('password authentication failed for user "me"', ConfigurationError, False),
        ('role "me" does not exist', ConfigurationError, False),
        ('no pg_hba.conf entry for host "10.0.0.2"', ConfigurationError, False),
        ("the database system is starting up", DatabaseUnavailableError, True),
        ("sorry, too many clients already", DatabaseUnavailableError, True),
        ("timeout expired", DatabaseUnavailableError, False),
        ("le système de bases de données se lance", DatabaseUnavailableError, True),
    ],
)
def test_a_failed_connection(words: str, meaning: type[CryptoEltError], again: bool) -> None:
    error = connect_failure(attempt(words), NAME)
    assert type(error) is meaning
    assert NAME in error.message
    assert error.hint
    assert "\n" not in error.message
    assert is_transient(attempt(words)) is again


@pytest.mark.parametrize(
    ("failure", "meaning"),
    [
        (pg.UndefinedTable, SchemaError),
        (pg.UndefinedColumn, SchemaError),
        (pg.InvalidSchemaName, SchemaError),
        (pg.InsufficientPrivilege, ConfigurationError),
        (pg.AdminShutdown, DatabaseUnavailableError),
        (pg.CrashShutdown, DatabaseUnavailableError),
        (pg.DeadlockDetected, DatabaseUnavailableError),
        (pg.LockNotAvailable, DatabaseUnavailableError),
        (psycopg2.InterfaceError, DatabaseUnavailableError),
        (pg.DiskFull, StorageError),
        (pg.NotNullViolation, LoadError),
        (pg.NumericValueOutOfRange, LoadError),
        (pg.CharacterNotInRepertoire, LoadError),
    ],
)
def test_a_failed_statement(failure: type[psycopg2.Error], meaning: type[CryptoEltError]) -> None:
    error = as_error(failure("what the server said"), NAME)
    assert type(error) is meaning
    assert NAME in error.message
    assert "what the server said" in error.message
    assert error.hint
