"""What the browser tests look at."""

from __future__ import annotations

import os
from pathlib import Path


def keep_picture(notebook, name):
    """A screenshot for whoever wants to look: set RUNFLOW_TEST_PICTURES to a folder."""
    if folder := os.environ.get("RUNFLOW_TEST_PICTURES"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        notebook.page.screenshot(path=Path(folder) / f"{name}.png")


def keep_page(picture, name):
    """The same for a picture that is no screenshot."""
    if folder := os.environ.get("RUNFLOW_TEST_PICTURES"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        picture.save(Path(folder) / f"{name}.png")
