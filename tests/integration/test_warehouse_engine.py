"""Connections have one set of habits; every way a server can fail is told as what to do, never with the password."""

from __future__ import annotations

import subprocess
import sys
import traceback
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from psycopg2 import sql
from pydantic import SecretStr

from cryptoelt.clock import Clock
from cryptoelt.errors import ConfigurationError, CryptoEltError, DatabaseUnavailableError, LockedError, SchemaError
from cryptoelt.warehouse.access import url_of
from cryptoelt.warehouse.engine import Warehouse

if TYPE_CHECKING:
    from collections.abc import Callable

CANARY = "canary-p@ss/word"
QUOTED = "canary-p%40ss%2Fword"


def at_place(
    warehouse: Warehouse, *, user: str = "cryptoelt", password: str = QUOTED, database: str = "x"
) -> Warehouse:
    """Return a warehouse on the same server with other credentials or another database."""
    given = warehouse.parameters
    url = f"postgresql://{user}:{password}@{given['host']}:{given['port']}/{database}"
    return Warehouse(SecretStr(url), Clock())


def told(caught: pytest.ExceptionInfo[CryptoEltError]) -> str:
    """Return everything a log could show of an error."""
    return "".join(traceback.format_exception(caught.value)) + caught.value.hint + repr(caught.value.context)


def test_a_session_is_in_utc_and_names_itself(warehouse: Warehouse) -> None:
    with warehouse.session() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('TimeZone'), current_setting('application_name'), now()")
        row = cursor.fetchone()
    assert row is not None
    assert row[:2] == ("UTC", "cryptoelt")
    assert row[2].utcoffset().total_seconds() == 0


def test_options_of_the_url_are_kept_beside_our_own(warehouse: Warehouse) -> None:
    url = warehouse.url.get_secret_value() + "?options=-c%20work_mem%3D7MB&application_name=mine"
    with Warehouse(SecretStr(url), Clock()).session() as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('work_mem'), current_setting('application_name'), current_setting('TimeZone')"
        )
        assert cursor.fetchone() == ("7MB", "mine", "UTC")


def test_the_engine_of_sqlalchemy_uses_the_same_connections(warehouse: Warehouse) -> None:
    with warehouse.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT current_setting('TimeZone')").scalar() == "UTC"
    warehouse.close()


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg2"])
def test_both_spellings_of_the_url_are_understood(warehouse: Warehouse, scheme: str) -> None:
    rest = warehouse.url.get_secret_value().partition("://")[2]
    Warehouse(SecretStr(f"{scheme}://{rest}"), Clock()).connect().close()


@pytest.mark.parametrize(
    "url",
    [
        f"mysql://u:{CANARY}@h/db",
        f"postgresql+asyncpg://u:{QUOTED}@h/db",
        f"postgresql://u:{QUOTED}%zz@h/db",
        f"postgresql://u:{QUOTED}@h/db?no_such_option=1",
        "canary-p@ss",
        "",
    ],
)
def test_a_url_that_is_none_is_a_configuration_error_and_not_repeated(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"warehouse\.url") as caught:
        Warehouse(SecretStr(url), Clock())
    assert "canary" not in told(caught)


def test_nobody_listening_is_unavailable(warehouse: Warehouse, closed_port: int) -> None:
    nowhere = Warehouse(SecretStr(f"postgresql://u:{QUOTED}@127.0.0.1:{closed_port}/db"), Clock())
    with pytest.raises(DatabaseUnavailableError, match=f"127.0.0.1:{closed_port}/db cannot be reached") as caught:
        nowhere.connect()
    assert "canary" not in told(caught)


def test_a_wrong_password_is_a_configuration_error(warehouse: Warehouse) -> None:
    with pytest.raises(ConfigurationError, match=r"refuses the connection.*password") as caught:
        at_place(warehouse).connect()
    assert "canary" not in told(caught)


def test_a_database_that_does_not_exist_is_told_how_to_make(warehouse: Warehouse) -> None:
    missing = warehouse.beside("no_such_database")
    with pytest.raises(SchemaError, match="no_such_database does not exist") as caught:
        missing.connect()
    assert "cryptoelt db init" in caught.value.hint


