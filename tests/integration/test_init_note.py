"""The note of an init is money: where it cannot be read nobody is asked, whatever command wants to know."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from cryptoelt.errors import ExitCode, StorageError
from cryptoelt.pipeline.plan import plan_run
from cryptoelt.pipeline.runtime import Runtime
from cryptoelt.sandbox.server import SandboxServer
from tests.support.permissions import unreadable
from tests.support.schedule import SimulatedHome

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("quick_disk")

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def simulated(home: Path) -> Iterator[SimulatedHome]:
    with SandboxServer(seed=5, world="small", start_time=NOON, speed=0, minute_limit=10**6) as server:
        yield SimulatedHome.make(home, server).at(NOON)


@pytest.fixture
def note(simulated: SimulatedHome) -> Path:
    path = simulated.settings.metadata_dir / "init.json"
    path.parent.mkdir(parents=True)
    path.write_text('{"started_at": "2026-11-22T12:00:00Z", "finished_at": null}')
    return path


def refuse(simulated: SimulatedHome) -> None:
    for ask in (
        lambda: simulated.extract("init", due=False),
        lambda: plan_run(Runtime(simulated.settings, "plan", simulated.clock), "init"),
    ):
        with pytest.raises(StorageError, match=r"init\.json") as caught:
            ask()
        assert caught.value.exit_code is ExitCode.FAILED
    assert simulated.asked() == []


@pytest.mark.parametrize("content", ["", "{", '{"format": 99, "begun": "2026-11-22T12:00:00Z"}'])
def test_an_init_whose_note_is_not_understood_asks_nobody(simulated: SimulatedHome, note: Path, content: str) -> None:
    note.write_text(content)
    refuse(simulated)
    assert note.read_text() == content


def test_an_init_whose_note_belongs_to_somebody_else_asks_nobody(simulated: SimulatedHome, note: Path) -> None:
    with unreadable(note):
        refuse(simulated)


def test_other_runs_do_not_need_the_note_of_an_init(simulated: SimulatedHome, note: Path) -> None:
    note.write_text("{")
    assert simulated.extract("10x", due=False).exit_code is ExitCode.DONE
