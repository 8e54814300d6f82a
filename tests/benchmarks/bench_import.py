"""What an import costs, beside comparable clients; times above a bare interpreter, the best of several."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

OTHERS = Path(sys.prefix) / "bench"
ROUNDS = 9
STATEMENTS = {
    "bare interpreter": "pass",
    "runflow_widgets": "import runflow_widgets",
    "runflow_widgets, models listed": "import runflow_widgets as rf; rf.models()",
    "runflow_widgets, client made": "import runflow_widgets as rf; rf.Client('rf_live_0123456789')",
    "httpx": "import httpx",
    "fal-client": "import fal_client",
    "replicate": "import replicate",
    "ipywidgets": "import ipywidgets",
    "ipycanvas": "import ipycanvas",
}


def measure(statement: str) -> tuple[float, int]:
    """Milliseconds of the best round, and how many modules were loaded."""
    environment = {**os.environ, "PYTHONPATH": str(OTHERS) if "fal" in statement or "replicate" in statement else ""}
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
    print(f"import time above a bare interpreter ({bare_ms:.0f} ms), best of {ROUNDS}")
    for name, (milliseconds, modules) in found.items():
        above = milliseconds - bare_ms
        print(f"  {name:32} {above:7.1f} ms  {modules - bare_modules:5d} modules  {above / ours_ms:6.1f} x ours")


if __name__ == "__main__":
    main()
