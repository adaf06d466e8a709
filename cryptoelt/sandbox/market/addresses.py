"""Addresses of wallets, in the alphabets of their chains."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

_HEX = "0123456789abcdef"
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


class Shape(Enum):
    """How the addresses of a chain look: what they begin with, their alphabet, and how long the rest is."""

    SHARED = (("0x",), _HEX, 40)
    BITCOIN = (("1", "3"), _BASE58, 33)
    TRON = (("T",), _BASE58, 33)
    SOLANA = (("",), _BASE58, 44)
    DOGECOIN = (("D",), _BASE58, 33)
    RIPPLE = (("r",), _BASE58, 33)
    CARDANO = (("addr1",), _BECH32, 98)


def address(chance: Random, shape: Shape) -> str:
    """Return a random address, in lower case where letters have no case."""
    beginnings: tuple[str, ...]
    beginnings, alphabet, length = shape.value
    return chance.choice(beginnings) + "".join(chance.choices(alphabet, k=length))


def in_mixed_case(wallet: str) -> str:
    """Return an address of a chain without case, as one that writes a checksum into it does."""
    body = wallet.removeprefix("0x")
    return "0x" + "".join(letter.upper() if ord(letter) * turn % 7 < 3 else letter for turn, letter in enumerate(body))
