"""Our clock against the API's: windows, snapshots and credit months go by it, and a wrong one spoils all three."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from cryptoelt.clock import iso
from cryptoelt.errors import ConfigurationError
from cryptoelt.wording import lasting

if TYPE_CHECKING:
    from datetime import datetime

    from cryptoelt.api.answer import Answer

log = logging.getLogger("cryptoelt.api")

#: A difference that is worth a word, of our clock from the API's or of the API's from each other.
_NOTICED = timedelta(minutes=2)
_MEND = "set the clock of this machine, or of its host (`timedatectl set-ntp true`, chrony)"


def clock_notice(answer: Answer, tolerance: float) -> str:
    """Compare our clock with the time that an answer was made; return what to say of a difference, "" where none is.

    An answer may tell two times, `status.timestamp` and the header `Date`. One of them may be wrong by itself (cached,
    local time, never set), so that the nearer one is believed, and no run ends while one of them agrees with ours.

    Args:
        answer: says when it was asked for by our clock, how long it took, and when it was made by the API's.
        tolerance: minutes of difference beyond which nothing more may be asked.

    Raises:
        ConfigurationError: the clocks differ by more than that.
    """
    told = [moment for moment in (answer.server_time, answer.http_date) if moment is not None]
    if not told:
        log.warning("clock.unchecked", extra={"fields": {"call_id": answer.call_id}})
        return ""
    theirs, other = min(told, key=lambda moment: _skew(answer, moment)), max(told, key=lambda m: _skew(answer, m))
    notices = [_skewed(answer, theirs, tolerance)]
    if abs(theirs - other) > _NOTICED:
        said = _contradiction(answer, theirs, other)
        notices += [said] if _skew(answer, other) > timedelta(minutes=tolerance) else []
    return "; ".join(notice for notice in notices if notice)


def _skew(answer: Answer, theirs: datetime) -> timedelta:
    ahead = answer.requested_at - theirs
    return max(ahead, -ahead - timedelta(milliseconds=answer.elapsed_ms))  # it was made at some moment until it came


def _skewed(answer: Answer, moment: datetime, tolerance: float) -> str:
    skew = _skew(answer, moment)
    if skew <= min(_NOTICED, timedelta(minutes=tolerance)):
        return ""
    ours, theirs = _shown(answer.requested_at), _shown(moment)
    told = (
        f"the clock of this machine is {lasting(skew)} {'ahead of' if answer.requested_at > moment else 'behind'}"
        f" the API's: it is {ours} here, {theirs} there"
    )
    log.warning("clock.skewed", extra={"fields": {"seconds": round(skew.total_seconds()), "message": told}})
    if skew > timedelta(minutes=tolerance):
        raise ConfigurationError(f"{told}; no credit was spent", hint=_MEND, ours=ours, theirs=theirs)
    return f"{told}; {_MEND}"


def _contradiction(answer: Answer, believed: datetime, other: datetime) -> str:
    told = (
        f"the API's answer tells two times, {_shown(believed)} and {_shown(other)}, and it is"
        f" {_shown(answer.requested_at)} here: the former is believed"
    )
    log.warning("clock.contradicted", extra={"fields": {"call_id": answer.call_id, "message": told}})
    return told


def _shown(moment: datetime) -> str:
    return iso(moment.replace(microsecond=0))
