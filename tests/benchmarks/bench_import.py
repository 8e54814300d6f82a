"""What an import costs, and what an installation weighs, beside comparable clients; the best of several times."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from figures import Figures

HERE = Path(__file__).parent
OTHERS = Path(sys.prefix) / "bench"
PACKAGES = ("runflow-widgets", "fal-client", "replicate", "gradio_client", "huggingface_hub")
ROUNDS = 9
STATEMENTS = {
    "bare interpreter": "pass",
    "runflow_widgets": "import runflow_widgets",
    "runflow_widgets, models listed": "import runflow_widgets as rf; rf.models()",
    "runflow_widgets, client made": "import runflow_widgets as rf; rf.Client('rf_live_0123456789')",
    "httpx": "import httpx",
    "fal-client": "import fal_client",
    "replicate": "import replicate",
    "gradio_client": "import gradio_client",
    "huggingface_hub": "import huggingface_hub; huggingface_hub.InferenceClient",
    "ipywidgets": "import ipywidgets",
    "ipycanvas": "import ipycanvas",
}


def measure(statement: str) -> tuple[float, int]:
    """Milliseconds of the best round, and how many modules were loaded."""
    other = any(name in statement for name in ("fal", "replicate", "gradio", "hugging"))
    environment = {**os.environ, "PYTHONPATH": str(OTHERS) if other else ""}
    code = f"{statement}\nimport sys\nprint(len(sys.modules))"
    best, modules = float("inf"), 0
    for _ in range(ROUNDS):
        began = time.perf_counter()
        answer = subprocess.run(
            [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
        )
        best = min(best, time.perf_counter() - began)
        modules = int(answer.stdout)
    return 1e3 * best, modules


def main() -> None:
    """Print the table, with ratios to ours."""
    found = {name: measure(statement) for name, statement in STATEMENTS.items()}
    bare_ms, bare_modules = found.pop("bare interpreter")
    ours_ms = found["runflow_widgets"][0] - bare_ms
    times = Figures("import", f"Import: time above a bare interpreter ({bare_ms:.0f} ms), the best of {ROUNDS}")
    for name, (milliseconds, modules) in found.items():
        above = milliseconds - bare_ms
        times.add(name, ms=above, modules=modules - bare_modules, times_ours=above / ours_ms)
    times.tell()
    sizes = Figures("installed", "Installed: megabytes on disk in a new environment without pip")
    for name in PACKAGES:
        alone, all_of_it, count = installed(name)
        sizes.add(name, itself=alone, with_what_it_needs=all_of_it, packages=count)
    sizes.tell()


def installed(name: str) -> tuple[float, float, int]:
    """Megabytes of a package itself and with all that it needs, and how many packages that are."""
    with tempfile.TemporaryDirectory(prefix="runflow-bench-") as folder:
        wanted = str(HERE.parents[1]) if name == "runflow-widgets" else name
        pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-compile"]
        subprocess.run([*pip, "--target", f"{folder}/all", wanted], check=True)
        subprocess.run([*pip, "--no-deps", "--target", f"{folder}/alone", wanted], check=True)
        count = len(list(Path(folder, "all").glob("*.dist-info")))
        return megabytes(Path(folder, "alone")), megabytes(Path(folder, "all")), count


def megabytes(folder: Path) -> float:
    """What all files in a folder hold."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


if __name__ == "__main__":
    main()
