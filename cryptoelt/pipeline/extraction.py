"""The extract phase of one run: all its endpoints share one snapshot time, and its window if it serves one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from cryptoelt.frequencies import FREQUENCIES, INIT
from cryptoelt.pipeline.windows import credits_kept

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptoelt.extract.base import ExtractContext
    from cryptoelt.frequencies import Window
    from cryptoelt.pipeline.runtime import Runtime
    from cryptoelt.results import Unit


@dataclass(frozen=True)
class Extraction:
    """Asks endpoints, one after the other."""

    context: ExtractContext
    snapshot: datetime

    @classmethod
    def begin(cls, runtime: Runtime, endpoints: list[str], window: Window | None) -> Extraction:
        """Make ready: settle what an earlier run left open, and fix the snapshot time.

        Raises:
            CryptoEltError: the key is refused, or the ledger or Bronze cannot be read.
        """
        from cryptoelt.api.governor import Governor
        from cryptoelt.api.reconcile import reconcile_if_open
        from cryptoelt.extract.base import ExtractContext

        reconcile_if_open(runtime.client, runtime.ledger)
        settings = runtime.settings
        context = ExtractContext(
            client=runtime.client,
            bronze=runtime.bronze,
            clock=runtime.clock,
            metadata_dir=settings.metadata_dir,
            run_id=runtime.run_id,
            settings=settings.extract,
            budget=settings.budget,
            governor=Governor(runtime.ledger, _kept(runtime, window)),
            window=window,
        )
        return cls(context, _snapshot(runtime, endpoints))

    def run(self, endpoint: str, unit: Unit) -> None:
        """Ask one endpoint, or postpone it where its credits are needed for what cannot wait; `unit` is filled.

        Raises:
            CryptoEltError: a call failed or was refused, an answer is not usable, or it cannot be written.
        """
        from cryptoelt.extract import extractors
        from cryptoelt.extract.scan import ScanExtractor

        extractor = extractors()[endpoint](self.context)
        if not isinstance(extractor, ScanExtractor):  # a scan postpones as many of its ids as it must
            price, spare = self.context.client.price(extractor.endpoint), self.context.governor.spare()
            if spare is not None and price > spare:
                unit.postponed = 1
                return
        extractor.run(self.snapshot, unit)


def _kept(runtime: Runtime, window: Window | None) -> Callable[[], int] | None:
    """Return who says what is kept for windows that cannot be had again; nobody in a run started by hand."""
    if window is None or window.frequency == INIT or FREQUENCIES[window.frequency].is_perishable:
        return None
    return partial(credits_kept, runtime.settings, runtime.bronze, runtime.clock, runtime.client)


def _snapshot(runtime: Runtime, endpoints: list[str]) -> datetime:
    """Return the run's snapshot time: now, in whole seconds, above the last snapshot of every endpoint."""
    moment = runtime.clock.now().astimezone(UTC).replace(microsecond=0)
    last = [runtime.bronze.last_snapshot(name) for name in endpoints]
    return max([moment, *(before + timedelta(seconds=1) for before in last if before is not None)])
