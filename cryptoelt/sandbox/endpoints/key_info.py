"""GET /v1/key/info: the plan of the key and what it has used; free, but a request like any other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptoelt.sandbox.accounts import minute_of, next_reset
from cryptoelt.sandbox.endpoints.base import Asked, Content, Endpoint
from cryptoelt.sandbox.market.times import api_time

if TYPE_CHECKING:
    from datetime import timedelta


class KeyInfo(Endpoint):
    """Plan and usage; never cached."""

    path = "/v1/key/info"
    refresh = 0
    tells_time = True

    def answer(self, asked: Asked) -> Content:
        """Return the account as it stands, this request included."""
        limits, account, now = asked.limits, asked.account, asked.now
        reset = next_reset(now, limits.reset_day)
        plan: dict[str, object] = {
            "credit_limit_monthly": limits.month,
            "credit_limit_monthly_reset": _until(reset - now),
            "credit_limit_monthly_reset_timestamp": api_time(reset.timestamp()),
        }
        if limits.day is not None:
            plan["credit_limit_daily"] = limits.day
        plan["rate_limit_minute"] = limits.minute
        made = account.requests_by_minute[minute_of(now)]
        today, month = account.used_today(now), account.used_this_month(now, limits)
        day: dict[str, int] = {"credits_used": today}
        if limits.day is not None:
            day["credits_left"] = max(0, limits.day - today)
        usage = {
            "current_minute": {"requests_made": made, "requests_left": max(0, limits.minute - made)},
            "current_day": day,
            "current_month": {"credits_used": month, "credits_left": max(0, limits.month - month)},
        }
        return Content({"plan": plan, "usage": usage}, credits=0)


def _until(left: timedelta) -> str:
    minutes = int(left.total_seconds() // 60)
    parts = ((minutes // 1440, "day"), (minutes // 60 % 24, "hour"), (minutes % 60, "minute"))
    return "In " + ", ".join(f"{number} {unit}{'' if number == 1 else 's'}" for number, unit in parts if number)
