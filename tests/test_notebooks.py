"""Every tutorial runs from top to bottom, without a key and without a network."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))


@pytest.mark.slow
@pytest.mark.kernel
@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_a_tutorial_runs_from_top_to_bottom(path, tmp_path):
    notebook = nbformat.read(path, as_version=4)

    NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": tmp_path}}).execute()

    assert all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code")
    assert not [cell for cell in notebook.cells if cell.cell_type == "code" and not cell.source.strip()]


def test_there_is_a_first_tutorial():
    assert NOTEBOOKS[0].name == "01_first_run.ipynb"
