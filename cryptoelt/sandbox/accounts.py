"""Keys, and what each has used: requests by minute, credits by day and by month, on the sandbox's clock."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from cryptoelt.sandbox.refusals import refusal


@dataclass
class Limits:
    """What a plan allows; a `day` of None means no such limit."""

    minute: int = 50
    day: int | None = None
    month: int = 15_000
    reset_day: int = 1


def account_name(key: str) -> str:
    """Name an account without telling its key."""
    return f"key-{sha256(key.encode()).hexdigest()[:12]}"


def minute_of(now: datetime) -> str:
    """Name a clock minute."""
    return f"{now:%Y-%m-%dT%H:%M}"


def month_of(now: datetime, reset_day: int) -> str:
    """Name a credit month by its first day."""
    first = now if now.day >= reset_day else now.replace(day=1) - timedelta(days=1)
    return f"{first:%Y-%m}-{reset_day:02d}"


def next_reset(now: datetime, reset_day: int) -> datetime:
    """Return the moment the next credit month begins."""
    reset = datetime(now.year, now.month, reset_day, tzinfo=UTC)
    while reset <= now:
        following = reset.replace(day=1) + timedelta(days=32)
        reset = following.replace(day=reset_day)
    return reset


@dataclass(frozen=True)
class Usage:
    """Requests and credits by endpoint."""

    by_endpoint: dict[str, Counter[str]]

    def __add__(self, other: Usage) -> Usage:
        names = sorted({*self.by_endpoint, *other.by_endpoint})
        nothing: Counter[str] = Counter(requests=0, credits=0)
        total: dict[str, Counter[str]] = {}
        for name in names:
            total[name] = Counter(self.by_endpoint.get(name, nothing))
            total[name].update(other.by_endpoint.get(name, nothing))
        return Usage(total)

    def as_json(self) -> dict[str, object]:
        """Return the sums, and the counts by endpoint."""
        return {
            "requests": sum(counts["requests"] for counts in self.by_endpoint.values()),
            "credits": sum(counts["credits"] for counts in self.by_endpoint.values()),
            "by_endpoint": {name: dict(counts) for name, counts in self.by_endpoint.items()},
        }


@dataclass
class Account:
    """What one key has used. Counts are kept by period, so that a clock set back finds them again."""

    requests_by_minute: Counter[str] = field(default_factory=Counter)
    credits_by_day: Counter[str] = field(default_factory=Counter)
    credits_by_month: Counter[str] = field(default_factory=Counter)
    spent_elsewhere: Counter[str] = field(default_factory=Counter)
    requests_by_endpoint: Counter[tuple[str, str]] = field(default_factory=Counter)
    credits_by_endpoint: Counter[tuple[str, str]] = field(default_factory=Counter)

    def count_request(self, now: datetime, limits: Limits) -> None:
        """Count a request against the minute.

        Raises:
            Refusal: the minute's requests are used up (1008); the request is not counted then.
        """
        minute = minute_of(now)
        if self.requests_by_minute[minute] >= limits.minute:
            raise refusal(1008)
        self.requests_by_minute[minute] += 1

    def require_credits(self, credits_needed: int, now: datetime, limits: Limits) -> None:
        """Refuse a call that does not fit under the limits.

        Raises:
            Refusal: the day's (1009) or the month's (1010) credits would be exceeded.
        """
        if not credits_needed:
            return
        if limits.day is not None and self.used_today(now) + credits_needed > limits.day:
            raise refusal(1009)
        if self.used_this_month(now, limits) + credits_needed > limits.month:
            raise refusal(1010)

    def record(self, endpoint: str, credits_charged: int, now: datetime, limits: Limits) -> None:
        """Count an answered call of an endpoint and what it cost."""
        month = month_of(now, limits.reset_day)
        self.credits_by_day[f"{now:%Y-%m-%d}"] += credits_charged
        self.credits_by_month[month] += credits_charged
        self.requests_by_endpoint[month, endpoint] += 1
        self.credits_by_endpoint[month, endpoint] += credits_charged

    def used_today(self, now: datetime) -> int:
        """Return the credits of this UTC day."""
        return self.credits_by_day[f"{now:%Y-%m-%d}"]

    def used_this_month(self, now: datetime, limits: Limits) -> int:
        """Return the credits of this credit month, those spent elsewhere with the same key included."""
        month = month_of(now, limits.reset_day)
        return self.credits_by_month[month] + self.spent_elsewhere[month]

    def set_used(self, credits_used: int, now: datetime, limits: Limits) -> None:
        """Let the month's use be this much, as if another program had spent the rest with the same key."""
        month = month_of(now, limits.reset_day)
        self.spent_elsewhere[month] = credits_used - self.credits_by_month[month]

    def restore(self, endpoint: str, credits_charged: int, at: datetime, limits: Limits) -> None:
        """Count a request that an earlier sandbox answered."""
        self.requests_by_minute[minute_of(at)] += 1
        self.record(endpoint, credits_charged, at, limits)

    def usage(self, now: datetime, limits: Limits) -> Usage:
        """Return what this sandbox answered and charged in the credit month so far."""
        month = month_of(now, limits.reset_day)
        names = sorted(name for of, name in self.requests_by_endpoint if of == month)
        return Usage(
            {
                name: Counter(
                    requests=self.requests_by_endpoint[month, name], credits=self.credits_by_endpoint[month, name]
                )
                for name in names
            }
        )
