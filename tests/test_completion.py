"""What Tab completes in a terminal: asked as a process, and by a real shell that has read our script."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from runflow_widgets.cli import _parser, main
from runflow_widgets.completion import complete
from runflow_widgets.ledger import Entry, Ledger

#: Sets what bash sets at Tab, calls the function it was told of, and prints what that gives back.
PRESS_TAB = r"""
eval "$SCRIPT"
COMP_WORDS=($WORDS) COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 )) COMP_LINE=$LINE COMP_POINT=${#LINE}
eval "name=\$(complete -p runflow-widgets)"
[[ $name =~ -F\ ([^ ]+) ]]
"${BASH_REMATCH[1]}" runflow-widgets "$TYPED" ""
printf '%s\n' "${COMPREPLY[@]}"
"""

#: What zsh sets at Tab, with the commands of its completion, which only exist while a line is edited, in our place.
PRESS_TAB_IN_ZSH = r"""
compdef() { :; }
compadd() { while [[ $1 != -- ]]; do shift; done; shift; (( $# )) && print -l -- "$@"; }
_files() { print files; }
eval "$SCRIPT"
words=(${(z)LINE}) CURRENT=${#words} PREFIX=$TYPED
_runflow_widgets
"""


def completed(line, typed=None):
    return complete(_parser(), line, typed)


@pytest.fixture
def command_at_hand(tmp_path, monkeypatch):
    """`runflow-widgets` on the path, as an installation puts it there."""
    script = tmp_path / "bin" / "runflow-widgets"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m runflow_widgets "$@"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("runflow-widgets ru", ["run", "runs"]),
        ("runflow-widgets completion ", ["bash", "fish", "zsh"]),
        ("runflow-widgets run runflow/tag", ["runflow/tag-removal"]),
        ("runflow-widgets run --embedded --budget 2 runflow/tag", ["runflow/tag-removal"]),
        ("runflow-widgets run 'runflow/tag", ["runflow/tag-removal"]),
        ("runflow-widgets models runflow/tag", ["runflow/tag-removal"]),
        ("runflow-widgets run runflow/tag-removal --set ", ["image_url=", "config.aspect_ratio="]),
        ("runflow-widgets run runflow/product-isolation --set resolution=2", ["resolution=2K"]),
        ("runflow-widgets run runflow/product-isolation --set=resolution=2", ["--set=resolution=2K"]),
        ("runflow-widgets run runflow/tag-removal --set image_url=a.png --set im", []),
        ("runflow-widgets run --i", ["--image"]),
        ("runflow-widgets run --embedded --e", []),
        ("runflow-widgets run --image a.png --im", ["--image"]),
        ("runflow-widgets resume ", ["--help", "--embedded", "--json"]),
    ],
)
def test_a_line_is_completed(line, expected):
    assert completed(line) == expected


@pytest.mark.parametrize(
    "line",
    [
        "runflow-widgets run runflow/tag-removal --image ph",
        "runflow-widgets run no/such --set ",
        "runflow-widgets run runflow/tag-removal --set prompt.inner=",
        "runflow-widgets nonsense ",
        "runflow-widgets run --nonsense=",
        "runflow-widgets open ~nobody-of-this-name/",
        "runflow-widgets runs ",
    ],
)
def test_what_is_not_known_is_left_to_the_shell(line):
    assert completed(line) == []


def test_runs_on_record_are_completed_by_their_keys_and_looking_makes_no_record(home):
    nothing = completed("runflow-widgets runs ")
    made = home.exists()
    ledger = Ledger()
    for key in ("order-1", "order-2", "other"):
        ledger.add(Entry(key, "runflow/tag-removal", "embedded", created_at=datetime.now(UTC)))

    assert (nothing, made) == ([], False)
    assert completed("runflow-widgets runs order") == ["order-2", "order-1"]


def test_a_damaged_record_is_neither_complained_of_nor_set_aside(home, recwarn):
    home.mkdir()
    (home / "ledger.sqlite").write_bytes(b"no database")

    assert completed("runflow-widgets runs ") == []
    assert [path.name for path in home.iterdir()] == ["ledger.sqlite"]
    assert not recwarn


def test_notebooks_and_folders_are_completed_for_open(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "work").mkdir()
    (tmp_path / ".hidden").mkdir()
    for name in ("one.ipynb", "table.csv", "work/two words.ipynb"):
        (tmp_path / name).touch()

    assert completed("runflow-widgets open ") == ["one.ipynb", "work/"]
    assert completed("runflow-widgets open work/") == ["work/two words.ipynb"]
    assert completed("runflow-widgets open .h") == [".hidden/"]


def test_asking_loads_neither_pictures_nor_a_client_and_says_nothing_wrong():
    code = (
        "import sys; from runflow_widgets.cli import main; main(sys.argv[1:]);"
        "print([name for name in ('PIL', 'numpy', 'httpx', 'ipywidgets', 'asyncio') if name in sys.modules])"
    )
    words = ["__complete", "runflow-widgets run runflow/tag"]

    told = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    odd = [subprocess.run([sys.executable, "-m", "runflow_widgets", "__complete", *odd], capture_output=True)
           for odd in ([], [""], ["runflow-widgets 'run \\"], ["a", "b", "c"])]  # fmt: skip

    assert told.stdout.splitlines() == ["runflow/tag-removal", "[]"]
    assert [(answer.returncode, answer.stderr) for answer in odd] == [(0, b"")] * 4


def test_a_shell_that_is_not_known_is_refused():
    with pytest.raises(SystemExit) as ending:
        main(["completion", "tcsh"])

    assert ending.value.code == 2


# Bash breaks words at = and :, so what it shows and replaces begins behind them.
@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "words", "typed", "expected"),
    [
        ("runflow-widgets mod", "runflow-widgets mod", "mod", ["models"]),
        ("runflow-widgets run runflow/tag", "runflow-widgets run runflow/tag", "runflow/tag", ["runflow/tag-removal"]),
        (
            "runflow-widgets run runflow/tag-removal --set config.aspect_ratio=1:",
            "runflow-widgets run runflow/tag-removal --set config.aspect_ratio = 1 :",
            "",
            ["1"],
        ),
        ("runflow-widgets open two\\ w", "runflow-widgets open two\\ w", "two\\ w", ["two\\ words.ipynb"]),
        ("runflow-widgets run runflow/x --image ph", "runflow-widgets run runflow/x --image ph", "ph", [""]),
    ],
)
@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_bash_completes_a_line(line, words, typed, expected, command_at_hand, tmp_path, capsys):
    main(["completion", "bash"])
    (tmp_path / "two words.ipynb").touch()
    said = {"SCRIPT": capsys.readouterr().out, "LINE": line, "WORDS": words, "TYPED": typed}

    answer = subprocess.run(
        ["bash", "--norc", "-c", PRESS_TAB], env={**os.environ, **said}, cwd=tmp_path, capture_output=True, text=True
    )

    assert answer.stdout.splitlines() == expected
    assert answer.stderr == ""


@pytest.mark.skipif(shutil.which("zsh") is None, reason="there is no zsh here")
@pytest.mark.parametrize(
    ("line", "typed", "expected"),
    [
        ("runflow-widgets run runflow/tag", "runflow/tag", ["runflow/tag-removal"]),
        ("runflow-widgets run runflow/tag-removal --set config.aspect_ratio=4:3", "config.aspect_ratio=4:3", None),
        ("runflow-widgets run runflow/tag-removal --set im", "im", ["image_url="]),
        ("runflow-widgets run runflow/x --image ph", "ph", ["files"]),
    ],
)
def test_zsh_completes_a_line(line, typed, expected, command_at_hand, capsys):
    main(["completion", "zsh"])
    said = {"SCRIPT": capsys.readouterr().out, "LINE": line, "TYPED": typed}

    answer = subprocess.run(
        ["zsh", "-f", "-c", PRESS_TAB_IN_ZSH], env={**os.environ, **said}, capture_output=True, text=True
    )

    assert answer.stdout.splitlines() == (expected or [typed])
    assert answer.stderr == ""


@pytest.mark.skipif(shutil.which("fish") is None, reason="there is no fish here")
def test_fish_completes_a_line(command_at_hand):
    line = "runflow-widgets run runflow/product-isolation --set resolution="
    code = f"runflow-widgets completion fish | source; complete -C '{line}'"

    answer = subprocess.run(["fish", "--no-config", "-c", code], capture_output=True, text=True)

    assert answer.stdout.split() == ["resolution=1K", "resolution=2K", "resolution=4K"]
