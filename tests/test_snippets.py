from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

import runflow_widgets as rf
from runflow_widgets.errors import InputError
from runflow_widgets.snippets import LANGUAGES, snippet

FILE = 'file:my shirt\'s "best".png#sha256=' + "0" * 64
INPUTS = {"image_url": FILE, "prompt": 'it\'s $5 `now` \\ "quoted" ü', "count": 2, "flag": True}


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_key_is_ever_in_the_code(language):
    code = snippet(language, "a/b", INPUTS, base_url="https://s.example")

    assert "rf_live" not in code
    assert language.startswith("python") or "RUNFLOW_API_KEY" in code


def test_an_unknown_language_names_the_known_ones():
    with pytest.raises(InputError, match="curl"):
        snippet("cobol", "a/b", {}, base_url="https://s.example")


@pytest.mark.parametrize("language", ["python", "python-await"])
def test_the_python_is_python_whatever_is_in_the_values(language):
    code = snippet(language, "a/b", INPUTS, base_url="https://s.example")

    compile(code, "snippet", "exec", flags=0x2000)  # with top-level await
    assert "image_url = Path(" in code


def shell(code, folder, **env):
    """Run the curl sample with a curl that only shows what it was given."""
    fake = folder / "curl"
    fake.write_text('#!/bin/sh\nprintf "%s\\n" "$3" >&2\ncat\n')
    fake.chmod(0o755)
    return subprocess.run(
        ["sh", "-c", code],
        env={"PATH": f"{folder}:{os.environ['PATH']}", "RUNFLOW_API_KEY": "k", **env},
        capture_output=True,
        text=True,
        check=True,
    )


def test_the_body_of_the_curl_sample_is_exactly_the_input(tmp_path):
    inputs = {name: value for name, value in INPUTS.items() if name != "image_url"}

    answer = shell(snippet("curl", "a/b", inputs, base_url="https://s.example"), tmp_path)

    assert json.loads(answer.stdout) == {"input": inputs}
    assert answer.stderr.strip() == "https://s.example/v1/models/a/b/runs"


def test_a_file_is_a_variable_in_the_curl_sample(tmp_path):
    code = snippet("curl", "a/b", INPUTS, base_url="https://s.example").replace(
        "https://…", "https://my.host/shirt.png"
    )

    answer = shell(code, tmp_path)

    assert json.loads(answer.stdout) == {"input": {**INPUTS, "image_url": "https://my.host/shirt.png"}}


def test_the_javascript_sends_exactly_the_input(tmp_path):
    code = snippet("javascript", "a/b", INPUTS, base_url="https://s.example")
    script = tmp_path / "sample.mjs"
    script.write_text(
        "globalThis.fetch = async (url, { body, headers }) => "
        "({ json: async () => JSON.stringify({ url, body: JSON.parse(body), auth: headers.Authorization }) });\n"
        + code,
        encoding="utf-8",
    )

    printed = subprocess.run(
        ["node", str(script)], env={**os.environ, "RUNFLOW_API_KEY": "k"}, capture_output=True, text=True, check=True
    ).stdout

    assert json.loads(printed) == {
        "url": "https://s.example/v1/models/a/b/runs",
        "body": {"input": {**INPUTS, "image_url": "https://…"}},
        "auth": "Bearer k",
    }


@pytest.mark.slow
def test_the_python_of_a_run_runs_as_it_stands(tmp_path):
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(rf.samples.path("perfume").read_bytes())
    rf.connect(embedded=True)
    run = rf.run("runflow/background-color", image_url=photo, color_red=1, color_green=2, color_blue=3).result(60)

    code = run.code("python")
    answer = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)

    assert "Output(" in answer.stdout
    assert "image/" in answer.stdout
