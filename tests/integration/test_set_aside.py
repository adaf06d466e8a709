"""`bronze set-aside`: what a wrong clock has stamped leaves Bronze for a place beside it, and all that came of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cryptoelt.cli import run as command_line
from cryptoelt.clock import Clock
from cryptoelt.errors import ExitCode, StorageError, UsageError
from cryptoelt.frequencies import endpoints_of
from cryptoelt.lake.bronze import Bronze
from cryptoelt.lake.silver import SNAPSHOT, SilverTable
from cryptoelt.lake.store import LocalStore
from cryptoelt.machine.checks import Verdict, snapshots_check
from cryptoelt.metadata.aside import AsideJournal
from cryptoelt.metadata.runs import RunJournal
from cryptoelt.pipeline.backfill import Backfill
from cryptoelt.pipeline.jobs import backfill_order
from cryptoelt.pipeline.service import find_due
from cryptoelt.pipeline.set_aside import SetAside
from cryptoelt.pipeline.set_aside_order import AsideOrder, AsideReport
from cryptoelt.pipeline.status import status_report
from cryptoelt.results import Status
from cryptoelt.sandbox.server import SandboxServer
from cryptoelt.settings import BudgetSettings
from cryptoelt.transform.pending import silver_uri
from cryptoelt.warehouse.engine import Warehouse
from tests.support.comparison import content_of
from tests.support.extracting import Killed
from tests.support.schedule import SharedRuntime, SimulatedHome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pydantic import SecretStr

    from cryptoelt.spark import SparkHost

pytestmark = pytest.mark.usefixtures("quick_disk")

#: A Monday.
NOW = datetime(2026, 11, 30, 10, 35, tzinfo=UTC)
AHEAD = timedelta(days=371)
TABLES = ("dim_crypto_category", "fact_crypto_category", "fact_global_market", "fact_market_sentiment")
EVERYTHING = AsideOrder.of(None, None, future=True)


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    with SandboxServer(
        seed=23, world="small-churn", start_time=NOW, speed=0, minute_limit=10**6, monthly_credits=10**6
    ) as server:
        yield server


@pytest.fixture
def warehouse(make_database: Callable[[str | None], SecretStr], template_at_head: str) -> Warehouse:
    return Warehouse(make_database(template_at_head), Clock())


@pytest.fixture
def simulated(home: Path, sandbox: SandboxServer, warehouse: Warehouse) -> SimulatedHome:
    """A home without Spark: what was only extracted needs none."""
    budget = BudgetSettings(monthly_credits=10**6)
    return SimulatedHome.make(home, sandbox, warehouse=warehouse.url, budget=budget).at(NOW)


def ahead(home: SimulatedHome, act: Callable[[], Any], by: timedelta = AHEAD) -> None:
    """Do something while the clock is ahead and key/info does not answer, so that nothing finds out."""
    home.sandbox.add_fault("http_503@key/info")
    home.at(NOW + by)
    assert act().exit_code is ExitCode.DONE
    home.sandbox.clear_faults()
    home.at(NOW)


def set_aside(home: SimulatedHome, order: AsideOrder = EVERYTHING, cls: type[SetAside] = SetAside) -> AsideReport:
    return cls(SharedRuntime(home.settings, "bronze set-aside", home.clock, host=home.host)).set_aside(order)


def names(home: SimulatedHome, place: str) -> list[str]:
    """Return the files of Bronze, or those that were set aside."""
    folder = home.settings.home / "lake" / place
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.parquet"))


# --- Bronze -----------------------------------------------------------------------------------------------------------


def test_files_are_moved_and_keep_their_names(simulated: SimulatedHome) -> None:
    simulated.extract("10x", due=False)
    true = names(simulated, "bronze")
    ahead(simulated, lambda: simulated.extract("10x", due=False))
    wrong = [name for name in names(simulated, "bronze") if name not in true]

    plan = EVERYTHING.plan(simulated.bronze, NOW)
    assert [*map(str, plan.moments)] == endpoints_of("10x")
    assert (str(plan), names(simulated, "set-aside")) == ("3 snapshots of 3 endpoints", [])
    report = set_aside(simulated)

    assert (report.result.exit_code, report.result.credits.charged) == (ExitCode.DONE, 0)
    assert (names(simulated, "bronze"), names(simulated, "set-aside")) == (true, wrong)
    assert report.as_json()["set_aside"] == plan.as_json()["set_aside"]
    again = set_aside(simulated)
    assert (again.result.status, again.result.reason) == (Status.NOTHING, "no snapshot lies in the future")


def test_the_snapshots_after_a_moment_are_those_of_the_endpoints_that_are_named(simulated: SimulatedHome) -> None:
    simulated.extract("10x", due=False)
    simulated.at(NOW + timedelta(hours=1)).extract("10x", due=False)
    order = AsideOrder.of("2026-11-30T10:35:00Z", ["fear-and-greed/latest"], future=False)
    set_aside(simulated, order)

    assert names(simulated, "set-aside") == [
        "fear-and-greed/latest/2026-11/fear-and-greed_latest-20261130_113500.parquet"
    ]
    assert len(names(simulated, "bronze")) == 5


@pytest.mark.parametrize(
    ("after", "endpoints", "future"),
    [(None, None, False), ("2026-11-30", None, True), ("soon", None, False), (None, ["fear-and-greed"], True)],
)
def test_an_order_must_say_what_is_meant(after: str | None, endpoints: list[str] | None, *, future: bool) -> None:
    with pytest.raises(UsageError) as caught:
        AsideOrder.of(after, endpoints, future=future)
    assert caught.value.hint


def test_nothing_is_overwritten_beside_bronze(simulated: SimulatedHome) -> None:
    ahead(simulated, lambda: simulated.extract("10x", due=False))
    (source, *_) = EVERYTHING.plan(simulated.bronze, NOW).sources["fear-and-greed/latest"]
    path = simulated.settings.home / "lake" / source.files[0].path.replace("bronze/", "set-aside/")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"another")
    with pytest.raises(StorageError, match="exists already"):
        set_aside(simulated)
    assert path.read_bytes() == b"another"
    assert source.files[0].path.removeprefix("bronze/") in names(simulated, "bronze")


def test_the_doctor_names_them_until_all_is_done(simulated: SimulatedHome) -> None:
    assert snapshots_check(simulated.settings, simulated.clock).verdict is Verdict.OK
    ahead(simulated, lambda: simulated.extract("10x", due=False))
    check = snapshots_check(simulated.settings, simulated.clock)
    assert check.verdict is Verdict.WARN
    assert "global-metrics/quotes/latest 2027-12-06T10:35:00Z" in check.detail
    assert "cryptoelt bronze set-aside --future" in check.hint

    class Cut(SetAside):
        def _follow(self, *_: Any, **__: Any) -> None:
            raise Killed

    with pytest.raises(Killed):
        set_aside(simulated, cls=Cut)
    assert "may still be in Silver" in snapshots_check(simulated.settings, simulated.clock).detail
    set_aside(simulated)
    assert snapshots_check(simulated.settings, simulated.clock).verdict is Verdict.OK


class DyingStore(LocalStore):
    """Dies after some moves."""

    moves = 0

    def move_if_absent(self, path: str, target: str) -> None:
        if self.moves == 0:
            raise Killed
        self.moves -= 1
        super().move_if_absent(path, target)


def die_after(home: SimulatedHome, moves: int, order: AsideOrder) -> None:
    """Set aside until so many files have moved."""
    store = DyingStore(Path(home.settings.lake_root))
    store.moves = moves
    runtime = SharedRuntime(home.settings, "bronze set-aside", home.clock)
    runtime.__dict__["bronze"] = Bronze(store)  # what the cached property would have kept
    with pytest.raises(Killed):
        SetAside(runtime).set_aside(order)


def scan(home: SimulatedHome) -> list[str]:
    """Put a scan of four parts and the answers of an hour later in Bronze; return the parts."""
    home.extract("10x", due=False)
    (file,) = home.bronze.files("fear-and-greed/latest")
    content = (Path(home.settings.lake_root) / file.path).read_bytes()
    for part in range(1, 5):
        path = Path(home.settings.lake_root) / home.bronze.path_of("exchange/assets", NOW, part)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    home.at(NOW + timedelta(hours=1)).extract("10x", due=False)
    return [name for name in names(home, "bronze") if name.startswith("exchange/assets")]


ALL_DAY = AsideOrder.of("2026-11-30T10:00:00Z", None, future=False)


@pytest.mark.parametrize("cuts", [(0,), (2,), (1, 1), (5, 2)], ids=str)
def test_what_a_killed_order_had_not_moved_is_moved_by_the_next(
    simulated: SimulatedHome, cuts: tuple[int, ...]
) -> None:
    following = AsideOrder.of(None, ["fear-and-greed/latest"], future=True)
    scan(simulated)
    everything = names(simulated, "bronze")
    die_after(simulated, cuts[0], ALL_DAY)
    for moves in cuts[1:]:
        die_after(simulated, moves, following)
    moved = names(simulated, "set-aside")
    assert len(moved) == sum(cuts)

    runtime = SharedRuntime(simulated.settings, "bronze set-aside", simulated.clock)
    told = SetAside(runtime).plan(following).as_json()["set_aside"]
    left = [name.removeprefix("bronze/") for entry in told for name in entry["files"]]
    assert sorted(left + moved) == everything
    assert set_aside(simulated, following).result.exit_code is ExitCode.DONE
    assert (names(simulated, "bronze"), names(simulated, "set-aside")) == ([], everything)
    assert not AsideJournal(simulated.settings.metadata_dir).is_unfinished()


def test_a_snapshot_that_lies_aside_in_part_is_completed_though_the_journal_forgot_it(simulated: SimulatedHome) -> None:
    parts = scan(simulated)
    die_after(simulated, 3, AsideOrder.of("2026-11-30T10:00:00Z", ["exchange/assets"], future=False))
    AsideJournal(simulated.settings.metadata_dir).end("older", simulated.clock.now())  # as a former version wrote
    check = snapshots_check(simulated.settings, simulated.clock)
    assert (check.verdict, "exchange/assets 2026-11-30T10:35:00Z" in check.detail) == (Verdict.WARN, True)

    set_aside(simulated)
    assert (names(simulated, "set-aside"), len(names(simulated, "bronze"))) == (parts, 6)
    assert snapshots_check(simulated.settings, simulated.clock).verdict is Verdict.OK


def test_a_file_that_was_copied_back_is_left_in_bronze(simulated: SimulatedHome) -> None:
    (first, *_) = scan(simulated)
    set_aside(simulated, ALL_DAY)
    lake = Path(simulated.settings.lake_root)
    (lake / "bronze" / first).write_bytes((lake / "set-aside" / first).read_bytes())
    set_aside(simulated)
    assert names(simulated, "bronze") == [first]


def test_a_window_whose_answers_were_set_aside_is_asked_when_it_comes(simulated: SimulatedHome) -> None:
    """Two hours ahead: the window of 12:30 was served with the data of 10:35, and said to be complete."""
    ahead(simulated, lambda: simulated.extract("10x"), timedelta(hours=2))
    journal = RunJournal(simulated.settings.metadata_dir)
    (line,) = journal.since(NOW, NOW)
    journal.append(NOW, {**line, "is_complete": True})  # as a whole run would have said
    set_aside(simulated)
    runtime = SharedRuntime(simulated.settings, "run", simulated.clock)

    simulated.at(NOW + timedelta(hours=2))
    assert find_due(runtime, "10x").window is not None
    result = simulated.extract("10x")
    assert result.credits.charged == 4
    set_aside(simulated, AsideOrder.of("2026-12-01", None, future=False))
    assert [bool(line.get("voided")) for line in journal.since(NOW, NOW)] == [False, False, True, False]
    status = status_report(simulated.settings, simulated.bronze, simulated.clock, days=1)
    (tenfold,) = [found for found in status.frequencies if found.name == "10x"]
    assert tenfold.last_run is not None
    assert tenfold.last_run["run_id"] == result.run_id


# --- Silver and the warehouse -----------------------------------------------------------------------------------------


def moments(home: SimulatedHome) -> dict[str, set[datetime]]:
    """Return the snapshots of which the Silver tables have rows."""
    found: dict[str, set[datetime]] = {}
    for name in TABLES:
        rows = SilverTable(silver_uri(home.settings.lake_root, name)).read(columns=[SNAPSHOT])
        found[name] = {moment for batch in rows for moment in batch.column(0).to_pylist() if moment is not None}
    return found


class Cut(SetAside):
    """Dies in the warehouse, after its first table."""

    def _take_out_of_warehouse(self, *arguments: Any) -> None:
        if any(unit.phase.value == "load" for unit in self._units):
            raise Killed
        super()._take_out_of_warehouse(*arguments)


def test_silver_and_the_warehouse_follow_also_after_a_kill(
    simulated: SimulatedHome, warehouse: Warehouse, spark_host: SparkHost
) -> None:
    """A rebuild had put snapshots of both kinds into one file and one load; afterwards all is as it was before."""
    simulated.host = spark_host
    assert simulated.run("10x", due=False).exit_code is ExitCode.DONE
    tables = [f"dwh.{name}" for name in (*TABLES, "dim_crypto_category_history")]
    before, silver = [content_of(warehouse, name) for name in tables], moments(simulated)
    ahead(simulated, lambda: simulated.run("10x", due=False))
    rebuild = Backfill(SharedRuntime(simulated.settings, "backfill", simulated.clock, host=spark_host))
    rebuild.backfill(backfill_order(None, None, ["fact_global_market"], rebuild=True))
    assert [content_of(warehouse, name) for name in tables] != before

    with pytest.raises(Killed):
        set_aside(simulated, cls=Cut)
    assert AsideJournal(simulated.settings.metadata_dir).is_unfinished()
    report = set_aside(simulated)

    assert report.result.exit_code is ExitCode.DONE, report.result.error
    assert [content_of(warehouse, name) for name in tables] == before
    assert moments(simulated) == silver
    assert not AsideJournal(simulated.settings.metadata_dir).is_unfinished()
    with warehouse.session() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT FROM ops.load_batch WHERE '2027-01-01' < ANY (snapshots)")
        assert cursor.rowcount == 0


# --- the command ------------------------------------------------------------------------------------------------------


def test_the_command_shows_what_it_would_do_and_does_it(
    simulated: SimulatedHome,
    warehouse: Warehouse,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It goes by the machine's clock, so a moment is named."""
    ahead(simulated, lambda: simulated.extract("10x", due=False))
    command = ["bronze", "set-aside", "--after", "2027-01-01", "--endpoint", "fear-and-greed/latest"]
    answers = []
    for options in (["--dry-run"], ["--dry-run", "--json"], ["--json"], []):
        monkeypatch.setenv("CRYPTOELT_HOME", str(simulated.settings.home))
        monkeypatch.setenv("CRYPTOELT_WAREHOUSE__URL", warehouse.url.get_secret_value())
        assert command_line([*command, *options]) == 0
        answers.append(capsys.readouterr().out)

    told, planned, done, nothing = answers
    assert told.splitlines() == [
        "endpoint\tsnapshots\tfrom\tto\tfiles",
        "fear-and-greed/latest\t1\t2027-12-06T10:35:00Z\t2027-12-06T10:35:00Z\t1",
    ]
    (moved,) = json.loads(planned)["set_aside"]
    assert moved["snapshots"] == ["2027-12-06T10:35:00Z"]
    assert (json.loads(planned)["dry_run"], json.loads(planned)["tables"]) == (True, ["fact_market_sentiment"])
    assert (json.loads(done)["dry_run"], json.loads(done)["set_aside"]) == (False, [moved])
    assert json.loads(done)["credits"] == {"planned": 0, "charged": 0}
    assert "Bronze has no snapshot there" in nothing
    assert command_line([*command, "--dry-run"]) == 0
    assert capsys.readouterr().out.splitlines() == ["Bronze has no snapshot there"]
    assert command_line(["bronze", "set-aside", "--future", "--endpoint", "exchange/map", "--dry-run"]) == 0
    assert capsys.readouterr().out.splitlines() == ["no snapshot lies in the future"]
    assert command_line(["bronze", "set-aside"]) == ExitCode.USAGE
    assert "say which snapshots" in capsys.readouterr().err
    assert command_line([*command, "--future"]) == ExitCode.USAGE
    assert "--future or --after, not both" in capsys.readouterr().err
