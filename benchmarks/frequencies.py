"""The runs of all frequencies against `run --freq 10x` and a plain Spark script, alternating in one session.

    python -m benchmarks.frequencies [--rounds 3] [--freq 5x --freq daily]

The home has been through an init, so that daily asks the exchanges that hold assets and a slice of the others. No limit
of the provider's holds it up: a plan's requests a minute are no property of the program.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.run_10x import plain_script
from benchmarks.scene import machine, scene
from benchmarks.table import mebibytes, show, spread
from benchmarks.timeline import phases
from cryptoelt.frequencies import INIT

if TYPE_CHECKING:
    from benchmarks.process import Measured

_BASE, _PLAIN = "10x", "plain Spark script"
#: At most so many times as long as a 10x run.
_TARGETS = {"5x": 1.2, "daily": 2.0}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Runs of other frequencies against a 10x run.")
    parser.add_argument("--rounds", type=int, default=3, help="rounds, each of them a run of every kind; default 3")
    parser.add_argument("--freq", action="append", choices=_TARGETS, help="what to compare; default: all")
    given = parser.parse_args()
    compared = given.freq or list(_TARGETS)
    print(machine())
    with scene() as made, tempfile.TemporaryDirectory(prefix="cryptoelt-plain-") as tables:
        if "daily" in compared:
            made.run(INIT)
        for frequency in (_BASE, *compared):
            made.prepare(frequency)
        plain_script(made, tables)
        runs: dict[str, list[Measured]] = {name: [] for name in (_PLAIN, _BASE, *compared)}
        for number in range(given.rounds):
            # Who comes first changes, for a machine may be slower for whoever comes later.
            for name in list(runs)[:: -1 if number % 2 else 1]:
                runs[name].append(plain_script(made, tables) if name == _PLAIN else made.run(name))
            words = ", ".join(f"{name} {found[-1].seconds:.1f} s" for name, found in runs.items())
            print(f"round {number + 1}: {words}", file=sys.stderr)
    _show_times(runs, given.rounds)
    for frequency in compared:
        middle = sorted(runs[frequency], key=lambda run: run.seconds)[given.rounds // 2]
        show(f"units of run --freq {frequency}", ["phase", "unit", "seconds"], phases(json.loads(middle.output)))


def _show_times(runs: dict[str, list[Measured]], rounds: int) -> None:
    columns = ["", "min", "median", "max", "of 10x", "of plain", "CPU", "CPU of 10x", "Java", "Python"]
    rows = []
    for name, found in runs.items():
        peaks = [mebibytes(max(getattr(run.peaks, part) for run in found)) for part in ("java", "python")]
        cpu = median(run.cpu_seconds for run in found)
        ratios = [f"{_ratio(found, runs[other]):.2f}" for other in (_BASE, _PLAIN)]
        of_base = f"{_ratio(found, runs[_BASE], 'cpu_seconds'):.2f}"
        rows.append([name, *spread([run.seconds for run in found]), *ratios, f"{cpu:.2f} s", of_base, *peaks])
    show(f"whole processes, rounds: {rounds}; ratios: median, round by round", columns, rows)
    print()
    for frequency, target in _TARGETS.items():
        if frequency in runs:
            met = "met" if _ratio(runs[frequency], runs[_BASE]) <= target else "MISSED"
            print(f"target: {frequency} at most {target:.1f} of 10x: {met}")


def _ratio(runs: list[Measured], others: list[Measured], what: str = "seconds") -> float:
    return float(median(getattr(run, what) / getattr(other, what) for run, other in zip(runs, others, strict=True)))


if __name__ == "__main__":
    main()
