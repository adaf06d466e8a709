"""Waiting for whoever holds the warehouse, as `--wait` promises."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from cryptoelt.clock import Clock
from cryptoelt.errors import ExitCode, LockedError
from cryptoelt.pipeline.jobs import Job
from cryptoelt.pipeline.run import Pipeline
from cryptoelt.pipeline.runtime import Runtime
from cryptoelt.settings import Settings, WarehouseSettings

if TYPE_CHECKING:
    from pathlib import Path

    from cryptoelt.warehouse.engine import Warehouse

JOB = Job(load=["fact_market_sentiment"])


class Waiting(Clock):
    """A clock on which time passes only by sleeping; after some seconds the other run ends."""

    def __init__(self, other: ExitStack, ends_after: float) -> None:
        super().__init__()
        self.other = other
        self.ends_after = ends_after
        self.slept = 0.0

    def monotonic(self) -> float:
        return self.slept

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        if self.slept >= self.ends_after:
            self.other.close()


def load(warehouse: Warehouse, home: Path, clock: Clock, wait: float) -> ExitCode:
    settings = Settings(home=home, warehouse=WarehouseSettings(url=warehouse.url))
    return Pipeline(Runtime(settings, "load", clock)).run(JOB, wait).exit_code


def test_a_run_waits_for_the_warehouse_as_long_as_it_was_told_to(warehouse: Warehouse, home: Path) -> None:
    with ExitStack() as other:
        other.enter_context(warehouse.run_lock(0))
        clock = Waiting(other, ends_after=20)
        assert load(warehouse, home, clock, wait=30) is ExitCode.DONE
        assert 20 <= clock.slept < 30


def test_a_run_gives_up_when_the_time_it_was_told_is_over(warehouse: Warehouse, home: Path) -> None:
    with ExitStack() as other:
        other.enter_context(warehouse.run_lock(0))
        clock = Waiting(other, ends_after=60)
        with pytest.raises(LockedError, match="holds the lock of warehouse"):
            load(warehouse, home, clock, wait=30)
        assert 30 <= clock.slept < 32
