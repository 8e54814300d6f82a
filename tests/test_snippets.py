"""Code that runs as it stands: Python against the service in the kernel, curl and Node.js against a served one."""

from __future__ import annotations

import ast
import base64
import enum
import inspect
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import runflow_widgets as rf
from runflow_widgets.client import Client
from runflow_widgets.errors import InputError
from runflow_widgets.snippets import LANGUAGES, Named, chained, python, snippet, step_name

HERE = "https://api.runflow.io"
KEY = "rf_live_snippet_0001"
FILE = 'file:my shirt\'s "best".png#sha256=' + "0" * 64
TAGS, OBJECTS, ISOLATION, CUTOUT = (
    "runflow/tag-removal",
    "runflow/object-removal",
    "runflow/product-isolation",
    "bria/background/remove",
)
NASTY = [
    'it\'s $5 `now` \\ "quoted" ü',
    "JSON",
    "first\nJSON\nlast\r\n",
    "$HOME ${HOME} $(echo no) `echo no` $((1+1)) !! %s \\$ \\` \\\\ \\n",
    "${image_url} \\u0000image_url\\u0000 \0image_url\0",
    "'; echo no; '",
    "</script> */ // # ${process.env.HOME} `${1}`",
    "\u2028 \u2029 \x85 \x1b[31m \u202eright to left\u202c \ufeff \U000e0001 👩‍👧 ﷽ 日本",
    "half a sign: \ud83d",
    "\t leading and trailing \t",
    "",
]
NASTY_INPUT = {
    **{f"text {number}": text for number, text in enumerate(NASTY)},
    "nested": {text: [text, {"deep": [text, 1, -0.5, 1e300, True, False, None, [], {}]}] for text in NASTY},
    "__proto__": {"__proto__": "an entry like any other", "constructor": 1},
}


@pytest.fixture
def pictures(tmp_path):
    """A photo and a mask for it, small enough to be worked on in a moment."""
    sizes = {"picnic": "picnic.jpg", "picnic_mask": "mask.png"}
    for sample, name in sizes.items():
        rf.samples.load(sample).resize((160, 120)).save(tmp_path / name)
    return {TAGS: {"image_url": tmp_path / "picnic.jpg", "config": {"aspect_ratio": "1:1"}},
            OBJECTS: {"image": tmp_path / "picnic.jpg", "mask": tmp_path / "mask.png"},
            ISOLATION: {"image_url": tmp_path / "picnic.jpg", "aspect_ratio": "1:1", "resolution": "1K"},
            CUTOUT: {"image_url": tmp_path / "picnic.jpg"}}  # fmt: skip


# ---------------------------------------------------------------------- in every language


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_key_is_ever_in_the_code(language, monkeypatch):
    monkeypatch.setenv("RUNFLOW_API_KEY", KEY)

    code = snippet(language, "a/b", {"image_url": FILE, "prompt": NASTY[0]}, base_url="https://s.example")

    assert "rf_live" not in code
    assert language.startswith("python") or "RUNFLOW_API_KEY" in code


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_code_cannot_say_is_refused_by_its_field(language):
    for value in (float("nan"), object(), {"picture": Image.new("L", (2, 2))}):
        with pytest.raises(InputError, match="spell that out") as refusal:
            snippet(language, "a/b", {"odd": value}, base_url=HERE)
        assert refusal.value.field == "odd"


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_input_of_none_is_left_out(language):
    assert "seed" not in snippet(language, "a/b", {"seed": None, "prompt": "x"}, base_url=HERE)


def test_an_unknown_language_names_the_known_ones():
    with pytest.raises(InputError, match="curl"):
        snippet("cobol", "a/b", {}, base_url=HERE)


@pytest.mark.parametrize("name", ["", "a b", "1a", "class", 'x"; import os'])
def test_a_variable_has_a_name_that_can_be_one(name):
    with pytest.raises(InputError, match="name of a variable"):
        Named(name)


# ---------------------------------------------------------------------- Python


def call_in(code):
    """What the code gives to `rf.run`: the model's id and the inputs."""
    calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    call = next(node for node in calls if isinstance(node.func, ast.Attribute) and node.func.attr == "run")
    inputs = ast.literal_eval(call.args[1]) if len(call.args) > 1 else {}
    return ast.literal_eval(call.args[0]), inputs | {one.arg: ast.literal_eval(one.value) for one in call.keywords}


