"""Connections to the warehouse, opened with one set of habits, and its failures as errors of ours.

Everything that must be quick (is there anything to load? who holds the lock?) goes through psycopg2 alone; SQLAlchemy
is imported only where a model or a migration is needed.
"""

from __future__ import annotations

import logging
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg2
from psycopg2.extensions import make_dsn, parse_dsn
from pydantic import SecretStr

from cryptoelt.errors import ConfigurationError
from cryptoelt.warehouse.failures import as_error, connect_failure, is_transient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 spells its classes in lower case
    from psycopg2.extensions import cursor as Cursor  # noqa: N812
    from sqlalchemy import Engine

    from cryptoelt.clock import Clock
    from cryptoelt.settings import Settings

log = logging.getLogger("cryptoelt.warehouse")

OLDEST_SERVER = 15
_TRIES = 3
_FIRST_WAIT = 0.5
#: How long a statement waits for a lock that another session holds.
LOCK_TIMEOUT = "60s"
#: Habits of every session: UTC; a client that hangs in a transaction lets go in the end, while one that only holds the
#: run's advisory lock is never cut off.
_SESSION = "-c TimeZone=UTC -c idle_in_transaction_session_timeout=10min -c idle_session_timeout=0"
_LINK = {
    "application_name": "cryptoelt",
    "connect_timeout": "10",
    "client_encoding": "UTF8",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
}


#: Of one host or of several.
_PORTS = re.compile(r"[\d,]*")


class Warehouse:
    """One PostgreSQL database."""

    def __init__(self, url: SecretStr, clock: Clock) -> None:
        """Keep the URL; no connection is made.

        Raises:
            ConfigurationError: the URL is not one of PostgreSQL.
        """
        self.clock = clock
        self._url = url
        self._engine: Engine | None = None
        self._parameters = _parsed(url)

    @property
    def name(self) -> str:
        """The database as host:port/database, without user and password."""
        given = self._parameters
        database = given.get("dbname") or given.get("user") or ""
        return f"{given.get('host', 'localhost')}:{given.get('port', '5432')}/{database}"

    @property
    def database(self) -> str:
        """The name of the database."""
        return self.name.rpartition("/")[2]

    @property
    def url(self) -> SecretStr:
        """The URL this warehouse was opened with."""
        return self._url

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters of the connection as libpq names them, the password left out."""
        return {name: value for name, value in self._parameters.items() if name != "password"}

    @property
    def password(self) -> SecretStr:
        """The password of the URL; empty when it has none."""
        return SecretStr(self._parameters.get("password", ""))

    def beside(self, database: str) -> Warehouse:
        """Return another database of the same server."""
        other = Warehouse(self._url, self.clock)
        other._parameters = {**self._parameters, "dbname": database}
        return other

    def connect(self) -> Connection:
        """Open a connection; the caller closes it. A server that is starting or full is asked again.

        Raises:
            DatabaseUnavailableError: the server does not answer.
            ConfigurationError: it refuses the credentials, is too old, or the database is not in UTF-8.
            SchemaError: there is no such database.
        """
        wait = _FIRST_WAIT
        for attempt in range(1, _TRIES + 1):
            try:
                opened = psycopg2.connect(make_dsn(**self._session_parameters()))
            except psycopg2.OperationalError as exc:
                if attempt == _TRIES or not is_transient(exc):
                    # The driver's text may repeat the connection string, so it does not become part of a traceback.
                    raise connect_failure(exc, self.name) from None
                log.warning("warehouse.retry", extra={"fields": {"warehouse": self.name, "attempt": attempt}})
            else:
                return self._accepted(opened)
            self.clock.sleep(wait)
            wait *= 2
        raise AssertionError("unreachable")

    @contextmanager
    def session(self) -> Iterator[Connection]:
        """Open a connection for the block; what is not committed at its end is rolled back.

        Raises:
            CryptoEltError: as `connect`, or what a failure inside the block means.
        """
        opened = self.connect()
        try:
            with self.failures():
                yield opened
        finally:
            opened.close()

    @contextmanager
    def failures(self) -> Iterator[None]:
        """Turn the driver's errors inside the block into errors of ours."""
        try:
            yield
        except psycopg2.Error as exc:
            raise as_error(exc, self.name) from exc

    @contextmanager
    def run_lock(self, wait: float | None) -> Iterator[None]:
        """Hold the warehouse's run lock for the block; the server frees it when this process dies.

        Args:
            wait: seconds to wait for the lock; None waits for ever.

        Raises:
            LockedError: another run held the lock for longer than `wait`.
            DatabaseUnavailableError: the server does not answer.
        """
        from cryptoelt.warehouse.advisory import hold_run_lock

        with hold_run_lock(self, wait):
            yield

    @property
    def engine(self) -> Engine:
        """A SQLAlchemy engine over the same connections, for migrations and models."""
        if self._engine is None:
            from sqlalchemy import create_engine
            from sqlalchemy.pool import NullPool

            self._engine = create_engine("postgresql+psycopg2://", creator=self.connect, poolclass=NullPool)
        return self._engine

    def close(self) -> None:
        """Let go of what the engine holds; connections handed out are closed by whoever asked for them."""
        if self._engine is not None:
            self._engine.dispose()

    def _session_parameters(self) -> dict[str, str]:
        options = f"{self._parameters.get('options', '')} {_SESSION} -c lock_timeout={LOCK_TIMEOUT}".strip()
        return {**_LINK, **self._parameters, "options": options}

    def _accepted(self, opened: Connection) -> Connection:
        version = opened.server_version // 10000
        encoding = opened.get_parameter_status("server_encoding")
        if version >= OLDEST_SERVER and encoding == "UTF8":
            return opened
        opened.close()
        if version < OLDEST_SERVER:
            raise ConfigurationError(
                f"warehouse {self.name} is a PostgreSQL {version}; {OLDEST_SERVER} or newer is needed",
                hint="upgrade the server, or use the embedded one (CRYPTOELT_WAREHOUSE__URL=embedded)",
            )
        raise ConfigurationError(
            f"warehouse {self.name} is in encoding {encoding}; names of coins need UTF8",
            hint="make the database with ENCODING 'UTF8' (`cryptoelt db init` does)",
        )


