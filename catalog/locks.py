"""One process at a time: a lock that its holder loses when it dies, however it dies."""

import fcntl
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from catalog import places


def drawing(content_hash: str) -> AbstractContextManager[bool]:
    """While pictures of a version are drawn its files stay where they are."""
    return alone(f"draw-{content_hash[:32]}", wait=True)


@contextmanager
def alone(name: str, *, wait: bool = False) -> Iterator[bool]:
    """True while nobody else on this server holds `name`. Without `wait`, False at once when somebody does."""
    with open(places.lock(name), "wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        yield True
