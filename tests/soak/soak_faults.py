"""Hundreds of runs on a line on which anything may break at any request.

    python tests/soak/soak_faults.py [--runs 500] [--seed 1] [--share 0.12]

Ends with 1 if a run was made twice, or was made and did not come home, or was lost without its key being told.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parents[1]
sys.path[:0] = [str(HERE), str(HERE / "engine")]

from fault_schedule import drive
from lent import Lent

from runflow_widgets.engine.workers import WorkerPool
from runflow_widgets.portal import shared


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--share", type=float, default=0.12, help="of all requests that meet a fault")
    asked = parser.parse_args()
    pool = WorkerPool(2, task_module="copy_tasks")
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        told = drive(asked.runs, asked.seed, Path(folder), Lent(pool), share=asked.share)
    shared().call(pool.close())
    kinds = ", ".join(f"{times} {kind}" for kind, times in told.faults.most_common())
    print(
        f"{asked.runs} runs, seed {asked.seed}, {time.monotonic() - began:.0f} s, {told.faults.total()} faults: {kinds}"
    )
    late = Counter(type(failure).__name__ for failure in told.failures.values())
    print(f"at the service {len(told.at_service)}, on disk {len(told.on_disk)}, told of {dict(late) or 'no'} failures")
    for sentence in told.amiss():
        print("AMISS:", sentence)
    return 1 if told.amiss() else 0


if __name__ == "__main__":
    sys.exit(main())
