"""Command of `make real`; see the package."""

from __future__ import annotations

import argparse
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from tests.real.replays import as_one_market, one_by_one, unsent
from tests.support.cli import embedded_postgres
from tests.support.recordings import NO_REAL, REAL

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.real.replays import Replay

_USAGE = 2


def main(words: Sequence[str]) -> int:
    """Replay the recordings of a folder and print what became of them; 1 where anything is not as recorded."""
    parser = argparse.ArgumentParser(prog="python -m tests.real", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=REAL, help="the recordings (default: %(default)s)")
    folder = parser.parse_args(words).folder
    if not folder.is_dir():
        print(f"error: {NO_REAL if folder == REAL else f'there is no folder {folder}'}", file=sys.stderr)
        return _USAGE
    began, replays = monotonic(), list["Replay"]()
    for replay in (as_one_market, one_by_one):
        with _home() as home:
            replays.append(replay(folder, home))
        show(replays[-1])
    for fault in (never_sent := unsent(folder, replays)):
        print(f"FAULT {fault}")
    faults = len(never_sent) + sum(len(made.faults) for made in replays)
    compared = sum(line.compared for made in replays for line in made.lines)
    said = f"{faults} faults" if faults else "all as recorded"
    print(f"\n{said}: {compared:,} rows compared in {monotonic() - began:.0f} s")
    return 1 if faults else 0


def show(made: Replay) -> None:
    """Print one replay."""
    print(f"\n== {made.title}\n")
    for command, code, seconds in made.commands:
        print(f"{seconds:6.1f} s  code {code}  {command}")
    names = ("files", "recorded", "sent", "stand_ins", "bronze", "silver", "repeated", "quarantined", "compared")
    print(f"\n{'endpoint':32}" + "".join(f"{name:>12}" for name in names))
    for line in made.lines:
        print(f"{line.endpoint:32}" + "".join(f"{getattr(line, name):12,}" for name in names))
    totals = [sum(getattr(line, name) for line in made.lines) for name in names]
    print(f"{'all':32}" + "".join(f"{total:12,}" for total in totals))
    for (exchange, at), worth in made.worth.items():
        if worth:
            print(
                f"wallets of exchange {exchange:6} at {at:%H:%M:%S}: {worth:22,.2f} USD, recorded and in the warehouse"
            )
    print("\nchecks that found rows:" if made.found else "\nno check found a row")
    for name, (severity, found, total) in made.found.items():
        share = f"{100 * found / total:.2f} %" if total else "-"
        print(f"  {severity:8} {name:28} {found:6,} of {total:6,} rows  {share}")
    for fault in made.faults:
        print(f"FAULT {fault}")


@contextmanager
def _home() -> Iterator[Path]:
    """Give an empty home, and end its database and remove it after that."""
    with tempfile.TemporaryDirectory(prefix="cryptoelt-real-") as folder:
        home = Path(folder)
        try:
            yield home
        finally:
            embedded_postgres(home).remove()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
