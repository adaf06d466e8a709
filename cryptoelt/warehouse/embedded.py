"""The PostgreSQL that cryptoelt starts itself: from a pip package, data in the home, on 127.0.0.1 with a password.

It listens on TCP only, so no socket file has to be kept safe in a shared folder. Its password and port lie in its data
folder and therefore come, move and go with the data.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from cryptoelt.errors import ConfigurationError, CryptoEltError, DatabaseUnavailableError, StorageError
from cryptoelt.locks import file_lock
from cryptoelt.machine.server_place import major_version, server_folder, server_user, usable_binaries
from cryptoelt.warehouse.embedded_process import (
    free_port,
    launch,
    port_is_free,
    postmaster,
    release_stale_pid,
    stop_postmaster,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psycopg2.extensions

USER = "cryptoelt"
DATABASE = "cryptoelt"
_PATIENCE = 60.0
_POLL = 0.02


class EmbeddedPostgres:
    """The embedded server of one home."""

    def __init__(self, home: Path, cache_dir: Path) -> None:
        self.home = home.absolute()
        self.cache_dir = cache_dir
        self._folder = self.home / ".postgres"
        self._data = self._folder / "data"
        self._log = self._folder / "server.log"
        self._lock = self.home / ".postgres.lock"

    def ensure_running(self) -> SecretStr:
        """Start the server if it does not run, made first if it was never; return its SQLAlchemy URL.

        Raises:
            DatabaseUnavailableError: it does not start; the message has the server's own words.
            ConfigurationError: its data are of another major version, or not ours to use.
            StorageError: the disk is full or the home cannot be written.
        """
        port, _ = self._probe()
        if port is None:
            with self._locked():
                port, _ = self._probe()
                if port is None:
                    self._initialise()
                    port = self._start()
        return SecretStr(f"postgresql+psycopg2://{USER}:{self._password()}@127.0.0.1:{port}/{DATABASE}")

    def initialise(self) -> bool:
        """Make the data folder with an empty database if there is none; return whether it was made now.

        Raises:
            ConfigurationError, StorageError: as `ensure_running`.
        """
        with self._locked():
            return self._initialise()

    def is_running(self) -> bool:
        """Tell whether our server accepts connections; one of another home on the same port is not ours."""
        return self._probe()[0] is not None

    def stop(self) -> bool:
        """End the server, rolling back what is open; return whether it ran.

        Raises:
            DatabaseUnavailableError: it does not end within a minute.
        """
        if not self._data.exists():
            return False
        with self._locked():
            return stop_postmaster(self._data, _PATIENCE)

    def remove(self) -> None:
        """End the server and delete its data for good: for a demonstration or a test."""
        import shutil

        self.stop()
        target = self._folder.resolve()
        if target.exists():
            shutil.rmtree(target)
        if self._folder.is_symlink():
            self._folder.unlink()

    @property
    def programs(self) -> Path:
        """The folder of PostgreSQL's client programs (pg_dump, pg_restore, psql) of the server's own version."""
        return usable_binaries(server_user(self.home), self.cache_dir) / "bin"

    @property
    def data(self) -> Path:
        """The server's data folder."""
        return self._data

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with file_lock(self._lock):
            if os.geteuid() == 0:  # the owner of the home must be able to take the lock later
                owner = self.home.stat()
                os.chown(self._lock, owner.st_uid, owner.st_gid)
            yield

    # --- is it there? -------------------------------------------------------------------------------------------------

    def _probe(self) -> tuple[int | None, str]:
        """Connect and see that the server works on our data folder; return its port, or None and what is wrong."""
        running = postmaster(self._data)
        if running is None:
            return None, "it does not run"
        import psycopg2

        try:
            connection = self._connect(running.port)
        except psycopg2.OperationalError as exc:
            return None, str(exc).strip()
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT current_setting('data_directory')")
                row = cursor.fetchone()
        finally:
            connection.close()
        if row is None or Path(row[0]).resolve() != self._data.resolve():
            return None, f"another server answers on port {running.port}"
        return running.port, ""

    def _connect(self, port: int) -> psycopg2.extensions.connection:
        import psycopg2

        # The server proves that it knows our password (SCRAM is mutual), so whoever took the port cannot pass for it.
        return psycopg2.connect(
            host="127.0.0.1",
            hostaddr="127.0.0.1",
            port=port,
            user=USER,
            dbname=DATABASE,
            password=self._password(),
            connect_timeout=10,
            require_auth="scram-sha-256",
            sslmode="disable",
            gssencmode="disable",
            application_name="cryptoelt",
        )

    def _password(self) -> str:
        try:
            return (self._data / "cryptoelt.password").read_text(encoding="ascii")
        except FileNotFoundError as exc:
            raise ConfigurationError(
                f"{self._data} has no file cryptoelt.password: these data were not made by cryptoelt",
                hint=f"restore the file, or move {self._folder} away and run `cryptoelt setup`",
            ) from exc
        except PermissionError as exc:
            raise ConfigurationError(
                f"the embedded PostgreSQL below {self.home} belongs to another user", hint="run as that user"
            ) from exc

    # --- make it and start it -----------------------------------------------------------------------------------------

    def _initialise(self) -> bool:
        from cryptoelt.warehouse.embedded_data import make_data

        try:
            user = server_user(self.home)
            folder = server_folder(self.home, user)
            binaries = usable_binaries(user, self.cache_dir)
            version = folder / "data" / "PG_VERSION"
            if version.exists():
                self._same_version(version.read_text(encoding="ascii").strip(), binaries)
                return False
            make_data(folder, binaries, user, USER, DATABASE)
        except OSError as exc:
            raise StorageError(
                f"cannot make the embedded PostgreSQL below {self.home}: {exc.strerror} ({exc.filename})",
                hint="check free space and the owner of the home",
            ) from exc
        return True

    def _same_version(self, found: str, binaries: Path) -> None:
        ours = str(major_version(binaries))
        if found != ours:
            raise ConfigurationError(
                f"the data in {self._folder} are of PostgreSQL {found}, the installed server is {ours}",
                hint=f"`mv {self._folder} {self._folder}-{found} && cryptoelt db init && cryptoelt backfill` "
                "builds the warehouse anew from the lake, for no credits",
            )

    def _start(self) -> int:
        """Start the server, or wait for one that recovers or is on its way down; return its port."""
        user = server_user(self.home)
        binaries = usable_binaries(user, self.cache_dir)
        deadline = time.monotonic() + _PATIENCE
        release_stale_pid(self._data)
        said = ""
        while True:
            if postmaster(self._data) is None:
                lost_the_port = "could not create any TCP/IP sockets" in said
                said = launch(binaries, self._data, self._log, user, self._port(fresh=lost_the_port))
            port, reason = self._wait(deadline)
            if port is not None:
                return port
            if time.monotonic() > deadline or not _passes(said):
                raise self._not_started(said or reason)
            time.sleep(_POLL)

    def _wait(self, deadline: float) -> tuple[int | None, str]:
        """Wait until the server answers, has ended, refuses us, or the time is over."""
        while True:
            port, reason = self._probe()
            if port is not None or postmaster(self._data) is None or "authentication" in reason:
                return port, reason
            if time.monotonic() > deadline:
                return port, reason
            time.sleep(_POLL)

    def _port(self, *, fresh: bool) -> int:
        """Return the port of the last start if it is free, else a new one, and remember it."""
        path = self._data / "cryptoelt.port"
        former = int(path.read_text(encoding="ascii").strip() or "0")
        if former and not fresh and port_is_free(former):
            return former
        port = free_port()
        path.write_text(str(port), encoding="ascii")
        return port

    def _not_started(self, said: str) -> CryptoEltError:
        fatal = [line.partition(":")[2].strip() for line in said.splitlines() if "FATAL" in line or "PANIC" in line]
        reason = (fatal or said.strip().splitlines() or ["it says nothing"])[-1]
        message = f"the embedded PostgreSQL below {self.home} does not start: {reason}"
        if "No space left" in said:
            return StorageError(message, hint="free some space and run the command again")
        return DatabaseUnavailableError(message, hint=f"its log is {self._log}")


def _passes(said: str) -> bool:
    """Tell a lost race for the port, or former processes still ending, from what will not change by itself."""
    return not said or "still in use" in said or "could not create any TCP/IP sockets" in said
