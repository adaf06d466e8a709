"""One home, several real processes, and the kernel ending some of them."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from cryptoelt.api.catalogue import ENDPOINTS
from cryptoelt.api.client import CoinMarketCapClient
from cryptoelt.api.key_info import ask_key
from cryptoelt.api.ledger import CreditLedger
from cryptoelt.clock import Clock
from cryptoelt.sandbox.server import SandboxServer
from cryptoelt.settings import ApiSettings, BudgetSettings, Settings
from tests.support.chance import seed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LIMIT = 150

LEDGER_USER = """
import sys
from pathlib import Path
from cryptoelt.api.ledger import CreditLedger
from cryptoelt.clock import Clock
from cryptoelt.errors import BudgetError
from cryptoelt.settings import BudgetSettings
home, name, limit = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
ledger = CreditLedger(home, BudgetSettings(monthly_credits=limit, buffer=0), Clock())
print("ready", flush=True)
sys.stdin.readline()
number = 0
try:
    while True:
        number += 1
        ledger.reserve("a", 1, f"{name}-{number}")
        print("called", flush=True)  # the provider charges here
        if number % 5 == 4:
            ledger.release(f"{name}-{number}") if limit < 1000 else ledger.settle(f"{name}-{number}", 1)
        elif number % 5:
            ledger.settle(f"{name}-{number}", 1)
except BudgetError:
    print("refused", flush=True)
"""

MINUTE_USER = """
import sys
from pathlib import Path
from cryptoelt.api.minute import MinuteLimit
from cryptoelt.clock import Clock
from cryptoelt.errors import StoppedError
clock = Clock()
clock.stop.set()
limit = MinuteLimit(Path(sys.argv[1]), int(sys.argv[3]), clock)
print("ready", flush=True)
sys.stdin.readline()
try:
    while True:
        limit.take()
        print("called", flush=True)
except StoppedError:
    print("refused", flush=True)
"""

CALLER = """
import sys
from cryptoelt.api.catalogue import ENDPOINTS
from cryptoelt.api.client import CoinMarketCapClient
from cryptoelt.api.ledger import CreditLedger
from cryptoelt.clock import Clock
from cryptoelt.settings import load_settings
settings = load_settings()
ledger = CreditLedger(settings.metadata_dir, settings.budget, Clock())
client = CoinMarketCapClient(settings, ledger, Clock(), run_id="doomed")
client.get(ENDPOINTS[sys.argv[1]])
"""


FULL_DISK_CALLER = """
import resource
from cryptoelt.api.catalogue import ENDPOINTS
from cryptoelt.api.client import CoinMarketCapClient
from cryptoelt.api.ledger import CreditLedger
from cryptoelt.clock import Clock
from cryptoelt.errors import StorageError
from cryptoelt.settings import load_settings
settings = load_settings()
ledger = CreditLedger(settings.metadata_dir, settings.budget, Clock())
client = CoinMarketCapClient(settings, ledger, Clock(), run_id="cramped")
resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
try:
    for _ in range(100):
        client.get(ENDPOINTS["global-metrics/quotes/latest"])
except StorageError as exc:
    print(exc.message)
