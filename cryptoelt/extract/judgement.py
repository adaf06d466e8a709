"""Whether an answer can be right: most of its records are fit for use, and a list is not far shorter than is known."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from cryptoelt.errors import DamagedFileError, UnusableAnswerError

if TYPE_CHECKING:
    from collections.abc import Collection

    import pyarrow as pa

    from cryptoelt.frequencies import Window
    from cryptoelt.lake.bronze import Bronze, BronzeNote

#: A list that lacks more than this share of what is known has shrunk by more than usual: of 9,000 coins 538 were gone
#: after two months. A handful is no matter, however short the list is.
_SHRUNK = 0.1
_HANDFUL = 5
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
        self._rejected = 0
        self._without: Counter[str] = Counter()

    def add(self, rows: pa.Table) -> None:
        """Count the records of one more page."""
        self.records += rows.num_rows
        self._without.update({name: rows[name].null_count for name in self._measures})
        unfit = [self._is_rejected(rules) for rules in rows["unfit"].to_pylist()]
        keyless = [pc.is_null(rows[name]).to_pylist() for name in self._key]
        self._rejected += sum(any(faults) for faults in zip(unfit, *keyless, strict=True))

    def fault(self, share: float) -> str:
        """Return why the answer is unusable, where more than a share of its records are; "" where they are not."""
        most = share * self.records
        for measure, number in self._without.items():
            if number > most:
                return f"{number} of {self.records} records have no {measure}"
        return f"{self._rejected} of {self.records} records are rejected" if self._rejected > most else ""

    def _is_rejected(self, rules: list[str] | None) -> bool:
        return any(rule.partition("=")[0] not in self._unbuilt for rule in rules or ())


def is_far_short(rows: int, known: int, share: float) -> bool:
    """Tell whether a list lacks more than a share of the rows that are known."""
    return known - rows > share * known


def has_shrunk(rows: int, known: int) -> bool:
    """Tell whether a list lacks so many of the rows that are known that somebody should look."""
    return known - rows >= _HANDFUL and is_far_short(rows, known, _SHRUNK)


def unusable(endpoint: str, reason: str, call_id: str) -> UnusableAnswerError:
    """Return the error for an answer that was kept, and cannot be right."""
    return UnusableAnswerError(
        f"{endpoint}: the answer cannot be right: {reason} (call {call_id})",
        hint="it is kept in Bronze and not built, a later run asks again; if it is right after all, let "
        f"`cryptoelt extract --endpoint {endpoint}` take it with CRYPTOELT_EXTRACT__UNUSABLE_SHARE=1",
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
