"""The form of the package: its names, its changelog, its weight."""

from __future__ import annotations

import ast
import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import traitlets

import runflow_widgets as rf

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "runflow_widgets"
HEAVY = ("PIL", "numpy", "cv2", "ipycanvas", "starlette", "httpx", "ipywidgets", "anywidget")


def test_the_public_names_are_sorted_and_all_of_them_exist():
    assert rf.__all__ == sorted(rf.__all__)
    assert [name for name in rf.__all__ if getattr(rf, name, None) is None] == []


def test_every_name_that_can_be_resolved_is_public():
    assert sorted(rf._HOMES) == sorted(rf.__all__)


def test_a_name_that_does_not_exist_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        rf.nonsense  # noqa: B018


def test_no_public_function_is_hidden_by_a_module_of_its_name():
    modules = {path.stem for path in PACKAGE.iterdir()}

    assert {name for name in rf.__all__ if name in modules} == {"callbacks", "errors", "samples"}


def test_every_public_name_is_in_the_readme():
    text = (ROOT / "README.md").read_text(encoding="utf-8")

    missing = [name for name in rf.__all__ if not re.search(rf"`(rf\.)?{name}\b", text)]

    assert missing == []


def test_the_newest_entry_of_the_changelog_is_this_version():
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)

    assert headings[0] == rf.__version__


def test_the_version_is_written_down_once_more_only_in_the_project_file():
    assert f'version = "{rf.__version__}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_importing_the_package_loads_nothing_heavy():
    code = f"import sys, runflow_widgets; print([name for name in {HEAVY!r} if name in sys.modules])"

    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert answer.stdout.strip() == "[]"


def test_listing_the_models_loads_no_pictures_and_no_service():
    code = (
        "import sys, runflow_widgets as rf; rf.models('mask'); rf.model('runflow/tag-removal');"
        "print([name for name in ('PIL', 'numpy', 'cv2', 'ipycanvas', 'starlette') if name in sys.modules])"
    )

    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert answer.stdout.strip() == "[]"


WIDGETS = {
    "compare": "Compare",
    "form_bar": "FormBar",
    "form_head": "FormHead",
    "gallery": "Gallery",
    "image_field": "ImageField",
    "mask_ink": "MaskInk",
    "model_list": "ModelList",
    "run_panel": "RunPanel",
    "run_table": "RunTable",
    "studio_bar": "StudioBar",
}


def test_every_widget_has_its_script_its_style_and_its_test():
    stems = {path.stem for path in (PACKAGE / "widgets" / "static").iterdir()}

    assert stems == set(WIDGETS)
    for stem in stems:
        assert (PACKAGE / "widgets" / f"{stem}.py").exists()
        assert (PACKAGE / "widgets" / "static" / f"{stem}.css").exists()
        assert (ROOT / "tests" / "js" / f"{stem}.test.js").exists()


@pytest.mark.parametrize(("stem", "name"), WIDGETS.items())
def test_the_model_in_javascript_names_exactly_the_synced_traits(stem, name):
    widget = getattr(importlib.import_module(f"runflow_widgets.widgets.{stem}"), name)
    base = widget.__mro__[1]
    traits = {
        trait
        for trait, kind in widget.class_traits(sync=True).items()
        if not trait.startswith("_") and trait not in base.class_traits() and isinstance(kind, traitlets.TraitType)
    }
    script = (PACKAGE / "widgets" / "static" / f"{stem}.js").read_text(encoding="utf-8")
    typedef = re.search(r"@typedef \{\{([^{}]*)\}\} Model", script)

    named = set(re.findall(r"\*\s+(\w+):", typedef[1]))

    assert named == traits


#: Whatever would have a page fetch something; what the kernel sends comes as bytes.
ASKS = r"^\s*import\b|\bimport\(|https?://|[\"'`]//\w|\bfetch\(|XMLHttpRequest|WebSocket|EventSource|sendBeacon|importScripts"
STYLE_ASKS = r"https?://|@import|\burl\((?![\"']?data:)"


def test_a_browser_module_imports_nothing_and_asks_nobody():
    for path in (PACKAGE / "widgets" / "static").glob("*.js"):
        found = re.search(ASKS, path.read_text(encoding="utf-8"), re.MULTILINE)
        assert found is None, f"{path.name}: {found[0]}"


def test_a_stylesheet_brings_all_it_shows():
    for path in (PACKAGE / "widgets" / "static").glob("*.css"):
        found = re.search(STYLE_ASKS, path.read_text(encoding="utf-8"))
        assert found is None, f"{path.name}: {found[0]}"


@pytest.mark.parametrize(
    ("rule", "line"),
    [
        (ASKS, 'import { zoom } from "./zoom.js";'),
        (ASKS, 'const d3 = await import("d3");'),
        (ASKS, 'image.src = "//pictures.test/a.png";'),
        (ASKS, 'const answer = await fetch("/v1/runs");'),
        (STYLE_ASKS, '@import "fonts.css";'),
        (STYLE_ASKS, "background: url(paper.png);"),
    ],
)
def test_these_rules_find_what_they_are_for(rule, line):
    assert re.search(rule, line, re.MULTILINE)


@pytest.mark.parametrize(("stem", "name"), WIDGETS.items())
def test_what_a_widget_shows_comes_out_of_the_kernel_and_from_no_address(stem, name):
    widget = getattr(importlib.import_module(f"runflow_widgets.widgets.{stem}"), name)

    for sent, suffix in ((widget._esm, "js"), (widget._css, "css")):
        assert str(sent) == (PACKAGE / "widgets" / "static" / f"{stem}.{suffix}").read_text(encoding="utf-8")


def test_no_file_is_longer_than_a_reader_can_bear():
    lengths = {
        path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in PACKAGE.rglob("*.py")
    }

    assert {name: lines for name, lines in lengths.items() if lines > 400} == {}


def test_every_module_says_what_it_is_for():
    silent = [
        path.relative_to(ROOT).as_posix()
        for path in PACKAGE.rglob("*.py")
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]

    assert silent == []


def test_no_notebook_stores_outputs():
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        assert all(not cell.get("outputs") and cell.get("execution_count") is None for cell in cells), path.name
        assert len(cells) <= 12, path.name


def test_the_constraints_are_exact_and_name_no_address():
    lines = (ROOT / ".ci" / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]

    assert pins
    assert [line for line in pins if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", line)] == []
