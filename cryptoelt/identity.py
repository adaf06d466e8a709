"""What identifies a thing: when two spellings of an address are one, and how long a key or a name may be."""

from __future__ import annotations

import re

#: An address of Ethereum and its like. Its letters are hexadecimal digits, and their case is no more than a checksum;
#: in every other address the case of a letter may matter.
HEX_ADDRESS = "0[xX][0-9a-fA-F]{40}"
_HEX_ADDRESS = re.compile(HEX_ADDRESS)

#: UTF-8 bytes of a text that stands in an index of the warehouse, at most. PostgreSQL takes 2,704 bytes an index row,
#: and one index holds two texts; the longest real one has 104.
MOST_BYTES = 1024
_BYTES_OF_A_CHARACTER = 4


def folded(address: str) -> str:
    """Return an address in the one spelling it is stored in."""
    return address.lower() if _HEX_ADDRESS.fullmatch(address) else address


def is_too_long(text: str) -> bool:
    """Tell whether a text would not fit into an index of the warehouse."""
    if len(text) * _BYTES_OF_A_CHARACTER <= MOST_BYTES:
        return False
    return len(text.encode()) > MOST_BYTES
