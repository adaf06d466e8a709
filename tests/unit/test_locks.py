"""The lock: one holder, named to whoever comes second, freed by the kernel when the holder dies."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from cryptoelt.clock import Clock
from cryptoelt.errors import ExitCode, LockedError, StoppedError, StorageError
from cryptoelt.locks import file_lock
from tests.support.processes import line_of, python, tell

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

#: Holds the lock, says so, and frees it when told to.
HOLDER = """
import json, sys
from pathlib import Path
from cryptoelt.locks import file_lock
with file_lock(Path(sys.argv[1]), owner=json.loads(sys.argv[2])):
    print("held", flush=True)
    sys.stdin.readline()
"""

OWNER = json.dumps(
    {"pid": 123, "run_id": "r", "command": "extract", "host": "market", "started_at": "2026-11-23T10:30:02.25Z"}
)

#: Holds the lock and starts a process that outlives it and inherits every descriptor that can be inherited.
HOLDER_WITH_CHILD = """
import subprocess, sys
from pathlib import Path
from cryptoelt.locks import file_lock
with file_lock(Path(sys.argv[1])):
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], close_fds=False)
    print(child.pid, flush=True)
    sys.stdin.readline()
"""

#: Waits without end, and says so in a file once it has the lock.
PATIENT = """
import sys
from pathlib import Path
from cryptoelt.locks import file_lock
print("waiting", flush=True)
with file_lock(Path(sys.argv[1])), open(sys.argv[2], "a") as record:
    record.write("acquired\\n")
"""


class StepClock(Clock):
    """Time passes only by sleeping; what happens meanwhile is up to the test."""

    def __init__(
        self,
        meanwhile: Callable[[], object] = lambda: None,
        today: datetime = datetime(2026, 11, 24, tzinfo=UTC),
    ) -> None:
        super().__init__()
        self.seconds = 0.0
        self._today = today
        self._meanwhile = meanwhile

    def now(self) -> datetime:
        return self._today

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        self._meanwhile()
        self.stop.raise_if_set()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / ".lock"


def require_free(path: Path) -> None:
    with file_lock(path, wait=0):
        pass


def end(process: subprocess.Popen[str]) -> None:
    tell(process)
    assert process.wait() == 0


def test_a_second_process_is_refused_at_once_and_told_who_holds_it(path: Path) -> None:
    clock = StepClock()
    with python(HOLDER, path, OWNER) as holder:
        assert line_of(holder) == "held"
        with pytest.raises(LockedError) as caught, file_lock(path, wait=0, clock=clock):
            pass
        end(holder)

    assert clock.seconds == 0
    assert caught.value.exit_code is ExitCode.LOCKED
    assert str(path) in caught.value.message
    assert caught.value.message.endswith(": pid 123, extract, since 2026-11-23T10:30:02Z, on host market")
    assert caught.value.context == {"holder": json.loads(OWNER)}
    assert "--wait" in caught.value.hint


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (OWNER, "pid 123, extract, since 10:30:02Z, on host market"),
        ('{"pid": 4711}', "pid 4711"),
        ("", "it has not said who it is"),
        ('{"pid": 47', "it has not said who it is"),
        ("[1]", "it has not said who it is"),
    ],
)
def test_the_holder_is_described_as_far_as_it_is_known(path: Path, written: str, said: str) -> None:
    clock = StepClock(today=datetime(2026, 11, 23, 11, tzinfo=UTC))
    with file_lock(path):
        path.write_text(written)
        with pytest.raises(LockedError) as caught, file_lock(path, wait=0, clock=clock):
            pass

    assert caught.value.message == f"another run holds {path}: {said}"


def test_a_refused_process_leaves_the_name_of_the_holder_alone(path: Path) -> None:
    with python(HOLDER, path, OWNER) as holder:
        assert line_of(holder) == "held"
        for _ in range(2):
            with (
                pytest.raises(LockedError, match="pid 123, extract"),
                file_lock(path, wait=0, owner={"run_id": "somebody-else"}),
            ):
                pass


def test_a_shorter_owner_leaves_nothing_of_a_longer_one(path: Path) -> None:
    with file_lock(path, owner={"run_id": "x" * 1000}):
        pass
    with file_lock(path, owner={"run_id": "y"}):
        assert path.read_text() == '{"run_id": "y"}'


def test_the_death_of_the_holder_frees_the_lock(path: Path) -> None:
    with python(HOLDER, path, OWNER) as holder:
        assert line_of(holder) == "held"
        holder.kill()
        holder.wait()

        require_free(path)


def test_a_child_that_outlives_the_holder_does_not_keep_the_lock(path: Path) -> None:
    with python(HOLDER_WITH_CHILD, path) as holder:
        child = int(line_of(holder))
        holder.kill()
        holder.wait()

        os.kill(child, 0)  # it lives
        require_free(path)


def test_the_lock_is_freed_when_its_block_fails(path: Path) -> None:
    with pytest.raises(ZeroDivisionError), file_lock(path):
        _ = 1 / 0

    require_free(path)


def test_whoever_waits_gets_the_lock_as_soon_as_it_is_free(path: Path) -> None:
    with python(HOLDER, path, OWNER) as holder:
        assert line_of(holder) == "held"
        clock = StepClock(lambda: end(holder) if holder.poll() is None else None)
        with file_lock(path, wait=600, clock=clock):
            waited = clock.seconds

    assert 0 < waited < 1


def test_a_wait_ends_when_its_time_is_over(path: Path) -> None:
    clock = StepClock()
    with python(HOLDER, path, OWNER) as holder:
        assert line_of(holder) == "held"
        with pytest.raises(LockedError), file_lock(path, wait=600, clock=clock):
            pass

    assert 600 <= clock.seconds < 601


def test_a_signal_ends_a_wait(path: Path) -> None:
    clock = StepClock(lambda: clock.stop.set(ExitCode.INTERRUPTED))
    with python(HOLDER, path, OWNER) as holder:
        assert line_of(holder) == "held"
        with pytest.raises(StoppedError) as caught, file_lock(path, wait=600, clock=clock):
            pass

    assert caught.value.exit_code is ExitCode.INTERRUPTED


def test_without_a_limit_a_process_waits_until_the_lock_is_free(path: Path, tmp_path: Path) -> None:
    record = tmp_path / "record"
    with python(HOLDER, path, OWNER) as holder:
        assert line_of(holder) == "held"
        with python(PATIENT, path, record) as patient:
            assert line_of(patient) == "waiting"
            with record.open("a") as stream:
                stream.write("freed\n")
            end(holder)
            assert patient.wait() == 0

    assert record.read_text() == "freed\nacquired\n"


def test_a_lock_file_that_cannot_be_made_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError) as caught, file_lock(tmp_path / "file" / ".lock"):
        pass

    assert str(tmp_path / "file" / ".lock") in caught.value.message
    assert caught.value.hint
