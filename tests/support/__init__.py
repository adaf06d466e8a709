"""Parts that tests of several kinds share: homes, servers, makers of rows, and what should come out of them."""
