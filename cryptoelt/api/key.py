"""The API key on its way into a request header, and out of every text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from requests.auth import AuthBase

from cryptoelt.errors import ConfigurationError

if TYPE_CHECKING:
    from pydantic import SecretStr
    from requests import PreparedRequest

    from cryptoelt.settings import Settings

HEADER = "X-CMC_PRO_API_KEY"
_MASK = "********"
_UNUSABLE = re.compile(r"[^\x21-\x7e\xa1-\xff]")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_LONGEST_TEXT = 300


def usable_key(settings: Settings) -> SecretStr:
    """Return the API key, certain to fit into a header.

    Raises:
        ConfigurationError: there is none, or it has characters that no header can carry.
    """
    key = settings.require_key()
    text = key.get_secret_value()
    if not text or _UNUSABLE.search(text):
        raise ConfigurationError(
            "the CoinMarketCap API key is empty or has blanks, control characters or letters that no key has",
            hint="copy the key again into CRYPTOELT_API__KEY, without quotes or line ends",
        )
    return key


class KeyHeader(AuthBase):
    """Adds the key to a request.

    Being the request's `auth`, it also keeps `requests` from adding a password of the user's netrc file.
    """

    def __init__(self, key: SecretStr) -> None:
        self._key = key

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Set the header."""
        request.headers[HEADER] = self._key.get_secret_value()
        return request


def harmless(text: str, key: SecretStr) -> str:
    """Return a text of the other side as one short line that holds neither the key nor control characters."""
    line = _UNPRINTABLE.sub(" ", text.replace(key.get_secret_value(), _MASK)).strip()
    return line if len(line) <= _LONGEST_TEXT else line[: _LONGEST_TEXT - 1] + "…"
