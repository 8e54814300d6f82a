"""How soon a kernel answers its page: round trips of a widget's message while it is idle, runs a model, or maps.

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
from bench_many import TAGS, pictures
from figures import Figures, percentiles
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


#: A run of a few seconds: a photo of four megapixels.
ONE_RUN = """
photo = rf.samples.load("tagged_mug").convert("RGB").resize((2000, 2000))
"""


def main() -> None:
    """Print the round trips of an idle kernel, of one that runs a model, and of one that maps."""
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
        kernel.run(ONE_RUN)
        during_one = while_one_runs(kernel, echo)
        # The table that a cell shows goes on being told; that is part of what keeps the kernel busy.
        kernel.run(f"warm = rf.map({TAGS!r}, {str(folder)!r} + '/0000*.png', reuse=False).result()")
        before, half = process.memory_info().rss, 0
        began = time.perf_counter()
        kernel.run(f"results = rf.map({TAGS!r}, {str(folder)!r}, reuse=False); display(results)")
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
    trips = Figures("kernel", "Kernel: milliseconds from a page's message to the answer of the widget's Python side")
    for what, times in (
        ("idle", idle),
        ("while one model runs", during_one),
        (f"while {count:,} runs are mapped", busy),
    ):
        trips.add(what, **percentiles(times), at_most=max(times), messages=len(times))
    trips.tell()
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


def while_one_runs(kernel: KernelFront, echo: str) -> list[float]:
    """Round trips from the start of one run, with its panel shown, to its end."""
    kernel.run("run = rf.run('bria/background/remove', image=photo); display(run)")
    times = []
    while not kernel.ask("run.done"):
        times.append(round_trip(kernel, echo, len(times))[0])
        time.sleep(PAUSE_S)
    return times


if __name__ == "__main__":
    main()
