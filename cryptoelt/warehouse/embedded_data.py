"""Make the data folder of the embedded PostgreSQL: whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from cryptoelt.errors import ConfigurationError, DatabaseUnavailableError, StorageError
from cryptoelt.metadata.jsonl import sync_folder
from cryptoelt.warehouse.embedded_process import CLEAN_ENVIRONMENT, free_port

if TYPE_CHECKING:
    from cryptoelt.machine.server_place import ServerUser

#: For one small machine that runs batches; everything that keeps data safe stays at its default.
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "50",
    "shared_buffers": "128MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "log_checkpoints": "off",
    # A statement that fails may hold a password, so the log names the error and not the statement.
    "log_min_error_statement": "panic",
    # Systems remove a user's POSIX shared memory when the user's last session ends, which cron's do all day.
    "dynamic_shared_memory_type": "mmap",
}
_SCRATCH = "making-"


def make_data(folder: Path, binaries: Path, user: ServerUser, superuser: str, database: str) -> None:
    """Make `folder`/data with an empty database and a password; it gets its name only when it is whole and durable.

    Raises:
        ConfigurationError: something that is no data folder is in its place.
        StorageError: the disk is full.
        DatabaseUnavailableError: PostgreSQL refuses.
    """
    final = folder / "data"
    if final.exists() and any(final.iterdir()):
        raise ConfigurationError(
            f"{final} is not whole: it has no file PG_VERSION",
            hint=f"`mv {folder} {folder}-damaged && cryptoelt db init && cryptoelt backfill` builds the warehouse anew",
        )
    for left in folder.glob(f"{_SCRATCH}*"):
        shutil.rmtree(left, ignore_errors=True)  # of a process that died; its initdb may still be writing there
    scratch = Path(tempfile.mkdtemp(prefix=_SCRATCH, dir=folder))
    try:
        user.own(scratch)
        _fill(scratch, binaries, user, superuser, database)
        (scratch / "data").rename(final)
        sync_folder(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _fill(scratch: Path, binaries: Path, user: ServerUser, superuser: str, database: str) -> None:
    partial, password = scratch / "data", scratch / "password"
    _write_private(password, secrets.token_urlsafe(24), user)
    settings = [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]
    # Code-point order and Unicode-aware lower() that no operating system's update can change.
    locale = ["-E", "UTF8", "--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    initdb = str(binaries / "bin" / "initdb")
    access = ["-U", superuser, "-A", "scram-sha-256", f"--pwfile={password}"]
    _run([initdb, "-D", str(partial), "--no-sync", *access, *locale, *settings], user)
    single = [str(binaries / "bin" / "postgres"), "--single", "-D", str(partial), "postgres"]
    _run(single, user, f"CREATE DATABASE {database};\n")
    password.rename(partial / "cryptoelt.password")
    _write_private(partial / "cryptoelt.port", str(free_port()), user)
    _run([initdb, "--sync-only", "-D", str(partial)], user)


def _write_private(path: Path, text: str, user: ServerUser) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        stream.write(text)
    user.own(path)


def _run(words: list[str], user: ServerUser, text: str = "") -> None:
    """Run one of PostgreSQL's programs to its end."""
    try:
        done = subprocess.run(  # noqa: S603 - our own binaries, no shell
            words,
            input=text,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env=CLEAN_ENVIRONMENT,
            start_new_session=True,
            **user.run_as,
        )
    except PermissionError as exc:
        raise ConfigurationError(
            f"PostgreSQL's programs cannot be run as another user (uid {user.uid}): {exc.strerror}",
            hint="run as an ordinary user, or set CRYPTOELT_WAREHOUSE__URL to a PostgreSQL of your own",
        ) from exc
    if done.returncode == 0 and "ERROR" not in done.stderr:
        return
    said = (
        "; ".join(line for line in done.stderr.splitlines() if "rror" in line or "FATAL" in line) or done.stderr.strip()
    )
    message = f"the embedded PostgreSQL cannot be made: {said}"
    if "No space left" in done.stderr:
        raise StorageError(message, hint="free some space and run the command again")
    raise DatabaseUnavailableError(message, hint="see the message; `cryptoelt setup` tries again")
