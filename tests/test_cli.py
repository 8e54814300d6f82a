from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest
from PIL import Image

from runflow_widgets.cli import main
from runflow_widgets.ledger import home


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


@pytest.mark.parametrize(
    ("option", "name"),
    [
        ("--requests-per-s", "requests_per_s"),
        ("--wrong-keys-per-min", "wrong_keys_per_min"),
        ("--patience-s", "patience_s"),
        ("--max-connections", "max_connections"),
    ],
)
def test_a_limit_of_the_server_is_checked_like_that_of_the_function(option, name, capsys):
    code = main(["serve", "--port", "0", option, "-3"])

    assert code == 1
    assert f"{name} is -3" in capsys.readouterr().err


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


# ---------------------------------------------------------------- models, runs and running one


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "mug.png"
    image = Image.linear_gradient("L").resize((90, 60)).convert("RGB")
    image.paste((190, 30, 40), (30, 15, 60, 45))
    image.save(path)
    return path


@pytest.mark.slow
def test_a_model_is_run_and_its_result_saved(photo, tmp_path, capsys):
    out = tmp_path / "out"

    code = main(["run", "bria/background/remove", "--image", str(photo), "--set", "sync_mode=false", "-o", str(out)])

    printed = capsys.readouterr()
    assert code == 0
    assert printed.out.split() == [str(path) for path in out.iterdir()]
    assert "Embedded" in printed.err
    assert "free: it runs here" in printed.err


@pytest.mark.slow
def test_the_outcome_and_the_record_are_told_as_json(photo, tmp_path, capsys):
    main(["run", "runflow/tag-removal", "--image", str(photo), "-o", str(tmp_path / "out"), "--json"])
    (told,) = json.loads(capsys.readouterr().out)
    main(["runs", "--json"])
    (listed,) = json.loads(capsys.readouterr().out)

    assert (told["status"], told["cost_usd"], told["error"]) == ("succeeded", "0.00", None)
    assert (listed["key"], listed["model"]) == (told["key"], "runflow/tag-removal")
    assert main(["resume", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["no/such", "--image", "a.png"], "no model"),
        (["runflow/tag-removal", "--image", "missing.png"], "no readable file"),
        (["runflow/tag-removal"], "is missing"),
        (["runflow/tag-removal", "--set", "config"], "a name and a value are needed"),
        (["runflow/tag-removal", "--image", "a.png", "--budget", "much"], "amount in US dollars"),
    ],
)
def test_a_mistake_is_one_sentence_and_nothing_is_run(arguments, sentence, capsys):
    code = main(["run", *arguments])

    assert code == 1
    assert sentence in capsys.readouterr().err
    assert not list(home().glob("outputs/**/*.*"))


def test_models_are_found_by_words_and_described_by_id(capsys):
    assert main(["models", "tag", "removal"]) == 0
    assert "runflow/tag-removal" in capsys.readouterr().out
    assert main(["models", "runflow/product-isolation", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [field["name"] for field in told["inputs"]] == ["image_url", "aspect_ratio", "resolution", "prompt"]
    assert main(["models", "nothing", "like", "this"]) == 1


def test_a_notebook_that_is_not_there_is_not_opened(capsys):
    assert main(["open", "nowhere.ipynb"]) == 1
    assert "no notebook" in capsys.readouterr().err


@pytest.mark.slow
def test_the_command_is_a_process_with_an_exit_code_of_its_own(photo, tmp_path):
    done = command("run", "bria/background/remove", "--image", str(photo), "-o", str(tmp_path / "out"))
    failed = command("run", "runflow/tag-removal", "--image", str(tmp_path))

    assert (done.returncode, done.stdout.strip()) == (0, str(tmp_path / "out" / "remove-01.png"))
    assert failed.returncode == 1
    assert "Traceback" not in failed.stderr
