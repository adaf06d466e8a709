"""What must hold after a kill, and after the normal run that follows it; every check names what is wrong."""

from __future__ import annotations

from collections import Counter, defaultdict
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, assert_never

import pyarrow.parquet as pq

from cryptoelt.api.catalogue import ENDPOINTS
from cryptoelt.api.ledger import CreditLedger, LedgerState
from cryptoelt.clock import Clock, iso
from cryptoelt.errors import StorageError
from cryptoelt.lake.bronze import Bronze, BronzeFile
from cryptoelt.lake.bronze_note import BronzeNote
from cryptoelt.lake.silver import SNAPSHOT, SilverTable, rejected_uri
from cryptoelt.lake.store import LocalStore
from cryptoelt.metadata.jsonl import read_last, read_lines
from cryptoelt.settings import BudgetSettings
from cryptoelt.tables import TABLES, TableKind
from cryptoelt.transform.pending import silver_uri
from cryptoelt.warehouse.engine import Warehouse
from tests.support.cli import embedded_postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from cryptoelt.sandbox.server import SandboxServer

#: What identifies a record within a snapshot: typed columns of Bronze.
_KEYS = {
    "exchange/map": ("id",),
    "exchange/info": ("id",),
    "exchange/assets": ("exchange_id", "platform_name", "wallet_address", "crypto_id", "balance"),
    "cryptocurrency/map": ("id",),
    "cryptocurrency/info": ("id",),
    "cryptocurrency/listings/latest": ("id",),
    "cryptocurrency/categories": ("id",),
    "cryptocurrency/category": ("category_id", "page_start", "crypto_id"),
    "global-metrics/quotes/latest": (),
    "fear-and-greed/latest": (),
    "fear-and-greed/historical": ("timestamp",),
}
#: Nothing is counted for their calls, so the ledger cannot tell whether one of them was answered.
_FREE = frozenset(name for name, endpoint in ENDPOINTS.items() if not endpoint.price.of())


class BrokenPromiseError(AssertionError):
    """A promise was broken."""


def require(condition: object, broken: str) -> None:
    """Raise BrokenPromiseError with this text unless the condition holds."""
    if not condition:
        raise BrokenPromiseError(broken)


@dataclass(frozen=True)
class Raw:
    """What one Bronze file, or all files of one snapshot, hold: the records in order, and the key of each."""

    call_ids: frozenset[str]
    records: tuple[str, ...]
    keys: tuple[tuple[Any, ...], ...]

    def __add__(self, other: Raw) -> Raw:
        return Raw(self.call_ids | other.call_ids, self.records + other.records, self.keys + other.keys)