ANY_TEXT = st.text(st.characters(exclude_categories=()))
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(ANY_TEXT, st.text(" \n\t'\"\\ab", min_size=80))
def test_any_text_is_the_same_text_in_the_python(text, long_text):
    code = snippet("python", "a/b", {"prompt": text, "long": long_text}, base_url=HERE)

    assert call_in(code) == ("a/b", {"prompt": text, "long": long_text})


@given(st.dictionaries(ANY_TEXT, ANY_JSON, max_size=4))
def test_any_json_is_the_same_in_the_python(inputs):
    inputs = {name: value for name, value in inputs.items() if not str(value).startswith("file:")}

    code = snippet("python", "a/b", inputs, base_url=HERE)

    assert call_in(code) == ("a/b", {name: value for name, value in inputs.items() if value is not None})


def test_a_long_prompt_has_a_line_for_each_of_its_own_and_none_is_too_long():
    prompt = "A mug on a table, lit from the left. " * 6 + "\nNo text, no people.\n"

    code = snippet("python", "a/b", {"prompt": prompt}, base_url=HERE)

    assert call_in(code)[1] == {"prompt": prompt}
    assert '        "No text, no people.\\n"\n' in code
    assert max(map(len, code.splitlines())) <= 100


def test_inputs_that_cannot_be_keywords_are_an_object():
    odd = {"Aux Reference 1": "a", "class": "b", "timeout_s": 3, "ﬁle": 1}

    for name, value in odd.items():
        assert call_in(snippet("python", "a/b", {name: value}, base_url=HERE))[1] == {name: value}
    assert set(inspect.getfullargspec(rf.run).kwonlyargs) == python.OPTIONS


def test_numbers_and_texts_of_other_classes_are_plain():
    class Colour(enum.StrEnum):
        RED = "red"

    inputs = {"scale": np.float64(0.5), "colour": Colour.RED, "level": enum.IntEnum("Level", "LOW").LOW}

    assert call_in(snippet("python", "a/b", inputs, base_url=HERE))[1] == {"scale": 0.5, "colour": "red", "level": 1}


def test_variables_of_the_notebook_keep_their_names_and_ours_give_way():
    inputs = {"image_url": Path("a.png"), "mask_url": Named("image_url"), "more": [Named("run"), Named("Path")]}

    code = snippet("python-await", "a/b", {**inputs, "rf": Named("rf")}, base_url=HERE)

    assert 'image_url_2 = path("a.png")' in code
    assert "# image_url, run, Path and rf are variables of the notebook." in code
    assert "from pathlib import Path as path" in code
    assert "run_2 = rf_2.run(" in code
    assert "more=[run, Path]," in code


def test_where_the_service_is_elsewhere_the_python_connects_to_it():
    assert "connect" not in snippet("python", "a/b", {}, base_url=HERE)
    assert 'rf.connect(base_url="https://s.example")' in snippet("python", "a/b", {}, base_url="https://s.example/")


@pytest.mark.parametrize("language", ["python", "python-await"])
def test_of_a_file_on_record_the_name_is_all_there_is_and_it_leads_nowhere(language):
    code = snippet(language, "a/b", {"image_url": FILE, "mask_url": FILE.replace("my", "../..\\")}, base_url=HERE)

    assert "image_url = Path('my shirt\\'s \"best\".png')  # only its name is on record" in code
    assert ".." not in code


@pytest.mark.slow
@pytest.mark.parametrize("model", [TAGS, OBJECTS, ISOLATION, CUTOUT])
def test_the_python_of_a_seed_model_runs_as_a_script(model, pictures, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(snippet("python", model, pictures[model], base_url=HERE), encoding="utf-8")

    printed = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True).stdout

    assert printed.startswith("(Output(")
    assert "image/" in printed


@pytest.mark.slow
def test_the_python_of_the_seed_models_runs_in_a_cell(pictures):
    cells = [snippet("python-await", model, inputs, base_url=HERE) for model, inputs in pictures.items()]
    named = {"image": Named("photo"), "mask": pictures[OBJECTS]["mask"]}
    cells.append(f"from PIL import Image\nphoto = Image.open({str(pictures[OBJECTS]['image'])!r})\n")
    cells.append(snippet("python-await", OBJECTS, named, base_url=HERE))

    answer = subprocess.run(
        [sys.executable, "-m", "IPython", "--no-banner", "-c", "\n".join(cells)],
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )

    assert answer.stdout.count("(Output(") == 5, answer.stdout + answer.stderr


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


