"""The drill: runs of all frequencies are killed at random moments, and each time normal runs must make all good.

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
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from cryptoelt.frequencies import FREQUENCIES, INIT, endpoints_of
from cryptoelt.sandbox.server import SandboxServer
from cryptoelt.warehouse.embedded_process import postmaster
from tests.support.cli import Cli, embedded_postgres, events, home_env, java_of, wait_until
from tests.support.comparison import compare_with_never_killed, compare_with_served
from tests.support.invariants import BrokenPromiseError, Witness, require

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from tests.support.cli import Running

#: Until the first run of a frequency has ended, its length is not known.
_UNKNOWN_SECONDS = 8.0
#: Seconds that any run may take.
_LONGEST_RUN = 1800.0
#: What runs of an empty home can be killed in: the others need what these bring.
_FIRST = (INIT, INIT, "5x", "10x")
#: Spoilt records, so that there is something to quarantine and something to find twice.
_SPOILT = ("nul_in_text", "conflicting_duplicate", "duplicate_record")
_WITH_RECORDS = {
    "exchange/map", "exchange/assets", "cryptocurrency/map", "cryptocurrency/listings/latest",
    "cryptocurrency/categories", "cryptocurrency/category", "fear-and-greed/historical",
}  # fmt: skip
_KEYED = {"exchange/info", "cryptocurrency/info"}
#: The market moves by some hours between two runs, within the one month for which the provider counts credits.
_MONTH = "2026-11-01T06:00:00Z"
_LAST_DAY = 29
_HOURS = 9.0
#: Moments that a random one hardly ever meets: just after a file of this kind was written; and who writes it.
AIMS = {
    "reservation": ("metadata/credits/*.jsonl", tuple(FREQUENCIES)),
    "answer": ("metadata/calls/*.jsonl", tuple(FREQUENCIES)),
    "bronze file": ("lake/bronze/*/**/*.parquet", tuple(FREQUENCIES)),
    "part of a scan": ("lake/bronze/exchange/assets/*/*.parquet", (INIT, "daily")),
    "extract journal": ("metadata/extract/*.jsonl", tuple(FREQUENCIES)),
    "rejected records": ("lake/silver/*/*_rejected/_delta_log/*.json", tuple(FREQUENCIES)),
    "silver commit": ("lake/silver/*/fact_*/_delta_log/*.json", tuple(FREQUENCIES)),
    "transform journal": ("metadata/transform/*.jsonl", tuple(FREQUENCIES)),
    "load journal": ("metadata/load/*.jsonl", tuple(FREQUENCIES)),
    "packed file": ("lake/silver/*/*/part-*.zstd.parquet", tuple(FREQUENCIES)),
    "checkpoint": ("lake/silver/*/*/_delta_log/*.checkpoint.parquet", tuple(FREQUENCIES)),
}


@dataclass(frozen=True)
class Kill:
    """One kill and what came of it; `recovered` is None where another kill followed at once."""

    number: int
    frequency: str
    moment: str
    phase: str
    recovered: float | None

    def __str__(self) -> str:
        then = "killed again" if self.recovered is None else f"recovered in {self.recovered:.1f} s"
        return f"{self.number:>4}  {self.frequency:<6}  {self.moment:<24}  {self.phase:<9}  {then}"


class Drill:
    """Kills runs of one home, which is empty at first, and sees that each is made good."""

    def __init__(self, home: Path, sandbox: SandboxServer, rng: Random, say: Callable[[str], None]) -> None:
        self.witness = Witness(home, sandbox)
        self.kills: list[Kill] = []
        self._home = home
        self._sandbox = sandbox
        self._rng = rng
        self._say = say
        environment = home_env(home, sandbox, BUDGET__MONTHLY_CREDITS="10000000")
        self._cli = Cli(home, environment, _LONGEST_RUN, module="tests.support.eager_upkeep")
        self._run_seconds: dict[str, list[float]] = defaultdict(list)
        self._to_recover: list[str] = []

    @property
    def tended(self) -> int:
        """How many tables were tended so far."""
        return len(events(self._home, "upkeep.done"))

    def initialise(self) -> None:
        """Let `init` run to its end, unless one has.

        Raises:
            BrokenPromiseError: something was lost, done twice, or is not readable.
        """
        if not self._run_seconds[INIT]:
            self._to_recover.append(INIT)
            self._recover()

    def kill_at_random(self, frequency: str, *, power_cut: bool = False, recover: bool = True) -> None:
        """Kill a run at a random moment of its length.

        Args:
            frequency: whose run.
            power_cut: kill the database server with it.
            recover: let normal runs follow; False where the next kill shall meet what this one leaves.

        Raises:
            BrokenPromiseError: something was lost, done twice, or is not readable.
        """
        lengths = self._run_seconds[frequency] or [_UNKNOWN_SECONDS]
        delay = self._rng.uniform(0, median(lengths) * 1.05)

        def wait(running: Running) -> None:
            try:
                running.process.wait(delay)
            except subprocess.TimeoutExpired:
                return

        moment = f"{delay:.2f} s{' and the server' if power_cut else ''}"
        self._kill(frequency, moment, wait, power_cut=power_cut, recover=recover)

    def kill_after(self, aim: str, frequency: str, times: int = 1, fault: str = "") -> None:
        """Kill a run as soon as something was written for the n-th time.

        Raises:
            BrokenPromiseError: as `kill_at_random`.
        """
        pattern, _ = AIMS[aim]
        before = _written(self._home, pattern)

        def wait(running: Running) -> None:
            wait_until(
                lambda: not running.is_running() or _written(self._home, pattern) - before >= times,
                f"{times} x {aim}",
                _LONGEST_RUN,
            )

        self._kill(frequency, f"{aim} {times}", wait, fault=fault)

    def _kill(
        self,
        frequency: str,
        moment: str,
        wait: Callable[[Running], None],
        *,
        power_cut: bool = False,
        recover: bool = True,
        fault: str = "",
    ) -> None:
        number = len(self.kills) + 1
        if fault or self._rng.random() < 0.5:
            self._sandbox.add_fault(fault or self._fault(frequency))
        self._let_time_pass()
        try:
            with self._cli.start(*_run(frequency)) as running:
                wait(running)
                ended = not running.is_running()
                running.kill_group()
            require(not java_of(self._home), "a java process outlived its group")
            phase = "none" if ended else self._phase(frequency, running.pid)
            if power_cut:
                self._kill_server()
            self.witness.check_after_kill()
            self._to_recover.append(frequency)
            seconds = self._recover() if recover else None
        except BrokenPromiseError as broken:
            raise BrokenPromiseError(f"kill {number} ({frequency}, {moment}): {broken}") from broken
        self.kills.append(Kill(number, frequency, moment, phase, seconds))
        self._say(str(self.kills[-1]))

    def _recover(self) -> float:
        """Run every frequency that was killed, and look whether all is good; return how long that took."""
        began = time.monotonic()
        for frequency in dict.fromkeys(self._to_recover):
            self._let_time_pass()
            started = time.monotonic()
            done = self._cli(*_run(frequency))
            require(done.code == 0, f"the {frequency} run after it ended badly: {done.told}")
            self._run_seconds[frequency].append(time.monotonic() - started)
        self._to_recover.clear()
        seconds = time.monotonic() - began
        self.witness.check_after_run()
        return seconds

    def _let_time_pass(self) -> None:
        if self._sandbox.now().day < _LAST_DAY:
            self._sandbox.advance(self._rng.uniform(0, _HOURS) * 3600)

    def _fault(self, frequency: str) -> str:
        """Return a fault for one answer of a frequency."""
        endpoint = self._rng.choice([name for name in endpoints_of(frequency) if name in _WITH_RECORDS | _KEYED])
        kind = self._rng.choice(_SPOILT) if endpoint in _WITH_RECORDS else "nul_in_text"
        return f"{kind}@{endpoint}*1"

    def _phase(self, frequency: str, pid: int) -> str:
        """Tell how far a killed run had come, by its log."""
        seen = Counter(event["event"] for event in events(self._home, pid=pid))
        if seen["upkeep.done"]:
            return "upkeep"
        if seen["run.ended"] or seen["load.committed"]:
            return "load"
        if seen["extract.done"] == len(endpoints_of(frequency)):
            return "transform"
        return "extract" if seen["run.started"] else "start"

    def _kill_server(self) -> None:
        server = postmaster(embedded_postgres(self._home).data)
        if server is not None:
            os.kill(server.pid, signal.SIGKILL)

    def compare(self, *, samples: int | None = 3) -> None:
        """Compare what came out with what was served: figures of some snapshots (None: of all), the rest whole.

        Raises:
            BrokenPromiseError: they differ.
        """
        compare_with_served(self.witness, self._rng, samples)


def _run(frequency: str) -> tuple[str, ...]:
    return "run", "--freq", frequency


def _written(home: Path, pattern: str) -> int:
    """Count what was written: files, or lines where lines are appended."""
    files = list(home.glob(pattern))
    return sum(path.read_bytes().count(b"\n") for path in files) if pattern.endswith(".jsonl") else len(files)


def make_sandbox(seed: int, world: str = "small-churn") -> SandboxServer:
    """Return a market that moves every second and has no limit that a drill could meet."""
    server = SandboxServer(seed=seed, world=world, refresh=1, minute_limit=100_000, monthly_credits=10_000_000)
    return server.advance_to(_MONTH)  # the market's month; the runs have their own time


def main(arguments: list[str] | None = None) -> int:
    """Run the drill by hand; return 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="tests.crash.drill", description="Kill runs and see that nothing is lost.")
    parser.add_argument("--kills", type=int, default=60, help="kills at random moments")
    parser.add_argument("--seed", type=int, help="default: random; always printed")
    parser.add_argument("--world", default="small-churn", choices=("small", "small-churn", "medium", "full"))
    chosen = parser.parse_args(arguments)
    seed = random.SystemRandom().randrange(10**6) if chosen.seed is None else chosen.seed
    print(f"seed {seed}, {chosen.kills} kills at random moments, one in ten of a home's very first run", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="cryptoelt-drill-"))
    try:
        killed, tended = _drill(folder, random.Random(seed), chosen.kills, chosen.world)
    except BrokenPromiseError as broken:
        print(f"\nVIOLATED (seed {seed}, home kept below {folder}): {broken}", file=sys.stderr)
        return 1
    runs, phases = (
        dict(sorted(Counter(getattr(kill, what) for kill in killed).items())) for what in ("frequency", "phase")
    )
    print(
        f"\nheld: {len(killed)} kills {runs} {phases}, tables tended {tended} times, seed {seed}:"
        " nothing lost, nothing twice, every credit accounted for"
    )
    return 0


