"""REST of jobs and of the queue. Thin: look up, ask `may`, call one service or query, answer."""
