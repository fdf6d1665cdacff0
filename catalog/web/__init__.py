"""Data from the web: a guarded fetcher, and what goes through it: one file, a list of addresses, a crawl.

Everything is fetched by a child process of the server worker (`work.py`) into a directory of its own, and imported
from there like anybody's files. Which addresses are out of bounds stands in `addresses.py`.
"""
