from __future__ import annotations

from typing import TYPE_CHECKING

from cryptoelt.api.ledger import CreditLedger
from cryptoelt.clock import Clock
from cryptoelt.settings import BudgetSettings
from tests.support.cli import home_env
from tests.support.in_process import InProcess

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.cli import Finished


def budget(home: Path, *options: str) -> Finished:
    return InProcess(home, home_env(home))("budget", *options)


def spend(home: Path, credits: int) -> None:
    ledger = CreditLedger(home / "metadata", BudgetSettings(), Clock())
    ledger.reserve("fear-and-greed/latest", credits, "one")
    ledger.settle("one", credits)


def test_a_fresh_home_has_the_whole_budget_left(tmp_path: Path) -> None:
    ended = budget(tmp_path, "--json")
    assert (ended.code, ended.stderr) == (0, "")
    report = ended.json()
    assert (report["schema_version"], report["spendable"], report["remaining"]) == (1, 6500, 6500)
    assert report["by_endpoint"] == {}
    assert not (tmp_path / "metadata" / "credits").exists()


def test_what_was_spent_is_shown(tmp_path: Path) -> None:
    spend(tmp_path, 12)
    assert budget(tmp_path, "--json").json()["by_endpoint"] == {"fear-and-greed/latest": 12}
    plain = budget(tmp_path).stdout
    assert "charged\t12" in plain
    assert "remaining\t6,488" in plain
    assert "\x1b" not in plain


def test_a_damaged_ledger_is_an_error_that_names_it(tmp_path: Path) -> None:
    spend(tmp_path, 12)
    path = next((tmp_path / "metadata" / "credits").glob("*.jsonl"))
    path.write_bytes(b"garbage\n" + path.read_bytes())
    ended = budget(tmp_path)
    assert ended.code == 1
    assert f"{path}: line 1" in ended.stderr
    assert "Traceback" not in ended.stderr
