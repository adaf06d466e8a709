"""The extract phase of one run: all its endpoints share one snapshot time, and its window if it serves one."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from cryptoelt.frequencies import FREQUENCIES, INIT
from cryptoelt.pipeline.future import future_notices
from cryptoelt.pipeline.windows import credits_kept

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptoelt.extract.base import ExtractContext
    from cryptoelt.frequencies import Window
    from cryptoelt.lake.bronze import Bronze
    from cryptoelt.pipeline.runtime import Runtime
    from cryptoelt.results import Unit


@dataclass(frozen=True)
class Extraction:
    """Asks endpoints, one after the other."""

    context: ExtractContext
    snapshot: datetime
    notices: list[str] = field(default_factory=list)
    """What a person should know before the first call; told with the first endpoint."""

    @classmethod
    def begin(cls, runtime: Runtime, endpoints: list[str], window: Window | None) -> Extraction:
        """Make ready: ask key/info about clock, limits and credits, and fix the snapshot time.

        Raises:
            CryptoEltError: our clock is wrong, the key is refused, or the ledger or Bronze cannot be read.
        """
        from cryptoelt.api.governor import Governor
        from cryptoelt.api.key_info import ask_key
        from cryptoelt.extract.base import ExtractContext

        settings = runtime.settings
        report = ask_key(runtime.client, runtime.ledger, settings, runtime.clock)
        now = runtime.clock.now()
        snapshot = _snapshot(runtime.bronze.as_of(now), endpoints, now)
        context = ExtractContext(
            client=runtime.client,
            bronze=runtime.bronze.as_of(max(now, snapshot)),
            clock=runtime.clock,
            metadata_dir=settings.metadata_dir,
            run_id=runtime.run_id,
            settings=settings.extract,
            budget=settings.budget,
            governor=Governor(runtime.ledger, _kept(runtime, window)),
            window=window,
        )
        return cls(context, snapshot, [*report.notices, *future_notices(runtime.bronze, endpoints, now)])

    def run(self, endpoint: str, unit: Unit) -> None:
        """Ask one endpoint, or postpone it where its credits are needed for what cannot wait; `unit` is filled.

        Raises:
            CryptoEltError: a call failed or was refused, an answer is not usable, or it cannot be written.
        """
        from cryptoelt.extract import extractors
        from cryptoelt.extract.scan import ScanExtractor

        unit.notices += self.notices
        self.notices.clear()
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


def _snapshot(bronze: Bronze, endpoints: list[str], now: datetime) -> datetime:
    """Return the run's snapshot time: now, in whole seconds, above the last snapshot of every endpoint.

    One that lies in the future is not followed: true data would stand under false times until the clock has caught up.
    """
    moment = now.astimezone(UTC).replace(microsecond=0)
    last = [bronze.last_snapshot(name) for name in endpoints]
    return max([moment, *(before + timedelta(seconds=1) for before in last if before is not None)])
