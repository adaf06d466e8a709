from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from cryptoelt.api.home_guard import HomeGuard, is_loopback, shown_origin
from cryptoelt.errors import ConfigurationError, ExitCode

if TYPE_CHECKING:
    from pathlib import Path

SANDBOX = "http://127.0.0.1:8080"
PUBLIC = "https://pro-api.coinmarketcap.com"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1",
        "http://127.8.9.1",
        "http://127.1",
        "http://localhost",
        "http://LOCALHOST.:80",
        "http://api.localhost",
        "http://[::1]:8080",
        "http://[::ffff:127.0.0.1]",
        "http://0.0.0.0:8080",
    ],
)
def test_addresses_of_this_machine_are_loopback(url: str) -> None:
    assert is_loopback(url)


@pytest.mark.parametrize(
    "url", [PUBLIC, "http://10.0.0.1", "http://[2001:db8::1]", "http://127.0.0.1.example.org", "http://notlocalhost"]
)
def test_other_addresses_are_not(url: str) -> None:
    assert not is_loopback(url)


def test_a_fresh_home_takes_either(tmp_path: Path) -> None:
    guard = HomeGuard(tmp_path)
    guard.check(SANDBOX)
    guard.check(PUBLIC)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("first", "other"), [(SANDBOX, PUBLIC), (PUBLIC, SANDBOX)])
def test_a_home_never_mixes_synthetic_and_real_data(tmp_path: Path, first: str, other: str) -> None:
    HomeGuard(tmp_path).remember(first)
    guard = HomeGuard(tmp_path)
    guard.check(first)
    for refused in (guard.check, guard.remember):
        with pytest.raises(ConfigurationError, match="never mix") as caught:
            refused(other)
        assert caught.value.exit_code is ExitCode.CONFIGURATION
        assert str(tmp_path / "api" / "origin.json") in caught.value.message


def test_another_port_of_the_same_machine_is_the_same_kind(tmp_path: Path) -> None:
    HomeGuard(tmp_path).remember(SANDBOX)
    HomeGuard(tmp_path).check("http://localhost:9")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"kind": "else"}', "null", '{"format": 2, "kind": "loopback"}'])
def test_a_damaged_memory_refuses_and_names_the_file(tmp_path: Path, content: str) -> None:
    path = tmp_path / "api" / "origin.json"
    path.parent.mkdir()
    path.write_text(content)
    with pytest.raises(ConfigurationError, match=r"origin\.json"):
        HomeGuard(tmp_path).check(SANDBOX)


def test_no_password_of_the_url_is_kept_or_shown(tmp_path: Path) -> None:
    assert shown_origin("https://user:secret@example.org:8443/path") == "https://example.org:8443"
    assert shown_origin("http://[::1]:80") == "http://[::1]:80"
    HomeGuard(tmp_path).remember("https://user:secret@example.org")
    kept = json.loads((tmp_path / "api" / "origin.json").read_text())
    assert kept == {"format": 1, "kind": "public", "base_url": "https://example.org"}
