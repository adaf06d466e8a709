"""Files of the lake appear whole or not at all, and are never overwritten."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import BinaryIO

import pytest

from cryptoelt.errors import ConfigurationError, ExitCode, StorageError
from cryptoelt.lake.store import LocalStore, open_store
from tests.support.processes import line_of, python, run_python

PATH = "bronze/exchange/map/2026-11/file.parquet"


def put(store: LocalStore, content: bytes, path: str = PATH) -> None:
    def write(stream: BinaryIO) -> None:
        stream.write(content)

    store.put_if_absent(path, write)


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "lake")


def all_files(store: LocalStore) -> list[str]:
    return [name for _, _, names in os.walk(store.root) for name in names]


def test_what_is_put_is_listed_and_opened(store: LocalStore) -> None:
    put(store, b"content")

    assert store.list("bronze/exchange/map/2026-11") == ["file.parquet"]
    with store.open(PATH) as stream:
        assert stream.read() == b"content"
    assert store.location(PATH) == str(store.root / PATH)


def test_names_are_sorted_and_what_is_not_there_is_empty(store: LocalStore) -> None:
    for name in ("b", "a", "c"):
        put(store, b"", f"folder/{name}")

    assert store.list("folder") == ["a", "b", "c"]
    assert store.list("elsewhere") == []


def test_a_file_is_never_overwritten(store: LocalStore) -> None:
    put(store, b"first")
    with pytest.raises(StorageError, match="exists already"):
        put(store, b"second")

    assert (store.root / PATH).read_bytes() == b"first"
    assert all_files(store) == ["file.parquet"]


def test_the_file_is_not_seen_while_it_is_written(store: LocalStore) -> None:
    seen: list[list[str]] = []

    def write(stream: BinaryIO) -> None:
        stream.write(b"half")
        stream.flush()
        seen.append(store.list("folder"))
        assert not (store.root / "folder" / "file").exists()
        stream.write(b" and whole")

    store.put_if_absent("folder/file", write)

    assert seen == [[]]
    assert (store.root / "folder" / "file").read_bytes() == b"half and whole"


@pytest.mark.parametrize("error", [ValueError("a defect"), KeyboardInterrupt()])
def test_a_writer_that_fails_leaves_nothing(store: LocalStore, error: BaseException) -> None:
    def write(stream: BinaryIO) -> None:
        stream.write(b"half")
        raise error

    with pytest.raises(type(error)):
        store.put_if_absent(PATH, write)

    assert all_files(store) == []
    put(store, b"whole")
    assert all_files(store) == ["file.parquet"]


#: Is killed in the middle of writing a file.
WRITE_HALF = """
import sys
from pathlib import Path
from cryptoelt.lake.store import LocalStore
def write(stream):
    stream.write(b"half")
    stream.flush()
    print("half", flush=True)
    sys.stdin.readline()
LocalStore(Path(sys.argv[1])).put_if_absent(sys.argv[2], write)
"""


def test_what_a_killed_process_left_is_never_seen_and_in_nobodys_way(store: LocalStore) -> None:
    with python(WRITE_HALF, store.root, PATH) as writer:
        assert line_of(writer) == "half"
        writer.kill()
        writer.wait()

    assert store.list("bronze/exchange/map/2026-11") == []
    put(store, b"whole")
    assert all_files(store) == ["file.parquet"]
    assert (store.root / PATH).read_bytes() == b"whole"


#: Writes more than files may hold here, as on a full disk.
WRITE_TOO_MUCH = """
import resource, signal, sys
from pathlib import Path
from cryptoelt.errors import StorageError
from cryptoelt.lake.store import LocalStore
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    LocalStore(Path(sys.argv[1])).put_if_absent(sys.argv[2], lambda stream: stream.write(b"x" * 100_000))
except StorageError as exc:
    print(exc.message, exc.hint)
    sys.exit(7)
"""


def test_a_full_disk_leaves_nothing_and_says_so(store: LocalStore) -> None:
    done = run_python(WRITE_TOO_MUCH, store.root, PATH)

    assert done.returncode == 7, done.stderr
    assert f"cannot write {store.root / PATH}" in done.stdout
    assert "free space" in done.stdout
    assert all_files(store) == []


def test_a_path_that_cannot_be_made_or_listed_is_a_storage_error(store: LocalStore) -> None:
    put(store, b"", "file")

    with pytest.raises(StorageError, match="cannot write"):
        put(store, b"", "file/below/it")
    with pytest.raises(StorageError, match="cannot list"):
        store.list("file")


def test_space_is_asked_for_before_a_call(store: LocalStore) -> None:
    store.require_space(1)
    assert store.root.is_dir()
    with pytest.raises(StorageError) as caught:
        store.require_space(2**62)

    assert str(store.root) in caught.value.message
    assert "no credit was spent" in caught.value.hint


def test_a_root_that_cannot_be_used_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot use"):
        LocalStore(tmp_path / "file" / "lake").require_space(1)


#: Asks for space as somebody who may not write there; root becomes nobody first.
ASK_FOR_SPACE = """
import os, sys
from pathlib import Path
from cryptoelt.errors import StorageError
from cryptoelt.lake.store import LocalStore
if os.geteuid() == 0:
    os.setuid(65534)
try:
    LocalStore(Path(sys.argv[1])).require_space(1)
except StorageError as exc:
    print(exc.message)
    sys.exit(7)
"""


def test_a_root_that_is_not_writable_is_a_storage_error() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o555)
        done = run_python(ASK_FOR_SPACE, folder)

    assert done.returncode == 7, done.stderr
    assert done.stdout == f"{folder} is not writable\n"


def test_a_local_root_may_be_a_path_or_a_file_uri(tmp_path: Path) -> None:
    for root in (str(tmp_path), f"file://{tmp_path}"):
        assert open_store(root).location("x") == str(tmp_path / "x")


@pytest.mark.parametrize("root", ["s3a://bucket/lake", "hdfs://host/lake"])
def test_a_root_where_bronze_cannot_be_kept_is_a_configuration_error(root: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_store(root)

    assert caught.value.exit_code is ExitCode.CONFIGURATION
    assert "lake.root" in caught.value.message
