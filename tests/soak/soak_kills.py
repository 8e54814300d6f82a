"""A mapped job whose kernel is killed at twenty random points, remote and embedded.

    python tests/soak/soak_kills.py [--kills 20] [--seed 1]

Ends with 1 if a finished run was lost, one was billed that is not shown, or a process or a damaged record was left.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parents[1]
sys.path[:0] = [str(HERE), str(HERE / "kernels")]

from kill_schedule import Story, drive_embedded, drive_remote
from lent import Lent

from runflow_widgets.engine.workers import WorkerPool
from runflow_widgets.portal import shared


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SLOW_UNTIL"] = folder
        pool = WorkerPool(2, task_module="slow_tasks")
        began = time.monotonic()
        remote = drive_remote(asked.kills, asked.seed, Path(folder, "remote"), Lent(pool), pictures=9 * asked.kills)
        shared().call(pool.close())
        failed = _tell("remote", remote, time.monotonic() - began)
        began = time.monotonic()
        embedded = drive_embedded(asked.kills, asked.seed, Path(folder, "embedded"), pictures=40 * asked.kills)
        failed |= _tell("embedded", embedded, time.monotonic() - began)
    return int(failed)


def _tell(where: str, story: Story, took_s: float) -> bool:
    print(f"{where}: {story.lives} kills, {len(story.right)} pictures, {len(story.billed)} billed, {took_s:.0f} s;")
    print("finished when it was killed:", *story.finished_at_kills)
    for sentence in story.amiss():
        print("AMISS:", sentence)
    return bool(story.amiss())


if __name__ == "__main__":
    sys.exit(main())
