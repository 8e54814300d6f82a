"""Waiting for what the traits of a widget tell, without sleeping."""

import threading


def until(widget, condition, timeout_s=30):
    """Wait until a change of a trait makes the condition true; fails where none does in time."""
    told = threading.Event()

    def look(_):
        if condition():
            told.set()

    widget.observe(look)
    try:
        assert condition() or told.wait(timeout_s)
    finally:
        widget.unobserve(look)
