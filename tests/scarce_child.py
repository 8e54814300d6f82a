"""What a kernel does whose disk is full for a while: run by `test_scarce.py` in a process, and a disk, of its own.

    python scarce_child.py KIND WHERE ADDRESS

KIND is `limit` (no file may grow beyond a size) or `disk` (RUNFLOW_HOME lies on a disk of two megabytes); WHERE is
`embedded` or `remote`. Tells as JSON what was said while there was no room, and what came of it afterwards.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import warnings
from pathlib import Path

import numpy as np

import runflow_widgets as rf
from runflow_widgets.engine.workers import WorkerPool

ROOM = 150_000


def main(kind: str, where: str, address: str) -> None:
    home = Path(os.environ["RUNFLOW_HOME"])
    home.mkdir(exist_ok=True)
    if where == "embedded":
        rf.connect(embedded=True, workers=WorkerPool(1, task_module="copy_tasks"))
    else:
        rf.connect("rf_live_scarce_0001", base_url=address)
    # Noise, so that no format makes it small: 270 kB.
    photo = np.random.default_rng(0).integers(0, 255, (300, 300, 3), np.uint8)
    warm_up = rf.run("bria/background/remove", image=np.zeros((4, 4, 3), np.uint8)).result(60)
    told = {"warm_up": warm_up.status}

    take_room(kind, home)
    run = rf.run("bria/background/remove", image=photo)
    try:
        run.result(60)
    except rf.RunflowError as failure:
        told |= {"kind": type(failure).__name__, "said": str(failure), "key": failure.key}
    give_room(kind, home)

    told["may_bring_more"] = run.may_bring_more
    if run.may_bring_more:
        run.resume()
        told["after"] = run.result(60).status
    told["again"] = rf.run("bria/background/remove", image=photo).result(60).status
    told["record"] = sorted(entry.status for entry in rf.runs())
    print(json.dumps(told))


def take_room(kind: str, home: Path) -> None:
    if kind == "limit":
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, resource.RLIM_INFINITY))
        return
    disk = os.statvfs(home)
    (home / "filler").write_bytes(bytes(disk.f_bavail * disk.f_bsize - ROOM))


def give_room(kind: str, home: Path) -> None:
    if kind == "limit":
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    else:
        (home / "filler").unlink()


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(*sys.argv[1:])
