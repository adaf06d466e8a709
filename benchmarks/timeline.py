"""Where the time of a run goes, by its own log and by the units of its `--json`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cryptoelt.clock import parse_iso

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.process import Measured

#: Events that mark a step, and the field that tells one from another.
_EVENTS = {
    "run.started": "",
    "spark.started": "",
    "extract.done": "endpoint",
    "transform.done": "table",
    "load.committed": "table",
    "run.ended": "",
}


def timeline(home: Path, run_id: str, run: Measured) -> list[tuple[str, str]]:
    """Return (seconds since the process was started, what had happened by then), in order."""
    rows = []
    for path in sorted((home / "logs").glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            event = json.loads(line)
            if event["run_id"] == run_id and event["event"] in _EVENTS:
                rows.append((parse_iso(event["time"]).timestamp() - run.began, _named(event)))
    rows.sort()
    rows.append((run.seconds, "the process had ended"))
    return [(f"{seconds:.2f}", text) for seconds, text in rows]


def _named(event: dict[str, Any]) -> str:
    if event["event"] == "run.started":
        return "interpreter up, command line and settings read"
    if event["event"] == "spark.started":
        return f"Spark ready: JVM {event['jvm_seconds']:.2f} s, session {event['session_seconds']:.2f} s"
    if event["event"] == "run.ended":
        return "everything done, Spark ended"
    return f"{event['event'].partition('.')[0]} {event[_EVENTS[event['event']]]}"


def phases(result: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return the units of a run with their seconds; units of one phase may overlap."""
    return [(unit["phase"], unit["name"], f"{unit['seconds']:.2f}") for unit in result["units"]]
