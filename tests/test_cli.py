from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from PIL import Image

from runflow_widgets.cli import main


def command(*arguments, **more):
    return subprocess.run([sys.executable, "-m", "runflow_widgets", *arguments], capture_output=True, text=True, **more)


def test_help_tells_the_commands():
    answer = command("--help")

    assert answer.returncode == 0
    assert "serve" in answer.stdout
    assert "demo" in answer.stdout


def test_without_a_command_it_says_what_is_missing():
    assert command().returncode == 2


@pytest.mark.slow
def test_the_demo_runs_the_four_models_and_says_where_the_pictures_are(tmp_path, capsys):
    code = main(["demo", "-o", str(tmp_path / "out")])

    printed = capsys.readouterr().out
    assert code == 0
    for model in ("tag-removal", "object-removal", "product-isolation", "background/remove"):
        assert model in printed
    results = sorted(path.name for path in (tmp_path / "out").iterdir() if not path.name.startswith("before"))
    assert [name.rpartition("-")[0] for name in results] == [
        "object-removal",
        "product-isolation",
        "remove",
        "tag-removal",
    ]
    with Image.open(tmp_path / "out" / results[1]) as isolated:
        assert isolated.size == (819, 1024)


def test_an_error_is_a_sentence_and_an_exit_code(capsys):
    code = main(["serve", "--host", "0.0.0.0", "--port", "0"])

    assert code == 1
    assert "let anybody in" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_a_server_ends_cleanly_when_it_is_told_to(tmp_path, ending):
    process = subprocess.Popen(
        [sys.executable, "-m", "runflow_widgets", "serve", "--port", "0", "--folder", str(tmp_path / "served")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "RUNFLOW_HOME": str(tmp_path / "home")},
    )
    process.stdout.readline()
    process.stdout.readline()

    process.send_signal(ending)
    _, errors = process.communicate(timeout=20)

    assert process.returncode == 130, errors
    assert "Traceback" not in errors
