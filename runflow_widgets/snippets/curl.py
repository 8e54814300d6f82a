"""The code of a run for a shell, with curl: files travel inside the body, which the service takes up to 50 MiB each.

An upload in three steps would carry more at once, but reading its answers in a shell takes more lines than all of
this. Every line but the last ends in `&&`, so that nothing is sent when a file is missing. Remarks come first and hold
no sign that an interactive zsh, which knows no remarks, could stumble over.
"""

from __future__ import annotations

import json
import re
import shlex
from typing import Any, Final

from ..client.key import KEY_VARIABLE
from .layout import json_text, laid_out
from .request import Request
from .variables import File, Place, Variables

_ZSH: Final = """
argv cdpath commands fpath functions mailpath manpath options path pipestatus prompt psvar signals status watch words
"""


def written(request: Request) -> str:
    """Code for any POSIX shell; it prints the run that was created."""
    # zsh keeps some small names for itself; the folder is ours.
    variables = Variables({*_ZSH.split(), "folder"}, keep_names=False)
    remarks, settings, packed = _zip(request, variables)
    body = {**packed, **{name: variables.placed(name, value) for name, value in request.body.items()}}
    for variable, file in variables.files.items():
        remarks += [f"# Of {variable} only the file name is on record. Say where it lies."] if file.recorded else []
        settings.append(f"{variable}={_data_uri(file.mime_type, shlex.quote(_path(file)))}")
    for variable, held in variables.missing.items():
        what = "a file whose name no text can hold" if isinstance(held, File) else f"{held.name} in the notebook"
        remarks.append(f"# As {variable} give the address of what is {what}.")
        settings.append(f'{variable}="https://…"')
    post = [
        f"curl -X POST {shlex.quote(request.url)} \\",
        f'  -H "Authorization: Bearer ${KEY_VARIABLE}" \\',
        '  -H "Content-Type: application/json" \\',
        "  --data-binary @-",
    ]
    if settings:
        # Unquoted, the mark lets the variables in. The line breaks go because base64 makes some, and JSON needs none.
        post[0] = f"tr -d '\\n' <<JSON | {post[0]}"
    else:
        post[-1] += " <<'JSON'"
    body_text = _json({"input": body}, fills=bool(settings))
    return "\n".join([*remarks, *(f"{line} &&" for line in settings), *post, body_text, "JSON", ""])


def _json(value: Any, *, fills: bool) -> str:
    def text(plain: str) -> str:
        return re.sub(r"[\\$`]", lambda found: "\\" + found[0], json_text(plain)) if fills else json_text(plain)

    def leaf(entry: Any, _: int) -> str:
        if isinstance(entry, Place):
            return f'"${{{entry.variable}}}"'
        return text(entry) if isinstance(entry, str) else json.dumps(entry)

    return laid_out(value, leaf, key=text)


def _zip(request: Request, variables: Variables) -> tuple[list[str], list[str], dict[str, Any]]:
    """The remark and the lines that pack what the model only takes in a zip, and the inputs that tell of it."""
    if not request.packed:
        return [], [], {}
    zip_url = variables.free("zip_url")
    inputs = {"zip_url": Place(zip_url), **{part.field: part.name for part in request.packed}}
    names = [part.name for part in request.packed]
    if not request.can_pack:
        remark = f"# As {zip_url} give the address of one zip with {' and '.join(names)} in it."
        return [remark], [f'{zip_url}="https://…"'], inputs
    archive = _data_uri("application/zip", '"$folder/inputs.zip"')
    settings = [
        "folder=$(mktemp -d)",
        *(f'cp {shlex.quote(_path(part.value))} "$folder/{part.name}"' for part in request.packed),
        f'(cd "$folder" && zip -q inputs.zip {" ".join(names)})',
        f"{zip_url}={archive}",
        'rm -r "$folder"',
    ]
    return ["# The model takes the pictures in one zip."], settings, inputs


def _data_uri(mime_type: str, path: str) -> str:
    return f'"data:{mime_type};base64,$(base64 < {path})"'


def _path(file: File) -> str:
    # A name that begins with a dash would be taken for an option.
    return f"./{file.address}" if file.address.startswith("-") else file.address
