"""How soon a kernel answers its page while it maps a thousand pictures: round trips of a widget's message.

python tests/benchmarks/bench_many_kernel.py [number of pictures] [side in pixels]
"""

from __future__ import annotations

import os
import queue
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "kernels"))

import psutil
from bench_many import MODEL, pictures
from kernel_front import KernelFront

PAUSE_S = 0.02
IDLE_ROUNDS = 200

SETUP = """
import ipywidgets
import runflow_widgets as rf

rf.connect(embedded=True, workers=2)
results = ()
echo = ipywidgets.HTML("echo")

def answer(widget, content, buffers):
    over, done = (len(results._over), results.done) if results else (0, False)
    widget.send({"number": content["number"], "over": over, "done": done})

echo.on_msg(answer)
echo
"""


def main() -> None:
    """Print the round trips of an idle kernel and of one that maps."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    side = int(sys.argv[2]) if len(sys.argv) > 2 else 64
    folder = pictures(count, side)
    home = Path(tempfile.mkdtemp(prefix="runflow-bench-")) / "home"
    print(f"{count} pictures of {side} x {side}; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before it began")
    with KernelFront(home=home) as kernel:
        kernel.run(SETUP)
        echo = kernel.widget(value="echo")
        process = psutil.Process(kernel.ask("__import__('os').getpid()"))
        idle = [round_trip(kernel, echo, number)[0] for number in range(IDLE_ROUNDS)]
        # The table that a cell shows goes on being told; that is part of what keeps the kernel busy.
        kernel.run(f"warm = rf.map({MODEL!r}, {str(folder)!r} + '/0000*.png', reuse=False).result()")
        before, half = process.memory_info().rss, 0
        began = time.perf_counter()
        kernel.run(f"results = rf.map({MODEL!r}, {str(folder)!r}, reuse=False); display(results)")
        busy = []
        while True:
            took_ms, told = round_trip(kernel, echo, len(busy))
            busy.append(took_ms)
            if not half and told["over"] >= count // 2:
                half = process.memory_info().rss
            if told["done"]:
                break
            time.sleep(PAUSE_S)
        took_s = time.perf_counter() - began
        after = process.memory_info().rss
        failed = kernel.ask("len(results.failed)")
    say("idle", idle)
    say("while it maps", busy)
    print(f"  {count} runs, {failed} failed    {took_s:8.1f} s  {count / took_s:7.1f} runs/s")
    more, late = (after - before) / 1e6, (after - half) / 1e6
    print(f"  memory of the kernel     {more:8.1f} MB more, {late:.1f} MB in the second half")


def round_trip(kernel: KernelFront, echo: str, number: int) -> tuple[float, dict]:
    """Milliseconds from a page's message to the answer of the Python side of the widget, and the answer."""
    began = time.perf_counter()
    kernel.say(echo, {"number": number})
    while True:
        try:
            message = kernel.client.get_iopub_msg(timeout=30)
        except queue.Empty:
            raise RuntimeError("the kernel has not answered for 30 s") from None
        kernel._note(message)
        data = message["content"].get("data", {})
        if message["msg_type"] == "comm_msg" and data.get("content", {}).get("number") == number:
            return 1e3 * (time.perf_counter() - began), data["content"]


def say(what: str, times_ms: list[float]) -> None:
    """Print what is typical and what is bad."""
    times_ms = sorted(times_ms)
    middle, high = times_ms[len(times_ms) // 2], times_ms[int(0.95 * len(times_ms))]
    print(
        f"  a round trip, {what:14s} {middle:6.1f} ms in the median, {high:.1f} ms at the 95th percentile, "
        f"{times_ms[-1]:.1f} ms at most, {len(times_ms)} of them"
    )


if __name__ == "__main__":
    main()
