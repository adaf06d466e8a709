"""Coins as the info endpoints send them: texts, links, tags, contracts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cryptoelt.sandbox.market.chains import CHAINS, address_on
from cryptoelt.sandbox.market.coin_figures import figures_of
from cryptoelt.sandbox.market.coin_quotes import quote, supply
from cryptoelt.sandbox.market.noise import DAY, uniform
from cryptoelt.sandbox.market.tags import TAGS
from cryptoelt.sandbox.market.times import api_time

if TYPE_CHECKING:
    from collections.abc import Collection

    from cryptoelt.sandbox.market.coins import Coin
    from cryptoelt.sandbox.market.world import Market

    Record = dict[str, Any]

_LINKS = (
    "website", "twitter", "message_board", "chat", "facebook", "explorer", "reddit", "technical_doc", "source_code",
    "announcement",
)  # fmt: skip
_OLD_CHAINS = 60


def info_record(market: Market, coin: Coin, moment: float, now: float, wanted: Collection[str], version: int) -> Record:
    """Return a coin's description and links, with the optional fields that are wanted.

    Args:
        market: the market.
        coin: the coin.
        moment: unix seconds; the description tells the price of this moment.
        now: the exact time, which the description changes with too.
        wanted: fields of the parameter `aux`.
        version: 1 or 2: they disagree on the type of a platform's id.
    """
    known = figures_of(market, coin)
    figures = quote(market, coin, moment)
    handle = coin.slug.replace("-", "_")[:15]
    has_twitter = _has(market, coin, "twitter", 0.85)
    tags = [TAGS[number] for number in known.tags]
    record: Record = {
        "id": coin.id,
        "name": coin.name,
        "symbol": coin.symbol,
        "category": "token" if coin.platform else "coin",
        "description": _description(market, coin, figures, moment, now),
        "slug": coin.slug,
        "logo": f"https://img.example/coins/64x64/{coin.id}.png",
        "subreddit": coin.slug if _has(market, coin, "reddit", 0.2) else "",
        "notice": _notice(market, coin),
        "tags": [tag.slug for tag in tags] or None,
        "tag-names": [tag.name for tag in tags] or None,
        "tag-groups": [tag.group for tag in tags] or None,
        "urls": _urls(market, coin, handle if has_twitter else ""),
        "platform": _platform(coin, version),
        "date_added": api_time(coin.added),
        "twitter_username": handle if has_twitter else "",
        "is_hidden": int(coin.status == "untracked"),
    }
    record |= _later_fields(market, coin, figures["price"])
    if "status" in wanted:
        record["status"] = coin.status
    return {name: value for name, value in record.items() if _AUX_OF.get(name, name) in wanted or name in _ALWAYS}


_ALWAYS = frozenset(
    {
        "id", "name", "symbol", "category", "slug", "subreddit", "twitter_username", "is_hidden", "date_launched",
        "contract_address", "self_reported_circulating_supply", "self_reported_tags", "self_reported_market_cap",
        "infinite_supply",
    }
)  # fmt: skip
_AUX_OF = {"tag-names": "tags", "tag-groups": "tags"}


def _has(market: Market, coin: Coin, what: str, share: float) -> bool:
    return uniform(market.seed, what, coin.id) < share


def _description(market: Market, coin: Coin, figures: Record, moment: float, now: float) -> str:
    known = figures_of(market, coin)
    kind = f"operates on the {coin.platform.chain.name} platform" if coin.platform else "runs on a chain of its own"
    change = figures["percent_change_24h"] or 0
    circulating = supply(market, coin, moment)
    return (
        f"{coin.name} ({coin.symbol}) is a cryptocurrency and {kind}. {coin.name} has a current supply of "
        f"{(circulating if known.stable else known.total):,} with {circulating:,} in circulation. "
        f"The last known price of {coin.name} "
        f"is {figures['price']:,} USD and is {'up' if change >= 0 else 'down'} {change:.2f} over the last 24 hours. It "
        f"is currently trading on {known.pairs + int(now) % 11} active market(s) with ${figures['volume_24h']:,.2f} "
        f"traded over the last 24 hours. More information can be found at https://{coin.slug}.example/."
    )


def _notice(market: Market, coin: Coin) -> str:
    chance = uniform(market.seed, "notice", coin.id)
    if chance < 0.02:
        return f"The team has announced a swap of {coin.name}.\nHolders should follow the <b>official</b> channels."
    return "" if coin.status == "active" or chance > 0.3 else f"Trading in {coin.name} has stopped."


def _urls(market: Market, coin: Coin, handle: str) -> dict[str, list[str]]:
    site = f"https://{coin.slug}.example"
    urls: dict[str, list[str]] = {name: [] for name in _LINKS}
    urls["website"] = [f"{site}/"] if _has(market, coin, "website", 0.96) else []
    urls["twitter"] = [f"https://social.example/{handle}"] if handle else []
    urls["chat"] = [f"https://chat.example/{coin.slug}", f"https://{coin.slug}.chat.example"][: coin.id % 3]
    urls["explorer"] = [f"https://explorer.example/{coin.slug}/{turn}" for turn in range(coin.id % 5)]
    urls["source_code"] = [f"https://code.example/{coin.slug}"] if _has(market, coin, "code", 0.4) else []
    urls["technical_doc"] = [f"{site}/white paper.pdf"] if _has(market, coin, "paper", 0.5) else []
    if coin.id % 50 == 0:
        del urls["facebook"]
    return urls


def _platform(coin: Coin, version: int) -> Record | None:
    if coin.platform is None:
        return None
    parent = coin.platform.chain.coin_id
    return coin.platform.record(str(parent) if version > 1 else parent)


def _later_fields(market: Market, coin: Coin, price: float) -> Record:
    """Return the fields that some coins lack altogether."""
    known = figures_of(market, coin)
    chance = uniform(market.seed, "later fields", coin.id)
    fields: Record = {}
    if chance < 0.9:
        launched = coin.added - DAY * (coin.id % 400)
        fields["date_launched"] = api_time(launched // DAY * DAY) if chance < 0.6 else None
    if chance < 0.93:
        fields["contract_address"] = _contracts(market, coin)
    if chance < 0.97:
        claimed = known.self_reported
        fields["self_reported_circulating_supply"] = claimed
        fields["self_reported_tags"] = ["Community", "Layer 1 & 2"] if claimed and coin.id % 4 == 0 else None
        fields["self_reported_market_cap"] = None if claimed is None else claimed * price
    if chance < 0.995:
        fields["infinite_supply"] = known.infinite
    return fields


def _contracts(market: Market, coin: Coin) -> list[Record]:
    """Return a row for every chain; two chains of Avalanche have one coin, and one stable coin has over a hundred."""
    if coin.platform is None:
        return []
    names = [(chain, chain.name) for chain, _ in CHAINS[: 1 + coin.id % len(CHAINS)]]
    if coin.id == 3408:
        names = [(chain, chain.name) for chain, _ in CHAINS]
        names += [(CHAINS[0][0], f"Rollup {number}") for number in range(_OLD_CHAINS * 2)]
    own = coin.platform
    return [
        {
            "contract_address": own.token_address
            if name == own.chain.name
            else address_on(chain, market.seed, coin.id, name),
            "platform": {
                "name": name,
                "coin": {
                    "id": str(chain.coin_id),
                    "name": chain.name.partition(" (")[0].removesuffix(" C-Chain").removesuffix(" X-Chain"),
                    "symbol": chain.symbol,
                    "slug": chain.slug.removesuffix("-x"),
                },
            },
        }
        for chain, name in names
    ]
