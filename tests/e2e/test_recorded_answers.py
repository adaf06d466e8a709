"""The small set of recorded answers goes through an init of the real tool, and arrives as it was recorded.

`make real` does the same with the real answers, and with every frequency.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cryptoelt.api.catalogue import ENDPOINTS
from tests.real.replays import as_one_market
from tests.support.evidence import execute, url_of
from tests.support.recordings import SMALL

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.real.replays import Replay


@pytest.fixture(scope="module")
def replayed(make_embedded_home: Callable[[str], Path]) -> Replay:
    """All recordings of the small set as one market, after an init."""
    return as_one_market(SMALL, make_embedded_home("recorded"), frequencies=())


def test_every_recorded_record_arrives_as_it_was_recorded_and_no_check_finds_an_error(replayed: Replay) -> None:
    assert replayed.faults == []
    assert [line.endpoint for line in replayed.lines if not line.compared] == ["fear-and-greed/historical"]
    assert {line.endpoint for line in replayed.lines if line.bronze} == set(ENDPOINTS)
    assert {severity for severity, _, _ in replayed.found.values()} == {"warning", "info"}


def test_what_is_changed_lost_or_made_up_in_the_warehouse_is_seen(replayed: Replay) -> None:
    assert replayed.faults == []
    url = url_of(replayed.home)
    execute(url, "UPDATE dwh.fact_crypto_market SET supply_utilization = 2 * supply_utilization WHERE crypto_id = 1")
    execute(url, "DELETE FROM dwh.fact_exchange_info WHERE exchange_id = 11")
    replayed.examine()
    told = "\n".join(replayed.faults)
    for fault in ("supply_utilization is", "check market_kpis", "fact_exchange_info: 1 rows are missing", "batch_rows"):
        assert fault in told, told
