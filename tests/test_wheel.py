"""The wheel: it holds the whole package, and it works in an environment that has nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "runflow_widgets"

pytestmark = pytest.mark.slow

FIVE_LINES = """
import runflow_widgets as rf
rf.connect()
run = rf.run("runflow/tag-removal", image=rf.samples.load("tagged_mug"))
run.result(120)
print(run.status, run.cost, run.image.size, rf.__file__)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)],
        check=True,
        capture_output=True,
    )
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_every_file_of_the_package_and_nothing_beside_it(wheel):
    there = {
        path.relative_to(ROOT).as_posix()
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}

    assert names == there


@pytest.mark.timeout(400)
def test_five_lines_work_after_an_install_into_an_empty_environment(wheel, tmp_path):
    folder = tmp_path / "empty"
    # Not the standard library's venv: Debian takes the pip out of it.
    subprocess.run([sys.executable, "-m", "virtualenv", "-q", str(folder)], check=True, capture_output=True)
    python = folder / "bin" / "python"
    constraints = ROOT / ".ci" / "constraints.txt"
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "-q", "install"]
    subprocess.run([*pip, "-c", str(constraints), str(wheel)], check=True, capture_output=True)

    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    answer = subprocess.run(
        [str(python), "-W", "error", "-c", FIVE_LINES],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.startswith("succeeded 0.00 (")
    assert str(folder) in answer.stdout
