"""`make real`: every recorded answer of every endpoint through the real tool, compared with what was recorded.

`python -m tests.real FOLDER` replays the recordings of a folder over HTTP, twice. First as one market, through an init
and every frequency: lists are put together from all their recordings, whoever is asked for by id answers with its own.
Then one by one, each recording byte for byte as the answer of its endpoint. What the warehouse holds in the end is
compared with the recordings, row by row, and every quality check looks at all of it.
"""
