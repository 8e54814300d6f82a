"""The tutorials run from top to bottom, without a key and without a network; three of them do so in a browser."""

from __future__ import annotations

import nbformat
import pytest
from nbclient import NotebookClient
from tutorials import IN_A_KERNEL, TUTORIALS


@pytest.mark.slow
@pytest.mark.kernel
@pytest.mark.parametrize("path", IN_A_KERNEL, ids=[path.stem for path in IN_A_KERNEL])
def test_a_tutorial_runs_from_top_to_bottom(path, tmp_path, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    notebook = nbformat.read(path, as_version=4)

    NotebookClient(notebook, timeout=110, kernel_name="python3", resources={"metadata": {"path": tmp_path}}).execute()

    assert all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code")


@pytest.mark.parametrize("path", TUTORIALS, ids=[path.stem for path in TUTORIALS])
def test_a_tutorial_is_short_and_is_kept_without_what_it_made(path):
    cells = nbformat.read(path, as_version=4).cells

    assert cells[0].cell_type == "markdown"
    assert cells[0].source.startswith("# ")
    assert len(cells) <= 12
    assert not [cell for cell in cells if not cell.source.strip()]
    assert not [cell for cell in cells if cell.get("outputs") or cell.get("execution_count")]
