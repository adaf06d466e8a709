"""The market at its real size: after an init and a run of each frequency the warehouse holds what was served."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from cryptoelt.errors import ExitCode
from cryptoelt.sandbox.server import SandboxServer
from tests.support.schedule import SimulatedHome
from tests.support.truth import Found, Truth, check_everything

if TYPE_CHECKING:
    from pathlib import Path

    from cryptoelt.spark import SparkHost
    from cryptoelt.warehouse.engine import Warehouse

pytestmark = pytest.mark.full

SUNDAY = datetime(2026, 11, 22, 12, tzinfo=UTC)
MONDAY = ((8, 0, "weekly"), (8, 20, "daily"), (9, 0, "5x"), (10, 30, "10x"))


def test_init_and_a_run_of_each_frequency_lose_nothing(home: Path, warehouse: Warehouse, spark_host: SparkHost) -> None:
    with SandboxServer(seed=5, start_time=SUNDAY, speed=0, minute_limit=10**6, monthly_credits=10**6) as sandbox:
        simulated = SimulatedHome.make(home, sandbox, warehouse=warehouse.url, host=spark_host)
        result = simulated.at(SUNDAY).run("init", due=False)
        assert result.exit_code is ExitCode.DONE, result.error
        for hour, minute, frequency in MONDAY:
            result = simulated.at(datetime(2026, 11, 23, hour, minute, tzinfo=UTC)).run(frequency)
            assert result.exit_code is ExitCode.DONE, (frequency, result.error)
        truth, found = Truth(sandbox), Found(warehouse)
        check_everything(truth, warehouse)

    coins = {record["id"] for records in truth.rows("cryptocurrency/map") for record in records}
    assert len(coins) > 8_500
    assert max(coins) > 36_000
    assert [len(records) for records in truth.rows("cryptocurrency/listings/latest")] == [5000, 5000]
    assert len({answer.parameters["id"] for answer in truth.answers["exchange/assets"]}) > 780
    wallets = "exchange_id, wallet_address, crypto_id, snapshot_timestamp"
    several = (
        f"SELECT count(*) FROM (SELECT 1 FROM dwh.fact_exchange_assets GROUP BY {wallets} HAVING count(*) > 1) AS q"
    )
    assert found.query(several)[0][0] > 50, "one address on several chains stays several rows"
    sizes = "SELECT max(n) FROM (SELECT count(*) AS n FROM dwh.link_crypto_category GROUP BY category_id) AS q"
    assert found.query(sizes)[0][0] > 1_000