@contextmanager
def transaction(connection: Connection) -> Iterator[Cursor]:
    """Run the block as one transaction: committed at its end, rolled back when it raises."""
    try:
        with connection.cursor() as cursor:
            yield cursor
    except BaseException:
        if not connection.closed:  # a lost connection has rolled back already, and its own error says more
            connection.rollback()
        raise
    connection.commit()


def open_warehouse(settings: Settings, clock: Clock) -> Warehouse:
    """Return the warehouse of these settings; the embedded one is started first.

    Raises:
        ConfigurationError: the URL is not one of PostgreSQL, or the embedded server cannot be used.
        DatabaseUnavailableError: the embedded server does not start.
    """
    if settings.warehouse.is_embedded:
        from cryptoelt.warehouse.embedded import EmbeddedPostgres

        return Warehouse(EmbeddedPostgres(settings.home, settings.cache_dir).ensure_running(), clock)
    return Warehouse(settings.warehouse.url, clock)


def _parsed(url: SecretStr) -> dict[str, str]:
    text = url.get_secret_value()
    scheme, separator, rest = text.partition("://")
    if separator and scheme in {"postgresql", "postgresql+psycopg2"} and not _is_torn(rest):
        try:
            given = dict(parse_dsn(f"postgresql://{rest}"))
        except psycopg2.ProgrammingError:
            given = {"port": "?"}  # the driver's text repeats the URL, password included: told below without it
        if _PORTS.fullmatch(given.get("port", "")):
            return given
    raise ConfigurationError(
        "setting warehouse.url is neither `embedded` nor a valid PostgreSQL URL",
        hint="write postgresql://USER:PASSWORD@HOST:PORT/DATABASE, special characters of the password percent-encoded",
        setting="warehouse.url",
    )


def _is_torn(rest: str) -> bool:
    """Tell whether a `/` or `@` of the password was left as it is, so that a piece of it would be taken for the host.

    Args:
        rest: the URL without its scheme.
    """
    user_ends = re.search("[@/]", rest)
    return user_ends is not None and "@" in rest[user_ends.end() :].partition("?")[0]
