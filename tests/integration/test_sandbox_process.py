"""The sandbox as a process: says where it is, serves many clients exactly, and ends by signal."""

from __future__ import annotations

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
import requests

from cryptoelt.errors import ConfigurationError
from cryptoelt.sandbox.faults import KINDS
from cryptoelt.sandbox.server import SandboxServer

if TYPE_CHECKING:
    from pathlib import Path

_COMMAND = "from cryptoelt.cli import main; main()"


def command(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", _COMMAND, "sandbox", *arguments], stdout=subprocess.PIPE, text=True)


def ask(url: str, path: str = "/v1/global-metrics/quotes/latest") -> requests.Response:
    return requests.get(url + path, headers={"X-CMC_PRO_API_KEY": "sandbox"}, timeout=10)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_it_says_where_it_is_and_ends_by_signal(number: signal.Signals, code: int) -> None:
    with command("--port", "0", "--world", "small", "--fault", "http_500*1") as process:
        assert process.stdout is not None
        ready, export = process.stdout.readline(), process.stdout.readline()
        url = ready.split()[-1]
        answers = [ask(url).status_code for _ in range(2)]
        process.send_signal(number)
        assert process.wait(10) == code

    assert export == f"export CRYPTOELT_API__BASE_URL={url} CRYPTOELT_API__KEY=sandbox\n"
    assert answers == [500, 200]


def test_a_killed_sandbox_with_a_state_file_goes_on_counting(tmp_path: Path) -> None:
    totals = []
    for _ in range(2):
        with command("--port", "0", "--world", "small", "--state", str(tmp_path / "usage.jsonl")) as process:
            assert process.stdout is not None
            url = process.stdout.readline().split()[-1]
            ask(url)
            totals.append(requests.get(url + "/sandbox/usage", timeout=10).json()["credits"])
            process.kill()

    assert totals == [1, 2]


def test_help_names_every_kind_of_fault() -> None:
    with command("--help") as process:
        assert process.stdout is not None
        told = "".join(letter for letter in process.stdout.read() if letter.isalnum() or letter in "_,")

    assert [kind for kind in KINDS if kind not in told] == []


def test_it_imports_nothing_but_the_standard_library_and_cryptoelts_own_base() -> None:
    program = (
        "import sys; before = set(sys.modules); import cryptoelt.sandbox.server, cryptoelt.sandbox.process;"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before};"
        "ours = {name for name in sys.modules if name.startswith('cryptoelt.') and '.sandbox' not in name};"
        "print(sorted(new - set(sys.stdlib_module_names)), sorted(ours))"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert told.strip() == "['cryptoelt'] ['cryptoelt.clock', 'cryptoelt.errors']"


def test_a_port_that_is_taken_is_a_clear_error() -> None:
    with SandboxServer(world="small") as first:
        port = int(first.base_url.rpartition(":")[2])
        with pytest.raises(ConfigurationError) as caught:
            SandboxServer(world="small", port=port).start()

    assert str(port) in caught.value.message


def test_many_clients_at_once_are_counted_exactly() -> None:
    with SandboxServer(
        world="small", minute_limit=100, monthly_credits=50, start_time="2026-11-23T10:31:05Z", speed=0
    ) as server:
        with ThreadPoolExecutor(8) as clients:
            answers = list(clients.map(lambda _: ask(server.base_url), range(120)))
        usage = server.usage()

    codes = [answer.json()["status"]["error_code"] for answer in answers]
    assert (codes.count(0), codes.count(1010), codes.count(1008)) == (50, 50, 20)
    assert usage["credits"] == 50
    assert usage["requests"] == 120
    assert usage["by_status"] == {"200": 50, "429": 70}
