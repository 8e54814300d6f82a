"""The tutorials, and which of them are run in a browser each time; the others are when pictures are wanted of them."""

from __future__ import annotations

import os
from pathlib import Path

TUTORIALS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))
_ALWAYS = ("01_first_run", "05_studio", "09_many_images")
IN_A_BROWSER = [path for path in TUTORIALS if path.stem in _ALWAYS or os.environ.get("RUNFLOW_TEST_PICTURES")]
IN_A_KERNEL = [path for path in TUTORIALS if path not in IN_A_BROWSER]
