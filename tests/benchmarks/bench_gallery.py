"""The gallery over thousands of runs: to open it, to find one by a word, to have the next page, in the kernel.

python tests/benchmarks/bench_gallery.py [number of runs]
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from figures import Figures

import runflow_widgets as rf
from runflow_widgets.ledger import Entry, Ledger

ROUNDS = 9
COUNTS = (100, 1_000, 10_000)
MODELS = ("bria/background/remove", "runflow/tag-removal", "runflow/object-removal")


def main() -> None:
    """Print a row for each number of runs on record."""
    counts = [int(word) for word in sys.argv[1:]] or COUNTS
    table = Figures("gallery", f"Gallery: milliseconds in the kernel, by the runs on record, median of {ROUNDS}")
    for count in counts:
        with tempfile.TemporaryDirectory(prefix="runflow-bench-") as folder:
            os.environ["RUNFLOW_HOME"] = folder
            record(Path(folder) / "ledger.sqlite", count)
            table.add(f"{count:,} runs", **measured())
    table.tell()


def record(path: Path, count: int) -> None:
    """A record with that many runs, each with a prompt of its own."""
    ledger = Ledger(path)
    for number in range(count):
        ledger.add(
            Entry(
                key=f"rfw-{number:06d}",
                model=MODELS[number % len(MODELS)],
                service="embedded",
                status="succeeded" if number % 9 else "failed",
                inputs={"prompt": f"shirt number {number} on a chair"},
                created_at=datetime.now(UTC) - timedelta(minutes=number),
            )
        )
    ledger.close()


def measured() -> dict[str, float]:
    """What a person does with it, and how long each takes until the page is told."""
    opened, found, chosen = [], [], []
    for number in range(ROUNDS):
        began = time.perf_counter()
        gallery = rf.Gallery()
        opened.append(1e3 * (time.perf_counter() - began))
        found.append(until_told(gallery, "search", f"number {number}"))
        chosen.append(until_told(gallery, "filters", {"model": MODELS[0]}))
        gallery.close()
    return {
        "open": statistics.median(opened),
        "search": statistics.median(found),
        "filter": statistics.median(chosen),
    }


def until_told(gallery: rf.Gallery, name: str, value: object) -> float:
    """Milliseconds from a change of what is looked for until the list of the gallery is another one."""
    told = threading.Event()
    gallery.observe(lambda _: told.set(), "version")
    began = time.perf_counter()
    setattr(gallery, name, value)
    assert told.wait(30)
    return 1e3 * (time.perf_counter() - began)


if __name__ == "__main__":
    main()
