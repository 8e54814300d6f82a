"""A pool of workers that tests share: starting one takes longer than most of what they do with it."""

from __future__ import annotations


class Lent:
    """A pool that is lent: closing it gives it back and nothing more; it counts what it was given to do."""

    def __init__(self, pool):
        self.pool = pool
        self.orders = 0

    def run(self, order, on_progress):
        self.orders += 1
        return self.pool.run(order, on_progress)

    async def close(self):
        """Nothing: the owner closes it."""
