"""Fault specs say what they mean, and nonsense is refused by name."""

from __future__ import annotations

import pytest

from cryptoelt.errors import UsageError
from cryptoelt.sandbox.faults import DISTORTIONS, KINDS, FaultList, parse_fault
from cryptoelt.sandbox.server import SandboxServer

CATEGORIES = "cryptocurrency/categories"


def test_a_whole_spec_is_read() -> None:
    fault = parse_fault(f"slow=2.5@{CATEGORIES}*3+1")

    assert (fault.kind.name, fault.value, fault.endpoint, fault.times, fault.skip) == ("slow", "2.5", CATEGORIES, 3, 1)


@pytest.mark.parametrize("spec", ["http_500", f"http_500@{CATEGORIES}", "http_500*2", "http_500+1", "http_500*2+1"])
def test_a_fault_is_written_as_its_spec(spec: str) -> None:
    assert str(parse_fault(spec)) == spec


def test_counts_may_come_in_either_order() -> None:
    assert str(parse_fault("reset+1*2")) == "reset*2+1"


@pytest.mark.parametrize("kind", [*KINDS, *DISTORTIONS])
def test_every_kind_can_be_named_alone(kind: str) -> None:
    assert parse_fault(kind).kind is {**KINDS, **DISTORTIONS}[kind]


def test_an_unknown_kind_is_refused_and_all_kinds_listed() -> None:
    with pytest.raises(UsageError) as caught:
        parse_fault("http_418")

    assert "http_418" in caught.value.message
    assert all(kind in caught.value.hint for kind in [*KINDS, *DISTORTIONS])


@pytest.mark.parametrize(
    "spec",
    [
        "",
        "http_500*",
        "http_500*two",
        "http_500*1*2",
        "http_500+1+2",
        "http_500 *2",
        "http_500=3",
        "slow=soon",
        "bad_price=1.5",
        "short_list=half",
        "ignored_start=1",
        "short_list@global-metrics/quotes/latest",
        "@key/info",
    ],
)
def test_nonsense_is_refused(spec: str) -> None:
    with pytest.raises(UsageError):
        parse_fault(spec)


def test_an_unknown_endpoint_is_refused_and_all_endpoints_listed() -> None:
    with pytest.raises(UsageError) as caught:
        parse_fault("http_500@cryptocurrency/nothing")

    assert CATEGORIES in caught.value.hint


def test_a_fault_of_records_is_refused_where_there_are_none() -> None:
    with pytest.raises(UsageError) as caught:
        parse_fault("duplicate_record@key/info")

    assert CATEGORIES in caught.value.hint


def struck(faults: FaultList, calls: int, endpoint: str = CATEGORIES) -> list[str]:
    taken = [faults.take(endpoint, answers_list=True) for _ in range(calls)]
    return [fault.kind.name if fault else "-" for fault in taken]


def test_a_fault_without_a_count_strikes_for_ever() -> None:
    assert struck(FaultList([parse_fault("reset")]), 4) == ["reset"] * 4


def test_a_fault_strikes_as_often_as_it_says_after_those_it_lets_through() -> None:
    assert struck(FaultList([parse_fault("reset*2+1")]), 5) == ["-", "reset", "reset", "-", "-"]


def test_a_fault_of_zero_times_never_strikes() -> None:
    assert struck(FaultList([parse_fault("reset*0")]), 2) == ["-", "-"]


def test_a_fault_leaves_other_endpoints_alone() -> None:
    faults = FaultList([parse_fault("reset@key/info*1")])

    assert struck(faults, 2) == ["-", "-"]
    assert struck(faults, 2, "key/info") == ["reset", "-"]


def test_faults_make_a_sequence() -> None:
    faults = FaultList([parse_fault("http_500*1"), parse_fault("http_502*1+1"), parse_fault("reset*1+3")])

    assert struck(faults, 5) == ["http_500", "http_502", "-", "reset", "-"]


def test_a_fault_of_records_is_not_used_up_by_an_endpoint_without_records() -> None:
    faults = FaultList([parse_fault("null_record*1")])

    assert faults.take("key/info", answers_list=False) is None
    assert struck(faults, 1) == ["null_record"]


def test_a_whole_spec_leaves_nothing_to_be_said_beside_it() -> None:
    server = SandboxServer(world="small")
    with pytest.raises(UsageError, match="whole spec"):
        server.add_fault("slow=4", endpoint=CATEGORIES, times=1)
