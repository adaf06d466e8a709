"""Builds the snapshots of quarantined records anew, so that what is no longer rejected comes into its table."""

from __future__ import annotations

import logging
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptoelt.errors import UsageError
from cryptoelt.pipeline.backfill import Backfill
from cryptoelt.pipeline.jobs import Job
from cryptoelt.tables import TABLES
from cryptoelt.warehouse.quarantine import RULES, require_known

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from cryptoelt.results import Result
    from cryptoelt.warehouse.engine import Warehouse

log = logging.getLogger("cryptoelt.pipeline")

_WAITING = """
SELECT quarantine_id, table_name, snapshot_timestamp FROM ops.quarantine
WHERE replayed_at IS NULL AND (%(table)s::text IS NULL OR table_name = %(table)s)
AND (%(rule)s::text IS NULL OR rule = %(rule)s) AND (%(id)s::bigint IS NULL OR quarantine_id = %(id)s)
"""


@dataclass(frozen=True)
class Selection:
    """Which quarantined records are meant: those that fit all that is given."""

    table: str | None = None
    rule: str | None = None
    quarantine_id: int | None = None

    def __post_init__(self) -> None:
        """Refuse a table or a rule that does not exist.

        Raises:
            UsageError: there is none of this name.
        """
        require_known("table", self.table, TABLES)
        require_known("rule", self.rule, RULES)


@dataclass(frozen=True)
class ReplayReport:
    """What a replay did.

    Attributes:
        result: the tables that were built and loaded.
        replayed: table -> records that are no longer rejected.
        remaining: table -> records that still are.
    """

    result: Result
    replayed: dict[str, int]
    remaining: dict[str, int]

    def as_json(self) -> dict[str, Any]:
        """Return it in the shape of `--json`."""
        counts = {"replayed": sum(self.replayed.values()), "remaining": sum(self.remaining.values())}
        return {**self.result.as_json(), **counts, "tables": self._by_table()}

    def _by_table(self) -> dict[str, dict[str, int]]:
        names = [name for name in TABLES if name in self.replayed or name in self.remaining]
        return {
            name: {"replayed": self.replayed.get(name, 0), "remaining": self.remaining.get(name, 0)} for name in names
        }

    def rows(self) -> list[list[object]]:
        """Return the lines of a table for people."""
        return [[name, *counts.values()] for name, counts in self._by_table().items()]


class Replay(Backfill):
    """Runs one replay with the parts of one runtime."""

    _rebuild = True
    _is_whole = False

    def replay(self, selection: Selection, wait: float = 0.0) -> ReplayReport:
        """Build anew and put in place the snapshots that hold the selected records; costs no credit.

        Raises:
            UsageError: there is no such record.
            CryptoEltError: it could not begin: it is locked out, or the warehouse cannot be reached or is not at head.
        """
        runtime = self._runtime
        started, began = runtime.clock.now(), runtime.clock.monotonic()
        self._wait_until = began + wait
        with ExitStack() as stack:
            stack.enter_context(runtime.lock(wait))
            stack.callback(runtime.close)  # before the lock is freed: the JVM must not outlive it
            self._reach_database(stack)
            if self._database_error is not None:
                raise self._database_error
            self._runs = (runtime.run_id,)
            asked = _waiting(runtime.warehouse, selection)
            if not asked and selection.quarantine_id is not None:
                _require_known(runtime.warehouse, selection.quarantine_id)
            moments: dict[str, set[datetime]] = {name: set() for name in TABLES}
            for table, moment in asked.values():
                moments[table].add(moment)
            self._fill({table: chosen.__contains__ for table, chosen in moments.items() if chosen}, stack)
            left = _waiting(runtime.warehouse, selection)
            result = self._result(Job(), started, began)
        if not asked:
            result.reason = "no such record is in quarantine"
        gone = [table for number, (table, _) in asked.items() if number not in left]
        return ReplayReport(result, _counts(gone), _counts(table for table, _ in left.values()))


def _waiting(warehouse: Warehouse, selection: Selection) -> dict[int, tuple[str, datetime]]:
    """Return the selected records that wait in quarantine: their id, table and snapshot."""
    values = {"table": selection.table, "rule": selection.rule, "id": selection.quarantine_id}
    with warehouse.session() as connection, connection.cursor() as cursor:
        cursor.execute(_WAITING, values)
        return {number: (table, moment) for number, table, moment in cursor.fetchall()}


def _require_known(warehouse: Warehouse, quarantine_id: int) -> None:
    with warehouse.session() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT FROM ops.quarantine WHERE quarantine_id = %s", (quarantine_id,))
        if cursor.rowcount == 0:
            raise UsageError(
                f"there is no record {quarantine_id} in quarantine", hint="`cryptoelt quarantine list --all` shows them"
            )


def _counts(tables: Iterable[str]) -> dict[str, int]:
    return dict(Counter(tables))
