"""Damaged files and full disks: named, harmless to everything else, and made good by the next run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from cryptoelt.clock import parse_iso
from cryptoelt.errors import ExitCode
from cryptoelt.frequencies import tables_of
from cryptoelt.sandbox.server import SandboxServer
from tests.support.accidents import assert_told, disk_of, fill, initialised, largest_file
from tests.support.cli import Cli, home_env
from tests.support.evidence import count, lines_of, rows

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.cli import Finished

CATEGORIES, GLOBAL, SENTIMENT = (
    "cryptocurrency/categories",
    "global-metrics/quotes/latest",
    "fear-and-greed/latest",
)
RUN = ("run", "--freq", "10x")
EXTRACT = ("extract", "--freq", "10x")
TABLES = tables_of("10x")
FACTS = [table for table in TABLES if table.startswith("fact_")]


@pytest.fixture
def database(make_database: Callable[[], str], cli: Cli) -> str:
    """A database at the head revision."""
    return initialised(cli, make_database())


def damages(content: bytes) -> dict[str, bytes]:
    """Return a Bronze file as it may be found after an accident."""
    middle = len(content) // 3
    return {
        "cut off": content[: len(content) // 2],
        "empty": b"",
        "zeros": bytes(len(content)),
        "rows overwritten, footer whole": content[:4] + bytes([0xA5]) * middle + content[4 + middle :],
    }


@dataclass(frozen=True)
class Accident:
    """A run over a lake with a damaged file of each kind, and a run after the files were put back."""

    damaged: list[Path]
    during: Finished
    during_counts: dict[str, int]
    after: Finished
    url: str


@pytest.fixture(scope="module")
def accident(make_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Accident:
    home = tmp_path_factory.mktemp("accident")
    with SandboxServer(seed=7, world="small", refresh=1, minute_limit=100_000) as sandbox:
        url = make_database()
        cli = Cli(home, home_env(home, sandbox, API__MAX_WAIT="0", WAREHOUSE__URL=url))
        initialised(cli, url)
        whole: dict[Path, bytes] = {}
        for accidents in (
            {CATEGORIES: "cut off", GLOBAL: "empty", SENTIMENT: "zeros"},
            {CATEGORIES: "rows overwritten, footer whole"},
        ):
            assert cli(*EXTRACT).code == 0
            for endpoint, accident in accidents.items():
                newest = max((home / "lake" / "bronze" / endpoint).rglob("*.parquet"))
                whole[newest] = newest.read_bytes()
                newest.write_bytes(damages(whole[newest])[accident])
        during = cli(*RUN, "--json")
        counts = {table: count(url, f"dwh.{table}") for table in FACTS}
        for path, content in whole.items():
            path.write_bytes(content)
        return Accident(list(whole), during, counts, cli(*RUN, "--json"), url)


def test_a_damaged_file_is_named_and_fails_alone(accident: Accident) -> None:
    assert accident.during.code == ExitCode.PARTIAL, accident.during.told
    failed = [unit for unit in accident.during.json()["units"] if unit["error"] is not None]
    assert {unit["phase"] for unit in failed} == {"transform"}
    assert {unit["error"]["type"] for unit in failed} == {"DamagedFileError"}
    assert_told(accident.during, *(path.name for path in accident.damaged), "hint: ")
    # Three extractions; of the first every file was damaged, of the second that of the categories.
    assert accident.during_counts == {"fact_crypto_category": 12, "fact_global_market": 2, "fact_market_sentiment": 2}


def test_a_repaired_file_is_taken_in_by_the_next_run(accident: Accident) -> None:
    assert accident.after.code == 0, accident.after.told
    loaded = {unit["name"]: unit for unit in accident.after.json()["units"] if unit["phase"] == "load"}
    assert [len(loaded[table]["snapshots"]) for table in FACTS] == [3, 2, 2]
    assert [count(accident.url, f"dwh.{table}") for table in FACTS] == [4 * 12, 4, 4]
    assert count(accident.url, "dwh.dim_crypto_category") == 12
    snapshots = rows(accident.url, "SELECT snapshots FROM ops.load_batch WHERE table_name = 'fact_crypto_category'")
    each = [moment for row in snapshots for moment in row["snapshots"]]
    assert len(each) == len(set(each)) == 4
    assert {parse_iso(moment) for moment in loaded["fact_crypto_category"]["snapshots"]} <= set(each)


def test_a_file_that_cannot_be_written_whole_is_told_and_leaves_nothing_half_done(cli: Cli) -> None:
    bronze = cli.home / "lake" / "bronze"
    assert cli(*EXTRACT).code == 0
    files = {path: path.read_bytes() for path in bronze.rglob("*.*")}
    with largest_file(6000):  # enough for journals and ledger, too little for the larger answers
        finished = cli(*EXTRACT)
    assert finished.code == ExitCode.PARTIAL, finished.told
    assert_told(finished, f"error: extract {CATEGORIES}", f"error: extract {GLOBAL}", "File too large", "hint: ")
    after = {path: path.read_bytes() for path in bronze.rglob("*.*")}
    assert files.items() <= after.items()
    assert len(after) == len(files) + 1
    assert cli(*EXTRACT).code == 0
    assert len(list(bronze.rglob("*.*"))) == 3 + 1 + 3


def test_a_disk_too_full_for_an_answer_costs_no_credit(cli: Cli, sandbox: SandboxServer, tmp_path: Path) -> None:
    with disk_of(tmp_path / "disk", mebibytes=30) as disk:
        ballast = fill(disk, leave=15 << 20)
        finished = cli(*EXTRACT, HOME=str(disk))
        assert finished.code == ExitCode.FAILED, finished.told
        assert_told(finished, "error: extract", "MiB", "hint: free some space")
        assert sandbox.usage()["credits"] == 0
        ballast.unlink()
        assert cli(*EXTRACT, HOME=str(disk)).code == 0


def test_a_disk_that_fills_up_loses_and_repeats_nothing(cli: Cli, database: str, tmp_path: Path) -> None:
    with disk_of(tmp_path / "disk", mebibytes=80) as disk:

        def command(*words: str) -> Finished:
            return cli(*words, HOME=str(disk), WAREHOUSE__URL=database)

        assert command(*EXTRACT).code == 0
        ballast = fill(disk, leave=0)
        for phase in ("transform", "extract"):
            finished = command(phase, "--freq", "10x")
            assert finished.code == ExitCode.FAILED, finished.told
            assert_told(finished, f"error: {phase}", "hint: ")
        ballast.unlink()
        assert command("transform", "--freq", "10x").code == 0
        ballast = fill(disk, leave=0)
        finished = command("load", "--freq", "10x")
        assert finished.code in {ExitCode.FAILED, ExitCode.PARTIAL}, finished.told
        assert_told(finished, "error: load", "hint: ")
        ballast.unlink()
        assert command("load", "--freq", "10x").code == 0
        assert [count(database, f"dwh.{table}") for table in FACTS] == [12, 1, 1]
        batches = rows(database, "SELECT table_name FROM ops.load_batch ORDER BY 1")
        assert [row["table_name"] for row in batches] == sorted(TABLES)
        for table in TABLES:  # the journals have caught up with the database
            journal = lines_of(disk / "metadata" / "load" / f"{table}.jsonl")
            assert sum(line.get("load_batch_id") is not None for line in journal) == 1
