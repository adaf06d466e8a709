"""The journal follows ops.load_batch: one line a batch, repaired after a crash, never read as what is loaded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from cryptoelt.clock import Clock, iso
from cryptoelt.errors import DatabaseUnavailableError, LoadError, StorageError
from cryptoelt.lake.silver import SNAPSHOT
from cryptoelt.results import Status
from cryptoelt.warehouse.engine import Warehouse
from tests.support.loading import Loading
from tests.support.silver_writer import at, sentiment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pydantic import SecretStr

    from tests.support.silver_writer import SilverWriter

MOOD = "fact_market_sentiment"


def journal(load: Loading) -> Path:
    return load.metadata_dir / "load" / f"{MOOD}.jsonl"


def lines(load: Loading) -> list[dict[str, Any]]:
    return [json.loads(line) for line in journal(load).read_text().splitlines()]


def commit(lake: SilverWriter, *numbers: int) -> None:
    for number in numbers:
        lake.commit(MOOD, {at(number): [sentiment(number)]})


def test_every_batch_is_a_line_that_says_what_the_batch_says(load: Loading, lake: SilverWriter) -> None:
    lake.reject(MOOD, at(0), [("rule", "{}")])
    commit(lake, 0, 1)
    load(MOOD)
    first, second = lines(load)
    assert (first["status"], first["silver_version"], first["snapshots"]) == ("done", 0, [iso(at(0))])
    assert (first["rows_in"], first["rows_loaded"], first["rows_present"], first["rows_quarantined"]) == (2, 1, 0, 1)
    assert second["run_id"] == "run-1"
    assert second["load_batch_id"] == first["load_batch_id"] + 1
    (began, ended) = load.rows("SELECT started_at, ended_at FROM ops.load_batch ORDER BY load_batch_id")[0]
    assert (first["started_at"], first["ended_at"]) == (iso(began), iso(ended))
    assert first["seconds"] == round((ended - began).total_seconds(), 3)


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_lines_lost_in_a_crash_are_written_by_the_next_load(load: Loading, lake: SilverWriter, kept: int) -> None:
    commit(lake, 0, 1, 2)
    load(MOOD)
    whole = journal(load).read_bytes()
    torn = b"".join(whole.splitlines(keepends=True)[:kept]) + whole.splitlines()[kept][:20]
    journal(load).write_bytes(torn)
    assert load(MOOD).status is Status.NOTHING
    assert journal(load).read_bytes() == whole


def test_a_lost_journal_is_written_anew_and_nothing_is_loaded_twice(load: Loading, lake: SilverWriter) -> None:
    commit(lake, 0, 1)
    load(MOOD)
    whole = journal(load).read_bytes()
    journal(load).unlink()
    assert load(MOOD).status is Status.NOTHING
    assert journal(load).read_bytes() == whole


@pytest.mark.parametrize("odd", [[1], {"a": 1}, None])
def test_a_line_that_is_not_understood_is_no_line_of_a_batch(load: Loading, lake: SilverWriter, odd: object) -> None:
    commit(lake, 0)
    load(MOOD)
    whole = lines(load)
    newer = {"format": 99, "of": "a newer version"}
    journal(load).write_text("".join(f"{json.dumps(line)}\n" for line in ({**whole[0], "run_id": odd}, newer)))
    assert load(MOOD).status is Status.NOTHING
    assert lines(load)[2:] == whole


def test_two_databases_in_turn_do_not_repeat_lines(
    load: Loading, lake: SilverWriter, make_database: Callable[[str | None], SecretStr], template_at_head: str
) -> None:
    other = Loading(Warehouse(make_database(template_at_head), Clock()), lake.root, load.metadata_dir)
    for number in range(3):
        commit(lake, number)
        load(MOOD)
        other(MOOD)
    load(MOOD)
    other(MOOD)
    assert len(lines(load)) == 6


def test_a_load_with_nothing_to_do_writes_no_line(load: Loading, lake: SilverWriter) -> None:
    commit(lake, 0)
    load(MOOD)
    before = journal(load).read_bytes()
    load(MOOD)
    assert journal(load).read_bytes() == before


def test_after_a_failure_the_journal_is_not_read_whole(load: Loading, lake: SilverWriter) -> None:
    lake.commit_untyped(MOOD, [{SNAPSHOT: at(0), "snapshot_str": "x"}])
    load(MOOD)
    journal(load).write_bytes(b"no JSON\n" + journal(load).read_bytes())
    lake.commit_untyped(MOOD, [{SNAPSHOT: at(1), "snapshot_str": None}])
    for _ in range(2):
        with pytest.raises(LoadError):
            load(MOOD)


def test_a_failure_is_a_line_too_and_does_not_disturb_the_repair(load: Loading, lake: SilverWriter) -> None:
    lake.commit_untyped(MOOD, [{SNAPSHOT: at(0), "snapshot_str": "x"}])
    lake.commit_untyped(MOOD, [{SNAPSHOT: at(1), "snapshot_str": None}])
    for _ in range(2):
        with pytest.raises(LoadError):
            load(MOOD)
    done, partial, failed = lines(load)
    assert (done["status"], partial["status"], failed["status"]) == ("done", "partial", "failed")
    assert failed["error"]["type"] == "LoadError"
    assert MOOD in failed["error"]["message"]


def test_a_database_that_is_down_is_journalled(load: Loading, lake: SilverWriter, closed_port: int) -> None:
    from pydantic import SecretStr

    commit(lake, 0)
    nowhere = Warehouse(SecretStr(f"postgresql://someone:canary-secret@127.0.0.1:{closed_port}/x"), Clock())
    with pytest.raises(DatabaseUnavailableError):
        Loading(nowhere, lake.root, load.metadata_dir)(MOOD)
    (line,) = lines(load)
    assert (line["status"], line["error"]["exit_code"]) == ("failed", 8)
    assert "canary-secret" not in journal(load).read_text()


def test_a_journal_that_cannot_be_written_fails_loudly_after_the_commit_and_is_repaired(
    load: Loading, lake: SilverWriter
) -> None:
    commit(lake, 0)
    journal(load).mkdir(parents=True)
    with pytest.raises(StorageError, match=MOOD):
        load(MOOD)
    journal(load).rmdir()
    commit(lake, 1)
    load(MOOD)
    loaded = load.rows("SELECT count(*) FROM ops.load_batch")[0][0]
    assert len(lines(load)) == loaded
    assert load.rows(f"SELECT count(*) FROM dwh.{MOOD}") == [(2,)]
