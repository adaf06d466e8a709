"""The tests, by what they cost: unit, integration, e2e, crash."""

import pytest

pytest.register_assert_rewrite("tests.support")  # what helpers assert is told as well
