"""Pages of datasets. Thin: look up, ask `may`, call one service or query, show."""