"""


def started(script: str, *arguments: object, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": ":".join(sys.path), **environment},
    )


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert process.stdin is not None
    assert process.stdout.readline() == "ready\n"
    process.stdin.write("\n")
    process.stdin.flush()


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


def read_ledger(home: Path, limit: int) -> CreditLedger:
    return CreditLedger(home, BudgetSettings(monthly_credits=limit, buffer=0), Clock())


def test_processes_together_never_cross_the_limit(tmp_path: Path) -> None:
    processes = [started(LEDGER_USER, tmp_path, name, LIMIT) for name in ("one", "two")]
    for process in processes:
        go(process)
    outputs = [process.communicate(timeout=60)[0] for process in processes]
    assert all(output.endswith("refused\n") for output in outputs)
    state = read_ledger(tmp_path, LIMIT).state()
    assert state.charged + state.reserved == LIMIT
    spent: dict[str, int] = {}
    path = next((tmp_path / "credits").glob("*.jsonl"))
    for event in map(json.loads, path.read_text().splitlines()):
        spent[event["call_id"]] = event.get("credits", 0)
        assert sum(spent.values()) <= LIMIT
    reserved = path.read_text().count('"reserve"')
    assert reserved == sum(output.count("called") for output in outputs)


def test_processes_together_keep_the_minute_limit(tmp_path: Path) -> None:
    processes = [started(MINUTE_USER, tmp_path, name, 600) for name in ("one", "two", "three")]
    for process in processes:
        go(process)
    outputs = [process.communicate(timeout=60)[0] for process in processes]
    assert all(output.endswith("refused\n") for output in outputs)
    assert sum(output.count("called") for output in outputs) == 600


@pytest.mark.drawn
def test_a_ledger_killed_at_any_moment_never_says_less_than_was_spent(tmp_path: Path) -> None:
    draw = random.Random(seed())
    called = 0
    for kill in range(6):
        process = started(LEDGER_USER, tmp_path, f"kill-{kill}", 10**6)
        go(process)
        assert process.stdout is not None
        for _ in range(draw.randrange(1, 40)):
            assert process.stdout.readline() == "called\n"
            called += 1
        time.sleep(draw.random() * 0.01)  # not to synchronise: to die at another moment each time
        process.kill()
        called += process.stdout.read().count("called\n")
        process.communicate()
        ledger = read_ledger(tmp_path, 10**6)
        before = ledger.state()
        assert before.charged + before.reserved >= called
        ledger.reconcile(called)
        after = ledger.state()
        assert (after.charged + after.external, after.reserved) == (called, 0)


@pytest.mark.parametrize("fault", ["slow=60", None])
def test_after_a_kill_in_mid_call_the_ledger_is_reconciled_with_the_provider(tmp_path: Path, fault: str | None) -> None:
    endpoint = ENDPOINTS["cryptocurrency/categories"]
    with SandboxServer(faults=[fault] if fault else []) as sandbox:
        environment = {**sandbox.environment, "CRYPTOELT_HOME": str(tmp_path)}
        settings = Settings(
            home=tmp_path, api=ApiSettings(base_url=sandbox.base_url, key=SecretStr("sandbox"), max_wait=0)
        )
        ledger = CreditLedger(settings.metadata_dir, settings.budget, Clock())
        process = started(CALLER, endpoint.name, **environment)
        if fault:
            wait_until(lambda: sandbox.usage()["requests"] == 1)
        else:
            wait_until(lambda: bool(ledger.state().charged or ledger.state().reserved))
        process.kill()
        process.communicate()
        sandbox.clear_faults()
        state = ledger.state()
        assert state.charged + state.reserved >= sandbox.usage()["credits"]
        client = CoinMarketCapClient(settings, ledger, Clock(), run_id="next")
        ask_key(client, ledger, settings, Clock())
        state = ledger.state()
        assert state.open_reservations == ()
        assert state.charged + state.external == sandbox.usage()["credits"]
        assert client.get(endpoint).records
        assert ledger.state().charged == sandbox.usage()["credits"]


def test_a_disk_that_is_full_stops_the_calls_and_leaves_whole_lines(tmp_path: Path) -> None:
    endpoint = ENDPOINTS["global-metrics/quotes/latest"]
    with SandboxServer(minute_limit=1000) as sandbox:
        environment = {**sandbox.environment, "CRYPTOELT_HOME": str(tmp_path)}
        output, _ = started(FULL_DISK_CALLER, **environment).communicate(timeout=60)
        assert output.startswith("cannot write ")
        answered = sandbox.usage()["requests"]
        assert 1 < answered < 20
        for path in (tmp_path / "metadata").rglob("*.jsonl"):
            assert path.read_bytes().endswith(b"}\n")
            assert all(json.loads(line) for line in path.read_text().splitlines())
        api = ApiSettings(base_url=sandbox.base_url, key=SecretStr("sandbox"), max_wait=0)
        settings = Settings(home=tmp_path, api=api)
        ledger = CreditLedger(settings.metadata_dir, settings.budget, Clock())
        state = ledger.state()
        assert state.charged + state.reserved >= sandbox.usage()["credits"]
        client = CoinMarketCapClient(settings, ledger, Clock(), run_id="next")
        ask_key(client, ledger, settings, Clock())
        client.get(endpoint)
        assert ledger.state().charged == sandbox.usage()["credits"] == answered + 1
