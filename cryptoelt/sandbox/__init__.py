"""A local CoinMarketCap: the same paths, envelope, prices, limits and errors, over a synthetic market.

It knows nothing of cryptoelt's own client, so that it is a second opinion of the API and not an echo of the first.
"""
