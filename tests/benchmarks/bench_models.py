"""How long each embedded model takes and how much memory, from a quarter of a megapixel to 48: how the cost grows.

    python tests/benchmarks/bench_models.py [megapixels …]

Each measurement has a process of its own, as a worker has, with all cores; the memory is that process's at its peak.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from figures import Figures
from PIL import Image

from runflow_widgets import samples
from runflow_widgets.engine.tasks import perform
from runflow_widgets.engine.worker import LIBRARIES
from runflow_widgets.engine.workers import WorkOrder
from runflow_widgets.images import pack_mask_zip

SIZES_MP = (0.25, 1.0, 4.0, 12.0, 48.0)
ZIP = {"file_input": "photo.png", "file_mask": "mask.png"}
ORDERS = {
    "runflow/tag-removal": ("tagged_mug", {}),
    "runflow/object-removal": ("picnic", ZIP),
    "runflow/product-isolation": ("tagged_mug", {"aspect_ratio": "1:1", "resolution": "1K"}),
    "bria/background/remove": ("tagged_mug", {}),
}


def main() -> None:
    """Print a row for each model, and a column for each size."""
    sizes = [float(word) for word in sys.argv[1:]] or SIZES_MP
    seconds = Figures("models_seconds", "Embedded models: seconds per megapixel, by the size of the picture")
    memory = Figures("models_memory", "Embedded models: megabytes of memory at the peak, by the size of the picture")
    for model in ORDERS:
        found = {f"{size:g}_MP": measured(model, size) for size in sizes}
        seconds.add(
            model, **{name: one["took_s"] / size for size, (name, one) in zip(sizes, found.items(), strict=True)}
        )
        memory.add(model, **{name: round(one["peak_mb"]) for name, one in found.items()})
    seconds.tell()
    memory.tell()


def measured(model: str, size_mp: float) -> dict[str, float]:
    """One run in a process of its own; the picture is made outside of it."""
    with tempfile.TemporaryDirectory(prefix="runflow-bench-") as folder:
        made = prepared(model, size_mp, Path(folder))
        command = [sys.executable, __file__, "one", model, made, folder]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, **LIBRARIES})
        return dict(json.loads(done.stdout.splitlines()[-1]))


def prepared(model: str, size_mp: float, folder: Path) -> str:
    """The input of a run as a file: a bundled sample, enlarged."""
    photo = samples.load(ORDERS[model][0]).convert("RGB")
    factor = (size_mp * 1e6 / (photo.width * photo.height)) ** 0.5
    size = (round(photo.width * factor), round(photo.height * factor))
    photo = photo.resize(size, Image.Resampling.LANCZOS)
    if ORDERS[model][1] is ZIP:
        path = folder / "input.zip"
        path.write_bytes(pack_mask_zip(photo, samples.load("picnic_mask").convert("L").resize(size)))
    else:
        path = folder / "photo.png"
        photo.save(path, compress_level=1)
    return str(path)


def one(model: str, path: str, folder: str) -> None:
    """Run a model once, and tell what it took."""
    field = "zip_url" if path.endswith(".zip") else "image_url"
    order = WorkOrder(model, ORDERS[model][1], {field: path}, folder, seed=1)
    began = time.perf_counter()
    perform(order, lambda *_: None)
    took_s = time.perf_counter() - began
    print(json.dumps({"took_s": took_s, "peak_mb": peak_mb()}))


def peak_mb() -> float:
    """The most that this process has held; what `getrusage` says begins with what its parent held."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    if sys.argv[1:2] == ["one"]:
        one(*sys.argv[2:])
    else:
        main()
