"""One model for many inputs: sent in order, a few at a time, each paid once, results as they come."""

from __future__ import annotations

from .item import Images, Item
from .results import Results
from .starting import start, start_batch

__all__ = ["Images", "Item", "Results", "start", "start_batch"]
