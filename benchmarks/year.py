"""A run with a year of history against the same run with none, as whole processes, alternating in one session.

    python -m benchmarks.year [--freq 10x] [--snapshots 2640] [--pairs 5] [--untended]

Two homes, each with a PostgreSQL of its own; into one of them a history is written in bulk (`benchmarks/history.py`).
`--untended` leaves every snapshot of Silver in a file of its own, as it would be without upkeep.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from operator import attrgetter
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.history import write_history
from benchmarks.history_lake import Past
from benchmarks.scene import machine, scene
from benchmarks.table import show, spread
from benchmarks.timeline import timeline

if TYPE_CHECKING:
    from benchmarks.process import Measured

#: Windows of a year: 264 weekdays.
_A_YEAR = {"10x": 2_640, "5x": 1_320}
_RATIO_TARGET = 1.2
_WARM_UPS = 2


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="A run with a year of history against one with none.")
    parser.add_argument("--freq", choices=_A_YEAR, default="10x")
    parser.add_argument("--snapshots", type=int, help="length of the history; default: a year")
    parser.add_argument("--pairs", type=int, default=5, help="pairs of runs, alternating; default 5")
    parser.add_argument("--untended", action="store_true", help="Silver as it would be without upkeep")
    given = parser.parse_args()
    print(machine())
    with ExitStack() as stack:
        new, old = (stack.enter_context(scene()) for _ in range(2))
        for made in (new, old):
            made.prepare(given.freq)
        began = time.monotonic()
        past = Past.before(datetime.now(UTC), given.freq, given.snapshots or _A_YEAR[given.freq])
        write_history(old, past, tended=not given.untended)
        print(f"{len(past.moments)} snapshots of history written in {time.monotonic() - began:.0f} s", file=sys.stderr)
        for _ in range(_WARM_UPS):
            old.run(given.freq)
        without: list[Measured] = []
        with_history: list[Measured] = []
        for number in range(given.pairs):
            # Who comes first changes, for a machine may be slower for whoever comes second.
            for made, runs in ((new, without), (old, with_history))[:: -1 if number % 2 else 1]:
                runs.append(made.run(given.freq))
            words = f"without {without[-1].seconds:.2f} s, with history {with_history[-1].seconds:.2f} s"
            print(f"pair {number + 1}: {words}", file=sys.stderr)
        _show(given.freq, len(past.moments), without, with_history)
        for name, made, runs in (("without", new, without), ("with", old, with_history)):
            middle = sorted(runs, key=lambda run: run.seconds)[len(runs) // 2]
            steps = timeline(made.home, json.loads(middle.output)["run_id"], middle)
            show(f"the median run {name} history", ["seconds since its start", "what had happened"], steps)


def _show(frequency: str, snapshots: int, without: list[Measured], with_history: list[Measured]) -> None:
    rows, verdicts = [], []
    for name, of in (("wall", attrgetter("seconds")), ("CPU", attrgetter("cpu_seconds"))):
        none, year = list(map(of, without)), list(map(of, with_history))
        ratios = [one / other for one, other in zip(year, none, strict=True)]
        rows += [
            [f"without history, {name}", *spread(none)],
            [f"with history, {name}", *spread(year)],
            [f"ratio of {name}, pair by pair", *spread(ratios, "")],
        ]
        verdicts.append(median(ratios) <= _RATIO_TARGET)
    title = f"run --freq {frequency}, {snapshots:,} snapshots of history, alternating; pairs: {len(without)}"
    show(title, ["", "min", "median", "max"], rows)
    print(f"\ntarget: at most {_RATIO_TARGET:.1f} of the time without: {'met' if verdicts[0] else 'MISSED'}")


if __name__ == "__main__":
    main()
