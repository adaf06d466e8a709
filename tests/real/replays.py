"""The two replays: the commands of the real tool against the recordings, and what they left behind."""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import zip_longest
from time import monotonic
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from cryptoelt.api.catalogue import ENDPOINTS
from cryptoelt.clock import parse_iso
from cryptoelt.quality.checks import checks
from cryptoelt.tables import TABLES as CATALOGUE
from tests.real.answers import ASSETS, CATEGORY, COIN_INFO, EXCHANGE_INFO, LISTINGS, Answers, Market, OneByOne
from tests.real.contract import TABLES, Asked, Contract, differences
from tests.real.server import replay
from tests.support.cli import Cli, Finished, home_env
from tests.support.evidence import count, rows, url_of
from tests.support.recordings import recordings_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from decimal import Decimal
    from pathlib import Path

    from tests.support.recordings import Recording

#: Asked in the replay of the market for whoever is on a list; alone they would answer nobody's question.
BY_ID = (EXCHANGE_INFO, ASSETS, COIN_INFO, CATEGORY)
#: The frequencies after the init; 10x twice, because what is one record has several recordings.
FREQUENCIES = ("10x", "10x", "5x", "daily", "weekly")
COUNTS = ("rows_in", "rows_loaded", "rows_present", "rows_quarantined")
#: Warnings that tell that recordings are of other years, or were cut short by whoever kept them.
OF_OLD = {
    "exchange_map_info_old", "global_cap_jump", "global_outdated", "market_dominance_sum", "market_stale",
    "sentiment_value_time",
}  # fmt: skip
#: A warning on more of the rows than this is none.
RARE = 0.01


@dataclass
class Line:
    """What became of the records of one endpoint."""

    endpoint: str
    files: int
    recorded: int
    sent: int = 0
    stand_ins: int = 0
    bronze: int = 0
    silver: int = 0
    repeated: int = 0
    quarantined: int = 0
    compared: int = 0


