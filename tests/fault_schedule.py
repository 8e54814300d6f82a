"""Many runs over a line on which anything may break at any request, and what must hold of them afterwards."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from faulty_proxy import AtRandom, FaultyProxy

import runflow_widgets as rf
from runflow_widgets.catalogue import Catalogue
from runflow_widgets.client import Client, Limits, Pace
from runflow_widgets.errors import RunflowError
from runflow_widgets.images import open_image
from runflow_widgets.ledger import Ledger
from runflow_widgets.portal import shared
from runflow_widgets.session import Session

KEY = "rf_live_schedule_0001"
MODEL = "bria/background/remove"
#: How many runs are under way at once.
WAVE = 16


@dataclass
class Told:
    """What became of the runs, each under its key: what was told of them, and what the service knows."""

    faults: Counter[str] = field(default_factory=Counter)
    sent: dict[str, np.ndarray] = field(default_factory=dict)
    arrived: dict[str, np.ndarray] = field(default_factory=dict)
    #: The last that was said of a run that did not arrive.
    failures: dict[str, RunflowError] = field(default_factory=dict)
    at_service: Counter[str] = field(default_factory=Counter)
    on_disk: dict[str, np.ndarray] = field(default_factory=dict)

    def amiss(self) -> list[str]:
        """What must not be: a run made twice, paid for and not brought home, or lost without a word."""
        found = [f"{key} was made by nobody here" for key in self.at_service.keys() - self.sent.keys()]
        for key, picture in self.sent.items():
            times, here = self.at_service[key], self.on_disk.get(key)
            if times > 1:
                found.append(f"{key} exists {times} times")
            if times and here is None:
                found.append(f"{key} was made, but its result is not on disk")
            if here is not None and not np.array_equal(here[..., :3], picture):
                found.append(f"{key} has another's result")
            if here is None and getattr(self.failures.get(key), "key", None) != key:
                found.append(f"{key} is gone, and nobody was told its key")
        return found


def drive(count: int, seed: int, folder: Path, workers: Any, *, share: float = 0.12) -> Told:
    """Begin so many runs on a line that breaks, wait for each, then resume what is open on a line that holds."""
    told = Told()
    options = {"key": KEY, "folder": folder / "served", "workers": workers, "allow_private": True}
    with rf.serve(**options) as server, FaultyProxy(server.url, at_random=AtRandom(seed, share)) as proxy:
        limits = Limits(connect_s=1, read_s=0.8, write_s=1, pool_s=10, whole_s=1)
        client = Client(KEY, base_url=proxy.url, limits=limits, pace=Pace(scale=0.02))
        session = Session(client, "remote", shared(), Ledger(folder / "ledger.sqlite"), Catalogue.bundled())
        for start in range(0, count, WAVE):
            _wave(session, _pictures(start, min(start + WAVE, count)), told)
        told.faults, proxy.at_random = proxy.at_random.met, None
        for run in rf.runs.resume(session=session):
            _wait_for(run, told)
        for run in shared().call(_all_runs(client)):
            told.at_service[run["client_ref"]] += 1
        for key in told.sent:
            if files := session.ledger.get(key).files:
                told.on_disk[key] = np.array(open_image(files[0]))
        session.close()
    return told


def _pictures(start: int, stop: int) -> list[np.ndarray]:
    """Small pictures of noise that are all different."""
    return [np.random.default_rng(number).integers(0, 255, (12, 16, 3), np.uint8) for number in range(start, stop)]


def _wave(session: Session, pictures: list[np.ndarray], told: Told) -> None:
    runs = [rf.run(MODEL, image=picture, session=session) for picture in pictures]
    for run, picture in zip(runs, pictures, strict=True):
        told.sent[run.key] = picture
        _wait_for(run, told)


def _wait_for(run: rf.Run, told: Told) -> None:
    try:
        told.arrived[run.key] = np.array(run.result(timeout_s=100).image)
    except RunflowError as failure:
        told.failures[run.key] = failure


async def _all_runs(client: Client) -> list[dict[str, Any]]:
    return [run async for run in client.each_run()]
