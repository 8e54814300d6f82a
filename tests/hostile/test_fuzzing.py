"""A few seconds of coverage-guided fuzzing; `tests/soak/fuzz.py` does the same for as long as one likes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FUZZ = Path(__file__).parent.parent / "soak" / "fuzz.py"


@pytest.mark.slow
def test_nothing_is_found_in_a_few_seconds(tmp_path):
    pytest.importorskip("atheris", reason="it is made for Linux and some Pythons only")

    command = [sys.executable, str(FUZZ), "everything", "8"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100)

    told = done.stdout + done.stderr
    assert "found nothing" in done.stdout, told[-3000:]
    # It looked: at many inputs (a busy machine shows fewer), and into more of the code than at the start.
    assert int(told.rpartition("Done ")[2].split()[0]) > 100
    assert "NEW " in told


def test_an_entrance_that_lets_something_through_is_told_of(tmp_path):
    """What found nothing would be worth nothing if it could not find anything."""
    pytest.importorskip("atheris", reason="it is made for Linux and some Pythons only")
    program = "import atheris; atheris.Setup(['fuzz'], lambda data: 1 / len(data)); atheris.Fuzz()"

    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=60)

    assert done.returncode != 0
    assert "ZeroDivisionError" in done.stdout + done.stderr