# ---------------------------------------------------------------------- curl and JavaScript, whatever is in the values

SHELLS = [shell for shell in ("sh", "bash", "dash", "zsh") if shutil.which(shell)]
#: Shows what curl would be given: its address and its body.
FAKE_CURL = 'curl() { printf "%s\\n" "$3"; cat; printf "\\036"; }\n'


def bodies_of_shell(shell, codes, folder):
    """What each of the codes would send, all of them run by one shell."""
    script = folder / "script.sh"
    script.write_text(FAKE_CURL + "\n".join(codes), encoding="utf-8")
    environment = {**os.environ, "RUNFLOW_API_KEY": "k"}
    answer = subprocess.run([shell, str(script)], cwd=folder, env=environment, capture_output=True, check=True)
    assert answer.stderr == b""
    sent = [part.partition(b"\n") for part in answer.stdout.split(b"\x1e")[:-1]]
    assert {address for address, _, _ in sent} <= {f"{HERE}/v1/models/a/b/runs".encode()}
    return [json.loads(body)["input"] for _, _, body in sent]


def bodies_of_node(codes, folder):
    """What each of the codes would send, all of them run by one Node.js, in an order of its own."""
    for number, code in enumerate(codes):
        (folder / f"code{number}.mjs").write_text(code, encoding="utf-8")
    imports = "".join(f"await import('./code{number}.mjs');\n" for number in range(len(codes)))
    script = folder / "all.mjs"
    script.write_text(
        "globalThis.fetch = async (url, { body, headers }) => "
        "({ json: async () => JSON.stringify({ url, body, auth: headers.Authorization }) });\n" + imports,
        encoding="utf-8",
    )
    environment = {**os.environ, "RUNFLOW_API_KEY": "k"}
    answer = subprocess.run(["node", script.name], cwd=folder, env=environment, capture_output=True, check=True)
    sent = [json.loads(line) for line in answer.stdout.decode().split("\n")[:-1]]
    assert {(one["url"], one["auth"]) for one in sent} == {(f"{HERE}/v1/models/a/b/runs", "Bearer k")}
    return [json.loads(one["body"])["input"] for one in sent]


def uri(data, kind="image/png"):
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


@pytest.mark.parametrize("shell", SHELLS)
def test_the_shell_sends_exactly_the_input_whatever_is_in_it(shell, tmp_path):
    photo = tmp_path / "photo.png"
    photo.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 3)
    plain = snippet("curl", "a/b", NASTY_INPUT, base_url=HERE)
    filled = snippet("curl", "a/b", {**NASTY_INPUT, "image_url": photo}, base_url=HERE)

    sent = bodies_of_shell(shell, [plain, filled], tmp_path)

    assert sent == [NASTY_INPUT, {**NASTY_INPUT, "image_url": uri(photo.read_bytes())}]


def test_javascript_sends_exactly_the_input_whatever_is_in_it(tmp_path):
    photo = tmp_path / "photo.png"
    photo.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 3)
    plain = snippet("javascript", "a/b", NASTY_INPUT, base_url=HERE)
    filled = snippet("javascript", "a/b", {**NASTY_INPUT, "image_url": photo}, base_url=HERE)

    sent = bodies_of_node([plain, filled], tmp_path)

    assert sent == [NASTY_INPUT, {**NASTY_INPUT, "image_url": uri(photo.read_bytes())}]


def test_a_file_may_have_any_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = ['it\'s "1" $HOME `x` ü\n\\.png', "-n", " a  b ", "JSON", "$(echo no).jpg", "'; echo no; '", "#1.webp"]
    for name in names:
        Path(name).write_bytes(b"\x89PNG\r\n\x1a\n" + name.encode())
    inputs = {"files": [Path(name) for name in names], "path": Path("JSON"), "class": {"argv": tmp_path / "-n"}}
    wanted = {
        "files": [uri(Path(name).read_bytes()) for name in names],
        "path": uri(Path("JSON").read_bytes()),
        "class": {"argv": uri(Path("-n").read_bytes())},
    }

    for shell in SHELLS:
        assert bodies_of_shell(shell, [snippet("curl", "a/b", inputs, base_url=HERE)], tmp_path) == [wanted]
    assert bodies_of_node([snippet("javascript", "a/b", inputs, base_url=HERE)], tmp_path) == [wanted]
    made = {}
    exec(snippet("python", "a/b", inputs, base_url=HERE).partition("run = ")[0], made)
    assert [made[f"files_{number}"] for number in range(1, len(names) + 1)] == inputs["files"]


