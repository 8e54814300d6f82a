"""Several runs as one piece of Python, each with what an earlier one made."""

from __future__ import annotations

import keyword
from collections.abc import Sequence
from typing import Any

from ..catalogue import ModelSpec
from ..wire import Json
from .python import arguments, file_line
from .variables import Variables, names_in, with_files

Step = tuple[ModelSpec | str, Json]


def step_name(number: int) -> str:
    """The variable of a step, counted from 1: the run that an input of a later step names."""
    return f"step_{number}"


def chained(steps: Sequence[Step]) -> str:
    """The code of runs that follow on one another.

    Example:
        >>> steps = [("a/b", {"image_url": Path("mug.jpg")}), ("c/d", {"image_url": Named(step_name(1))})]
        >>> print(chained(steps))

    Args:
        steps: Model and inputs of each run; a `Path` is a file of this machine, a `Named` a variable.
    """
    steps = [(model, with_files(inputs)) for model, inputs in steps]
    own = {step_name(number) for number in range(1, len(steps) + 1)}
    named = {name for _, inputs in steps for name in names_in(inputs)} - own
    variables = Variables({*own, *named, *keyword.kwlist, *keyword.softkwlist, "print", "rf", "Path"}, keep_names=True)
    calls = []
    for number, (model, inputs) in enumerate(steps, start=1):
        values: dict[str, Any] = {name: variables.placed(name, value) for name, value in inputs.items()}
        model_id = model if isinstance(model, str) else model.id
        calls.append(f"{step_name(number)} = rf.run({arguments(model_id, values)}).result()")
    files = [file_line(variable, "Path", file) for variable, file in variables.files.items()]
    lines = ["from pathlib import Path", ""] if files else []
    lines += ["import runflow_widgets as rf", "", *files, *([""] if files else []), *calls]
    return "\n".join([*lines, *([f"{step_name(len(steps))}.image"] if steps else []), ""])
