"""A comm that remembers what a widget sends, in place of a page."""

from __future__ import annotations

import comm
import pytest
from comm.base_comm import BaseComm


class Wire:
    """What all widgets of a test have sent."""

    def __init__(self):
        self.messages = []

    def custom(self, widget):
        """The messages of a widget that are no traits: content and buffers."""
        return [
            (data["content"], buffers)
            for sender, kind, data, buffers in self.messages
            if sender == widget.comm.comm_id and kind == "comm_msg" and data.get("method") == "custom"
        ]

    def bytes_of(self, widget):
        """How many bytes of buffers a widget has sent."""
        return sum(
            sum(memoryview(part).nbytes for part in buffers or ())
            for sender, _, _, buffers in self.messages
            if sender == widget.comm.comm_id
        )


def say(widget, content, buffers=()):
    """Let a widget hear a message from its page."""
    message = {"content": {"data": {"method": "custom", "content": content}}, "buffers": list(buffers)}
    widget.comm.handle_msg(message)


@pytest.fixture
def wire(monkeypatch):
    wire = Wire()

    class Recording(BaseComm):
        def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
            wire.messages.append((self.comm_id, msg_type, data or {}, buffers))

    monkeypatch.setattr(comm, "create_comm", Recording)
    return wire
