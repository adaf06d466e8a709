"""The drill: a run is killed at random moments, and each time a normal run must make everything good.

By hand: `python -m tests.crash.drill --kills 60 --seed 7`.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from cryptoelt.sandbox.server import SandboxServer
from cryptoelt.warehouse.embedded_process import postmaster
from tests.crash.comparison import compare_dimension, compare_with_answers, compare_with_never_killed
from tests.crash.invariants import BrokenPromiseError, Witness, require
from tests.e2e.support import Cli, embedded_postgres, events, home_env, java_of, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from tests.e2e.support import Running

RUN = ("run", "--freq", "10x")
#: Until the first run of a new home has ended, its length is not known.
_VIRGIN_SECONDS = 8.0
#: Spoilt records, so that there is something to quarantine and something to find twice.
_FAULTS = (
    "nul_in_text@cryptocurrency/categories*1",
    "conflicting_duplicate@cryptocurrency/categories*1",
    "duplicate_record@cryptocurrency/categories*1",
)
#: Moments that a random one hardly ever meets: just after a file of this kind was written.
AIMS = {
    "reservation": "metadata/credits/*.jsonl",
    "answer": "metadata/calls/*.jsonl",
    "bronze file": "lake/bronze/*/**/*.parquet",
    "extract journal": "metadata/extract/*.jsonl",
    "rejected records": "lake/silver/*/*_rejected/_delta_log/*.json",
    "silver commit": "lake/silver/*/fact_*/_delta_log/*.json",
    "transform journal": "metadata/transform/*.jsonl",
    "load journal": "metadata/load/*.jsonl",
}


@dataclass(frozen=True)
class Kill:
    """One kill and what came of it."""

    number: int
    moment: str
    phase: str
    recovered: float

    def __str__(self) -> str:
        return f"{self.number:>4}  {self.moment:<24}  {self.phase:<9}  recovered in {self.recovered:.1f} s"


class Drill:
    """Kills runs of one home, which is empty at first, and sees that each is made good."""

    def __init__(self, home: Path, sandbox: SandboxServer, rng: Random, say: Callable[[str], None]) -> None:
        self.witness = Witness(home, sandbox)
        self.kills: list[Kill] = []
        self._home = home
        self._sandbox = sandbox
        self._rng = rng
        self._say = say
        self._cli = Cli(home, home_env(home, sandbox))
        self._run_seconds: list[float] = []

    def kill_at_random(self, *, power_cut: bool = False) -> None:
        """Kill a run at a random moment of its length.

        Args:
            power_cut: kill the database server with it.

        Raises:
            BrokenPromiseError: something was lost, done twice, or is not readable.
        """
        length = median(self._run_seconds) * 1.05 if self._run_seconds else _VIRGIN_SECONDS
        delay = self._rng.uniform(0, length)

        def wait(running: Running) -> None:
            try:
                running.process.wait(delay)
            except subprocess.TimeoutExpired:
                return

        self._kill(f"{delay:.2f} s{' and the server' if power_cut else ''}", wait, power_cut=power_cut)

    def kill_after(self, aim: str, times: int = 1, fault: str = "") -> None:
        """Kill a run as soon as something was written for the n-th time.

        Raises:
            BrokenPromiseError: as `kill_at_random`.
        """
        pattern = AIMS[aim]
        before = _written(self._home, pattern)

        def wait(running: Running) -> None:
            wait_until(
                lambda: not running.is_running() or _written(self._home, pattern) - before >= times, f"{times} x {aim}"
            )

        self._kill(f"{aim} {times}", wait, fault=fault)

    def _kill(self, moment: str, wait: Callable[[Running], None], *, power_cut: bool = False, fault: str = "") -> None:
        number = len(self.kills) + 1
        if fault or self._rng.random() < 0.5:
            self._sandbox.add_fault(fault or self._rng.choice(_FAULTS))
        try:
            with self._cli.start(*RUN) as running:
                wait(running)
                ended = not running.is_running()
                running.kill_group()
            require(not java_of(self._home), "a java process outlived its group")
            phase = "none" if ended else self._phase(running.pid)
            if power_cut:
                self._kill_server()
            self.witness.check_after_kill()
            self._recover(number)
        except BrokenPromiseError as broken:
            raise BrokenPromiseError(f"kill {number} ({moment}): {broken}") from broken
        self.kills.append(Kill(number, moment, phase, self._run_seconds[-1]))
        self._say(str(self.kills[-1]))

    def _recover(self, kills: int) -> None:
        began = time.monotonic()
        done = self._cli(*RUN)
        require(done.code == 0, f"the run after it ended badly: {done.told}")
        self._run_seconds.append(time.monotonic() - began)
        self.witness.check_after_run(kills)

    def _phase(self, pid: int) -> str:
        """Tell how far a killed run had come, by its log."""
        seen = [event["event"] for event in events(self._home, pid=pid)]
        if "run.ended" in seen or "load.committed" in seen:
            return "load"
        if seen.count("extract.done") == 3:
            return "transform"
        return "extract" if "run.started" in seen else "start"

    def _kill_server(self) -> None:
        server = postmaster(embedded_postgres(self._home).data)
        if server is not None:
            os.kill(server.pid, signal.SIGKILL)

    def compare(self, *, samples: int | None = 3) -> None:
        """Compare what came out with what was served: figures of some snapshots (None: of all), the dimension whole.

        Raises:
            BrokenPromiseError: they differ.
        """
        compare_with_answers(self.witness, self._rng, samples)
        compare_dimension(self.witness)


def _written(home: Path, pattern: str) -> int:
    """Count what was written: files, or lines where lines are appended."""
    files = list(home.glob(pattern))
    return sum(path.read_bytes().count(b"\n") for path in files) if pattern.endswith(".jsonl") else len(files)


def make_sandbox(seed: int, world: str = "small") -> SandboxServer:
    """Return a market that moves every second and has no limit that a drill could meet."""
    return SandboxServer(seed=seed, world=world, refresh=1, minute_limit=100_000, monthly_credits=10_000_000)


def main(arguments: list[str] | None = None) -> int:
    """Run the drill by hand; return 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="tests.crash.drill", description="Kill runs and see that nothing is lost.")
    parser.add_argument("--kills", type=int, default=60, help="kills at random moments")
    parser.add_argument("--seed", type=int, help="default: random; always printed")
    parser.add_argument("--world", default="small", choices=("small", "full"))
    chosen = parser.parse_args(arguments)
    seed = random.SystemRandom().randrange(10**6) if chosen.seed is None else chosen.seed
    print(f"seed {seed}, {chosen.kills} kills at random moments, one in ten of a home's very first run", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="cryptoelt-drill-"))
    try:
        killed = _drill(folder, random.Random(seed), chosen.kills, chosen.world)
    except BrokenPromiseError as broken:
        print(f"\nVIOLATED (seed {seed}, home kept below {folder}): {broken}", file=sys.stderr)
        return 1
    phases = {phase: sum(kill.phase == phase for kill in killed) for phase in sorted({kill.phase for kill in killed})}
    print(f"\nheld: {len(killed)} kills {phases}, seed {seed}: nothing lost, nothing twice, every credit accounted for")
    return 0


def _drill(folder: Path, rng: Random, kills: int, world: str) -> list[Kill]:
    homes = [folder / f"home-{number}" for number in range(1 + max(0, kills - 1) // 10)]
    killed: list[Kill] = []
    try:
        for home in homes:
            home.mkdir()
            with make_sandbox(rng.randrange(10**6), world) as sandbox:
                drill = Drill(home, sandbox, rng, lambda line: print(line, flush=True))
                drill.kill_at_random()
                if home is homes[-1]:
                    _many(drill, rng, kills - len(homes))
                drill.compare()
                compare_with_never_killed(drill.witness)
                killed += drill.kills
    finally:
        for home in homes:
            embedded_postgres(home).stop()
    for home in homes:
        embedded_postgres(home).remove()
    shutil.rmtree(folder)
    return killed


def _many(drill: Drill, rng: Random, kills: int) -> None:
    for number in range(kills):
        drill.kill_at_random(power_cut=number % 5 == 4)
        if number % 5 == 0:
            drill.kill_after(rng.choice(list(AIMS)), rng.randint(1, 3))


if __name__ == "__main__":
    sys.exit(main())
