"""The quote in US dollars of a record, whichever version of the API sent it."""

from __future__ import annotations

from typing import Any

from cryptoelt.extract.fields import MISPLACED

_SYMBOL = "USD"
#: The id of the US dollar, at CoinMarketCap.
_ID = "2781"


def with_dollar_quote(record: Any) -> Any:
    """Return a record whose `quote` is the one in US dollars itself, or null where it has none."""
    if not isinstance(record, dict) or "quote" not in record:
        return record
    quotes = record["quote"]
    return {**record, "quote": None if quotes in (None, [], {}) else _dollar_quote(quotes)}


def _dollar_quote(quotes: Any) -> Any:
    """Return the quote in US dollars, known by its symbol in any case of letters or by its id, never by its place.

    One among others that is not named, and two of them, are no quote: a price that may be another's is worse than none.
    """
    if isinstance(quotes, dict):
        named = [([name], quote) for name, quote in quotes.items()]
    elif isinstance(quotes, list) and all(isinstance(quote, dict) for quote in quotes):
        named = [([quote.get("symbol"), quote.get("id")], quote) for quote in quotes]
    else:
        return MISPLACED
    found = [quote for names, quote in named if any(map(_is_dollar, names))]
    return found[0] if len(found) == 1 else MISPLACED


def _is_dollar(name: object) -> bool:
    return not isinstance(name, bool) and str(name).strip().upper() in {_SYMBOL, _ID}
