"""Whether an answer can be right: most of its records are fit for use, and a list is not far shorter than is known."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cryptoelt.errors import DamagedFileError, UnusableAnswerError, WindowClosedError
from cryptoelt.extract.fields import trimmed

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    import pyarrow as pa

    from cryptoelt.frequencies import Window
    from cryptoelt.lake.bronze import Bronze
    from cryptoelt.lake.bronze_note import BronzeNote

#: A list that lacks more than this share of what is known has shrunk by more than usual: of 9,000 coins 538 were gone
#: after two months. A handful is no matter, however short the list is.
_SHRUNK = 0.1
_HANDFUL = 5
#: Ids from which on those that are gone are counted: fewer may all go.
_FEWEST_IDS = 10
_SECOND = timedelta(seconds=1)


class Tally:
    """Counts what is wrong with the records of one answer, page after page.

    Args:
        key: the columns without which a record is rejected.
        measures: the columns without which a record is worth nothing.
        unbuilt: the columns that no table is built from: what is wrong with them rejects nothing.
    """

    def __init__(self, key: Collection[str], measures: Collection[str], unbuilt: Collection[str]) -> None:
        self._key = key
        self._measures = measures
        self._unbuilt = frozenset(unbuilt)
        self.records = 0
        self._rejected: Counter[str] = Counter()
        self._without: Counter[str] = Counter()

    def add(self, rows: pa.Table) -> None:
        """Count the records of one more page."""
        self.records += rows.num_rows
        self._without.update({name: rows[name].null_count for name in self._measures})
        key = [rows[name].to_pylist() for name in self._key]
        for number, rules in enumerate(rows["unfit"].to_pylist()):
            broken = [rule for rule in rules or () if rule.partition("=")[0] not in self._unbuilt]
            if broken or any(values[number] is None for values in key):
                self._rejected[broken[0] if broken else "no key"] += 1

    def fault(self, share: float) -> str:
        """Return why the answer is unusable, where more than a share of its records are; "" where they are not."""
        most, rejected = share * self.records, self._rejected.total()
        for measure, number in self._without.items():
            if number > most:
                return f"{number} of {self.records} records have no {measure}"
        if rejected > most:
            return f"{rejected} of {self.records} records are rejected ({self._rejected.most_common(1)[0][0]})"
        return ""


def is_far_short(rows: int, known: int, share: float) -> bool:
    """Tell whether a list lacks more than a share of the rows that are known."""
    return known - rows > share * known


def fault_of_ids(bronze: Bronze, endpoint: str, ids: Collection[Any], share: float) -> str:
    """Return why a list is unusable that lacks more than a share of the ids of the last complete one; "" if not.

    Ids that changed their spelling, or were given to others, leave the number of rows as it was.

    Raises:
        StorageError: Bronze cannot be listed.
    """
    for last in bronze.complete_snapshots(endpoint, 1):
        try:
            known = {trimmed(id_) for id_ in bronze.read(last, ["id"])["id"].to_pylist()} - {None}
        except DamagedFileError:
            continue  # its own table tells of it
        left = len(known.intersection(ids))
        if len(known) >= _FEWEST_IDS and is_far_short(left, len(known), share):
            return f"{left} of {len(known)} known ids are left"
    return ""


def is_noticeably_short(rows: int, known: int) -> bool:
    """Tell whether a list lacks so many of the rows that are known that somebody should look."""
    return known - rows >= _HANDFUL and is_far_short(rows, known, _SHRUNK)


def require_open(window: Window | None, now: datetime) -> None:
    """Raise where a window has ended: what is asked now is of another time than it is kept for.

    The time that a run is given stands still while the machine sleeps, so the calendar is asked as well.

    Raises:
        WindowClosedError: it has ended.
    """
    if _has_ended(window, now):
        raise WindowClosedError(
            "the window closed before this was asked",
            hint="what was fetched is kept, and the next run builds and loads it; see `cryptoelt status`",
        )


def fault_of_time(window: Window | None, now: datetime) -> str:
    """Return why an answer that came now is unusable for a window; "" if it is not, or none is served."""
    return "it came after its window had closed" if _has_ended(window, now) else ""


def _has_ended(window: Window | None, now: datetime) -> bool:
    return window is not None and window.end is not None and now >= window.end


def unusable(endpoint: str, reason: str, call_id: str) -> UnusableAnswerError:
    """Return the error for an answer that was kept, and cannot be right."""
    return UnusableAnswerError(
        f"{endpoint}: the answer cannot be right: {reason} (call {call_id})",
        hint="it is kept in Bronze and not built, and asked for again later; if it is right after all: "
        f"`CRYPTOELT_EXTRACT__UNUSABLE_SHARE=1 cryptoelt extract --endpoint {endpoint}`",
    )


def no_more(endpoint: str, what: str, reason: str) -> UnusableAnswerError:
    """Return the error for what a window has asked often enough."""
    return UnusableAnswerError(
        f"{endpoint}: {what} in this window could not be right, the last because {reason}; not asked again in it",
        hint="see them in Bronze and metadata/calls/; "
        f"by hand, `cryptoelt extract --endpoint {endpoint}` asks at any time",
    )


def unusable_answers(bronze: Bronze, endpoint: str, window: Window) -> list[BronzeNote]:
    """Return what the files say that are marked unusable and carry the start of this window, oldest first.

    Raises:
        StorageError: Bronze cannot be listed.
    """
    found = []
    for file in bronze.files(endpoint, after=window.start - _SECOND):
        if window.end is not None and file.snapshot > window.end:
            break
        try:
            note = bronze.footer(file).note
        except DamagedFileError:
            continue  # what it was is not known any more
        if note.unusable and note.window == window.start:
            found.append(note)
    return found
