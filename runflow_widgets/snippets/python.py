"""The code of a run in Python, by `rf.run`: it packs, uploads and waits by itself."""

from __future__ import annotations

import keyword
import re
from typing import Any, Final

from ..wire import DEFAULT_BASE_URL
from .layout import laid_out
from .request import Request
from .variables import File, Place, Variables, names_in

_STEP: Final = 4
_WIDTH: Final = 88
#: Keywords of `rf.run` that are no inputs.
OPTIONS: Final = frozenset({"callback_url", "client_ref", "metadata", "session", "timeout_s", "within_budget"})


def blocking(request: Request) -> str:
    """Code for a script or a cell, which waits in its last lines."""
    return _written(request, "{run}.result()")


def awaiting(request: Request) -> str:
    """Code for a cell, which awaits."""
    return _written(request, "await {run}")


def _written(request: Request, wait: str) -> str:
    named = names_in(request.given)
    variables = Variables({*named, *keyword.kwlist, *keyword.softkwlist, "print"}, keep_names=True)
    # A variable of the notebook keeps its name, whatever it is; ours give way.
    rf, path, run = variables.free("rf"), variables.free("Path") if "Path" in named else "Path", variables.free("run")
    values = {name: variables.placed(name, value) for name, value in request.given.items()}
    lines = [f"from pathlib import Path{'' if path == 'Path' else f' as {path}'}", ""] if variables.files else []
    lines += [f"import runflow_widgets as {rf}", ""]
    if request.base_url != DEFAULT_BASE_URL:
        lines += [f"{rf}.connect(base_url={quoted(request.base_url)})", ""]
    lines += [file_line(variable, path, file) for variable, file in variables.files.items()]
    if variables.missing:
        lines.append(_remark(list(variables.missing)))
    lines += [""] if variables.files or variables.missing else []
    lines += [f"{run} = {rf}.run({arguments(request.model, values)})", wait.format(run=run), f"print({run}.outputs)"]
    return "\n".join([*lines, ""])


def file_line(variable: str, path: str, file: File) -> str:
    """The line that names a file of this machine."""
    line = f"{variable} = {path}({quoted(str(file.path))})"
    return f"{line}  # only its name is on record; say where it lies" if file.recorded else line


def _remark(names: list[str]) -> str:
    if len(names) == 1:
        return f"# {names[0]} is a variable of the notebook."
    return f"# {', '.join(names[:-1])} and {names[-1]} are variables of the notebook."


def arguments(model: str, values: dict[str, Any]) -> str:
    """What stands between the brackets of `rf.run`."""
    if not all(name.isascii() and name.isidentifier() and _is_input(name) for name in values):
        written = laid_out(values, _leaf, key=quoted, indent=_STEP, step=_STEP, last_comma=True)
        return f"\n    {quoted(model)},\n    {written},\n"
    entries = [
        f"{name}={laid_out(value, _leaf, key=quoted, indent=_STEP, step=_STEP, last_comma=True)}"
        for name, value in values.items()
    ]
    line = ", ".join([quoted(model), *entries])
    if "\n" not in line and len(line) <= _WIDTH:
        return line
    return "".join(f"\n    {entry}," for entry in [quoted(model), *entries]) + "\n"


def _is_input(name: str) -> bool:
    return not keyword.iskeyword(name) and name not in OPTIONS


def _leaf(value: Any, indent: int) -> str:
    if isinstance(value, Place):
        return value.variable
    if not isinstance(value, str):
        # A number may be of a class of its own, which writes itself with its name.
        return repr(float(value)) if isinstance(value, float) else repr(value)
    whole = quoted(value)
    if indent + len(whole) <= _WIDTH and r"\n" not in whole[:-3]:
        return whole
    pieces = _pieces(value, _WIDTH - indent - _STEP)
    if len(pieces) == 1:
        return whole
    inner = "".join(f"\n{' ' * (indent + _STEP)}{quoted(piece)}" for piece in pieces)
    return f"({inner}\n{' ' * indent})"


def _pieces(text: str, width: int) -> list[str]:
    """A long text in pieces that make it up again: broken after its own lines, else between words."""
    pieces = [""]
    for word in re.findall(r"\s*\S+[^\S\n]*\n*|\s+", text):
        if pieces[-1] and (pieces[-1].endswith("\n") or len(quoted(pieces[-1] + word)) > width):
            pieces.append("")
        pieces[-1] += word
    return pieces


def quoted(text: str) -> str:
    """A text as Python: in double quotes, unless it holds quotes itself."""
    plain = repr(text)
    return plain if "'" in text or '"' in text else f'"{plain[1:-1]}"'
