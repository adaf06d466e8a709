"""The KPIs of coins against a computation of their own in numpy, on random histories inserted in random order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.global_rows import MARKET, GlobalRows

if TYPE_CHECKING:
    from random import Random

    from cryptoelt.warehouse.engine import Warehouse

START = datetime(2026, 2, 2, 9, tzinfo=UTC)
SECONDS_A_DAY = 86_400
#: Seconds between two snapshots; half a day, often, so that some stand where a window begins.
GAPS = st.one_of(st.integers(60, 8 * 3600), st.integers(3600, 20 * 3600), st.just(12 * 3600))
#: A move of the price in thousandths of its logarithm; or no price, or one of zero.
MOVES = st.one_of(st.integers(-80, 80), st.integers(-20, 20), st.integers(-3000, 3000), st.sampled_from([0, None, "0"]))
COLUMNS = (
    "snapshot_timestamp, previous_snapshot_timestamp, hours_since_previous, log_return, realised_volatility_7d,"
    " volatility_7d_observations, realised_volatility_30d, volatility_30d_observations, trend_7d,"
    " trend_7d_observations, outlier_score, outlier_observations, is_outlier"
)
Figures = tuple[object, ...]
History = list[tuple[datetime, float | None]]


@st.composite
def histories(draw: st.DrawFn) -> History:
    """A coin's snapshots in order of time: none to a hundred, in one to three stretches that weeks may lie between."""
    prices: History = []
    now, log_price = START, draw(st.integers(-20, 11)) * 1.0
    for _ in range(draw(st.integers(1, 3))):
        now += timedelta(seconds=draw(st.integers(0, 35 * SECONDS_A_DAY)))
        size = draw(st.sampled_from([0, 1, 12, 45, 90]))
        for gap, move in draw(st.lists(st.tuples(GAPS, MOVES), min_size=size, max_size=size)):
            now += timedelta(seconds=gap)
            log_price += move / 1000 if isinstance(move, int) else 0
            prices.append((now, np.exp(log_price) if isinstance(move, int) else {"0": 0.0, None: None}[move]))
    return [(moment, None if price is None else float(price)) for moment, price in prices]


@dataclass(frozen=True)
class Series:
    """The snapshots of a coin that have a price, as arrays; a return stands where it ends.

    Attributes:
        seconds: since the start.
        logs: logarithms of the prices.
    """

    seconds: np.ndarray
    logs: np.ndarray

    @classmethod
    def of(cls, history: History) -> Series:
        priced = [(moment, price) for moment, price in history if price is not None and price > 0]
        seconds = np.array([(moment - START).total_seconds() for moment, _ in priced])
        return cls(seconds, np.log(np.array([price for _, price in priced])))

    def figures(self, moment: datetime) -> Figures:
        """What the view has to say at a snapshot, from the previous one on."""
        now = (moment - START).total_seconds()
        ends, returns, days = self.seconds[1:], np.diff(self.logs), np.diff(self.seconds) / SECONDS_A_DAY
        own = ends == now
        has_return = bool(own.any())
        previous = START + timedelta(seconds=float(ends[own][0] - days[own][0] * SECONDS_A_DAY)) if has_return else None
        week, month = ((ends > now - length * SECONDS_A_DAY) & (ends <= now) for length in (7, 30))
        earlier = month & (ends < now)
        rates = returns / np.sqrt(days)
        score = _score(rates[own][0], rates[earlier]) if has_return else None
        points = (self.seconds > now - 7 * SECONDS_A_DAY) & (self.seconds <= now)
        return (
            moment,
            previous and previous.replace(microsecond=round(previous.microsecond, -6)),
            float(days[own][0] * 24) if has_return else None,
            float(returns[own][0]) if has_return else None,
            _volatility(returns[week], days[week], minimum=10),
            int(week.sum()),
            _volatility(returns[month], days[month], minimum=40),
            int(month.sum()),
            _slope((self.seconds[points] - now) / SECONDS_A_DAY, self.logs[points]),
            int(points.sum()),
            score,
            int(earlier.sum()),
            None if score is None else abs(score) > 5,
        )


def _volatility(returns: np.ndarray, days: np.ndarray, *, minimum: int) -> float | None:
    if len(returns) < minimum:
        return None
    return float(np.sqrt(np.dot(returns, returns) / np.sum(days) * 365.25))


def _slope(days: np.ndarray, logs: np.ndarray) -> float | None:
    if len(days) < 10:
        return None
    solution, *_ = np.linalg.lstsq(np.column_stack([days, np.ones_like(days)]), logs, rcond=None)
    return float(solution[0])


def _score(rate: float, others: np.ndarray) -> float | None:
    if len(others) < 40:
        return None
    middle = np.median(others)
    deviation = np.median(np.abs(others - middle))
    return None if deviation <= 1e-9 else float((rate - middle) / (1.4826 * deviation))


@pytest.fixture
def rows(warehouse: Warehouse) -> GlobalRows:
    return GlobalRows(warehouse)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(coins=st.lists(histories(), min_size=1, max_size=2), random=st.randoms(use_true_random=False))
def test_every_figure_agrees_with_numpy(rows: GlobalRows, coins: list[History], random: Random) -> None:
    rows.execute(f"DELETE FROM {MARKET}")
    for number, history in enumerate(coins):
        rows.insert_prices(number, random.sample(history, len(history)))

    for number, history in enumerate(coins):
        series = Series.of(history)
        found = rows.select(
            f"SELECT {COLUMNS} FROM analytics.vw_crypto_market_kpis WHERE crypto_id = {number}"
            " ORDER BY snapshot_timestamp"
        )
        assert len(found) == len(history)
        for row, (moment, _) in zip(found, history, strict=True):
            assert row == tuple(
                pytest.approx(figure, rel=1e-7, abs=1e-10) if type(figure) is float else figure
                for figure in series.figures(moment)
            )
