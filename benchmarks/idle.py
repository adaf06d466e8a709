"""What a command costs that has nothing to do: cron starts such ones all day (`python -m benchmarks.idle`)."""

from __future__ import annotations

import argparse
import json

from benchmarks.process import Measured, measure
from benchmarks.scene import Scene, machine, scene
from benchmarks.table import mebibytes, show, spread

_TARGET_SECONDS = 1.0
_COMMANDS = (("load",), ("transform",), ("load", "--freq", "10x"), ("budget",), ("--help",))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Commands with nothing to do, as whole processes.")
    parser.add_argument("--runs", type=int, default=5, help="runs of each command; default 5")
    runs = parser.parse_args().runs
    print(machine())
    with scene() as made:
        made.prepare()
        rows = [_row(words, [_idle(made, words) for _ in range(runs + 1)][1:]) for words in _COMMANDS]
    columns = ["command", "min", "median", "max", "CPU (median)", "memory", "java started", "target"]
    show(f"nothing to do, whole process, {runs} runs after one warm-up", columns, rows)


def _idle(made: Scene, words: tuple[str, ...]) -> Measured:
    as_json = words[0] in {"load", "transform"}
    done = measure(made.command(*words, *(["--json"] if as_json else [])), made.environment)
    if as_json and json.loads(done.output)["status"] != "nothing":
        raise RuntimeError(f"{' '.join(words)} had something to do: {done.output}")
    return done


def _row(words: tuple[str, ...], runs: list[Measured]) -> list[str]:
    seconds = [run.seconds for run in runs]
    java = "yes" if any(run.peaks.java for run in runs) else "no"
    target = f"< {_TARGET_SECONDS:.0f} s: {'met' if sorted(seconds)[len(seconds) // 2] < _TARGET_SECONDS else 'MISSED'}"
    cpu = sorted(run.cpu_seconds for run in runs)[len(runs) // 2]
    memory = mebibytes(max(run.peaks.together for run in runs))
    return [f"cryptoelt {' '.join(words)}", *spread(seconds), f"{cpu:.2f} s", memory, java, target]


if __name__ == "__main__":
    main()
