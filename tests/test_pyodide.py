"""Python in a browser (JupyterLite, marimo, …), played by Pyodide in Node: one thread, no processes, no sockets."""

from __future__ import annotations

import json
import subprocess
import sysconfig
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PYODIDE = HERE / "js" / "node_modules" / "pyodide"


@pytest.mark.slow
def test_a_remote_run_is_awaited_and_shown_where_there_are_no_threads():
    site = sysconfig.get_path("purelib")
    command = ["node", "run.mjs", str(PYODIDE), site, str(HERE.parent), "remote_run.py"]
    done = subprocess.run(command, cwd=HERE / "pyodide", capture_output=True, text=True, timeout=120)

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert "await run" in found["blocking"]
    assert found["panel"] == ["Done", "cost $0.14", 1]
    assert found["result"] == "the result"
    assert found["asked"].count("POST /v1/models/runflow/tag-removal/runs") == 1
    assert found["record"] == ["failed", "succeeded"]
    assert found["again"] == []
    assert found["models"] > 50
    # Neither OpenCV nor Pillow is there, and that is said of the run that needs them.
    assert "cannot be loaded here" in found["embedded"]
