"""The code of a run for Node.js 20, without packages: files travel inside the body, as they do with curl."""

from __future__ import annotations

import json
from typing import Any, Final

from ..client.key import KEY_VARIABLE
from .layout import json_text, laid_out
from .request import Request
from .variables import File, Place, Variables

_LANGUAGE: Final = """
arguments await break case catch class const continue debugger default delete do else enum eval export extends false
finally for function if implements import in instanceof interface let new null package private protected public return
static super switch this throw true try typeof undefined var void while with yield
"""
_OURS: Final = frozenset({"console", "fetch", "folder", "process", "response"})


def written(request: Request) -> str:
    """A module for Node.js 20 or newer; it prints the run that was created."""
    variables = Variables({*_LANGUAGE.split(), *_OURS}, keep_names=False)
    imports, lines, packed = _zip(request, variables)
    body = {**packed, **{name: variables.placed(name, value) for name, value in request.body.items()}}
    if variables.files and not imports:
        imports = ['import { readFileSync } from "node:fs";']
    for variable, file in variables.files.items():
        remark = " // only its name is on record; say where it lies" if file.recorded else ""
        lines.append(f"const {variable} = {_data_uri(file.mime_type, json_text(file.address))};{remark}")
    for variable, held in variables.missing.items():
        what = "a file whose name no text can hold" if isinstance(held, File) else f"{held.name} in the notebook"
        lines.append(f'const {variable} = "https://…"; // {what}; give its address')
    written_body = laid_out({"input": body}, _leaf, key=_key, indent=2)
    return "\n".join(
        [
            *([*imports, ""] if imports else []),
            *lines,
            f"const response = await fetch({json_text(request.url)}, {{",
            '  method: "POST",',
            "  headers: {",
            f"    Authorization: `Bearer ${{process.env.{KEY_VARIABLE}}}`,",
            '    "Content-Type": "application/json",',
            "  },",
            f"  body: JSON.stringify({written_body}),",
            "});",
            "console.log(await response.json());",
            "",
        ]
    )


def _zip(request: Request, variables: Variables) -> tuple[list[str], list[str], dict[str, Any]]:
    """The imports and the lines that pack what the model only takes in a zip, and the inputs that tell of it."""
    if not request.packed:
        return [], [], {}
    zip_url = variables.free("zip_url")
    inputs = {"zip_url": Place(zip_url), **{part.field: part.name for part in request.packed}}
    names = [part.name for part in request.packed]
    if not request.can_pack:
        remark = f"// The model takes one zip with {' and '.join(names)} in it; pack it and give its address."
        return [], [remark, f'const {zip_url} = "https://…";'], inputs
    imports = [
        'import { execFileSync } from "node:child_process";',
        'import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";',
        'import { tmpdir } from "node:os";',
    ]
    archive = _data_uri("application/zip", "`${folder}/inputs.zip`")
    lines = [
        "// The model takes the pictures in one zip; the program zip packs them.",
        "const folder = mkdtempSync(`${tmpdir()}/runflow-`);",
        *(f"copyFileSync({json_text(part.value.address)}, `${{folder}}/{part.name}`);" for part in request.packed),
        f'execFileSync("zip", ["-q", "inputs.zip", {", ".join(map(json_text, names))}], {{ cwd: folder }});',
        f"const {zip_url} = {archive};",
        "rmSync(folder, { recursive: true });",
    ]
    return imports, lines, inputs


def _data_uri(mime_type: str, path: str) -> str:
    return f'`data:{mime_type};base64,${{readFileSync({path}, "base64")}}`'


def _leaf(value: Any, _: int) -> str:
    if isinstance(value, Place):
        return value.variable
    return json_text(value) if isinstance(value, str) else json.dumps(value)


def _key(name: str) -> str:
    # Written as it is, this one would name the object's ancestor instead of an entry.
    return '["__proto__"]' if name == "__proto__" else json_text(name)
