"""Journals survive a crash: whole lines only, and a torn last line never reads as "never ran"."""

from __future__ import annotations

import json
import os
import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptoelt.errors import StorageError
from cryptoelt.metadata.journals import Journal
from cryptoelt.metadata.jsonl import LINE_FORMAT, append_line, make_folder, read_last, read_lines, read_newest_first
from cryptoelt.results import Phase
from tests.support.processes import line_of, python, run_python, tell

if TYPE_CHECKING:
    from pathlib import Path

BLOCK = 65536
TORN = [b"{", b'{"n":', b'{"n":3}', b'{"text":"' + "é".encode()[:1], b"x" * (3 * BLOCK), b"\0" * 100]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


def record(number: int, size: int = 0) -> dict[str, Any]:
    return {"n": number, "text": "ü" * size}


def written(path: Path) -> list[dict[str, Any]]:
    """Return the lines as an ordinary reader of JSON lines sees them."""
    content = path.read_bytes()
    assert content.endswith(b"\n")
    lines = [json.loads(line) for line in content.decode().split("\n")[:-1]]
    assert [line.pop("format") for line in lines] == [LINE_FORMAT] * len(lines)
    return lines


def test_what_is_appended_is_read_back_in_order(path: Path) -> None:
    for number in range(3):
        append_line(path, record(number))

    assert list(read_lines(path)) == written(path) == [record(number) for number in range(3)]
    assert read_last(path) == record(2)


def test_a_file_that_is_not_there_or_empty_has_no_lines(path: Path) -> None:
    assert list(read_lines(path)) == []
    assert read_last(path) is None
    path.touch()
    assert list(read_lines(path)) == []
    assert read_last(path) is None
    append_line(path, record(1))
    assert written(path) == [record(1)]


@pytest.mark.parametrize("torn", TORN)
def test_a_torn_last_line_is_passed_over_and_cut_off_by_the_next_append(path: Path, torn: bytes) -> None:
    append_line(path, record(1))
    append_line(path, record(2))
    with path.open("ab") as stream:
        stream.write(torn)

    assert list(read_lines(path)) == [record(1), record(2)]
    assert read_last(path) == record(2)

    append_line(path, record(3))
    assert written(path) == [record(1), record(2), record(3)]


@pytest.mark.parametrize("torn", TORN)
def test_a_torn_first_line_is_no_line(path: Path, torn: bytes) -> None:
    path.write_bytes(torn)

    assert list(read_lines(path)) == []
    assert read_last(path) is None

    append_line(path, record(1))
    assert written(path) == [record(1)]


