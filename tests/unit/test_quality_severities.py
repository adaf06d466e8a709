"""Which severity a check may have: only what we broke ourselves is an error, and Bronze mends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cryptoelt.quality.checks import Check, Severity, checks

if TYPE_CHECKING:
    from _pytest.mark import ParameterSet

#: What mends a warehouse whose rows are not what Bronze says: to build them anew, or to impute them anew.
REMEDIES = ("cryptoelt backfill --table ", "dwh.fill_nulls_")
#: What can only be looked at, because it was sent like that.
SENT = ("Look at the record in Bronze", "See whether the API", "Nothing", "Do not trust")


def of(severity: Severity) -> list[ParameterSet]:
    return [pytest.param(check, id=check.name) for check in checks() if check.severity is severity]


@pytest.mark.parametrize("check", of(Severity.ERROR))
def test_what_a_check_of_severity_error_finds_can_be_built_anew(check: Check) -> None:
    assert any(remedy in check.action for remedy in REMEDIES), check.action
    assert not check.action.startswith(SENT)


@pytest.mark.parametrize("check", [*of(Severity.WARNING), *of(Severity.INFO)])
def test_what_can_be_built_anew_is_an_error(check: Check) -> None:
    assert not any(remedy in check.action for remedy in REMEDIES), check.action