def test_a_database_that_cannot_hold_every_name_is_refused(warehouse: Warehouse) -> None:
    with closing(warehouse.connect()) as connection:
        connection.autocommit = True
        name = f"{warehouse.database}_latin"
        statement = sql.SQL("CREATE DATABASE {} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
        connection.cursor().execute(statement.format(sql.Identifier(name)))
    with pytest.raises(ConfigurationError, match="LATIN1"):
        warehouse.beside(name).connect()


def test_what_the_user_may_not_do_is_a_configuration_error(warehouse: Warehouse) -> None:
    user = f"{warehouse.database}_guest"
    with warehouse.session() as connection, connection.cursor() as cursor:
        statement = sql.SQL("CREATE USER {} PASSWORD {}")
        cursor.execute(statement.format(sql.Identifier(user), sql.Literal(CANARY)))
        connection.commit()
    guest = at_place(warehouse, user=user, database=warehouse.database)
    with pytest.raises(ConfigurationError, match="permission denied") as caught, guest.session() as connection:
        connection.cursor().execute("SELECT * FROM ops.load_batch")
    assert "canary" not in told(caught)


def test_a_session_that_is_ended_from_outside_is_unavailable(warehouse: Warehouse) -> None:
    with pytest.raises(DatabaseUnavailableError), warehouse.session() as connection:
        connection.cursor().execute("SELECT pg_terminate_backend(pg_backend_pid())")


@pytest.mark.parametrize("password", ["plain", CANARY, "ü:@/?#[]% "])
def test_the_url_shows_the_password_only_when_asked(password: str) -> None:
    from urllib.parse import quote

    url = f"postgresql://me:{quote(password, safe='')}@127.0.0.1:5433/my%20db?sslmode=require"
    warehouse = Warehouse(SecretStr(url), Clock())
    hidden = url_of(warehouse, with_password=False)
    assert hidden == "postgresql://me@127.0.0.1:5433/my%20db?sslmode=require"
    again = Warehouse(SecretStr(url_of(warehouse, with_password=True)), Clock())
    assert again.password.get_secret_value() == password
    assert again.parameters == warehouse.parameters


# --- the run lock -----------------------------------------------------------------------------------------------------

HOLD = """
import os, sys
from pydantic import SecretStr
from cryptoelt.clock import Clock
from cryptoelt.warehouse.engine import Warehouse
with Warehouse(SecretStr(os.environ["URL"]), Clock()).run_lock(0):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def hold(warehouse: Warehouse) -> Callable[[], subprocess.Popen[str]]:
    """Start another process that holds the run lock."""

    def start() -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD],
            env={"URL": warehouse.url.get_secret_value()},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        return process

    return start


def test_a_second_run_is_refused_and_told_who_holds_the_lock(
    warehouse: Warehouse, hold: Callable[[], subprocess.Popen[str]]
) -> None:
    with (
        hold() as holder,
        pytest.raises(LockedError, match=r"server process \d+, client 127\.0\.0\.1") as caught,
        warehouse.run_lock(0),
    ):
        pass
    assert "--wait" in caught.value.hint
    assert holder.wait() == 0


def test_a_run_that_waits_gets_the_lock_when_the_other_ends(
    warehouse: Warehouse, hold: Callable[[], subprocess.Popen[str]]
) -> None:
    holder = hold()
    holder.communicate("")
    with warehouse.run_lock(30):
        pass


def test_a_killed_run_leaves_no_lock(warehouse: Warehouse, hold: Callable[[], subprocess.Popen[str]]) -> None:
    holder = hold()
    holder.kill()
    holder.communicate()
    with warehouse.run_lock(0):
        pass


def test_the_lock_is_free_again_after_the_block_even_when_it_raises(warehouse: Warehouse) -> None:
    with pytest.raises(ZeroDivisionError), warehouse.run_lock(0):
        _ = 1 / 0
    with warehouse.run_lock(0), closing(warehouse.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted")
        assert cursor.fetchone() == (1,)


def test_the_lock_of_one_database_does_not_hold_another(
    warehouse: Warehouse, make_database: Callable[[str | None], SecretStr]
) -> None:
    with warehouse.run_lock(0), Warehouse(make_database(None), Clock()).run_lock(0):
        pass


def test_times_come_back_aware(warehouse: Warehouse) -> None:
    moment = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)  # an hour that does not exist in half of Europe
    with warehouse.session() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz", (moment,))
        assert cursor.fetchone() == (moment,)