@pytest.mark.parametrize("before", [0, 1, 100_000])
@pytest.mark.parametrize("size", [BLOCK // 2 - 20, BLOCK // 2 - 8, BLOCK // 2, BLOCK, 5 * BLOCK])
def test_a_line_longer_than_a_block_is_read_whole(path: Path, before: int, size: int) -> None:
    append_line(path, record(1, before))
    append_line(path, record(2, size))
    assert read_last(path) == record(2, size)

    with path.open("ab") as stream:
        stream.write(b"y" * size)
    assert read_last(path) == record(2, size)
    assert list(read_newest_first(path)) == [record(2, size), record(1, before)]

    append_line(path, record(3))
    assert written(path) == [record(1, before), record(2, size), record(3)]


@given(st.lists(st.integers(min_value=0, max_value=3), max_size=6), st.binary(max_size=40))
def test_whatever_was_torn_the_whole_lines_stay(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], torn: bytes
) -> None:
    path = tmp_path_factory.mktemp("any") / "journal.jsonl"
    records = [record(number, size) for number, size in enumerate(sizes)]
    for each in records:
        append_line(path, each)
    with path.open("ab") as stream:
        stream.write(torn.replace(b"\n", b""))

    assert list(read_lines(path)) == records
    assert list(read_newest_first(path)) == records[::-1]
    assert read_last(path) == (records[-1] if records else None)


def test_the_newest_records_are_read_without_the_older_ones(path: Path) -> None:
    path.write_bytes(b"garbage\n" * BLOCK)
    for number in range(3):
        append_line(path, record(number))

    newest = read_newest_first(path)

    assert [next(newest) for _ in range(3)] == [record(2), record(1), record(0)]
    with pytest.raises(StorageError, match="line 4 from the end"):
        next(newest)


def test_garbage_in_the_middle_is_an_error_that_names_the_line(path: Path) -> None:
    path.write_bytes(b'{"n":1}\n\x00\xff\n{"n":3}\n')

    with pytest.raises(StorageError, match=r"journal\.jsonl: line 2 is not JSON"):
        list(read_lines(path))
    assert read_last(path) == {"n": 3}


@pytest.mark.parametrize(("line", "reason"), [(b"", "not JSON"), (b"torn", "not JSON"), (b"[1]", "not a JSON object")])
def test_a_whole_last_line_that_is_no_record_is_an_error_too(path: Path, line: bytes, reason: str) -> None:
    path.write_bytes(b'{"n":1}\n' + line + b"\n")

    with pytest.raises(StorageError, match=f"line 2 is {reason}"):
        list(read_lines(path))
    with pytest.raises(StorageError, match=f"the last line is {reason}"):
        read_last(path)


def test_text_of_any_kind_stays_on_its_line(path: Path) -> None:
    texts = ["a\nb\r\nc", "\u2028\u2029\x85\x0b", 'quote " and \\', "half \ud83d of a pair", "\0", "\U0001d518nicode"]
    for text in texts:
        append_line(path, {"text": text})

    assert [line["text"] for line in read_lines(path)] == texts
    assert path.read_bytes().count(b"\n") == len(texts)


def test_a_number_that_json_does_not_have_is_refused_before_anything_is_written(path: Path) -> None:
    append_line(path, record(1))
    with pytest.raises(ValueError, match="not JSON compliant"):
        append_line(path, {"n": float("nan")})

    assert written(path) == [record(1)]


#: Appends under a limit on the size of files, which is met as a full disk is: in the middle of a write.
APPEND_ON_A_FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from cryptoelt.errors import StorageError
from cryptoelt.metadata.jsonl import append_line
path, size = Path(sys.argv[1]), int(sys.argv[2])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
limit = path.stat().st_size + size // 2
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    append_line(path, {"text": "x" * size})
except StorageError as exc:
    print(exc.message, exc.hint)
    sys.exit(7)
"""


@pytest.mark.parametrize("size", [50, 3 * BLOCK])
def test_a_full_disk_leaves_no_half_line(path: Path, size: int) -> None:
    append_line(path, record(1))

    done = run_python(APPEND_ON_A_FULL_DISK, path, size)

    assert done.returncode == 7, done.stderr
    assert f"cannot write {path}" in done.stdout
    assert "free space" in done.stdout
    assert written(path) == [record(1)]
    append_line(path, record(2))
    assert written(path) == [record(1), record(2)]


APPEND_MANY = """
import sys
from pathlib import Path
from cryptoelt.metadata.jsonl import append_line
print("ready", flush=True)
sys.stdin.readline()
for number in range(int(sys.argv[3])):
    append_line(Path(sys.argv[1]), {"writer": sys.argv[2], "n": number, "text": "x" * (number * 37 % 9000)})
"""


def test_two_processes_append_without_tearing_each_others_lines(path: Path) -> None:
    count = 60
    with python(APPEND_MANY, path, "a", count) as one, python(APPEND_MANY, path, "b", count) as other:
        assert line_of(one) == line_of(other) == "ready"
        tell(one)
        tell(other)
        assert one.wait() == other.wait() == 0

    lines = written(path)
    for writer in "ab":
        assert [line["n"] for line in lines if line["writer"] == writer] == list(range(count))
    assert len(lines) == 2 * count


def test_threads_of_one_process_append_whole_lines_as_well(path: Path) -> None:
    def append(of: int) -> None:
        for number in range(20):
            append_line(path, {"of": of, "n": number})

    threads = [threading.Thread(target=append, args=[of]) for of in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    lines = written(path)
    for name in range(4):
        assert [line["n"] for line in lines if line["of"] == name] == list(range(20))


def test_a_journal_that_cannot_be_written_or_read_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()

    with pytest.raises(StorageError, match="cannot make"):
        append_line(tmp_path / "file" / "journal.jsonl", record(1))
    with pytest.raises(StorageError, match="cannot write"):
        append_line(tmp_path / "folder", record(1))
    with pytest.raises(StorageError, match="cannot read"):
        list(read_lines(tmp_path / "folder"))
    with pytest.raises(StorageError, match="cannot read"):
        read_last(tmp_path / "folder")


def test_a_folder_is_made_with_its_parents_once(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b" / "c"
    make_folder(folder)
    make_folder(folder)

    assert folder.is_dir()


@pytest.mark.parametrize(
    ("phase", "name", "expected"),
    [
        (Phase.EXTRACT, "global-metrics/quotes/latest", "extract/global-metrics_quotes_latest.jsonl"),
        (Phase.TRANSFORM, "fact_global_market", "transform/fact_global_market.jsonl"),
        (Phase.LOAD, "fact_global_market", "load/fact_global_market.jsonl"),
    ],
)
def test_the_journal_of_a_unit_has_its_place(tmp_path: Path, phase: Phase, name: str, expected: str) -> None:
    journal = Journal(tmp_path, phase, name)
    assert journal.last() is None
    journal.append({"n": 1})
    journal.append({"n": 2})

    assert [line["n"] for line in read_lines(tmp_path / expected)] == [1, 2]
    assert journal.last() == {"n": 2}
    assert sorted(os.listdir((tmp_path / expected).parent)) == sorted(  # noqa: PTH208
        [f".{journal.path.name}.lock", journal.path.name]
    )
