"""One call of `rf.map`, its kernel killed again and again, and what must hold of the runs afterwards."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import random
import signal
import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from faulty_proxy import FaultyProxy
from kernel_front import KernelFront
from PIL import Image

import runflow_widgets as rf
from runflow_widgets.client import Client
from runflow_widgets.images import encode_png
from runflow_widgets.portal import shared

KEY = "rf_live_kills_0001"
MODEL = "bria/background/remove"

REMOTE = """
import runflow_widgets as rf
session = rf.connect({key!r}, base_url={url!r})
"""
EMBEDDED = """
import os, signal, threading
import runflow_widgets as rf
from runflow_widgets.engine.workers import WorkerPool
os.environ["SLOW_UNTIL"] = {there!r}
session = rf.connect(embedded=True, workers=WorkerPool(2, task_module="slow_tasks"))
"""
GO = "results = rf.map({model!r}, {pictures!r}); results.result(100)"
#: The kernel ends itself with the signal that nothing can catch, while everything in it goes on.
GO_AND_DIE = "threading.Timer({after_s}, os.kill, (os.getpid(), signal.SIGKILL)).start()\n" + GO


@dataclass
class Story:
    """What was found after each kill and at the end."""

    lives: int = 0
    finished_at_kills: list[int] = field(default_factory=list)
    stray: list[str] = field(default_factory=list)
    lost: set[str] = field(default_factory=set)
    damaged: list[str] = field(default_factory=list)
    #: Of the last call: whether each result is the right picture.
    right: list[bool] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    #: The keys of the runs that succeeded at the service: these are billed.
    billed: list[str] = field(default_factory=list)

    def amiss(self) -> list[str]:
        """What must not be: a finished run lost, one billed that is not shown, a process or a damaged record left."""
        found = [f"{key} was finished, and was not found again" for key in sorted(self.lost)]
        found += [f"process {process} was left behind" for process in self.stray]
        found += [f"the record was set aside as {path}" for path in self.damaged]
        found += [f"{key} is billed beside what is shown" for key in (Counter(self.billed) - Counter(self.shown))]
        wrong = [number for number, right in enumerate(self.right) if not right]
        return found + ([f"pictures {wrong} are missing or another's"] if wrong else [])


class KillAt:
    """Kills a process at the n-th request that comes by; in place of faults on the line."""

    def __init__(self) -> None:
        self.left = -1
        self.process = 0

    def aim(self, process: int, after: int) -> None:
        self.process, self.left = process, after

    def draw(self, _method: str, _path: str) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(self.process, signal.SIGKILL)


def drive_remote(kills: int, seed: int, folder: Path, workers: Any, *, pictures: int) -> Story:
    """Runs that are paid for: the kernel is killed at random requests, started again and asked for the same."""
    story, chance = Story(), random.Random(seed)
    photos = _photos(folder / "photos", pictures)
    options = {"key": KEY, "folder": folder / "served", "workers": workers, "allow_private": True}
    with rf.serve(**options) as server, FaultyProxy(server.url) as proxy:
        proxy.at_random = killer = KillAt()
        set_up = REMOTE.format(key=KEY, url=proxy.url)
        go = GO.format(model=MODEL, pictures=str(folder / "photos"))
        for _ in range(kills):
            # Six requests or so make one picture: so each life brings a few of them home.
            _life(story, folder, set_up, lambda kernel, go=go: _killed_at(kernel, go, killer, chance.randint(1, 60)))
        _last_life(story, folder, set_up, go, photos)
        story.billed = shared().call(_billed(server.url))
    return story


def drive_embedded(kills: int, seed: int, folder: Path, *, pictures: int) -> Story:
    """Runs that are computed in the kernel that is killed, and in processes of its own."""
    story, chance = Story(), random.Random(seed)
    photos = _photos(folder / "photos", pictures)
    asked = {"model": MODEL, "pictures": str(folder / "photos")}
    set_up = EMBEDDED.format(there=str(folder))
    for _ in range(kills):
        code = GO_AND_DIE.format(after_s=round(chance.uniform(0.05, 1.2), 3), **asked)
        _life(story, folder, set_up, lambda kernel, code=code: _until_it_dies(kernel, code))
    _last_life(story, folder, set_up, GO.format(**asked), photos)
    return story


def _photos(folder: Path, count: int) -> list[np.ndarray]:
    folder.mkdir(parents=True)
    photos = [np.random.default_rng(number).integers(0, 255, (10, 12, 3), np.uint8) for number in range(count)]
    for number, photo in enumerate(photos):
        (folder / f"{number:04d}.png").write_bytes(encode_png(Image.fromarray(photo)))
    return photos


def _life(story: Story, folder: Path, set_up: str, ends: Any) -> None:
    before = _finished(folder)
    with KernelFront(home=folder / "home") as kernel:
        process = psutil.Process(kernel.manager.provisioner.pid)
        kernel.run(set_up)
        ends(kernel)
        children = [child for child in kernel.children if child.is_running()]
        process.wait(20)
        _, left = psutil.wait_procs(children, timeout=10)
        story.stray += [f"{child.pid} {child.status()}" for child in left]
    story.lives += 1
    after = _finished(folder)
    story.finished_at_kills.append(len(after))
    story.lost |= before - after


def _killed_at(kernel: KernelFront, go: str, killer: KillAt, requests: int) -> None:
    killer.aim(kernel.manager.provisioner.pid, requests)
    _until_it_dies(kernel, go)


def _until_it_dies(kernel: KernelFront, code: str) -> None:
    """Begin the cell, and note the processes that the kernel starts until it is gone."""
    process = psutil.Process(kernel.manager.provisioner.pid)
    kernel.children = []
    kernel.start(code)
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        with contextlib.suppress(psutil.NoSuchProcess):
            known = {child.pid for child in kernel.children}
            kernel.children += [child for child in process.children(recursive=True) if child.pid not in known]
        with contextlib.suppress(queue.Empty):
            kernel.client.get_shell_msg(timeout=0.02)
            # All was done before its time had come: then it is killed at rest.
            process.kill()


def _finished(folder: Path) -> set[str]:
    """The keys of the runs whose results the record names and the disk has; the record is checked on the way."""
    path = folder / "home" / "ledger.sqlite"
    if not path.exists():
        return set()
    record = sqlite3.connect(path)
    try:
        assert record.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = record.execute("SELECT key, files FROM runs WHERE status = 'succeeded' AND files != '[]'").fetchall()
    finally:
        record.close()
    return {key for key, files in rows if all(Path(name).is_file() for name in json.loads(files))}


def _last_life(story: Story, folder: Path, set_up: str, go: str, photos: list[np.ndarray]) -> None:
    before = _finished(folder)
    with KernelFront(home=folder / "home") as kernel:
        kernel.run(set_up)
        kernel.run(go, timeout_s=110)
        told = kernel.ask("[[item.key, [str(output.path) for output in item.outputs]] for item in results.items]")
        story.damaged = kernel.ask("[str(path) for path in session.ledger.path.parent.glob('*damaged*')]")
    story.shown = [key for key, _ in told]
    story.lost |= before - set(story.shown)
    for (_, files), photo in zip(told, photos, strict=True):
        arrived = np.asarray(Image.open(files[0]).convert("RGB")) if files else None
        story.right.append(arrived is not None and np.array_equal(arrived, photo))


async def _billed(url: str) -> list[str]:
    async with Client(KEY, base_url=url) as client:
        runs = [run async for run in client.each_run()]
    return [run["client_ref"] for run in runs if run["status_code"] == "succeeded"]
