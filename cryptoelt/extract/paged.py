"""PagedExtractor: one list that may need several calls, each page durable before the next is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from cryptoelt.api.cost import Cost, grown
from cryptoelt.clock import iso
from cryptoelt.errors import AnswerError
from cryptoelt.extract.base import BaseExtractor
from cryptoelt.extract.expected import SUPPOSED_ROWS

if TYPE_CHECKING:
    from datetime import datetime

    from cryptoelt.results import Unit

_FIRST_ROW = 1


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
        wanted, start, page = self.wanted_rows(), _FIRST_ROW, 1
        unit.planned = self.estimate(snapshot).credits
        outcome |= {"snapshot": iso(snapshot), "rows": 0, "pages": 0, "is_complete": False, "credits": 0}
        outcome |= {"call_ids": [], "file": None}
        while True:
            limit = self.page_size if wanted is None else min(self.page_size, wanted - start + _FIRST_ROW)
            answer = self._ask(snapshot, limit, start=str(start), limit=str(limit))
            self._require_shape(answer)
            if page == 1 and not answer.records:
                raise AnswerError(
                    f"{self.endpoint_name} answered without a single record (call {answer.call_id})",
                    hint="nothing was stored; run again later, and see the call in metadata/calls/",
                )
            got = len(answer.records)
            start += got
            is_last = got < limit or (wanted is not None and start - _FIRST_ROW >= wanted)
            constants = self.page_constants(page)
            rows, clean = self.typed(answer.call_id, answer.records, snapshot, **constants)
            part = None if is_last and page == 1 else page
            file = self._keep(rows, self._note(answer.call_id, clean=clean, is_last=is_last), unit, snapshot, part)
            outcome["rows"] += got
            outcome["credits"] += answer.credits
            outcome["pages"] = page
            outcome["call_ids"].append(answer.call_id)
            outcome["file"] = outcome["file"] or file.path
            if is_last:
                break
            page += 1
        total, rows_in = answer.total_count, outcome["rows"]
        all_there_are = total if wanted is None or total is None else min(total, wanted)
        outcome |= {"total_count": total, "is_complete": all_there_are is None or rows_in >= all_there_are}
        outcome |= self.findings(snapshot, outcome["rows"])

    def page_constants(self, page: int) -> dict[str, Any]:  # noqa: ARG002 - for overrides
        """Return the values of columns that only the page itself tells."""
        return {}

    def findings(self, snapshot: datetime, rows: int) -> dict[str, Any]:  # noqa: ARG002 - for overrides
        """Return what the journal shall say beside the counts, such as the difference to the last snapshot."""
        return {}
