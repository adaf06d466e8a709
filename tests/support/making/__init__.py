"""Makes the small recorded set: invented values in the shapes of real answers, with what is odd about those.

`python -m tests.support.making` writes `tests/recorded` anew; a test sees that it is what these modules say.
"""

from __future__ import annotations

from tests.support.making import coins, exchanges, market
from tests.support.making.answers import dumped

#: Folder -> its recordings, by name.
FOLDERS = {
    "cryptocurrency_map": coins.maps,
    "cryptocurrency_listings_latest": coins.listings,
    "cryptocurrency_info": coins.coin_infos,
    "cryptocurrency_categories": market.categories,
    "cryptocurrency_category": market.members,
    "exchange_map": exchanges.exchange_maps,
    "exchange_info": exchanges.exchange_infos,
    "exchange_assets": exchanges.wallets,
    "global_metrics_quotes_latest": market.global_markets,
    "fear_and_greed_historical": market.histories,
    "fear_and_greed_latest": market.latest,
    "key_info": market.keys,
    "errors": market.errors,
}


def texts() -> dict[str, str]:
    """Return the text of every file, by its path below the set; older answers were indented by whoever kept them."""
    return {
        f"{folder}/{name}.json": dumped(value, None if "2026" in name or folder == "errors" else 2) + "\n"
        for folder, made in FOLDERS.items()
        for name, value in made().items()
    }