def _drill(folder: Path, rng: Random, kills: int, world: str) -> tuple[list[Kill], int]:
    homes = [folder / f"home-{number}" for number in range(1 + max(0, kills - 1) // 10)]
    killed: list[Kill] = []
    tended = 0
    try:
        for home in homes:
            home.mkdir()
            with make_sandbox(rng.randrange(10**6), world) as sandbox:
                drill = Drill(home, sandbox, rng, lambda line: print(line, flush=True))
                drill.kill_at_random(rng.choice(_FIRST))
                if home is homes[-1]:
                    _many(drill, rng, kills - len(homes))
                drill.compare()
                compare_with_never_killed(drill.witness)
                killed += drill.kills
                tended += drill.tended
    finally:
        for home in homes:
            embedded_postgres(home).stop()
    for home in homes:
        embedded_postgres(home).remove()
    shutil.rmtree(folder)
    return killed, tended


def _many(drill: Drill, rng: Random, kills: int) -> None:
    """Kill runs of all frequencies; one in five is killed together with the server, one in five before another kill."""
    drill.initialise()
    for number in range(kills):
        recover = number == kills - 1 or rng.random() > 0.2
        drill.kill_at_random(rng.choice(list(FREQUENCIES)), power_cut=number % 5 == 4, recover=recover)
        if number % 5 == 0:
            aim = rng.choice(list(AIMS))
            drill.kill_after(aim, rng.choice(AIMS[aim][1]), rng.randint(1, 3))


if __name__ == "__main__":
    sys.exit(main())