def test_what_is_not_on_this_machine_is_asked_for_by_its_address(tmp_path):
    inputs = {"image_urls": [Named("photo"), Path("a\udcff.png"), Named("photo")], "zip_url": "https://x.example/z.zip"}
    wanted = {"image_urls": ["https://…"] * 3, "zip_url": "https://x.example/z.zip"}

    curl, javascript = (snippet(language, "a/b", inputs, base_url=HERE) for language in ("curl", "javascript"))

    assert "# As photo give the address of what is photo in the notebook." in curl
    assert curl.count("https://…") == 2
    assert bodies_of_shell("sh", [curl], tmp_path) == [wanted]
    assert bodies_of_node([javascript], tmp_path) == [wanted]


def test_nothing_is_sent_when_a_file_is_missing(tmp_path):
    inputs = {"image_url": FILE, "mask_url": tmp_path / "gone.png"}
    script = FAKE_CURL + snippet("curl", "a/b", inputs, base_url=HERE)

    answer = subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert answer.stdout == ""
    assert 'my shirt\'s "best".png' in answer.stderr


# ---------------------------------------------------------------------- curl and JavaScript, against a service


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with rf.serve(key=KEY, folder=tmp_path_factory.mktemp("served")) as server:
        yield server


def program(language):
    """The program that runs such code; where it is missing the test fails, for nothing else would tell."""
    name = {"curl": "curl", "javascript": "node"}[language]
    assert shutil.which(name), f"{name} is needed to run the code in {language}"
    return ["sh"] if language == "curl" else ["node", "--input-type=module"]


@pytest.mark.slow
@pytest.mark.parametrize("language", ["curl", "javascript"])
@pytest.mark.parametrize("model", [TAGS, OBJECTS, ISOLATION, CUTOUT])
async def test_the_code_of_a_seed_model_makes_its_run(language, model, pictures, server):
    spec = rf.model(model)
    code = snippet(language, spec, pictures[model], base_url=server.url)

    answer = subprocess.run(
        program(language),
        input=code,
        env={**os.environ, "RUNFLOW_API_KEY": KEY},
        capture_output=True,
        text=True,
        check=True,
    )
    async with Client(KEY, base_url=server.url) as client:
        run_id = (await client.list_runs(limit=1)).items[0]["id"]
        state = [state async for state in client.follow(run_id)][-1]
        there = await arrived(state.input, client)

    assert run_id in answer.stdout
    assert state.status == "succeeded"
    assert there == wanted(pictures[model])


async def arrived(inputs, client):
    """A run's inputs with the bytes of the files that came with it."""
    there = dict(inputs)
    for name in inputs.keys() & {"image_url", "zip_url"}:
        asset = await client.get_asset(inputs[name].removeprefix("runflow://assets/"))
        there[name] = httpx.get(asset.url).content
    if "zip_url" in there:
        with zipfile.ZipFile(io.BytesIO(there.pop("zip_url"))) as archive:
            return {name: archive.read(value) for name, value in there.items()}
    return there


def wanted(inputs):
    """What of these inputs should arrive."""
    names = {"image": "file_input", "mask": "file_mask"}
    return {
        names.get(name, name): value.read_bytes() if isinstance(value, Path) else value
        for name, value in inputs.items()
    }


def test_runs_that_follow_on_one_another_are_one_piece_of_code(tmp_path):
    mug, mask = tmp_path / "mug.jpg", tmp_path / "mask.png"
    steps = [
        ("runflow/tag-removal", {"image_url": mug, "config": {"aspect_ratio": "1:1"}}),
        ("runflow/object-removal", {"image": Named(step_name(1)), "mask": mask}),
    ]

    code = chained(steps)

    assert code.count("import runflow_widgets as rf") == 1
    assert f"image_url = Path({str(mug)!r})".replace("'", '"') in code
    assert "image_url=image_url" in code
    assert "image=step_1, mask=mask" in code
    assert code.endswith("step_2.image\n")
    compile(code, "cell", "exec")
