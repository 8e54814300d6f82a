"""The worked examples of CONTRIBUTING, applied to a copy of this tree, run and pass its tests and tools."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
NODE_MODULES = ROOT / "tests" / "js" / "node_modules"

#: A file's name, where in it the code goes if it is there already, and the code.
EXAMPLES = re.findall(r"^`([^`\n]+)`(?:, before `([^`\n]+)`)?:\n\n```\w+\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)

PERFORM = """
import sys
from pathlib import Path
import numpy as np
from PIL import Image
import runflow_widgets
from runflow_widgets.engine.tasks import perform
from runflow_widgets.engine.workers import WorkOrder

folder = Path(sys.argv[1])
Image.new("RGB", (40, 20), (9, 9, 9)).save(folder / "in.png")
order = WorkOrder("example/border", {"width": 10}, {"image_url": str(folder / "in.png")}, str(folder))
done = perform(order, lambda fraction, note: None)
print(runflow_widgets.__file__, done.files[0].width, done.files[0].height, done.log[0][1], sep="|")
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A copy of this tree with the examples in it."""
    folder = tmp_path_factory.mktemp("tree")
    leave_out = shutil.ignore_patterns("node_modules", "training")
    for name in ("runflow_widgets", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=leave_out)
    shutil.copy(ROOT / "pyproject.toml", folder)
    (folder / "tests" / "js" / "node_modules").symlink_to(NODE_MODULES.resolve())
    for name, before, code in EXAMPLES:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if before:
            old = path.read_text(encoding="utf-8")
            assert old.count(before) == 1, f"{name} has {before!r} {old.count(before)} times"
            # Functions stand two lines apart; in the text that would be space without a sense.
            code = old.replace(before, code + ("\n\n" if code.startswith("def ") else "") + before)
        else:
            assert not path.exists(), name
        path.write_text(code, encoding="utf-8")
    return folder


def called(command, folder, **variables):
    environment = {**os.environ, "PYTHONPATH": str(folder), **variables}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_piece_of_code_but_what_the_terminal_is_told_is_applied():
    pieces = [language for language in re.findall(r"^```(\w+)$", TEXT, re.MULTILINE) if language != "sh"]

    assert len(EXAMPLES) == len(pieces) >= 13


@pytest.mark.slow
def test_the_model_runs_where_the_engine_runs_its_models(tree, tmp_path):
    told = called([sys.executable, "-c", PERFORM, str(tmp_path)], tree).strip().split("|")

    assert told == [str(tree / "runflow_widgets" / "__init__.py"), "48", "28", "A border of 4 px was added."]


@pytest.mark.slow
def test_the_examples_pass_the_tests_that_hold_for_every_model_and_widget(tree):
    tests = ["tests/engine/models/test_border.py", "tests/engine/test_tasks.py", "tests/test_package.py"]
    about = "border or rating or catalogue_marks or every_widget or browser_module"

    # Loading every plugin that is installed takes longer than the tests.
    plugins = ["-p", "no:cacheprovider", "-p", "pytest_timeout", "-p", "anyio.pytest_plugin"]
    told = called(
        [sys.executable, "-m", "pytest", "-q", *plugins, *tests, "-k", about], tree, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1"
    )

    assert "8 passed" in told, told


@pytest.mark.slow
def test_the_examples_are_written_in_the_style_of_the_house(tree):
    written = [str(tree / name) for name, _, _ in EXAMPLES if name.endswith(".py")]

    called([sys.executable, "-m", "ruff", "format", "--check", *written], tree)
    called([sys.executable, "-m", "ruff", "check", "--no-cache", *written], tree)


@pytest.mark.slow
@pytest.mark.skipif(not NODE_MODULES.exists(), reason="the tools of the browser side are not installed (make js)")
def test_the_browser_side_passes_its_types_its_lint_and_its_test(tree):
    for script in ("types", "lint"):
        called(["npm", "run", "-s", script], tree / "tests" / "js")
    called(["node", "--test", "rating.test.js"], tree / "tests" / "js")
