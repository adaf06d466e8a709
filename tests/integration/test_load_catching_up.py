"""Whatever became of the log, of the process or of the database: every snapshot is loaded once."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cryptoelt.clock import Clock, StopFlag
from cryptoelt.errors import StoppedError
from cryptoelt.load import pending
from cryptoelt.results import Phase, Status, Unit
from cryptoelt.warehouse.engine import Warehouse
from tests.support.loading import Loading
from tests.support.silver_writer import at, sentiment

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import SecretStr

    from tests.support.silver_writer import SilverWriter

MOOD = "fact_market_sentiment"


def commit(lake: SilverWriter, *numbers: int) -> int:
    """Commit snapshots one by one; return the last version."""
    return [lake.commit(MOOD, {at(number): [sentiment(number)]}) for number in numbers][-1]


def scores(load: Loading) -> list[int]:
    return [row[0] for row in load.rows(f"SELECT fear_greed_score FROM dwh.{MOOD} ORDER BY snapshot_timestamp")]


def versions(load: Loading) -> list[int | None]:
    return [batch[0] for batch in load.batches(MOOD)]


def stop_after_one(load: Loading) -> Unit:
    """Load one batch, as a process that ends between two batches does."""
    stop, unit = StopFlag(), Unit(Phase.LOAD, MOOD)
    stop.set()
    with pytest.raises(StoppedError):
        load.loader(MOOD, Clock(stop)).load_table(MOOD, unit)
    return unit


def test_an_older_snapshot_written_late_is_loaded(load: Loading, lake: SilverWriter) -> None:
    commit(lake, 5)
    load(MOOD)
    commit(lake, 1)
    assert load(MOOD).snapshots == [at(1)]
    assert scores(load) == [1, 5]


def test_a_rewrite_of_files_is_nothing_to_do(load: Loading, lake: SilverWriter) -> None:
    commit(lake, 0, 1)
    load(MOOD)
    lake.optimize(MOOD)
    assert load(MOOD).status is Status.NOTHING
    assert versions(load) == [0, 1]
    commit(lake, 2)
    assert load(MOOD).snapshots == [at(2)]
    assert versions(load) == [0, 1, 3]


def test_a_log_that_no_longer_reaches_back_is_replaced_by_the_snapshots(load: Loading, lake: SilverWriter) -> None:
    commit(lake, 0)
    load(MOOD)
    last = commit(lake, 3, 1, 2)
    lake.forget_log(MOOD)
    assert load(MOOD).snapshots == [at(1), at(2), at(3)]
    assert versions(load) == [0, last]
    assert load(MOOD).status is Status.NOTHING


def test_the_place_in_the_log_moves_even_where_nothing_was_lacking(load: Loading, lake: SilverWriter) -> None:
    commit(lake, 0, 1)
    load(MOOD)
    lake.optimize(MOOD)
    last = lake.touch(MOOD)
    lake.forget_log(MOOD)
    assert load(MOOD).status is Status.NOTHING
    assert load.batches(MOOD)[2:] == [(last, 0, 0, 0, 0)]
    assert not load.loader(MOOD).should_load(MOOD)
    assert load(MOOD).status is Status.NOTHING
    assert len(load.batches(MOOD)) == 3


def test_ended_between_two_chunks_of_a_long_catch_up_nothing_is_lost(
    load: Loading, lake: SilverWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pending, "CHUNK", 2)
    last = commit(lake, *range(5))
    lake.forget_log(MOOD)
    assert stop_after_one(load).snapshots == [at(0), at(1)]
    assert stop_after_one(load).snapshots == [at(2), at(3)]
    assert versions(load) == [None, None]
    assert load(MOOD).snapshots == [at(4)]
    assert versions(load) == [None, None, last]
    assert scores(load) == list(range(5))


def test_ended_between_two_commits_the_next_load_goes_on(load: Loading, lake: SilverWriter) -> None:
    commit(lake, *range(3))
    stop_after_one(load)
    assert load(MOOD).snapshots == [at(1), at(2)]
    assert versions(load) == [0, 1, 2]


def test_a_second_empty_database_is_filled_from_the_same_lake(
    load: Loading, lake: SilverWriter, make_database: Callable[[str | None], SecretStr], template_at_head: str
) -> None:
    commit(lake, 2, 0, 1)
    lake.reject(MOOD, at(0), [("rule", "{}")])
    load(MOOD)
    other = Loading(Warehouse(make_database(template_at_head), Clock()), lake.root, load.metadata_dir)
    assert sorted(other(MOOD).snapshots) == [at(0), at(1), at(2)]
    assert scores(other) == scores(load) == [0, 1, 2]
    assert other.rows("SELECT rule, record FROM ops.quarantine") == [("rule", "{}")]
    assert load(MOOD).status is Status.NOTHING


def test_a_table_made_anew_adds_only_what_is_new(load: Loading, lake: SilverWriter) -> None:
    commit(lake, 0, 1)
    load(MOOD)
    shutil.rmtree(lake.uri(MOOD))
    lake.commit(MOOD, {at(number): [sentiment(number)] for number in range(3)})
    unit = load(MOOD)
    assert (unit.rows_in, unit.rows_loaded, unit.rows_present) == (3, 1, 2)
    assert scores(load) == [0, 1, 2]


def test_a_lake_restored_from_a_backup_and_written_on_loses_nothing(
    load: Loading, lake: SilverWriter, tmp_path: Path
) -> None:
    commit(lake, 0, 1)
    shutil.copytree(lake.root, tmp_path / "backup")
    commit(lake, 2, 3)
    load(MOOD)
    for first in (10, 20):  # the restored lake ends below the place in the log, or has just reached it again
        shutil.rmtree(lake.root)
        shutil.copytree(tmp_path / "backup", lake.root)
        commit(lake, *range(first, first + first // 10))
        assert load(MOOD).snapshots == [at(number) for number in range(first, first + first // 10)]
        assert load(MOOD).status is Status.NOTHING
    assert scores(load) == [0, 1, 2, 3, 10, 20, 21]


def test_rejects_without_their_commit_do_not_make_a_snapshot_count_as_loaded(load: Loading, lake: SilverWriter) -> None:
    commit(lake, 0, 1)
    lake.reject(MOOD, at(2), [("rule", "{}")])  # the process died before the commit of the good rows
    lake.forget_log(MOOD)
    assert load(MOOD).snapshots == [at(0), at(1)]
    commit(lake, 2)
    assert load(MOOD).snapshots == [at(2)]
    assert scores(load) == [0, 1, 2]


@pytest.mark.parametrize("batches_before_the_kill", [0, 1, 4])
def test_killed_in_the_middle_the_next_load_completes_exactly(
    load: Loading, lake: SilverWriter, batches_before_the_kill: int
) -> None:
    commit(lake, *range(6))
    # The database itself stops the process at a chosen place: a trigger waits for a lock that the test holds.
    load.execute(
        "CREATE FUNCTION dwh.gate() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN"
        f" IF NEW.fear_greed_score = {batches_before_the_kill} THEN PERFORM pg_advisory_xact_lock(1, 1); END IF;"
        " RETURN NEW; END';"
        f"CREATE TRIGGER gate BEFORE INSERT ON dwh.{MOOD} FOR EACH ROW EXECUTE FUNCTION dwh.gate()"
    )
    with closing(load.warehouse.connect()) as gate, gate.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(1, 1)")
        process = subprocess.Popen([sys.executable, "-c", PROGRAM, lake.root, str(load.metadata_dir)], env=child(load))
        wait_for_a_waiter(load)
        process.send_signal(signal.SIGKILL)
        process.wait()
    load.execute(f"DROP TRIGGER gate ON dwh.{MOOD}")
    assert scores(load) == list(range(batches_before_the_kill))
    assert load(MOOD).snapshots == [at(number) for number in range(batches_before_the_kill, 6)]
    assert scores(load) == list(range(6))
    assert versions(load) == list(range(6))
    loaded = load.rows("SELECT unnest(snapshots) FROM ops.load_batch ORDER BY 1")
    assert [row[0] for row in loaded] == [at(number) for number in range(6)]


PROGRAM = """
import os, sys
from pathlib import Path
from pydantic import SecretStr
from cryptoelt.clock import Clock
from cryptoelt.warehouse.engine import Warehouse
from tests.support.loading import Loading
Loading(Warehouse(SecretStr(os.environ["URL"]), Clock()), sys.argv[1], Path(sys.argv[2]))("fact_market_sentiment")
"""


def child(load: Loading) -> dict[str, str]:
    here = str(Path(__file__).resolve().parents[2])
    return {"URL": load.warehouse.url.get_secret_value(), "PYTHONPATH": here, "PATH": os.environ["PATH"]}


def wait_for_a_waiter(load: Loading) -> None:
    """Return as soon as a session waits for an advisory lock."""
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    clock = Clock()
    deadline = clock.monotonic() + 60
    while load.rows(waiting) == [(0,)]:
        assert clock.monotonic() < deadline, "the load never came to the gate"
