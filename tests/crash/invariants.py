"""What must hold after a kill, and after the normal run that follows it; every check names what is wrong."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from cryptoelt.api.catalogue import ENDPOINTS
from cryptoelt.api.ledger import CreditLedger, LedgerState
from cryptoelt.clock import Clock, iso
from cryptoelt.errors import StorageError
from cryptoelt.lake.bronze import Bronze, BronzeFile
from cryptoelt.lake.silver import SNAPSHOT, SilverTable, rejected_uri
from cryptoelt.lake.store import LocalStore
from cryptoelt.metadata.jsonl import read_last, read_lines
from cryptoelt.settings import BudgetSettings
from cryptoelt.tables import TABLES, TableKind
from cryptoelt.transform.pending import silver_uri
from cryptoelt.warehouse.engine import Warehouse
from tests.e2e.support import embedded_postgres

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from cryptoelt.sandbox.server import SandboxServer

#: What a table is made of, where that is not the whole record: two records that agree in it are the same row.
_READS = {
    "dim_crypto_category": ("id", "name", "title", "description"),
    "fact_crypto_category": (
        *("id", "num_tokens", "avg_price_change", "market_cap", "market_cap_change", "volume", "volume_change"),
        "last_updated",
    ),
}


class BrokenPromiseError(AssertionError):
    """A promise was broken."""


def require(condition: object, broken: str) -> None:
    """Raise BrokenPromiseError with this text unless the condition holds."""
    if not condition:
        raise BrokenPromiseError(broken)


@dataclass(frozen=True)
class Raw:
    """What one Bronze file holds."""

    call_ids: frozenset[str]
    records: tuple[str, ...]

    def duplicates(self, table: str) -> int:
        """Return how many records repeat another one, as far as a table is concerned."""
        if table not in _READS:
            return len(self.records) - len(set(self.records))
        rows = [json.loads(record) for record in self.records]
        return len(rows) - len({json.dumps([row.get(name) for name in _READS[table]]) for row in rows})


@dataclass
class Witness:
    """Looks at one home, and at what the sandbox knows of it."""

    home: Path
    sandbox: SandboxServer
    _raw: dict[str, Raw] = field(default_factory=dict)

    @cached_property
    def warehouse(self) -> Warehouse:
        """The home's embedded warehouse; started if it does not run."""
        return Warehouse(embedded_postgres(self.home).ensure_running(), Clock())

    def query(self, statement: str) -> list[tuple[Any, ...]]:
        """Return the rows of a statement."""
        with closing(self.warehouse.connect()) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()

    def ledger(self) -> LedgerState:
        """Return the ledger as a new process reads it."""
        return CreditLedger(self.home / "metadata", BudgetSettings(), Clock()).state()

    def bronze(self) -> list[BronzeFile]:
        """Return every file of Bronze."""
        lake = Bronze(LocalStore(self.home / "lake"))
        return [file for endpoint in ENDPOINTS for file in lake.files(endpoint)]

    def raw(self, file: BronzeFile) -> Raw:
        """Return what a Bronze file holds."""
        if file.path not in self._raw:
            table = pq.read_table(self.home / "lake" / file.path, columns=["call_id", "raw"])
            calls, records = (table.column(name).to_pylist() for name in ("call_id", "raw"))
            self._raw[file.path] = Raw(frozenset(map(str, calls)), tuple(map(str, records)))
        return self._raw[file.path]

    def silver(self, table: str) -> tuple[Counter[datetime], Counter[datetime]]:
        """Return the rows of each snapshot in a Silver table, and those that it rejected."""
        uri = silver_uri(str(self.home / "lake"), table)
        return _rows_by_snapshot(SilverTable(uri)), _rows_by_snapshot(SilverTable(rejected_uri(uri)))

    # --- after a kill -------------------------------------------------------------------------------------------------

    def check_after_kill(self) -> None:
        """Before anything else runs: every file is readable, and no credit is missing from the ledger."""
        self.check_readable()
        state, counted = self.ledger(), self.sandbox.usage()["credits"]
        spent = state.charged + state.reserved + state.external
        require(spent >= counted, f"the ledger knows of {spent} credits, the provider counts {counted}")

    def check_readable(self) -> None:
        """Journals, call journal and ledger can be read from beginning to end, Bronze files too."""
        for path in sorted((self.home / "metadata").rglob("*.jsonl")):
            try:
                lines = list(read_lines(path))
                require(read_last(path) == (lines[-1] if lines else None), f"{path}: the last line is not the last")
            except StorageError as exc:
                raise BrokenPromiseError(exc.message) from exc
        for file in self.bronze():
            try:
                self.raw(file)
            except (OSError, ValueError) as exc:
                raise BrokenPromiseError(f"Bronze file {file.path} cannot be read: {exc}") from exc

    # --- after the run that follows ---------------------------------------------------------------------------------

    def check_after_run(self, kills: int) -> None:
        """Everything is in place once, and everything is paid for once."""
        self.check_readable()
        self.check_credits()
        self.check_answers(kills)
        self.check_tables()

    def check_credits(self) -> None:
        """The ledger agrees with the provider to the last credit."""
        state, counted = self.ledger(), self.sandbox.usage()["credits"]
        require(not state.reserved, f"{state.reserved} credits are still reserved after a normal run")
        known = state.charged + state.external
        require(known == counted, f"the ledger has {known} credits charged, the provider counts {counted}")

    def check_answers(self, kills: int) -> None:
        """Every good answer is in Bronze, but for one a kill at most, and the ledger shows each of those."""
        kept_calls = {call for file in self.bronze() for call in self.raw(file).call_ids}
        served = Counter(
            (answer["endpoint"], answer["sha256"])
            for answer in self.sandbox.served()
            if answer["http_status"] == 200 and answer["error_code"] == 0 and answer["endpoint"] in ENDPOINTS
        )
        kept = Counter((line["endpoint"], line["sha256"]) for line in self.calls() if line["call_id"] in kept_calls)
        require(kept.total() == len(kept_calls), f"of {len(kept_calls)} calls in Bronze {kept.total()} are journalled")
        require(not kept - served, f"Bronze holds answers that were never given: {list(kept - served)}")
        lost = served - kept
        require(lost.total() <= kills, f"{lost.total()} answers are lost after {kills} kills: {list(lost)}")
        lost_by_endpoint = Counter(endpoint for endpoint, _ in lost.elements())
        shown = self._paid_for_nothing(kept_calls)
        require(lost_by_endpoint == shown, f"lost: {dict(lost_by_endpoint)}, but the ledger shows {dict(shown)}")

    def calls(self) -> list[dict[str, Any]]:
        """Return the journal of calls."""
        return [line for path in (self.home / "metadata" / "calls").glob("*.jsonl") for line in read_lines(path)]

    def _paid_for_nothing(self, kept_calls: set[str]) -> Counter[str]:
        """Return, by endpoint, the calls that the ledger has charged and Bronze does not have."""
        endpoint_of: dict[str, str] = {}
        charged: dict[str, int] = {}
        for path in sorted((self.home / "metadata" / "credits").glob("*.jsonl")):
            for event in read_lines(path):
                if event["event"] == "reserve":
                    endpoint_of[event["call_id"]] = event["endpoint"]
                elif event["event"] == "settle":
                    charged[event["call_id"]] = event["credits"]
                elif event["event"] == "reconcile":
                    charged |= event["settled"]
        return Counter(endpoint_of[call] for call, cost in charged.items() if cost and call not in kept_calls)

    def check_tables(self) -> None:
        """Every snapshot of Bronze is in Silver and in the warehouse, once, and the rows add up."""
        quarantined = Counter(
            {
                (table, moment): count
                for table, moment, count in self.query(
                    "SELECT table_name, snapshot_timestamp, count(*) FROM ops.quarantine GROUP BY 1, 2"
                )
            }
        )
        for name, table in TABLES.items():
            files = [file for file in self.bronze() if file.endpoint == table.endpoint]
            good, rejected = self.silver(name)
            strange = (set(good) | set(rejected)) - {file.snapshot for file in files}
            require(not strange, f"Silver {name} holds snapshots that Bronze has not: {sorted(map(iso, strange))}")
            stored = self._stored(name)
            for file in files:
                at = f"{name} at {iso(file.snapshot)}"
                raw = self.raw(file)
                rows, bad, same = len(raw.records), rejected[file.snapshot], raw.duplicates(name)
                silver = good[file.snapshot]
                require(rows == silver + bad + same, f"{at}: {rows} in Bronze, {silver} + {bad} + {same} in Silver")
                held = quarantined[name, file.snapshot]
                require(held == bad, f"{at}: {bad} rejected in Silver, {held} in quarantine")
                if table.kind is not TableKind.STABLE_DIMENSION:
                    found = stored[file.snapshot]
                    require(found == silver, f"{at}: {silver} rows in Silver, {found} in the warehouse")
            require(
                table.kind is TableKind.STABLE_DIMENSION or set(stored) <= set(good),
                f"{name}: the warehouse holds snapshots that Silver has not",
            )
            self._check_batches(name, good + rejected, {file.snapshot for file in files})

    def _stored(self, name: str) -> Counter[datetime]:
        rows = self.query(f"SELECT snapshot_timestamp, count(*) FROM dwh.{name} GROUP BY 1")
        return Counter(dict(rows))

    def _check_batches(self, name: str, silver: Counter[datetime], snapshots: set[datetime]) -> None:
        """Every snapshot is in one load batch, and the batches add up to what was read and what is there."""
        batches = self.query(
            "SELECT snapshots, rows_in, rows_loaded, rows_present, rows_quarantined FROM ops.load_batch"
            f" WHERE table_name = '{name}' AND superseded_at IS NULL"
        )
        times = Counter(moment for batch in batches for moment in batch[0])
        require(
            times == Counter(snapshots),
            f"{name}: snapshots that are not in exactly one batch: "
            f"{sorted((iso(moment), times[moment]) for moment in snapshots | set(times) if times[moment] != 1)}",
        )
        for moments, rows_in, loaded, present, held in batches:
            at = f"{name}, batch of {[iso(moment) for moment in moments]}"
            require(rows_in == loaded + present + held, f"{at}: {rows_in} in, {loaded} + {present} + {held} out")
            read = sum(silver[moment] for moment in moments)
            require(rows_in == read, f"{at}: says {rows_in} rows, Silver has {read}")
        told, there = sum(batch[2] for batch in batches), self._versions(name)
        require(told == there, f"{name}: the batches loaded {told} rows, the warehouse has {there}")

    def _versions(self, name: str) -> int:
        """Return how many rows a table has, former versions of a dimension's rows included, inferred ones not."""
        statement = f"SELECT count(*) FROM dwh.{name}"
        if TABLES[name].kind is TableKind.STABLE_DIMENSION:
            statement = (
                f"SELECT (SELECT count(*) FROM dwh.{name} WHERE NOT is_inferred)"
                f" + (SELECT count(*) FROM dwh.{name}_history)"
            )
        return int(self.query(statement)[0][0])


def _rows_by_snapshot(silver: SilverTable) -> Counter[datetime]:
    rows: Counter[datetime] = Counter()
    if silver.exists:
        for batch in silver.read(columns=[SNAPSHOT]):
            rows.update(moment for moment in batch.column(SNAPSHOT).to_pylist() if moment is not None)
    return rows
