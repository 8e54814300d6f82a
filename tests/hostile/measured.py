"""Calls that are measured in a process of their own: how long each takes, and the most memory it has at a time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parent.parent
PROGRAM = """
import importlib, json, sys, time
sys.path[:0] = [{tests!r}]
from runflow_widgets.errors import RunflowError
module = importlib.import_module({module!r})

def peak_mb():
    with open("/proc/self/status") as status:
        lines = dict(line.split(":", 1) for line in status)
    return int(lines["VmHWM"].split()[0]) / 1024

def now_mb():
    with open("/proc/self/statm") as sizes:
        return int(sizes.read().split()[1]) * 4096 / 2**20

for name, make in module.MEASURED.items():
    call = make()
    open("/proc/self/clear_refs", "w").write("5")  # begin the peak anew
    before, began = now_mb(), time.perf_counter()
    try:
        told = repr(call())[:200]
    except RunflowError as error:
        told = str(error)
    seconds = time.perf_counter() - began
    print(json.dumps([name, seconds, peak_mb() - before, told]), flush=True)
"""


def measured(module, timeout_s=110):
    """What each call in the module's MEASURED took: {name: (seconds, megabytes, what it said)}."""
    program = PROGRAM.format(tests=str(TESTS), module=module)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=timeout_s)
    assert done.returncode == 0, done.stderr[-2000:]
    return {name: (seconds, mb, told) for name, seconds, mb, told in map(json.loads, done.stdout.splitlines())}
