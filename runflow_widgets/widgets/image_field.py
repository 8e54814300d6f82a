"""A field that takes a picture from wherever it is: dropped, pasted, chosen, typed, filmed, or in the notebook."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import traitlets as t

from ..errors import InputError, RunflowError
from ..wire import MAX_UPLOAD_BYTES
from .at_hand import in_the_notebook, latest_results, paths_like
from .background import Background
from .own_widget import OwnWidget
from .picked import Arriving, Facts, PickedFile, look_at
from .sources import open_source

if TYPE_CHECKING:
    from PIL.Image import Image

_STATIC: Final = Path(__file__).parent / "static"


class ImageField(OwnWidget):
    """Choose a picture; `field.value` is what was chosen, as `rf.run` takes it, and `field.image` opens it.

    A file may be uploaded, dropped or pasted; a path or an address typed; a picture taken from a variable of the
    notebook, from a result of an earlier run, or with the camera. What is no picture is refused with a sentence, and
    the value stays what it was.

    Example:
        >>> field = rf.ImageField(label="Photo")
        >>> field
        >>> run = rf.run("runflow/tag-removal", image=field.value)
    """

    _esm = _STATIC / "image_field.js"
    _css = _STATIC / "image_field.css"

    label = t.Unicode("Picture").tag(sync=True)
    """What the field is called."""
    facts = t.Unicode().tag(sync=True)
    """What was chosen: name, size, kind; empty if nothing was."""
    thumb = t.Bytes(b"").tag(sync=True)
    """A small picture of it, as WebP."""
    error = t.Unicode().tag(sync=True)
    """Why the last choice was refused; empty if it was not."""
    busy = t.Unicode().tag(sync=True)
    """What takes a while just now."""
    limit_bytes = t.Int(MAX_UPLOAD_BYTES).tag(sync=True)
    """The largest file that is taken, in bytes."""
    disabled = t.Bool(default_value=False).tag(sync=True)
    """Whether nothing can be chosen for now."""
    takes = t.Enum(("image", "file"), "image").tag(sync=True)
    """What may be chosen: pictures, or any file."""

    several = t.Bool(default_value=False).tag(sync=True)
    """Whether files that are brought together are all taken; those after the first are handed to `on_more`."""

    value = t.Any(None, allow_none=True)
    """What was chosen: a path, an address, a `PickedFile`, or the very object of the notebook; None if nothing was."""

    def __init__(self, value: object = None, *, label: str = "Picture", **options: Any) -> None:
        self._lock = threading.RLock()
        self._arriving: dict[str, Arriving] = {}
        #: The last one that was taken, refused or given up.
        self._over = ""
        self._holding = False
        #: The notebook's variable that the value was taken from; empty if it was none.
        self.variable = ""
        #: Told each further file of several.
        self.on_more: Callable[[PickedFile], None] | None = None
        self._background = Background(self._say_busy, self._refuse)
        super().__init__(label=label, **options)
        self.on_msg(self._asked)
        self.value = value

    @property
    def image(self) -> Image | None:
        """The choice as a Pillow picture; None if nothing is chosen."""
        return None if self.value is None else open_source(self.value)[0]

    def clear(self) -> None:
        """Choose nothing."""
        self.value = None

    def hold(self, value: object) -> None:
        """Take a value as it is, and look at it in the background; where it is no picture, that is said only."""
        with self._lock:
            self._holding = True
            try:
                self.value = value
            finally:
                self._holding = False
        if value is not None:
            self._tell(Facts("…"))
            self._background.quietly(lambda: self._look(value))

    def _look(self, value: object) -> None:
        try:
            facts = look_at(value, self.limit_bytes, self.takes)
        except RunflowError as error:
            facts, sentence = Facts(str(value)[:120] if isinstance(value, str | Path) else "?"), str(error)
        else:
            sentence = ""
        if self.value is value:
            self._tell(facts, sentence)

    @t.validate("value")
    def _checked(self, proposal: Any) -> Any:
        value = proposal["value"]
        self.variable = ""
        if isinstance(value, str | bytes) and not value:
            return None
        if not self._holding:
            self._tell(look_at(value, self.limit_bytes, self.takes))
        return value

    @t.observe("value")
    def _emptied(self, change: Any) -> None:
        # None is not validated.
        if change["new"] is None:
            self._tell(Facts())

    # ------------------------------------------------------------------ the page

    def _asked(self, _: object, content: dict[str, Any], buffers: Sequence[Any]) -> None:
        action: Callable[..., None] | None = getattr(self, f"_do_{content.get('do')}", None)
        if action is None:
            return
        try:
            with self._lock:
                action(content, buffers)
        except RunflowError as error:
            self._refuse(str(error))

    # The messages of a page may overtake one another: JupyterLab moves a widget's to another thread while they come.

    def _do_begin(self, content: dict[str, Any], _: Sequence[Any]) -> None:
        identity = str(content["id"])
        if identity in self._arriving or identity == self._over:
            return
        name, size = str(content["name"])[:200], int(content["size"])
        # A file that was given up half way leaves its parts behind otherwise.
        self._arriving.clear()
        more = content.get("more") is True
        try:
            self._arriving[identity] = Arriving(name, size, self.limit_bytes, more=more)
        except RunflowError:
            self._over = identity
            raise
        self.busy = f"Uploading {name}…"

    def _do_chunk(self, content: dict[str, Any], buffers: Sequence[Any]) -> None:
        identity = str(content["id"])
        if "size" in content:
            self._do_begin(content, ())
        arriving = self._arriving.get(identity)
        if arriving is None:
            return
        at = content.get("at")
        arriving.add(bytes(buffers[0]), None if at is None else int(at))
        self.send({"kind": "got", "id": identity, "bytes": arriving.received})
        if arriving.is_whole:
            del self._arriving[identity]
            self._over = identity
            self.busy = ""
            if not arriving.more:
                self.value = arriving.file()
            elif self.on_more is not None:
                self.on_more(arriving.file())

    def _do_stop(self, content: dict[str, Any], _: Sequence[Any]) -> None:
        self._over = str(content["id"])
        self._arriving.pop(self._over, None)
        self.busy = ""

    def _do_text(self, content: dict[str, Any], _: Sequence[Any]) -> None:
        text = str(content["text"]).strip().strip("\"'")
        if text.startswith(("http://", "https://")):
            self._background.do(f"Looking at {text[:80]}…", lambda: setattr(self, "value", text))
        elif text:
            self.value = text

    def _do_complete(self, content: dict[str, Any], _: Sequence[Any]) -> None:
        text = str(content["text"])
        self.send({"kind": "paths", "text": text, "paths": paths_like(text)})

    def _do_offer(self, _: dict[str, Any], __: Sequence[Any]) -> None:
        names = [[name, says] for name, says, _ in in_the_notebook()]
        results = [[str(output.path), says] for output, says in latest_results()]
        self.send({"kind": "offer", "names": names, "results": results})

    def _do_name(self, content: dict[str, Any], _: Sequence[Any]) -> None:
        wanted = str(content["name"])
        for name, _says, value in in_the_notebook():
            if name == wanted:
                self.value, self.variable = value, name
                return
        raise InputError(f"The notebook has no picture called {wanted} any more.")

    def _do_result(self, content: dict[str, Any], _: Sequence[Any]) -> None:
        wanted = str(content["path"])
        for output, _says in latest_results():
            if str(output.path) == wanted:
                self.value = output
                return
        raise InputError(f"The result {wanted} is no longer there.")

    def _do_clear(self, _: dict[str, Any], __: Sequence[Any]) -> None:
        self.clear()

    # ------------------------------------------------------------------ inside

    def _tell(self, facts: Facts, error: str = "") -> None:
        with self.hold_sync():
            self.facts, self.thumb, self.error = facts.text, facts.thumb, error

    def _refuse(self, sentence: str) -> None:
        with self.hold_sync():
            self.error, self.busy = sentence, ""

    def _say_busy(self, sentence: str) -> None:
        self.busy = sentence

    def close(self) -> None:
        """Close the field; its value stays."""
        # Also called for a field that was never finished, because its value was no picture.
        background: Background | None = self.__dict__.get("_background")
        if background is not None:
            background.close()
        super().close()

    def __repr__(self) -> str:
        return f"ImageField({self.label}: {self.facts or 'empty'})"
