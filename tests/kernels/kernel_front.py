"""A front end without a page: a real kernel process, real comms, and a test in place of the user."""

from __future__ import annotations

import ast
import json
import os
import sys
import time
from pathlib import Path

from jupyter_client.manager import KernelManager

HERE = Path(__file__).parent
#: Other lines than the environment's own.
IPYKERNELS = {"6.31": Path(sys.prefix) / "ipykernel-6.31.0", "7.3": Path(sys.prefix) / "ipykernel-7.3.0"}


class KernelFront:
    """One kernel; cells are run in it, widgets are moved in it, and it can be interrupted and killed."""

    def __init__(self, line: str = "newest", *, home: Path):
        paths = [str(HERE)]
        if line != "newest":
            assert IPYKERNELS[line].is_dir(), f"{IPYKERNELS[line]} is missing; `make test` makes it"
            paths.append(str(IPYKERNELS[line]))
        env = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "RUNFLOW_HOME": str(home)}
        self.manager = KernelManager(kernel_name="python3")
        self.manager.start_kernel(env=env, cwd=str(home.parent))
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)
        self.comms: dict[str, dict] = {}
        self.errors: list[dict] = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.stop_channels()
        if self.manager.is_alive():
            self.manager.shutdown_kernel(now=True)
        self.manager.cleanup_resources()

    # ------------------------------------------------------------------ cells

    def start(self, code: str) -> str:
        return self.client.execute(code, store_history=False)

    def finish(self, message_id: str, timeout_s: float = 60) -> dict:
        """Wait for the end of a cell; gives its reply and everything it printed."""
        printed = []
        deadline = time.monotonic() + timeout_s
        while True:
            message = self.client.get_iopub_msg(timeout=max(0.01, deadline - time.monotonic()))
            self._note(message)
            mine = message["parent_header"].get("msg_id") == message_id
            if mine and message["msg_type"] == "stream":
                printed.append(message["content"]["text"])
            if mine and message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                break
        return {**self._reply(message_id, deadline), "printed": "".join(printed)}

    def _reply(self, message_id: str, deadline: float) -> dict:
        while True:
            reply = self.client.get_shell_msg(timeout=max(0.01, deadline - time.monotonic()))
            if reply["parent_header"].get("msg_id") == message_id:
                return reply["content"]

    def run(self, code: str, timeout_s: float = 60) -> str:
        """Run a cell that must succeed; gives what it printed."""
        reply = self.finish(self.start(code), timeout_s)
        assert reply["status"] == "ok", "\n".join(reply.get("traceback", [reply["status"]]))
        return reply["printed"]

    def ask(self, expression: str):
        """The value of an expression, through JSON."""
        code = f"__import__('json').dumps({expression}, default=str)"
        message_id = self.client.execute("", silent=True, user_expressions={"value": code})
        answer = self._reply(message_id, time.monotonic() + 60)["user_expressions"]["value"]
        assert answer["status"] == "ok", answer
        return json.loads(ast.literal_eval(answer["data"]["text/plain"]))

    def until(self, expression: str, timeout_s: float = 60):
        """Ask until the answer is true."""
        deadline = time.monotonic() + timeout_s
        while not (answer := self.ask(expression)):
            assert time.monotonic() < deadline, f"{expression} never became true"
        return answer

    # ------------------------------------------------------------------ widgets

    def _note(self, message) -> None:
        content = message["content"]
        if message["msg_type"] == "comm_open":
            self.comms[content["comm_id"]] = dict(content["data"].get("state", {}))
        elif message["msg_type"] == "comm_msg" and content["data"].get("method") == "update":
            self.comms.setdefault(content["comm_id"], {}).update(content["data"]["state"])
        elif message["msg_type"] == "error":
            self.errors.append(content)

    def widget(self, **state) -> str:
        """The id of the widget with that state."""
        return next(
            comm_id
            for comm_id, known in self.comms.items()
            if all(known.get(key) == value for key, value in state.items())
        )

    def set(self, comm_id: str, **state) -> None:
        """What a page does when a slider is moved."""
        data = {"method": "update", "state": state, "buffer_paths": []}
        message = self.client.session.msg("comm_msg", {"comm_id": comm_id, "data": data})
        self.client.session.send(self.client.shell_channel.socket, message)

    def click(self, comm_id: str) -> None:
        self.say(comm_id, {"event": "click"})

    def say(self, comm_id: str, content: dict, buffers=()) -> None:
        """What a page does when its part of a widget sends a message."""
        data = {"method": "custom", "content": content}
        message = self.client.session.msg("comm_msg", {"comm_id": comm_id, "data": data})
        self.client.session.send(self.client.shell_channel.socket, message, buffers=list(buffers))

    def interrupt(self) -> None:
        self.manager.interrupt_kernel()
