"""A run as code that can be copied: Python, curl, JavaScript. The key is always the environment variable."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from .client.key import KEY_VARIABLE
from .errors import InputError
from .wire import Json, model_path

LANGUAGES: Final = ("python", "python-await", "curl", "javascript")
_FILE: Final = re.compile(r"file:(?P<name>.*)#sha256=[0-9a-f]{64}")


def snippet(language: str, model: str, inputs: Mapping[str, Any], *, base_url: str) -> str:
    """The code of a run.

    Args:
        language: `python` (blocks), `python-await` (for a cell), `curl` or `javascript`.
        model: The model's id.
        inputs: As the ledger keeps them: a file stands there by its name and content, and becomes a variable here.
        base_url: Where the service is.
    """
    writers = {"python": _python, "python-await": _python_await, "curl": _curl, "javascript": _javascript}
    if language not in writers:
        raise InputError(f"There is no code in {language!r}; there is {', '.join(LANGUAGES)}.", field="language")
    values, files = _with_variables(inputs)
    return writers[language](model, values, files, base_url)


class _Variable(str):
    """A place where code names a variable instead of a text."""

    __slots__ = ()


def _with_variables(inputs: Mapping[str, Any]) -> tuple[Json, dict[str, str]]:
    files: dict[str, str] = {}

    def place(name: str, value: Any) -> Any:
        if isinstance(value, str) and (found := _FILE.fullmatch(value)):
            variable = re.sub(r"\W", "_", name)
            while variable in files:
                variable += "_"
            files[variable] = found["name"]
            return _Variable(variable)
        if isinstance(value, list):
            return [place(f"{name}_{index}", entry) for index, entry in enumerate(value, start=1)]
        return value

    return {name: place(name, value) for name, value in inputs.items()}, files


def _python_value(value: Any) -> str:
    if isinstance(value, _Variable):
        return str(value)
    if isinstance(value, list):
        return "[" + ", ".join(_python_value(entry) for entry in value) + "]"
    return repr(value)


def _python_call(model: str, values: Json, files: Mapping[str, str]) -> str:
    lines = ["from pathlib import Path", ""] if files else []
    lines += ["import runflow_widgets as rf", ""]
    lines += [f"{variable} = Path({name!r})" for variable, name in files.items()]
    entries = "".join(f"    {name!r}: {_python_value(value)},\n" for name, value in values.items())
    return "\n".join(lines) + f"\nrun = rf.run({model!r}, {{\n{entries}}})\n"


def _python(model: str, values: Json, files: Mapping[str, str], _base_url: str) -> str:
    return _python_call(model, values, files) + "run.result()\nprint(run.outputs)\n"


def _python_await(model: str, values: Json, files: Mapping[str, str], _base_url: str) -> str:
    return _python_call(model, values, files) + "await run\nprint(run.outputs)\n"


def _body(values: Json) -> tuple[str, list[str]]:
    """The request body as JSON with a marked place for each variable, and the variables."""
    variables: list[str] = []

    def mark(value: Any) -> Any:
        if isinstance(value, _Variable):
            variables.append(str(value))
            return f"\0{value}\0"
        return [mark(entry) for entry in value] if isinstance(value, list) else value

    marked = {name: mark(value) for name, value in values.items()}
    return json.dumps({"input": marked}, indent=2, ensure_ascii=False), variables


def _curl(model: str, values: Json, files: Mapping[str, str], base_url: str) -> str:
    body, variables = _body(values)
    lines = [f"# {name} must be reachable by the service: {files[name]}" for name in variables]
    lines += [f'{name.upper()}="https://…"' for name in variables]
    for name in variables:
        body = body.replace(f"\\u0000{name}\\u0000", "${" + name.upper() + "}")
    # An unquoted heredoc fills in the variables; without any, the quoted one keeps every character as it is.
    mark = "JSON" if variables else "'JSON'"
    if variables:
        body = re.sub(r"\$(?!\{)|`", lambda found: "\\" + found[0], body.replace("\\", "\\\\"))
    return "\n".join(
        [
            *lines,
            f"curl -X POST {base_url}{model_path(model, 'runs')} \\",
            f'  -H "Authorization: Bearer ${KEY_VARIABLE}" \\',
            '  -H "Content-Type: application/json" \\',
            f"  --data-binary @- <<{mark}",
            body,
            "JSON",
            "",
        ]
    )


def _javascript(model: str, values: Json, files: Mapping[str, str], base_url: str) -> str:
    body, variables = _body(values)
    for name in variables:
        body = body.replace(f'"\\u0000{name}\\u0000"', name)
    constants = "".join(
        f'const {name} = "https://…"; // {files[name]}, reachable by the service\n' for name in variables
    )
    return (
        f"{constants}"
        f'const response = await fetch("{base_url}{model_path(model, "runs")}", {{\n'
        '  method: "POST",\n'
        "  headers: {\n"
        f"    Authorization: `Bearer ${{process.env.{KEY_VARIABLE}}}`,\n"
        '    "Content-Type": "application/json",\n'
        "  },\n"
        f"  body: JSON.stringify({body}),\n"
        "});\n"
        "console.log(await response.json());\n"
    )
