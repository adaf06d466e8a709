"""What is pending follows from the log and from what the warehouse says, in every state of the two."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from cryptoelt.lake.silver import SilverCommit
from cryptoelt.load import pending
from cryptoelt.load.pending import Work, find_work

if TYPE_CHECKING:
    from collections.abc import Collection


def at(number: int) -> datetime:
    return datetime(2026, 11, 23, tzinfo=UTC) + timedelta(hours=number)


@dataclass
class GivenLog:
    """A Delta log: version -> snapshots it added; versions below `first` were cleaned up."""

    added: dict[int, tuple[datetime, ...]]
    first: int = 0
    asked_for_snapshots: int = 0

    @property
    def version(self) -> int:
        return max(self.added)

    def commits_after(self, version: int) -> list[SilverCommit] | None:
        if version + 1 < self.first:
            return None
        return [SilverCommit(number, added) for number, added in self.added.items() if number > version and added]

    def snapshots(self) -> set[datetime]:
        self.asked_for_snapshots += 1
        return {moment for added in self.added.values() for moment in added}


@dataclass
class GivenLoaded:
    """What a warehouse says."""

    version: int | None = None
    snapshots_of_version: Collection[datetime] = ()
    everything: set[datetime] = field(default_factory=set)

    def lacks(self, snapshots: Collection[datetime]) -> bool:
        return not set(snapshots) <= self.everything

    def snapshots(self) -> set[datetime]:
        return self.everything


def log(*numbers: int, first: int = 0) -> GivenLog:
    """Return a log in which version i added snapshot numbers[i]; -1 adds none."""
    return GivenLog({i: (at(n),) if n >= 0 else () for i, n in enumerate(numbers)}, first)


def loaded(version: int | None, *numbers: int) -> GivenLoaded:
    """Say that these snapshots are loaded, the last of them by the batch of this version."""
    moments = [at(number) for number in numbers]
    return GivenLoaded(version, moments[-1:], set(moments))


def test_of_a_new_table_every_commit_is_pending_in_the_order_of_the_log() -> None:
    assert find_work(log(3, 1, 2), loaded(None)) == [Work((at(3),), 0), Work((at(1),), 1), Work((at(2),), 2)]


def test_snapshots_within_a_commit_are_sorted() -> None:
    assert find_work(GivenLog({0: (at(2), at(0), at(1))}), loaded(None)) == [Work((at(0), at(1), at(2)), 0)]


def test_up_to_date_nothing_is_pending_and_no_snapshot_is_looked_at() -> None:
    given = log(0, 1)
    assert find_work(given, loaded(1, 0, 1)) == []
    assert given.asked_for_snapshots == 0


def test_commits_without_snapshots_are_passed_over() -> None:
    assert find_work(log(0, -1, -1), loaded(0, 0)) == []
    assert find_work(log(0, -1, 1), loaded(0, 0)) == [Work((at(1),), 2)]


def test_a_log_cleaned_up_beyond_our_place_is_replaced_by_the_snapshots() -> None:
    assert find_work(log(0, 3, 1, 2, first=3), loaded(0, 0)) == [Work((at(1), at(2), at(3)), 3)]


def test_a_log_cleaned_up_just_to_our_place_still_serves() -> None:
    given = log(0, 1, 2, first=2)
    assert find_work(given, loaded(1, 0, 1)) == [Work((at(2),), 2)]
    assert given.asked_for_snapshots == 0


def test_the_place_moves_where_the_snapshots_show_nothing_lacking() -> None:
    assert find_work(log(0, 1, -1, first=3), loaded(0, 0, 1)) == [Work((), 2)]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 6])
def test_only_the_last_chunk_says_that_the_version_is_loaded(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(pending, "CHUNK", size)
    work = find_work(log(*range(6), first=9), loaded(None, 5))
    assert [piece.version for piece in work] == [None] * (len(work) - 1) + [5]
    assert [moment for piece in work for moment in piece.snapshots] == [at(n) for n in range(5)]
    assert max(len(piece.snapshots) for piece in work) <= size


@pytest.mark.parametrize(
    ("restored", "place", "missing"),
    [
        (log(0, 7), 3, [7]),  # the log ends below our place
        (log(0, 1, 7), 2, [7]),  # it has just reached our place again, with another snapshot
        (log(0, 1, 7, 8), 2, [7, 8]),  # and gone on
    ],
)
def test_a_restored_lake_is_compared_by_its_snapshots(restored: GivenLog, place: int, missing: list[int]) -> None:
    work = find_work(restored, loaded(place, 0, 1, 2, 3))
    assert work == [Work(tuple(at(n) for n in missing), restored.version, regressed=True)]


def test_a_commit_whose_snapshots_other_batches_loaded_is_no_other_past() -> None:
    # The last chunk of a catch-up claims a version whose own snapshots an earlier chunk brought.
    given = log(5, 0, 1)
    assert find_work(given, GivenLoaded(2, [at(5)], {at(0), at(1), at(5)})) == []
    assert given.asked_for_snapshots == 0


def test_of_a_commit_that_replaces_only_what_was_never_loaded_is_pending() -> None:
    class Replaced(GivenLog):
        def commits_after(self, version: int) -> list[SilverCommit] | None:
            commits = super().commits_after(version) or []
            return [SilverCommit(commit.version, commit.snapshots, replaces=True) for commit in commits]

    given = Replaced({0: (at(0), at(1)), 1: (at(2), at(1)), 2: (at(0),)})
    assert find_work(given, loaded(0, 0, 1)) == [Work((at(2),), 1), Work((), 2)]
    assert find_work(given, loaded(None, 0)) == [Work((at(1),), 0), Work((at(1), at(2)), 1), Work((), 2)]
