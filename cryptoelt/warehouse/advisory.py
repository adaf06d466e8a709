"""Advisory locks: they live in the server, and end with the connection that holds them."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import psycopg2

from cryptoelt.clock import iso
from cryptoelt.errors import LockedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg2.extensions import cursor as Cursor  # noqa: N812 - psycopg2 spells its class in lower case

    from cryptoelt.warehouse.engine import Warehouse

#: The first of the two numbers of every advisory lock of ours: "CELT" in ASCII.
SPACE = 0x43454C54
RUN = 1
MIGRATION = 2
_POLL_SECONDS = 0.1
#: A killed run's lock is free as soon as the server has noticed, which may be a moment after the kill.
_GRACE_SECONDS = 1.0
_HOLDER = """
    SELECT a.pid, a.client_addr::text, a.backend_start
    FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
    WHERE l.locktype = 'advisory' AND l.granted AND l.classid = %s AND l.objid = %s
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


@contextmanager
def hold_run_lock(warehouse: Warehouse, wait: float | None) -> Iterator[None]:
    """Hold the run lock on a connection of its own; see `Warehouse.run_lock`."""
    connection = warehouse.connect()
    try:
        # Without a transaction: an open one would keep VACUUM from cleaning up for as long as the run lasts.
        connection.autocommit = True
        with warehouse.failures(), connection.cursor() as cursor:
            _acquire(warehouse, cursor, wait)
        yield
        # Closing alone would free it too, but a moment later; a connection that was lost has freed it already.
        with suppress(psycopg2.OperationalError, psycopg2.InterfaceError), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", (SPACE, RUN))
    finally:
        connection.close()


def _acquire(warehouse: Warehouse, cursor: Cursor, wait: float | None) -> None:
    """Ask again and again instead of waiting inside the server, where a signal would not be seen."""
    clock = warehouse.clock
    deadline = None if wait is None else clock.monotonic() + max(wait, _GRACE_SECONDS)
    while not _try_lock(cursor):
        if deadline is not None and clock.monotonic() >= deadline:
            raise LockedError(
                f"another run holds the lock of warehouse {warehouse.name}{_holder(cursor)}",
                hint="wait for it to end, or pass --wait 10m",
            )
        clock.sleep(_POLL_SECONDS)


def _try_lock(cursor: Cursor) -> bool:
    cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", (SPACE, RUN))
    return cursor.fetchone() == (True,)


def _holder(cursor: Cursor) -> str:
    cursor.execute(_HOLDER, (SPACE, RUN))
    row = cursor.fetchone()
    if row is None:
        return ""
    pid, address, since = row
    return f" (server process {pid}, client {address or 'local'}, since {iso(since) if since else 'unknown'})"
