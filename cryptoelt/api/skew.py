"""Our clock against the API's: windows, snapshots and credit months go by it, and a wrong one spoils all three."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from cryptoelt.clock import iso
from cryptoelt.errors import ConfigurationError
from cryptoelt.wording import lasting

if TYPE_CHECKING:
    from cryptoelt.api.answer import Answer

log = logging.getLogger("cryptoelt.api")

#: A difference that is worth a word; what the way to the API takes is not counted.
_NOTICED = timedelta(minutes=2)
_MEND = "set the clock of this machine, or of its host (`timedatectl set-ntp true`, chrony)"


def clock_notice(answer: Answer, tolerance: float) -> str:
    """Compare our clock with the time that an answer was made; return what to say of a difference, "" where none is.

    Args:
        answer: says when it was asked for by our clock, how long it took, and when it was made by the API's.
        tolerance: minutes of difference beyond which nothing more may be asked.

    Raises:
        ConfigurationError: the clocks differ by more than that.
    """
    if answer.server_time is None:
        log.warning("clock.unchecked", extra={"fields": {"call_id": answer.call_id}})
        return ""
    ahead = answer.requested_at - answer.server_time
    behind = -ahead - timedelta(milliseconds=answer.elapsed_ms)  # it was made at some moment until it was here
    skew = max(ahead, behind)
    if skew <= min(_NOTICED, timedelta(minutes=tolerance)):
        return ""
    ours, theirs = (iso(moment.replace(microsecond=0)) for moment in (answer.requested_at, answer.server_time))
    told = (
        f"the clock of this machine is {lasting(skew)} {'ahead of' if ahead > behind else 'behind'} the API's:"
        f" it is {ours} here, {theirs} there"
    )
    log.warning("clock.skewed", extra={"fields": {"seconds": round(skew.total_seconds()), "message": told}})
    if skew > timedelta(minutes=tolerance):
        raise ConfigurationError(f"{told}; no credit was spent", hint=_MEND, ours=ours, theirs=theirs)
    return f"{told}; {_MEND}"
