"""REST of the catalog. Thin: look up, ask `may`, call one service, answer."""
