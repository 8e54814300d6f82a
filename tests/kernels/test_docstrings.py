"""Every example in a docstring is run, and gives what it says it gives."""

from __future__ import annotations

import ast
import asyncio
import doctest
import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path

import at_hand
import pytest
from changes import until
from lent import Lent

import runflow_widgets as rf
from runflow_widgets.engine.workers import WorkerPool
from runflow_widgets.errors import RunflowError
from runflow_widgets.portal import shared

pytestmark = pytest.mark.slow

PACKAGE = Path(rf.__file__).parent
#: What has to be there before an example begins; by the name that the docstring belongs to.
BEFORE = {
    "Answers": "spec = rf.model('runflow/product-isolation')",
    "Compare": """
run = rf.run("runflow/object-removal", image=photo, mask=mask).result(60)
before, after = photo, run.image
""",
    "Keeper": """
import numpy as np
from runflow_widgets.painting.sheet import Sheet
photo = np.asarray(photo.resize((640, 480)))
sheet = Sheet((640, 480))
""",
    "ModelSpec": "from runflow_widgets.catalogue import Catalogue",
    "ModelTable": "from runflow_widgets.catalogue import Catalogue",
    "Named": "from runflow_widgets.snippets import snippet\nfrom runflow_widgets.wire import DEFAULT_BASE_URL",
    "Output": """
square = {"aspect_ratio": "1:1", "resolution": "1K"}
run = rf.run("runflow/product-isolation", image=small["perfume"], **square).result(60)
""",
    "TagNet": "import numpy as np\nphoto = np.asarray(photo)",
    "chained": "from runflow_widgets.snippets import Named, step_name",
    "compare": "run = run_1 = run_2 = rf.run('runflow/object-removal', image=photo, mask=mask).result(60)",
    "kept_file": "from PIL import Image",
    "measure": "import numpy as np\nphoto = np.asarray(photo)",
    "select": """
import numpy as np
from runflow_widgets.painting.sheet import Sheet
photo = np.asarray(photo.resize((640, 480)))
sheet = Sheet((640, 480))
""",
    "settings_of": """
run = rf.run("runflow/tag-removal", image=photo).result(60)
run.save(".")[0].rename("tag-removal-01.png")
""",
    "verify_callback": """
import hashlib, hmac, os
os.environ["RUNFLOW_CALLBACK_SECRET"] = secret
class request:
    body = b"{}"
    headers = {"Runflow-Signature": hmac.new(secret.encode(), b"{}", hashlib.sha256).hexdigest()}
""",
}
#: What a person does between two lines of an example.
BETWEEN = {
    "form.runs[-1].image": """
if "picker" in globals():
    picker.value = rf.model("runflow/tag-removal")
    form = picker.form
    form.value = {"image_url": photo}
else:
    form.value = {**form.value, "resolution": "1K"}
form.run().result(60)
""",
    "gallery.value.image": "gallery.choose(rf.run('bria/background/remove', image=photo).result(60).key)",
    "image=field.value": "field.value = photo",
    "image=pad.image": "pad.draw_stroke([(60, 60), (90, 80)])",
    "keeper.restore": """
from runflow_widgets.painting.spans import stroke
other = Sheet((640, 480))
other.paint(stroke([(60, 60, 40), (400, 80, 40)], (640, 480)))
keeper.save(other)
""",
    "studio.image": "studio.form.run().result(60)\nuntil(studio.bar, lambda: len(studio.versions) == 2)",
}
#: What cannot go well without the network or the service; it must end in a sentence of ours.
OUTSIDE = ("rf.fetch_weights(", "rf.connect(models=", "async with Client(")
PLACES = {"rf_live_…": "rf_live_0123456789", "whsec_…": "whsec_README", "https://…/": "https://example.test/"}


#: What changes Python itself, and is run in one of its own.
APART = {"nest"}


def examples():
    """Every docstring with an example: its module, its name, the lines and what they give."""
    for path in sorted(PACKAGE.rglob("*.py")):
        module = ".".join(["runflow_widgets", *path.relative_to(PACKAGE).with_suffix("").parts])
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                text = ast.get_docstring(node) or ""
                lines = doctest.DocTestParser().get_examples(text)
                if lines and getattr(node, "name", "") not in APART:
                    yield pytest.param(
                        module.removesuffix(".__init__"), getattr(node, "name", ""), lines,
                        id=f"{path.relative_to(PACKAGE)}:{getattr(node, 'name', '')}",
                    )  # fmt: skip


@pytest.fixture(scope="module")
def warm():
    pool = WorkerPool(2)
    yield pool
    shared().call(pool.close())


@pytest.fixture(autouse=True)
def settings_go_into_pictures():
    yield
    rf.settings_in_pictures(True)


def run(code, names):
    """Run a statement that may await; gives the value of an expression."""
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    try:
        compiled = compile(code, "example", "eval", flags)
    except SyntaxError:
        compiled = compile(code, "example", "exec", flags)
    found = eval(compiled, names)
    return asyncio.run(found) if inspect.iscoroutine(found) else found


def fits(found, wanted):
    """Whether a value is what the docstring says; three dots stand for anything."""
    pattern = ".*".join(re.escape(part) for part in wanted.strip().split("…"))
    return re.fullmatch(pattern, repr(found), re.DOTALL) is not None


@pytest.mark.parametrize(("module", "name", "lines"), list(examples()))
def test_an_example_gives_what_it_says(module, name, lines, warm, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for variable, value in at_hand.ENVIRONMENT.items():
        monkeypatch.setenv(variable, value)
    at_hand.lay_out()
    rf.connect(embedded=True, workers=Lent(warm))
    home = importlib.import_module(module)
    names = {
        "rf": rf,
        "Path": Path,
        "until": until,
        **{n: getattr(at_hand, n) for n in ("photo", "mask", "secret", "small")},
    }
    names = {**vars(home), **names}
    exec(BEFORE.get(name, ""), names)
    for line in lines:
        code = line.source
        for place, value in PLACES.items():
            code = code.replace(place, value)
        for start, act in BETWEEN.items():
            if start in code:
                exec(act, names)
        if code.startswith(OUTSIDE):
            with pytest.raises(RunflowError):
                run(code, names)
            continue
        found = run(code, names)
        if line.want.strip():
            assert fits(found, line.want), f"{code.strip()} gave {found!r}"


def test_an_example_that_changes_python_itself():
    code = "import runflow_widgets as rf\nprint(repr(rf.nest()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    (wanted,) = [line.want for line in doctest.DocTestParser().get_examples(inspect.getdoc(rf.nest))]

    assert re.fullmatch(wanted.strip().replace("(", "\\(").replace(")", "\\)").replace("…", ".*"), done.stdout.strip())
