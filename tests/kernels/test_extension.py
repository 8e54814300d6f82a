"""The IPython extension in a real kernel: loaded, asked, completed, unloaded."""

from __future__ import annotations

import pytest
from kernel_front import KernelFront

pytestmark = [pytest.mark.kernel, pytest.mark.slow]


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    with KernelFront(home=tmp_path_factory.mktemp("extension") / "home") as front:
        yield front


@pytest.fixture
def loaded(kernel):
    said = kernel.run("%load_ext runflow_widgets")
    assert "%unload_ext runflow_widgets takes it back" in said
    yield kernel
    kernel.run("%unload_ext runflow_widgets")


def completions(kernel, code):
    message_id = kernel.client.complete(code, len(code))
    while True:
        reply = kernel.client.get_shell_msg(timeout=30)
        if reply["parent_header"].get("msg_id") == message_id:
            return reply["content"]["matches"]


def test_the_status_says_where_runs_go_and_what_was_spent(loaded):
    loaded.run("import runflow_widgets as rf\nrf.connect(embedded=True)")

    said = loaded.run("print(repr(get_ipython().run_line_magic('runflow', '')))")

    assert "Embedded: runs are computed in this kernel" in said
    assert "Limit: no limit." in said
    assert "runs on record, $0" in said


def test_models_runs_and_the_budget_are_asked_for(loaded):
    ask = "print(repr(get_ipython().run_line_magic('runflow', {!r})))"

    assert "runflow/tag-removal" in loaded.run(ask.format("models tag removal"))
    assert "at most $2.00 per day" in loaded.run(ask.format("budget 2.00 day"))
    assert "no limit" in loaded.run(ask.format("budget off"))
    assert loaded.run(ask.format("runs nothing like this")).strip() == "No runs on record."
    reply = loaded.finish(loaded.start("%runflow nonsense"))
    assert reply["ename"] == "UsageError"
    assert "it knows status, models" in reply["evalue"]


def test_a_cell_runs_a_model_with_a_variable_of_the_notebook(loaded):
    loaded.run(
        "import runflow_widgets as rf\nrf.connect(embedded=True)\n"
        "mug = rf.samples.load('tagged_mug').resize((200, 160))"
    )

    loaded.run("%%runflow runflow/tag-removal --as cleaned\nimage_url = $mug\nconfig.aspect_ratio = 1:1\n")
    loaded.run("cleaned.result(60)")

    assert loaded.ask("[cleaned.model, cleaned.inputs['config']]") == ["runflow/tag-removal", {"aspect_ratio": "1:1"}]
    assert loaded.ask("cleaned.image.width == cleaned.image.height")


@pytest.mark.parametrize(
    ("cell", "sentence"),
    [
        ("%%runflow runflow/tag-removal\nimage_url = $nowhere", "no variable of that name"),
        ("%%runflow runflow/tag-removal\nimage_url", "Line 1 cannot be read"),
        ("%%runflow no/such\na = 1", "no model"),
        ("%%runflow\na = 1", "Usage"),
        ("%%runflow runflow/product-isolation\nimage_url = https://a.example/b.png", "is missing"),
    ],
)
def test_a_mistake_is_one_sentence_and_no_traceback(loaded, cell, sentence):
    reply = loaded.finish(loaded.start(cell))

    assert reply["ename"] == "UsageError"
    assert sentence in reply["evalue"]


def test_words_models_inputs_and_choices_are_completed(loaded):
    assert completions(loaded, "%runflow st") == ["status"]
    assert "runflow/tag-removal" in completions(loaded, "%%runflow runflow/ta")
    assert completions(loaded, "%%runflow runflow/tag-removal\nconf") == ["config.aspect_ratio"]
    assert completions(loaded, "%%runflow runflow/product-isolation\nresolution = 2") == ["2K"]


def test_pictures_show_their_size_and_mode(loaded):
    html = "get_ipython().display_formatter.format(picture)[0].get('text/html', '')"
    loaded.run("from PIL import Image\npicture = Image.new('RGBA', (640, 20))")

    assert "640 × 20 px · RGBA" in loaded.ask(html)


def test_unloading_takes_everything_back(kernel):
    kernel.run("%load_ext runflow_widgets")
    kernel.run(
        "from PIL import Image\npicture = Image.new('RGB', (64, 20))\nget_ipython().display_formatter.format(picture)"
    )

    kernel.run("%unload_ext runflow_widgets")

    assert kernel.finish(kernel.start("%runflow"))["ename"] == "UsageError"
    assert completions(kernel, "%%runflow runflow/ta") == []
    assert kernel.ask("'text/html' in get_ipython().display_formatter.format(picture)[0]") is False
