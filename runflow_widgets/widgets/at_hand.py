"""Pictures that are at hand: in the notebook's variables, among the latest results, on disk."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ..history import Runs
from ..images.kinds import IMAGE_ENDINGS
from ..result import Output

_MOST: Final = 30


def in_the_notebook(variables: Mapping[str, Any] | None = None) -> list[tuple[str, str, Any]]:
    """Name, description and value of every variable that holds a picture; those of the user only."""
    if variables is None:
        variables = _user_variables()
    found = []
    for name, value in list(variables.items()):
        if name.startswith("_") or name in ("In", "Out"):
            continue
        if says := _described(value):
            found.append((name, says, value))
    return sorted(found)[:_MOST]


def _user_variables() -> Mapping[str, Any]:
    # Outside of IPython there are no cells, and no variables of theirs.
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell.user_ns if shell is not None else {}


def _described(value: Any) -> str:
    """What kind of picture a value is; empty if it is none."""
    pillow = sys.modules.get("PIL.Image")
    if pillow is not None and isinstance(value, pillow.Image):
        return f"picture, {value.width} × {value.height}"
    if isinstance(value, Output):
        return f"result {value.name}" if value.kind == "image" else ""
    if hasattr(value, "__array_interface__") and hasattr(value, "dtype"):
        shape = value.shape
        looks = len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 2, 3, 4))
        return f"array, {shape[1]} × {shape[0]}" if looks and min(shape[:2]) >= 8 else ""
    outputs = getattr(value, "outputs", None)
    if outputs and all(isinstance(output, Output) for output in outputs):
        return f"run of {value.model}"
    return ""


def latest_results(most: int = 12) -> list[tuple[Output, str]]:
    """The newest pictures that runs have made and that still lie on disk, with a description."""
    results: list[tuple[Output, str]] = []
    for entry in Runs()(limit=40):
        for path in map(Path, entry.files):
            if path.suffix[1:].lower() in IMAGE_ENDINGS and path.is_file() and len(results) < most:
                when = entry.created_at.astimezone().strftime("%d %b %H:%M") if entry.created_at else ""
                results.append((Output.at(path), f"{path.name} · {entry.model} · {when}"))
    return results


def paths_like(text: str) -> list[str]:
    """Folders and pictures whose path begins with a text, as it was typed."""
    expanded = os.path.expanduser(text)  # noqa: PTH111  # a Path would drop the last slash, which tells a folder
    folder, start = os.path.split(expanded)
    try:
        entries = sorted(Path(folder or ".").iterdir())
    except OSError:
        return []
    typed = text[: len(text) - len(start)]
    fitting = [
        typed + entry.name + ("/" if entry.is_dir() else "")
        for entry in entries
        if entry.name.lower().startswith(start.lower()) and (start.startswith(".") or not entry.name.startswith("."))
        if entry.is_dir() or entry.suffix[1:].lower() in IMAGE_ENDINGS
    ]
    return fitting[:_MOST]