@dataclass
class Replay:
    """One replay, as far as it has come.

    Attributes:
        faults: whatever is not as it should be.
        found: check -> its severity, the rows it found, and those of its table.
        worth: exchange and snapshot -> what its wallets are worth, by their records.
    """

    title: str
    home: Path
    answers: Answers
    cli: Cli
    recorded: list[Recording]
    asked: list[Asked] = field(default_factory=list)
    units: list[dict[str, Any]] = field(default_factory=list)
    commands: list[tuple[str, int, float]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    found: dict[str, tuple[str, int, int]] = field(default_factory=dict)
    worth: dict[tuple[int, datetime], Decimal] = field(default_factory=dict)

    def run(self, *arguments: str, **settings: str) -> Finished:
        """Run a command, and note which snapshot each of its answers became."""
        before, began = len(self.answers.served), monotonic()
        finished = self.cli(*arguments, "--json", **settings)
        self.commands.append((" ".join(arguments), finished.code, monotonic() - began))
        if finished.code:
            self.faults.append(f"{' '.join(arguments)} ended in code {finished.code}: {finished.stderr.strip()[:600]}")
        units = finished.json().get("units", []) if finished.stdout.strip() else []
        self.units += units
        moments = {unit["name"]: unit["snapshots"] for unit in units if unit["phase"] == "extract"}
        for served in self.answers.served[before:]:
            if moments.get(served.endpoint):
                self.asked.append(Asked(parse_iso(moments[served.endpoint][-1]), served))
            else:
                self.faults.append(f"{served.endpoint} answered, and became no snapshot")
        return finished

    def examine(self) -> None:
        """Compare what is in Bronze, Silver and the warehouse with what was sent, and run every check."""
        url = url_of(self.home)
        contract = Contract(self.asked)
        self.lines = [self._line(endpoint) for endpoint in ENDPOINTS]
        by_endpoint = {line.endpoint: line for line in self.lines}
        for table in TABLES:
            compared, faults = differences(table, rows(url, f"SELECT * FROM dwh.{table}"), contract)
            by_endpoint[_endpoint_of(table)].compared += compared
            self.faults += faults[:5] + ([f"{table}: and {len(faults) - 5} more"] if len(faults) > 5 else [])
        self._examine_units()
        self._examine_worth(contract, url)
        self._examine_quality(url)

    def _line(self, endpoint: str) -> Line:
        """Count the records of an endpoint on their way."""
        mine = [recording for recording in self.recorded if recording.endpoint == endpoint]
        sent = [served for served in self.answers.served if served.endpoint == endpoint]
        line = Line(endpoint, len(mine), sum(len(recording.records) for recording in mine))
        line.sent, line.stand_ins = sum(len(one.records) for one in sent), sum(one.stand_ins for one in sent)
        files = (self.home / "lake" / "bronze" / endpoint).rglob("*.parquet")
        line.bronze = sum(pq.ParquetFile(file).metadata.num_rows for file in files)
        if line.bronze != line.sent:
            self.faults.append(f"{endpoint}: {line.sent} records were sent, Bronze has {line.bronze}")
        return line

    def _examine_units(self) -> None:
        """See that every record of Bronze is accounted for, table by table."""
        by_endpoint = {line.endpoint: line for line in self.lines}
        for name, table in CATALOGUE.items():
            line = by_endpoint[table.endpoint]
            built, loaded = (self._counts(phase, name) for phase in ("transform", "load"))
            set_aside = built["rows_quarantined"]
            if {line.bronze, built["rows_in"], _together(built)} != {line.bronze}:
                self.faults.append(f"{name}: of {line.bronze} records Silver accounts for {dict(built)}")
            if {loaded["rows_in"], _together(loaded)} != {built["rows_loaded"] + set_aside}:
                self.faults.append(f"{name}: of {built['rows_loaded']} rows the load accounts for {dict(loaded)}")
            line.silver += built["rows_loaded"]
            line.repeated += built["rows_present"]
            line.quarantined += set_aside
        quarantined = sum(line.quarantined for line in self.lines)
        if quarantined:
            self.faults.append(f"{quarantined} records were quarantined, none should have been")

    def _counts(self, phase: str, name: str) -> Counter[str]:
        """Add up what the units of a table say of their rows."""
        counts = Counter[str](dict.fromkeys(COUNTS, 0))
        for unit in (unit for unit in self.units if (unit["phase"], unit["name"]) == (phase, name)):
            counts.update({count: unit[count] for count in COUNTS})
        return counts

    def _examine_worth(self, contract: Contract, url: str) -> None:
        """Compare what each exchange is worth with its records, added up to the last digit; and the weights with 1."""
        totals = "sum(total_usd_value) AS worth, sum(wallet_weight) AS weight"
        grouped = f"SELECT exchange_id, snapshot_timestamp, {totals} FROM dwh.fact_exchange_assets GROUP BY 1, 2"
        found = {(row["exchange_id"], row["snapshot_timestamp"]): row for row in rows(url, grouped)}
        self.worth = contract.worth()
        for identity, wanted in self.worth.items():
            row = found.get(identity, {"worth": 0.0, "weight": 1.0})
            if not math.isclose(row["worth"], wanted, rel_tol=1e-12) or abs(row["weight"] - 1) > 1e-9:
                self.faults.append(f"exchange {identity}: {row}, recorded worth {wanted:.2f}")

    def _examine_quality(self, url: str) -> None:
        """Run every check over all of history: an error, or one that cannot be run, is a fault."""
        shown = self.cli("quality", "run", "--full", "--json").json()
        tables = {check.name: check.table for check in checks()}
        for check in shown["checks"]:
            if check["status"] == "passed":
                continue
            table = tables[check["name"]]
            total = count(url, f"{'ops' if table == 'load_batch' else 'dwh'}.{table}")
            self.found[check["name"]] = found = (check["severity"], check["rows_found"] or 0, total)
            if check["status"] == "broken" or _is_fault(check["name"], *found):
                self.faults.append(f"check {check['name']}: {check['message'] or check['sample']}")


def _together(counts: Counter[str]) -> int:
    """Return how many rows are accounted for."""
    return counts["rows_loaded"] + counts["rows_present"] + counts["rows_quarantined"]


def _is_fault(check: str, severity: str, found: int, total: int) -> bool:
    """Tell whether what a check found is no oddity of the recordings: an error, or a warning that is not rare."""
    return severity == "error" or (severity == "warning" and check not in OF_OLD and found > RARE * total)


def _endpoint_of(table: str) -> str:
    return next(one.endpoint for one in CATALOGUE.values() if one.warehouse_table == table)


def _cli(home: Path, url: str) -> Cli:
    """Return the command line of a home that asks the replay, without a limit to wait for."""
    environment = home_env(home, None, key="replay", API__BASE_URL=url, API__REQUESTS_PER_MINUTE="100000")
    return Cli(home, environment, longest=900)


def as_one_market(folder: Path, home: Path, frequencies: tuple[str, ...] = FREQUENCIES) -> Replay:
    """Replay all recordings of a folder as one market: an init, then some frequencies."""
    recorded = recordings_in(folder, *ENDPOINTS)
    market = Market(recorded, keys_in(folder))
    with replay(market) as url:
        made = Replay("all recordings as one market", home, market, _cli(home, url), recorded)
        limit = str(market.listed_coins)
        for frequency in ("init", *frequencies):
            made.run("run", "--freq", frequency, EXTRACT__LISTINGS_LIMIT=limit)
        made.examine()
    return made


def one_by_one(folder: Path, home: Path) -> Replay:
    """Replay each recording of a list, or of one record, as the answer of its endpoint, the shortest first."""
    endpoints = [endpoint for endpoint in ENDPOINTS if endpoint not in BY_ID]
    recorded = recordings_in(folder, *endpoints)
    single = OneByOne(recorded, keys_in(folder))
    with replay(single) as url:
        made = Replay("one recording after the other", home, single, _cli(home, url), recorded)
        for recordings in _rounds(recorded):
            chosen = [word for recording in recordings for word in ("--endpoint", recording.endpoint)]
            settings: dict[str, str] = {}
            for recording in recordings:
                single.choose(recording)
                if recording.endpoint == LISTINGS:
                    settings["EXTRACT__LISTINGS_LIMIT"] = str(len(recording.records))
                    settings["EXTRACT__LISTINGS_VERSION"] = recording.path.stem.partition("_")[0]
            made.run("extract", *chosen, **settings)
        made.run("transform")
        made.run("load")
        made.examine()
    return made


def _rounds(recorded: list[Recording]) -> Iterator[list[Recording]]:
    """Yield recordings to be asked for in one run: the shortest of each endpoint first, so that no list ever shrinks.

    A listing comes before any map: beside a map of thousands, a hundred coins would be a list cut short.
    """
    of: dict[str, list[Recording]] = {}
    for recording in sorted(recorded, key=lambda one: len(one.records)):
        of.setdefault(recording.endpoint, []).append(recording)
    for listing in of.pop(LISTINGS, []):
        yield [listing]
    for recordings in zip_longest(*of.values()):
        yield [recording for recording in recordings if recording is not None]


def unsent(folder: Path, replays: list[Replay]) -> list[str]:
    """Name the recordings of which a record was sent in none of the replays."""
    sent: defaultdict[str, set[str]] = defaultdict(set)
    for served in (served for made in replays for served in made.answers.served):
        sent[served.endpoint].update(map(_canonical, served.records))
    return [
        f"{recording.name}: {len(missing)} records were never sent"
        for recording in recordings_in(folder, *ENDPOINTS)
        if (missing := set(map(_canonical, recording.records)) - sent[recording.endpoint])
    ]


def _canonical(record: Any) -> str:
    return json.dumps(record, sort_keys=True)


def keys_in(folder: Path) -> list[Recording]:
    """Return what was recorded of keys."""
    return recordings_in(folder, "key/info")
