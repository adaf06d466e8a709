from __future__ import annotations

import traceback

import pytest
from pydantic import SecretStr
from requests import Request

from cryptoelt.api.key import HEADER, KeyHeader, harmless, usable_key
from cryptoelt.errors import ConfigurationError, ExitCode
from cryptoelt.settings import ApiSettings, Settings

CANARY = "canary-0f8e7d6c"


def settings(key: str | None) -> Settings:
    return Settings(api=ApiSettings(key=None if key is None else SecretStr(key)))


def test_a_usable_key_is_returned() -> None:
    assert usable_key(settings(CANARY)).get_secret_value() == CANARY


@pytest.mark.parametrize(
    "key",
    [None, "", f"{CANARY}\n", f" {CANARY}", f"{CANARY}\r\nX: y", f"{CANARY}\x00", f"{CANARY}€", f"{CANARY}\u2011"],
)
def test_a_key_that_no_header_can_carry_is_refused_without_showing_it(key: str | None) -> None:
    with pytest.raises(ConfigurationError) as caught:
        usable_key(settings(key))
    assert caught.value.exit_code is ExitCode.CONFIGURATION
    shown = "".join(traceback.format_exception(caught.value)) + caught.value.hint + repr(caught.value.context)
    assert CANARY not in shown
    assert "CRYPTOELT_API__KEY" in caught.value.hint


def test_the_key_stands_in_its_header_only() -> None:
    request = Request("GET", "https://example.org/v1", params={"id": "1"}, auth=KeyHeader(SecretStr(CANARY))).prepare()
    assert dict(request.headers) == {HEADER: CANARY}
    assert request.url is not None
    assert CANARY not in request.url
    assert CANARY not in repr(KeyHeader(SecretStr(CANARY))) + repr(vars(KeyHeader(SecretStr(CANARY))))


def test_texts_of_the_other_side_become_one_harmless_line() -> None:
    said = harmless(f"bad key {CANARY}!\r\n\x1b[31mred\u2028end\ud800", SecretStr(CANARY))
    assert CANARY not in said
    assert said == "bad key ********! [31mred end"
    said.encode()
    assert len(harmless("x" * 5000, SecretStr(CANARY))) == 300
