"""KeyedScanExtractor: asks for batches of ids, answered by an object that holds each record under its id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptoelt.api.envelope import items_of, members_of
from cryptoelt.extract.scan import Part, ScanExtractor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from cryptoelt.api.answer import Answer, RawRecord


class KeyedScanExtractor(ScanExtractor):
    """Asks for ids in batches of the size for which a credit is charged."""

    batch_size = 250

    def ask(self, ids: tuple[str, ...], snapshot: datetime) -> Iterator[Part]:
        """Ask for a batch in one call; ids that the API passes over without a word are done with it too."""
        answer = self._ask(snapshot, len(ids), id=",".join(ids))
        rows, clean = self.typed(answer.call_id, self.parse(answer), snapshot)
        yield Part(rows, clean, ids, answer)

    def parse(self, answer: Answer) -> Iterator[RawRecord]:
        """Yield the records, each an object or a list of one.

        Raises:
            AnswerError: `data` is no object.
        """
        self._require_shape(answer)
        for member in members_of(answer.records[0]).values():
            yield from [member] if (items := items_of(member)) is None else items
