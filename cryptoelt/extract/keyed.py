"""KeyedScanExtractor: asks for batches of ids, answered by an object that holds each record under its id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptoelt.api.envelope import items_of, members_of, whole_number
from cryptoelt.errors import AnswerError
from cryptoelt.extract.judgement import is_far_short
from cryptoelt.extract.scan import Part, ScanExtractor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from cryptoelt.api.answer import Answer, RawRecord

#: So few ids of a batch may all be unknown to the API; more are no longer a chance.
_FEW = 10


class KeyedScanExtractor(ScanExtractor):
    """Asks for ids in batches of the size for which a credit is charged."""

    batch_size = 250

    def ask(self, ids: tuple[str, ...], snapshot: datetime) -> Iterator[Part]:
        """Ask for a batch in one call; ids that the API passes over without a word count as refused.

        Raises:
            AnswerError: nobody of many was answered.
        """
        answer = self._ask(snapshot, len(ids), id=",".join(ids))
        records, fault = self._records_of(answer)
        told: dict[str, list[RawRecord]] = {}
        if not fault:
            told, fault = self._told(answer, ids)
            records = records if fault else [record for of_id in told.values() for record in of_id]
        passed_over = tuple(id_ for id_ in ids if id_ not in told)
        if len(passed_over) == len(ids) > _FEW and not fault:
            raise AnswerError(
                f"{self.endpoint_name} answered without a single record of {len(ids)} (call {answer.call_id})",
                hint="nothing was stored; run again later, and see the call in metadata/calls/",
            )
        rows, clean = self.typed(answer.call_id, records, snapshot)
        fault = fault or self._fault_in(rows, self._tally()) or self._fault_of_batch(rows.num_rows, len(ids))
        yield Part(rows, clean, ids, answer, () if fault else passed_over, unusable=fault)

    def _told(self, answer: Answer, asked: tuple[str, ...]) -> tuple[dict[str, list[RawRecord]], str]:
        """Return the records of each id that was asked for, and why most of the answer is of others; "" if not.

        A record that says itself to be of another id than it stands under tells of neither.
        """
        sent = {id_: _items(member) for id_, member in members_of(answer.records[0]).items()}
        most = self.context.settings.unusable_share * len(sent)
        unasked = sent.keys() - set(asked)
        strange = [id_ for id_, records in sent.items() if any(_is_of_another(record, id_) for record in records)]
        told = {id_: records for id_, records in sent.items() if id_ not in unasked and id_ not in strange}
        if len(strange) > most:
            return told, f"{len(strange)} of {len(sent)} records are of another id than they stand under"
        if len(unasked) > most:
            return told, f"{len(unasked)} of {len(sent)} records are of ids that were not asked for"
        return told, ""

    def _fault_of_batch(self, rows: int, asked: int) -> str:
        is_short = asked > _FEW and is_far_short(rows, asked, self.context.settings.unusable_share)
        return f"{rows} records came for {asked} ids" if is_short else ""

    def parse(self, answer: Answer) -> Iterator[RawRecord]:
        """Yield the records, each an object or a list of one.

        Raises:
            AnswerError: `data` is no object.
        """
        self._require_shape(answer)
        for member in members_of(answer.records[0]).values():
            yield from _items(member)


def _items(member: RawRecord) -> list[RawRecord]:
    """Return the records under a key: the member itself, or the items of it where it is a list."""
    return [member] if (items := items_of(member)) is None else items


def _is_of_another(record: RawRecord, id_: str) -> bool:
    """Tell whether a record says that it is of another id; one that says nothing readable is for quarantine."""
    own = whole_number(record.value.get("id")) if isinstance(record.value, dict) else None
    return own is not None and str(own) != id_
