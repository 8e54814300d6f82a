"""The present values of a form as text: code that runs, and JSON both ways."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from ..errors import InputError, RunflowError
from ..filling.kept import kept_file
from ..filling.pasted import as_json, from_json
from ..session import address_of
from ..snippets import Named, snippet
from .form_core import FormCore

_MOST_KEPT: Final = 16


class FormTexts:
    """Writes the code and the JSON of a form while somebody looks at them, and fills in JSON that was pasted."""

    def __init__(self, core: FormCore) -> None:
        self._core = core
        #: Pictures from memory with the files they are kept in: the code is written anew with every key that is typed.
        self._kept: list[tuple[Any, Path | str]] = []
        core.bar.observe(lambda _: self._look_anew(), ["panel", "language"])
        core.bar.on_msg(self._asked)
        core.on_refresh.append(self.tell)

    def _look_anew(self) -> None:
        # A picture may have been drawn on since.
        self._kept = []
        self.tell()

    def tell(self) -> None:
        """Write what is looked at anew."""
        bar = self._core.bar
        if bar.panel == "code":
            try:
                bar.code = self.code(bar.language)
            except RunflowError as error:
                bar.code = f"# {error}"
        elif bar.panel == "json":
            try:
                bar.json = as_json(self._with_files(self._core.answers.value))
            except InputError as error:
                bar.json_error = error.message

    def code(self, language: str) -> str:
        """The code of a run with the present values; files on disk and the notebook's pictures are variables."""
        base_url = address_of(self._core.session.service)
        values = {name: self._coded(value, language) for name, value in self._core.answers.value.items()}
        return snippet(language, self._core.spec, values, base_url=base_url)

    def _coded(self, value: Any, language: str) -> Any:
        if isinstance(value, list):
            return [self._coded(entry, language) for entry in value]
        if isinstance(value, dict | str | int | float | bool):
            return value
        # Outside of the notebook nobody knows its variables.
        if language.startswith("python") and (name := self._core.sheet.variable_of(value)):
            return Named(name)
        return self._file_of(value)

    def _file_of(self, value: Any) -> Path | str:
        known = next((kept for one, kept in self._kept if one is value), None)
        if known is None:
            known = kept_file(value)
            self._kept = [*self._kept, (value, known)][-_MOST_KEPT:]
        return known

    def _with_files(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._with_files(entry) for name, entry in value.items()}
        if isinstance(value, list):
            return [self._with_files(entry) for entry in value]
        return value if value is None or isinstance(value, str | int | float | bool) else self._file_of(value)

    def _asked(self, _: object, content: dict[str, Any], __: object) -> None:
        if content.get("do") != "fill":
            return
        try:
            values = from_json(str(content.get("text", "")))
        except InputError as error:
            self._core.bar.json_error = f"{error.message} {error.advice}".strip()
            return
        self._core.bar.json_error = ""
        self._core.take(values, "Filled in from JSON.")
