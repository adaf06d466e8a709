"""PagedExtractor: one list that may need several calls, each page durable before the next is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from cryptoelt.api.cost import Cost, grown
from cryptoelt.clock import iso
from cryptoelt.extract.base import BaseExtractor
from cryptoelt.extract.expected import SUPPOSED_ROWS
from cryptoelt.extract.judgement import is_noticeably_short, unusable

if TYPE_CHECKING:
    from datetime import datetime

    import pyarrow as pa

    from cryptoelt.api.answer import Answer, RawRecord
    from cryptoelt.results import Unit

_FIRST_ROW = 1
#: So few records of a last page may all have come already.
_HANDFUL = 5


class PagedExtractor(BaseExtractor):
    """Asks for page after page until one is short; a list of one page is one file, else every page is a part."""

    #: The rows of a full page: the most the endpoint allows.
    page_size: ClassVar[int] = 5000

    def wanted_rows(self) -> int | None:
        """Return how many rows are asked for; None asks for all there are."""
        return None

    def expected_rows(self, snapshot: datetime) -> int:  # noqa: ARG002 - for overrides
        """Return how many rows there are to ask for at a moment, at most.

        Raises:
            StorageError: Bronze cannot be read.
        """
        rows = self.rows_before()
        if rows is not None:
            return grown(rows)
        return SUPPOSED_ROWS.get(self.endpoint_name) or self.wanted_rows() or self.endpoint.price.expected_rows

    def estimate(self, snapshot: datetime) -> Cost:
        """Return the pages that a run at this moment would ask for, and at most what they cost; asks nobody.

        Raises:
            StorageError: Bronze cannot be read.
        """
        wanted, left = self.wanted_rows(), self.expected_rows(snapshot)
        cost, asked = Cost(), 0
        while wanted is None or asked < wanted:
            limit = self.page_size if wanted is None else min(self.page_size, wanted - asked)
            cost += Cost(1, self.context.client.price(self.endpoint, min(left, limit)))
            if left < limit:  # a short page is the last
                break
            asked, left = asked + limit, left - limit
        return cost

    def _extract(self, snapshot: datetime, unit: Unit, outcome: dict[str, Any]) -> None:
        wanted, tally = self.wanted_rows(), self._tally()
        known, usual = (_as_far_as(wanted, rows) for rows in (self.known_rows(), self.usual_rows()))
        unit.planned = self.estimate(snapshot).credits
        outcome |= {"snapshot": iso(snapshot), "rows": 0, "pages": 0, "is_complete": False, "credits": 0}
        outcome |= {"call_ids": [], "file": None}
        is_last = False
        while not is_last:
            self.context.clock.stop.raise_if_set()
            before = outcome["rows"]
            limit = self.page_size if wanted is None else min(self.page_size, wanted - before)
            answer = self._ask(snapshot, limit, start=str(before + _FIRST_ROW), limit=str(limit))
            records, fault = self._records_of(answer, is_first=not before)
            so_far = before + len(records)
            is_last = len(records) < limit or (wanted is not None and so_far >= wanted)
            page = outcome["pages"] + 1
            rows, clean = self.typed(answer.call_id, records, snapshot, **self.page_constants(page))
            fault = fault or self._fault_in(rows, tally) or self._fault_of_page(rows, so_far, limit)
            if is_last:
                total = answer.total_count if self.endpoint.tells_total else None
                known = max(known, _as_far_as(wanted, total))
                fault = fault or self._fault_of_length(known, usual, unit)
            note = self._note(answer.call_id, clean=clean, is_last=is_last, unusable=fault)
            file = self._keep(rows, note, unit, snapshot, None if is_last and page == 1 else page)
            outcome |= {"rows": so_far, "credits": outcome["credits"] + answer.credits, "pages": page}
            outcome["call_ids"].append(answer.call_id)
            outcome["file"] = outcome["file"] or file.path
            if is_noticeably_short(limit, len(records)):
                unit.notices.append(f"{self.endpoint_name}: {len(records)} rows came where {limit} were asked for")
            if fault:
                unit.snapshots, unit.rows_in, unit.rows_loaded = [], 0, 0  # the pages before it are not built either
                raise unusable(self.endpoint_name, fault, answer.call_id)
        outcome |= {"total_count": answer.total_count, "is_complete": outcome["rows"] >= _as_far_as(wanted, total)}
        outcome |= self.findings(snapshot, outcome["rows"])

    def _records_of(self, answer: Answer, *, is_first: bool = True) -> tuple[list[RawRecord], str]:
        """Return the records, as of any answer; a page after the first may be empty, and is then the last."""
        return (
            ([], self._late) if answer.is_list and not answer.records and not is_first else super()._records_of(answer)
        )

    def _fault_of_page(self, rows: pa.Table, so_far: int, limit: int) -> str:
        """Return why a page is unusable beside those before it: most of it came already, or it never ends; "" if not.

        The last page may repeat a record or two, and be no longer: lists move between two calls.
        """
        is_first, is_full = so_far == rows.num_rows, rows.num_rows >= limit
        is_judged = is_full or is_first or rows.num_rows > _HANDFUL
        if is_full and so_far > self.endpoint.most_rows:
            return f"it goes on after {so_far} rows, there cannot be more than {self.endpoint.most_rows}"
        return self._fault_of_repeats(rows) if is_judged else ""

    def page_constants(self, page: int) -> dict[str, Any]:  # noqa: ARG002 - for overrides
        """Return the values of columns that only the page itself tells."""
        return {}

    def findings(self, snapshot: datetime, rows: int) -> dict[str, Any]:  # noqa: ARG002 - for overrides
        """Return what the journal shall say beside the counts, such as the difference to the last snapshot."""
        return {}


def _as_far_as(wanted: int | None, rows: int | None) -> int:
    """Return how many of the rows that there are should come."""
    return (rows or 0) if wanted is None else min(rows or 0, wanted)