@dataclass
class Witness:
    """Looks at one home, and at what the sandbox knows of it."""

    home: Path
    sandbox: SandboxServer
    _raw: dict[str, Raw] = field(default_factory=dict)
    #: Calls that were under way when a run was killed, and whose answer is lost.
    _lost: set[str] = field(default_factory=set)

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

    def bronze(self, endpoint: str | None = None) -> list[BronzeFile]:
        """Return every file of Bronze, or those of one endpoint, oldest first."""
        lake = Bronze(LocalStore(self.home / "lake"))
        return [file for name in ENDPOINTS if endpoint in {None, name} for file in lake.files(name)]

    def raw(self, file: BronzeFile) -> Raw:
        """Return what a Bronze file holds."""
        if file.path not in self._raw:
            names = list(_KEYS[file.endpoint])
            table = pq.read_table(self.home / "lake" / file.path, columns=["call_id", "raw", *names])
            calls, records = (table.column(name).to_pylist() for name in ("call_id", "raw"))
            keys = zip(*(table.column(name).to_pylist() for name in names), strict=True) if names else [()] * len(calls)
            noted = BronzeNote.of(table.schema.metadata).call_id
            named = {str(call) for call in calls} | ({noted} if noted else set())
            require(len(named) == 1 or not records, f"{file.path}: rows of {sorted(named)}, the footer names {noted}")
            self._raw[file.path] = Raw(frozenset(named), tuple(map(str, records)), tuple(keys))
        return self._raw[file.path]

    def snapshots(self, endpoint: str) -> dict[datetime, Raw]:
        """Return what the snapshots of an endpoint hold, all parts together; those without a record are left out."""
        found: dict[datetime, Raw] = {}
        for file in self.bronze(endpoint):
            raw = self.raw(file)
            if raw.records:
                found[file.snapshot] = found[file.snapshot] + raw if file.snapshot in found else raw
        return found

    def silver(self, table: str) -> tuple[Counter[datetime], dict[datetime, list[str]]]:
        """Return the rows of each snapshot in a Silver table, and the records of each that it rejected."""
        uri = silver_uri(str(self.home / "lake"), table)
        rows = Counter(moment for (moment,) in _rows(SilverTable(uri), SNAPSHOT))
        rejected: dict[datetime, list[str]] = defaultdict(list)
        for moment, record in _rows(SilverTable(rejected_uri(uri)), SNAPSHOT, "record"):
            rejected[moment].append(record)
        return rows, rejected

    # --- after a kill -------------------------------------------------------------------------------------------------

    def check_after_kill(self) -> None:
        """Before anything else runs: every file is readable, no credit is missing, one answer is lost at most."""
        self.check_readable()
        state, counted = self.ledger(), self.sandbox.usage()["credits"]
        spent = state.charged + state.reserved + state.external
        require(spent >= counted, f"the ledger knows of {spent} credits, the provider counts {counted}")
        lost = self._without_answer().keys() - self._lost
        require(len(lost) <= 1, f"one kill, and {len(lost)} calls without an answer in Bronze: {sorted(lost)}")
        self._lost |= lost

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

    def check_after_run(self) -> None:
        """Everything is in place once, and everything is paid for once."""
        self.check_readable()
        self.check_credits()
        self.check_answers()
        self.check_tables()

    def check_credits(self) -> None:
        """The ledger agrees with the provider to the last credit."""
        state, counted = self.ledger(), self.sandbox.usage()["credits"]
        require(not state.reserved, f"{state.reserved} credits are still reserved after a normal run")
        known = state.charged + state.external
        require(known == counted, f"the ledger has {known} credits charged, the provider counts {counted}")

    def check_answers(self) -> None:
        """Every good answer is in Bronze, but for one a kill at most, and the ledger shows each of those."""
        kept_calls = self._kept_calls()
        served = Counter(
            (answer["endpoint"], answer["sha256"])
            for answer in self.sandbox.served()
            if answer["http_status"] == 200 and answer["error_code"] == 0 and answer["endpoint"] in ENDPOINTS
        )
        kept = Counter((line["endpoint"], line["sha256"]) for line in self.calls() if line["call_id"] in kept_calls)
        require(kept.total() == len(kept_calls), f"of {len(kept_calls)} calls in Bronze {kept.total()} are journalled")
        require(not kept - served, f"Bronze holds answers that were never given: {list(kept - served)}")
        without = self._without_answer()
        strange = without.keys() - self._lost
        require(not strange, f"no kill met the calls {sorted(strange)}, yet Bronze has no answer of them")
        lost = Counter(endpoint for endpoint, _ in (served - kept).elements())
        shown = Counter(endpoint for endpoint, credits in without.values() if credits)
        perhaps = Counter(endpoint for endpoint, _ in without.values() if endpoint in _FREE)
        require(
            shown <= lost <= shown + perhaps,
            f"lost: {dict(lost)}, but the ledger shows {dict(shown)}, and perhaps {dict(perhaps)} that were free",
        )

    def calls(self) -> list[dict[str, Any]]:
        """Return the journal of calls."""
        return [line for path in (self.home / "metadata" / "calls").glob("*.jsonl") for line in read_lines(path)]

    def _kept_calls(self) -> set[str]:
        return {call for file in self.bronze() for call in self.raw(file).call_ids}

    def _without_answer(self) -> dict[str, tuple[str, int]]:
        """Return the calls of the ledger whose answer Bronze does not have, with endpoint and credits."""
        found: dict[str, tuple[str, int]] = {}
        for path in sorted((self.home / "metadata" / "credits").glob("*.jsonl")):
            for event in read_lines(path):
                if event["event"] in {"reserve", "settle"}:
                    found[event["call_id"]] = (event["endpoint"], event["credits"])
                elif event["event"] == "release":
                    del found[event["call_id"]]
                elif event["event"] == "reconcile":
                    found |= {call: (found[call][0], credits) for call, credits in event["settled"].items()}
        kept = self._kept_calls()
        return {call: about for call, about in found.items() if call not in kept}

    def check_tables(self) -> None:
        """Every snapshot of Bronze is in Silver and in the warehouse, once, and the rows add up."""
        held = Counter(
            {
                (table, moment): count
                for table, moment, count in self.query(
                    "SELECT table_name, snapshot_timestamp, count(*) FROM ops.quarantine GROUP BY 1, 2"
                )
            }
        )
        for name, table in TABLES.items():
            snapshots = self.snapshots(table.endpoint)
            silver, rejected = self.silver(name)
            strange = (silver.keys() | rejected.keys()) - snapshots.keys()
            require(not strange, f"Silver {name} holds snapshots that Bronze has not: {sorted(map(iso, strange))}")
            for moment, raw in snapshots.items():
                at = f"{name} at {iso(moment)}"
                bad = rejected.get(moment, [])
                good = {key for key, record in zip(raw.keys, raw.records, strict=True) if record not in bad}
                require(
                    silver[moment] == len(good),
                    f"{at}: {len(raw.records)} records in Bronze, {len(bad)} of them rejected, {len(good)} keys in the"
                    f" others, {silver[moment]} rows in Silver",
                )
                found = held[name, moment]
                require(found == len(bad), f"{at}: {len(bad)} rejected in Silver, {found} in quarantine")
            read = silver + Counter({moment: len(records) for moment, records in rejected.items()})
            told = self._check_batches(name, read, set(snapshots))
            there = self._loaded(name, silver)
            require(told == there, f"{name}: the batches loaded {told} rows, the warehouse has {there}")

    def _check_batches(self, name: str, read: Counter[datetime], snapshots: set[datetime]) -> int:
        """Every snapshot is in one load batch, which adds up to what was read; return what all batches loaded."""
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
            rows = sum(read[moment] for moment in moments)
            require(rows_in == rows, f"{at}: says {rows_in} rows, Silver has {rows}")
        return sum(int(batch[2]) for batch in batches)

    def _loaded(self, name: str, silver: Counter[datetime]) -> int:
        """Return how many rows of Silver the warehouse shows to have been loaded."""
        table = TABLES[name]
        match table.kind:
            case TableKind.STABLE_DIMENSION:
                # Each version of a member was loaded once; inferred ones were not.
                return self._number(
                    f"SELECT (SELECT count(*) FROM dwh.{name} AS t"
                    " WHERE coalesce((to_jsonb(t) ->> 'is_inferred')::boolean, false) = false)"
                    f" + (SELECT count(*) FROM dwh.{name}_history)"
                )
            case TableKind.LINK:
                return self._links()
            case TableKind.SNAPSHOT:
                rows = (
                    f"FROM dwh.{table.warehouse_table} JOIN ops.load_batch USING (load_batch_id)"
                    f" WHERE table_name = '{name}'"
                )
                if not table.into:  # else each row stands at a time of its own
                    stored = Counter(dict(self.query(f"SELECT snapshot_timestamp, count(*) {rows} GROUP BY 1")))
                    differ = {iso(at) for at in stored.keys() | silver.keys() if stored[at] != silver[at]}
                    require(not differ, f"{name}: not as many rows in the warehouse as in Silver at {sorted(differ)}")
                return self._number(f"SELECT count(*) {rows}")
            case other:
                assert_never(other)

    def _links(self) -> int:
        """Return what observations of members changed: those that began an interval, and answers that ended some."""
        asked = {
            (category, moment)
            for moment, raw in self.snapshots("cryptocurrency/category").items()
            for category, _, coin in raw.keys
            if coin is None
        }
        links = self.query("SELECT category_id, valid_to FROM dwh.link_crypto_category")
        return len(links) + len(asked.intersection(links))

    def _number(self, statement: str) -> int:
        return int(self.query(statement)[0][0])


def _rows(silver: SilverTable, *columns: str) -> Iterator[tuple[Any, ...]]:
    """Yield columns of all rows of a Silver table, if it exists."""
    for batch in silver.read(columns=list(columns)) if silver.exists else ():
        yield from zip(*(batch.column(name).to_pylist() for name in columns), strict=True)
