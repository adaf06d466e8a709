"""What the extractor says of a Bronze file, in its footer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptoelt.clock import iso
from cryptoelt.lake.scan_note import ScanNote
from cryptoelt.metadata.formats import FORMAT, Record

if TYPE_CHECKING:
    from datetime import datetime

#: The format of the notes that are written now.
NOTE_FORMAT = 1
#: How much it takes to be clean; to be raised whenever it takes more.
#: 2: no text is too long for an index, and two spellings of an Ethereum address are one key.
_RULES = 2


@dataclass(frozen=True)
class BronzeNote:
    """What the extractor says of a file, kept in its footer.

    Attributes:
        clean: every field fits its column, no key is missing or repeated, no text holds a NUL or is too long for an
            index. It only ever saves work; where it is False the rows are looked at, and so are those of a file that
            was judged when there were fewer rules.
        window: when the window began for which the run asked; None where it was asked by hand.
        is_last: whether this answer completes what was asked: False for all pages but the last.
        scan: of a scan of many calls, what this file answers of it.
        call_id: the call whose answer the file holds, also where that has no rows; None where it holds none.
        unusable: why the answer cannot be right; "" where nothing speaks against it. It completes nothing: `is_last` is
            False. No table is built from it, nor from the other pages of its list.
    """

    clean: bool
    window: datetime | None = None
    is_last: bool = True
    scan: ScanNote | None = None
    call_id: str | None = None
    unusable: str = ""

    @property
    def is_unusable_part(self) -> bool:
        """Whether the file is the unusable answer of a scan, of which the other files are as good as ever."""
        return bool(self.unusable) and self.scan is not None

    def as_metadata(self) -> dict[str, str]:
        """Return the note as metadata of a Parquet file."""
        note: dict[str, Any] = {FORMAT: NOTE_FORMAT, "clean": self.clean, "is_last": self.is_last}
        note["window"] = None if self.window is None else iso(self.window)
        note |= {"scan": None if self.scan is None else self.scan.as_json(), "call_id": self.call_id}
        note |= {"unusable": self.unusable, "rules": _RULES}
        return {"cryptoelt": json.dumps(note)}

    @classmethod
    def of(cls, metadata: dict[bytes, bytes] | None) -> BronzeNote:
        """Read a note; a file without one is merely not known to be clean.

        Raises:
            NewerFormatError: a newer cryptoelt wrote it.
            ValueError: it is not JSON, or not of the form of a note.
        """
        text = (metadata or {}).get(b"cryptoelt")
        if text is None:
            return cls(clean=False)
        note = Record.of(json.loads(text), NOTE_FORMAT)
        return cls(
            clean=note.flag("clean", default=False) and note.number("rules", 1) >= _RULES,
            window=note.moment("window") if note.has("window") else None,
            is_last=note.flag("is_last", default=True),
            scan=ScanNote.of(note.values["scan"]) if note.has("scan") else None,
            call_id=note.text("call_id") if note.has("call_id") else None,
            unusable=note.text("unusable", ""),
        )
