"""The one retry policy: how long to wait before the next try, and when there is none.

`backoff` runs the tries. It would also draw each wait from zero upwards and sleep deaf to signals, so the waits are
computed and slept here: never shorter than the rule says, and ended at once when the run is asked to stop.
"""

from __future__ import annotations

import logging
import random
from collections import Counter
from typing import TYPE_CHECKING, Any, TypeVar

import backoff

from cryptoelt.api.minute import waiting_for_next_minute
from cryptoelt.api.taxonomy import Retry

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from cryptoelt.clock import Clock
    from cryptoelt.errors import CryptoEltError

log = logging.getLogger("cryptoelt.api")

T = TypeVar("T")

_FIRST_WAIT = {Retry.BACKOFF: 1.0, Retry.SLOWLY: 15.0}
_MINUTE = 60.0
_JITTER_SHARE = 0.25
_MINUTE_JITTER = 1.5


class FailedTryError(Exception):
    """One try failed; carries the error to raise when there is no further try. Never leaves the client."""

    def __init__(
        self, error: CryptoEltError, retry: Retry, retry_after: float | None = None, most_tries: int | None = None
    ) -> None:
        super().__init__(error.message)
        self.error = error
        self.retry = retry
        self.retry_after = retry_after
        self.most_tries = most_tries


class RetryPolicy:
    """Repeats a call, bounded in tries and in the length of each wait."""

    def __init__(self, clock: Clock, *, max_tries: int, max_wait: float) -> None:
        self._clock = clock
        self._max_tries = max_tries
        self._max_wait = max_wait

    def run(self, attempt: Callable[[], T]) -> T:
        """Call `attempt` until it succeeds or may not be repeated.

        Raises:
            CryptoEltError: the last try's error.
        """
        tries = 0

        def counted() -> T:
            nonlocal tries
            tries += 1
            return attempt()

        repeat = backoff.on_exception(self._waits, FailedTryError, max_tries=self._max_tries, jitter=None, logger=None)
        try:
            return repeat(counted)()
        except FailedTryError as failed:
            error = failed.error
        raise _counted(error, tries)

    def wait_after(self, failed: FailedTryError, times: int) -> float | None:
        """Return the seconds to wait after the `times`-th failure of this kind; None when there is no further try."""
        if failed.retry is Retry.NEVER or times == failed.most_tries:
            return None
        floor = failed.retry_after or 0.0
        if failed.retry is Retry.NEXT_MINUTE:
            now = self._clock.now()
            floor = max(floor, _MINUTE - now.second - now.microsecond / 1e6)
            spread = _MINUTE_JITTER
        else:
            base = min(_FIRST_WAIT[failed.retry] * 2 ** (times - 1), self._max_wait)
            floor = max(floor, base)
            spread = base * _JITTER_SHARE
        if floor > self._max_wait:
            return None  # sooner than the provider allows would be refused again
        return min(floor + random.uniform(0, spread), self._max_wait)  # noqa: S311 - spreads load, keeps no secret

    def _waits(self) -> Generator[float, Any, None]:
        """Wait for `backoff`, which then has nothing left to sleep; ending means: no further try."""
        seen: Counter[tuple[Retry, int | None]] = Counter()
        failed = yield 0.0
        while True:
            kind = (failed.retry, failed.most_tries)
            seen[kind] += 1
            seconds = self.wait_after(failed, seen[kind])
            if seconds is None:
                return
            fields = {"seconds": round(seconds, 3), "because": failed.error.message}
            is_minute = failed.retry is Retry.NEXT_MINUTE
            told = waiting_for_next_minute(seconds, "the API says that this one is used up") if is_minute else {}
            log.info("call.retry", extra={"fields": fields, **told})
            self._clock.sleep(seconds)
            failed = yield 0.0


def _counted(error: CryptoEltError, tries: int) -> CryptoEltError:
    if tries == 1:
        return error
    return type(error)(f"{error.message} ({tries} tries)", hint=error.hint, **error.context)
