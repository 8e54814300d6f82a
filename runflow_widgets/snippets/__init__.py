"""A run as code that can be copied: Python, curl, JavaScript. The key is always the environment variable."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from ..catalogue import ModelSpec
from ..errors import InputError
from . import curl, javascript, python
from .chain import chained, step_name
from .request import Request
from .variables import Named

__all__ = ["LANGUAGES", "Named", "chained", "snippet", "step_name"]

_WRITERS: Final[Mapping[str, Callable[[Request], str]]] = {
    "python": python.blocking,
    "python-await": python.awaiting,
    "curl": curl.written,
    "javascript": javascript.written,
}
LANGUAGES: Final = tuple(_WRITERS)


def snippet(language: str, model: str | ModelSpec, inputs: Mapping[str, Any], *, base_url: str) -> str:
    """The code of a run, which runs as it stands wherever its files and variables are.

    Example:
        >>> values = {"image_url": Path("mug.jpg")}
        >>> print(snippet("python", "bria/background/remove", values, base_url="https://api.runflow.io"))

    Args:
        language: `python` (blocks), `python-await` (for a cell), `curl`, or `javascript` (a module, for Node.js 20).
        model: The model or its id. Only the model itself tells for sure what `image=` and `mask=` stand for.
        inputs: JSON, in which a `Path` is a file on this machine and a `Named` is a variable of the notebook. What the
            ledger keeps of a file, its name and content, is understood too.
        base_url: Where the service is, for whoever runs the code.

    Raises:
        InputError: Code cannot say such a value, or there is no such language; `field` names it.
    """
    if language not in _WRITERS:
        raise InputError(f"There is no code in {language!r}; there is {', '.join(LANGUAGES)}.", field="language")
    return _WRITERS[language](Request.of(model, inputs, base_url))
