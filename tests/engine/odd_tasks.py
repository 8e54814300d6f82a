"""What a worker is asked to do in the tests of the pool: everything a model should not."""

import os
import signal
import sys
import threading
from pathlib import Path

from runflow_widgets.engine.workers import Produced, WorkDone
from runflow_widgets.errors import InputError


def perform(order, report):
    return globals()[order.model](order, report)


def done(**timing):
    return WorkDone(files=(), seed=os.getpid(), timing=timing, log=())


def answer(order, report):
    report(0.5, "half way")
    report(7, "all the way")
    produced = Produced(order.inputs["name"], "image/png", 3, 4)
    return WorkDone(files=(produced,), seed=order.seed, timing={"inference_ms": 1.5}, log=(("info", "It was done."),))


def pid(order, report):
    return done()


def work_for_ever(order, report):
    """Busy in Python, deaf to interrupts; the report tells the test that it began."""
    report(0.1, str(os.getpid()))
    while True:
        sum(range(10_000))


def wait_for_file(order, report):
    report(0.1, str(os.getpid()))
    while not Path(order.inputs["path"]).exists():
        threading.Event().wait(0.01)
    return done()


def take_and_drop(order, report):
    """As a model does with the planes of a picture, each too small to be given back to the system alone."""
    planes = [bytearray(b"1") * 2**20 for _ in range(200)]
    return done(planes=float(len(planes)))


def crash(order, report):
    os.kill(os.getpid(), signal.SIGKILL)


def crash_the_parent(order, report):
    """Take the process along that has started this one."""
    report(0.1, str(os.getpid()))
    os.kill(os.getppid(), signal.SIGKILL)
    threading.Event().wait()


def measure(order, report):
    """How much there is to read, and by whom."""
    report(1.0, str(os.getpid()))
    return done(bytes=sum(Path(path).stat().st_size for path in order.files.values()))


def steps(order, report):
    for step in range(1, 5):
        report(step / 5, f"step {step}")
        threading.Event().wait(0.12)
    return done()


def leave(order, report):
    os._exit(3)


def allocate(order, report):
    return [bytearray(1 << 24) for _ in range(1000)]


def print_everywhere(order, report):
    print("to Python's standard output", flush=True)
    os.write(1, b"straight to the descriptor\n" * 1000)
    sys.stdin.read()
    return done()


def refuse(order, report):
    raise InputError("The picture is blue.", field="image_url", advice="Take a red one.")


def fail(order, report):
    raise ZeroDivisionError("nothing left")


def what_is_limited(order, report):
    import cv2

    handler = signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    return done(threads=cv2.getNumThreads(), deaf=float(handler), big=float(len(order.inputs.get("text", ""))))


def network_path(order, report):
    """Where the network lies, and how large it is."""
    path = Path(order.network[1])
    return WorkDone((), os.getpid(), {"bytes": float(path.stat().st_size)}, (("info", str(path)),))
