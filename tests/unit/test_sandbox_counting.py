"""The sandbox charges by the price rules and refuses what exceeds a limit, on its own clock."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from cryptoelt.sandbox.accounts import Limits, account_name, next_reset
from cryptoelt.sandbox.clock import SandboxClock
from cryptoelt.sandbox.core import Sandbox
from cryptoelt.sandbox.faults import parse_fault
from cryptoelt.sandbox.market.world import Market, World
from cryptoelt.sandbox.replies import Reply, Request

if TYPE_CHECKING:
    from pathlib import Path

START = datetime(2026, 11, 23, 10, 30, 5, tzinfo=UTC)
CATEGORIES = "/v1/cryptocurrency/categories"
METRICS = "/v1/global-metrics/quotes/latest"
KEY_INFO = "/v1/key/info"


def make_sandbox(
    *, size: int = 12, limits: Limits | None = None, start: datetime = START, usage_file: Path | None = None
) -> Sandbox:
    market = Market(1, World(categories=size, churn=False, coins=60))
    return Sandbox(market, SandboxClock(start, speed=0), limits or Limits(), usage_file=usage_file)


def ask(sandbox: Sandbox, path: str = METRICS, key: str | None = "sandbox", **query: str) -> Reply:
    return sandbox.answer(Request("GET", path, list(query.items()), key))


def usage_told(sandbox: Sandbox) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(ask(sandbox, KEY_INFO).body)["data"]["usage"]
    return told


@pytest.mark.parametrize(("size", "price"), [(1, 2), (200, 2), (201, 3), (400, 3), (401, 4)])
def test_categories_cost_one_and_one_for_each_started_200_rows(size: int, price: int) -> None:
    reply = ask(make_sandbox(size=size), CATEGORIES)

    assert reply.credits == price
    assert json.loads(reply.body)["status"]["credit_count"] == price


def test_categories_are_priced_by_the_rows_of_the_page() -> None:
    sandbox = make_sandbox(size=401)

    assert ask(sandbox, CATEGORIES, limit="200").credits == 2
    assert ask(sandbox, CATEGORIES, start="1000").credits == 1


@pytest.mark.parametrize(("path", "price"), [(METRICS, 1), ("/v3/fear-and-greed/latest", 1), (KEY_INFO, 0)])
def test_the_others_have_one_price(path: str, price: int) -> None:
    assert ask(make_sandbox(), path).credits == price


def test_each_currency_after_the_first_costs_one_more() -> None:
    assert ask(make_sandbox(), METRICS, convert="USD,EUR,BTC").credits == 3


def test_refused_requests_cost_nothing() -> None:
    sandbox = make_sandbox()
    replies = [ask(sandbox, wrong="1"), ask(sandbox, key=None), ask(sandbox, key="unknown"), ask(sandbox, "/v1/none")]

    assert [reply.http_status for reply in replies] == [400, 401, 401, 404]
    assert sandbox.usage()["credits"] == 0


def test_the_minute_limit_counts_every_request_of_a_key_and_ends_with_the_clock_minute() -> None:
    sandbox = make_sandbox(limits=Limits(minute=3))
    codes = [ask(sandbox, path).error_code for path in (METRICS, KEY_INFO, KEY_INFO, METRICS)]
    other = ask(sandbox, key="another").error_code
    sandbox.clock.advance(54.9)
    still = ask(sandbox).error_code
    sandbox.clock.advance(0.1)

    assert codes == [0, 0, 0, 1008]
    assert other == 0
    assert still == 1008
    assert ask(sandbox).error_code == 0


def test_the_daily_limit_refuses_what_does_not_fit_and_ends_at_midnight() -> None:
    sandbox = make_sandbox(limits=Limits(day=3))
    codes = [ask(sandbox, path).error_code for path in (CATEGORIES, CATEGORIES, METRICS, METRICS)]
    sandbox.clock.set(datetime(2026, 11, 24, tzinfo=UTC))

    assert codes == [0, 1009, 0, 1009]
    assert ask(sandbox).error_code == 0


def test_the_monthly_limit_is_never_exceeded_and_ends_with_the_month() -> None:
    sandbox = make_sandbox(limits=Limits(month=3))
    codes = [ask(sandbox, path).error_code for path in (CATEGORIES, CATEGORIES, METRICS, METRICS)]
    free = ask(sandbox, KEY_INFO).error_code
    sandbox.clock.set(datetime(2026, 12, 1, tzinfo=UTC))

    assert codes == [0, 1010, 0, 1010]
    assert free == 0
    assert ask(sandbox, CATEGORIES).error_code == 0


def test_a_credit_month_can_begin_on_another_day() -> None:
    sandbox = make_sandbox(limits=Limits(month=1, reset_day=24))
    first, refused = ask(sandbox).error_code, ask(sandbox).error_code
    sandbox.clock.set(datetime(2026, 11, 24, tzinfo=UTC))

    assert (first, refused, ask(sandbox).error_code) == (0, 1010, 0)


@pytest.mark.parametrize(
    ("now", "day", "reset"),
    [
        ((2026, 11, 23), 1, (2026, 12, 1)),
        ((2026, 12, 31), 1, (2027, 1, 1)),
        ((2026, 11, 1), 1, (2026, 12, 1)),
        ((2026, 11, 23), 28, (2026, 11, 28)),
        ((2026, 1, 31), 28, (2026, 2, 28)),
    ],
)
def test_the_reset_is_the_next_first_day(now: tuple[int, int, int], day: int, reset: tuple[int, int, int]) -> None:
    assert next_reset(datetime(*now, tzinfo=UTC), day) == datetime(*reset, tzinfo=UTC)


def test_key_info_tells_the_truth_about_use() -> None:
    sandbox = make_sandbox(limits=Limits(minute=30, month=100))
    ask(sandbox, CATEGORIES)
    ask(sandbox, wrong="1")

    assert usage_told(sandbox) == {
        "current_minute": {"requests_made": 3, "requests_left": 27},
        "current_day": {"credits_used": 2},
        "current_month": {"credits_used": 2, "credits_left": 98},
    }


def test_key_info_counts_by_day_and_by_month() -> None:
    sandbox = make_sandbox()
    ask(sandbox, CATEGORIES)
    sandbox.clock.set(datetime(2026, 11, 24, 9, tzinfo=UTC))
    ask(sandbox)
    told = usage_told(sandbox)

    assert told["current_minute"]["requests_made"] == 2
    assert told["current_day"]["credits_used"] == 1
    assert told["current_month"]["credits_used"] == 3


def test_credits_spent_elsewhere_count_for_the_plan_and_not_for_the_sandbox() -> None:
    sandbox = make_sandbox(limits=Limits(month=10))
    ask(sandbox, CATEGORIES)
    sandbox.set_limits(used=9)
    told = usage_told(sandbox)["current_month"]

    assert told == {"credits_used": 9, "credits_left": 1}
    assert ask(sandbox, CATEGORIES).error_code == 1010
    assert ask(sandbox, key="never seen before", path=CATEGORIES).error_code == 1010
    assert sandbox.usage()["credits"] == 2


def test_use_is_counted_by_key_and_endpoint_without_naming_the_key() -> None:
    sandbox = make_sandbox()
    ask(sandbox, CATEGORIES, key="first-canary")
    ask(sandbox, METRICS, key="second-canary")
    ask(sandbox, METRICS, key="second-canary", wrong="1")
    usage = sandbox.usage()

    assert (usage["requests"], usage["credits"]) == (3, 3)
    assert usage["by_status"] == {"200": 2, "400": 1}
    assert usage["keys"][account_name("second-canary")]["by_endpoint"] == {
        "global-metrics/quotes/latest": {"requests": 2, "credits": 1}
    }
    assert "canary" not in json.dumps(usage) + json.dumps(sandbox.served.as_json(bodies=True))


@pytest.mark.parametrize(
    ("fault", "charged"),
    [
        ("http_500", 0), ("http_503", 0), ("http_429_1011", 0), ("reset", 0), ("error_in_200", 0),
        ("reset_charged", 2), ("cut_off", 2), ("slow", 2), ("html", 2), ("empty_body", 2), ("empty_data", 2),
        ("no_data", 2), ("no_status", 2), ("wrong_type", 2), ("duplicate_record", 2), ("bad_price", 4),
        ("bad_price=5", 7),
    ],
)  # fmt: skip
def test_errors_are_free_and_spoilt_answers_are_charged(fault: str, charged: int) -> None:
    sandbox = make_sandbox()
    sandbox.faults.faults.append(parse_fault(fault))

    assert ask(sandbox, CATEGORIES).credits == charged
    assert sandbox.usage()["credits"] == charged


def test_a_usage_file_keeps_the_count_over_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "usage.jsonl"
    first = make_sandbox(usage_file=file)
    ask(first, CATEGORIES)
    ask(first, METRICS)
    second = make_sandbox(usage_file=file)

    assert second.usage()["by_endpoint"] == first.usage()["by_endpoint"]
    assert usage_told(second)["current_month"]["credits_used"] == 3


def test_a_torn_last_line_of_the_usage_file_loses_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "usage.jsonl"
    ask(make_sandbox(usage_file=file), CATEGORIES)
    with file.open("a") as torn:
        torn.write('{"at": "2026-1')
    second = make_sandbox(usage_file=file)
    ask(second, METRICS)

    assert make_sandbox(usage_file=file).usage()["credits"] == 3
