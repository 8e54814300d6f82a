"""A picture that says what it was made with: its settings are offered to the form it is dropped on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import RunflowError
from ..filling import values_from_picture
from ..wire import Json
from .form_core import FormCore


class FormSettings:
    """Looks into each picture that is chosen, and fills in what it was made with if a person wants that."""

    def __init__(self, core: FormCore) -> None:
        self._core = core
        self._seen: Any = None
        self._found: tuple[str, Json] | None = None
        core.on_change.append(self._look)
        core.head.on_msg(self._asked)

    def _look(self) -> None:
        photo = self._core.sheet.photo()
        if photo is self._seen:
            return
        self._seen = photo
        self._found = _settings_in(photo)
        self._core.head.offer = f"Use its settings ({self._found[0]})" if self._found else ""

    def _asked(self, _: object, content: dict[str, Any], __: object) -> None:
        if content.get("do") != "settings" or self._found is None:
            return
        core, (model, values) = self._core, self._found
        with core.lock:
            try:
                if model != core.spec.id:
                    core.change_model(model)
                core.take(values, "Filled in as the picture was made; what is not in it has to be chosen again.")
            except RunflowError as error:
                core.tell(str(error), failed=True)
            core.head.offer = ""


def _settings_in(photo: Any) -> tuple[str, Json] | None:
    if isinstance(photo, str):
        # An address would have to be fetched for it.
        photo = None if "://" in photo or photo.startswith("data:") else Path(photo).expanduser()
    read = getattr(photo, "read_bytes", None)
    try:
        data = photo if isinstance(photo, bytes) else read() if callable(read) else b""
    except (OSError, RunflowError):
        return None
    return values_from_picture(data) if data else None
