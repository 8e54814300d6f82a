"""The scripts that no test runs, since they take long or need what is not installed: they still fit together."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

HERE = Path(__file__).parent
#: Where scripts find what they import from one another.
NEIGHBOURS = ("", "benchmarks", "engine", "kernels", "soak", "training")
SCRIPTS = [path for folder in ("benchmarks", "soak", "training") for path in sorted((HERE / folder).rglob("*.py"))]


def defined_in(path):
    """The names that a module has at its top level."""
    names = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)}
    return names


def neighbour(script, module):
    places = [script.parent, *(HERE / name for name in NEIGHBOURS)]
    return next((place / f"{module}.py" for place in places if (place / f"{module}.py").is_file()), None)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: str(path.relative_to(HERE)))
def test_what_a_script_takes_from_its_neighbours_is_there(script):
    missing = [
        f"{node.module}.{alias.name}"
        for node in ast.walk(ast.parse(script.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module and not node.level
        for alias in node.names
        if (source := neighbour(script, node.module)) is not None and alias.name not in defined_in(source)
    ]

    assert missing == []


def test_every_kind_of_script_is_looked_at():
    folders = {path.relative_to(HERE).parts[0] for path in SCRIPTS}

    assert folders == {"benchmarks", "soak", "training"}
    assert len(SCRIPTS) > 25
