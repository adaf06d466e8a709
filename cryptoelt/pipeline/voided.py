"""Windows whose answers were taken out of Bronze: what the journal of runs says of them no longer counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cryptoelt.clock import iso, parse_iso
from cryptoelt.errors import DamagedFileError
from cryptoelt.frequencies import FREQUENCIES, Window, endpoints_of
from cryptoelt.metadata.runs import RunJournal
from cryptoelt.pipeline.windows import VOIDED, grace_of, lacking_endpoints, windows_that_are

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cryptoelt.lake.bronze import BronzeSnapshot
    from cryptoelt.pipeline.runtime import Runtime


def void_windows(runtime: Runtime, aside: Iterable[BronzeSnapshot]) -> None:
    """Record that windows lack answers that were set aside; a firing in such a window then asks anew.

    Nothing is recorded of a window that was answered again since, or that no run has called answered.

    Raises:
        StorageError: the journal or Bronze cannot be read, or the journal not be written.
    """
    journal, now = RunJournal(runtime.settings.metadata_dir), iso(runtime.clock.now())
    for window in dict.fromkeys(_windows_of(runtime, aside)):
        lines = [line for line in journal.since(window.start, window.end or window.start) if _is_of(line, window)]
        claimed = any(windows_that_are(state, lines) for state in ("is_complete", "is_answered"))
        if claimed and lacking_endpoints(runtime.bronze, window):
            # Beside the line that it takes back, where whoever reads of the window finds it.
            journal.append(parse_iso(lines[-1]["started_at"]), _line(runtime, window, now))


def _windows_of(runtime: Runtime, aside: Iterable[BronzeSnapshot]) -> Iterator[Window]:
    for source in aside:
        try:
            start = runtime.bronze.footer(source.files[0]).note.window
        except DamagedFileError:
            continue  # it answered no window
        for name, frequency in FREQUENCIES.items():
            if start is not None and frequency.times and source.endpoint in endpoints_of(name):
                yield Window(name, start, start + grace_of(runtime.settings, name))


def _is_of(line: dict[str, Any], window: Window) -> bool:
    return line.get("frequency") == window.frequency and line.get("window_start") == iso(window.start)


def _line(runtime: Runtime, window: Window, now: str) -> dict[str, Any]:
    return {
        "run_id": runtime.run_id,
        "frequency": window.frequency,
        "window_start": iso(window.start),
        "is_due": False,
        "started_at": now,
        "ended_at": now,
        "status": "nothing",
        "exit_code": 0,
        "credits": 0,
        "postponed": {},
        "is_answered": False,
        "is_complete": False,
        VOIDED: True,
        "warehouse": runtime.settings.warehouse.place,
    }
